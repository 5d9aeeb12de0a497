/* Exports of the audit. First a command says so, and when that is on record the export begins. */
#include "ingest/api/admin.h"
#include "ingest/gate/exports.h"
#include "ingest/ingest.h"
#include "ingest/request/answer.h"
#include "ingest/request/handle.h"
#include "schemas/text/jsonx.h"
#include "sql/ask/audit_export.h"

#include <string.h>

/* A misspelled parameter would take everything along, so it is refused. */
static enum err_code read_one(struct request *r, struct audit_export *e, const struct query_param *p,
                              struct err *err) {
    if (strcmp(p->name, "format") == 0) {
        return audit_format_parse(p->value, &e->format)
                   ? ERR_OK
                   : err_set_path(err, ERR_INVALID_VALUE, "format", "format is ndjson, csv or ocsf");
    }
    if (strcmp(p->name, "seats") == 0) {
        e->without_seats = strcmp(p->value, "false") == 0;
        return e->without_seats || strcmp(p->value, "true") == 0
                   ? ERR_OK
                   : err_set_path(err, ERR_INVALID_VALUE, "seats", "seats is true or false");
    }
    enum err_code code = audit_filter_set(&e->filter, p->name, p->value, r->arena, err);
    return code == ERR_NOT_FOUND ? err_set_path(err, ERR_INVALID_VALUE, p->name,
                                                "There is no parameter \"%.100s\" here", p->name)
                                 : code;
}

static enum err_code read_all(struct request *r, struct audit_export *e, json_t *asked, struct err *err) {
    jsonx_put(asked, "format", json_string("ndjson"));
    for (size_t i = 0; i < r->query.n; i++) {
        const struct query_param *p = &r->query.params[i];
        if (read_one(r, e, p, err) != ERR_OK)
            return err->code;
        jsonx_put(asked, p->name, json_string(p->value));
    }
    return ERR_OK;
}

static enum step export_begin(struct request *r) {
    struct audit_export asked_for = {.workspace = r->verdict.workspace.s}, *what;
    struct err err = {0};
    json_t *asked = json_object();
    enum err_code code = read_all(r, &asked_for, asked, &err);
    bool head = strcmp(r->head.method, "HEAD") == 0;
    if (code == ERR_OK && !head)
        code = exports_open(r->in->exports, r, &what, &err);
    if (code != ERR_OK || head)
        json_decref(asked);
    if (code != ERR_OK)
        return handle_refuse(r, &err);
    if (head) { /* nothing is taken along */
        answer_plain(r, 200, audit_format_type(asked_for.format));
        return STEP_ANSWERED;
    }
    *what = asked_for;
    r->work = what;
    r->resource_id = r->verdict.workspace;
    return admin_publish(r, COMMAND_AUDIT_EXPORT, asked);
}

static enum step export_on_reply(struct request *r) {
    struct audit_export *what = r->work;
    static const char *const ends[AUDIT_FORMATS] = {"ndjson", "csv", "ocsf.ndjson"};
    answer_plain(r, 200, audit_format_type(what->format));
    r->answer.stream = exports_stream(what);
    r->answer.disposition =
        arena_printf(r->arena, "attachment; filename=\"audit-%s.%s\"", what->workspace, ends[what->format]);
    return STEP_ANSWERED;
}

const struct handler admin_audit_export = {.begin = export_begin, .on_reply = export_on_reply};
