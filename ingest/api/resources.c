#include "ingest/api/resources.h"

#include "ingest/api/handlers.h"
#include "ingest/api/managed.h"
#include "ingest/request/answer.h"
#include "ingest/request/command.h"
#include "ingest/request/content.h"
#include "ingest/request/handle.h"
#include "ingest/scim/list.h"
#include "ingest/scim/read.h"
#include "ingest/scim/write.h"
#include "schemas/api/api_resource.h"
#include "schemas/types/discovery.h"
#include "sql/ask/read.h"

#include <string.h>
#include <strings.h>

#define LIMIT_DEFAULT 100

/* ---- bodies ---- */

static enum err_code fixed_patch(struct request *r, const json_t **body, struct err *err) {
    json_t *patch = json_loads(r->route.row->patch, 0, NULL);
    if (patch == NULL)
        return err_set(err, ERR_INTERNAL, "a route's own patch");
    content_keep(r, patch);
    *body = patch;
    return ERR_OK;
}

enum err_code api_write_body(struct request *r, const json_t **body, struct err *err) {
    json_t *given = NULL, *scim = NULL;
    if (r->route.row->patch != NULL)
        return fixed_patch(r, body, err);
    if (content_parse(r, &given, err) != ERR_OK)
        return err->code;
    enum err_code code = r->route.method == HTTP_PATCH ? api_merge_to_patch(r->route.rt, given, &scim, err)
                                                       : api_body_to_scim(r->route.rt, given, &scim, err);
    content_keep(r, scim);
    *body = scim;
    return code;
}

/* ---- lists ---- */

/* Parameters that look for resources without a filter. */
static const struct {
    const char *name, *path;
    bool users, truth;
} lookups[] = {
    {"userName", "userName", true, false},  {"externalId", "externalId", false, false},
    {"email", "emails.value", true, false}, {"displayName", "displayName", false, false},
    {"active", "active", true, true},
};

static enum err_code add_lookups(const struct request *r, struct jbuf *filter, struct err *err) {
    for (size_t i = 0; i < sizeof lookups / sizeof *lookups; i++) {
        const char *value = query_get(&r->query, lookups[i].name);
        if (value == NULL || (lookups[i].users && r->route.rt->kind != RESOURCE_USER))
            continue;
        if (filter->n > 0)
            jb_raw(filter, " and ");
        jb_printf(filter, "%s eq ", lookups[i].path);
        if (!lookups[i].truth)
            jb_str(filter, value);
        else if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
            jb_raw(filter, value);
        else
            return err_set_path(err, ERR_INVALID_VALUE, lookups[i].name, "%s is true or false",
                                lookups[i].name);
    }
    return ERR_OK;
}

/* *out NULL: no filter. */
static enum err_code filter_of(const struct request *r, const char **out, struct err *err) {
    const char *given = query_get(&r->query, "filter");
    const struct filter *alone;
    struct jbuf filter = {0};
    *out = NULL;
    if (given != NULL && filter_parse(r->route.rt, r->verdict.dialect, given, strlen(given), r->arena, &alone,
                                      err) != ERR_OK) /* alone, before it is combined with other conditions */
        return err->code;
    if (given != NULL)
        jb_printf(&filter, "(%s)", given);
    enum err_code code = add_lookups(r, &filter, err);
    *out = filter.n > 0 ? arena_strdup(r->arena, filter.p) : NULL;
    jb_free(&filter);
    return code;
}

/* Makes a list of SCIM out of the query; r->query itself stays as it came, for the record. `filter` is that
 * of SCIM. The look-ups (userName, externalId, email, displayName, active) are combined with "and". */
static enum err_code prepare_list(struct request *r, struct err *err) {
    const char *filter, *cursor = query_get(&r->query, "cursor");
    struct query given = r->query;
    struct query_param asked[2] = {{"cursor", cursor != NULL ? cursor : ""}};
    int64_t limit;
    if (query_int(&given, "limit", LIMIT_DEFAULT, &limit, err) != ERR_OK)
        return err->code;
    if (limit < 1 || limit > PAGE_MAX)
        return err_set_path(err, ERR_INVALID_VALUE, "limit", "limit is 1 to %d", PAGE_MAX);
    if (filter_of(r, &filter, err) != ERR_OK)
        return err->code;
    asked[1] = (struct query_param){"filter", filter};
    r->query = (struct query){asked, filter != NULL ? 2 : 1};
    enum err_code code = list_prepare(r, err);
    r->query = given;
    r->read->count = (int)limit;
    r->read->known_total = 0; /* the total is not shown */
    return code;
}

void api_list_answer(struct request *r) {
    struct jbuf *b = answer_begin(r, 200);
    jb_raw(b, "{\"items\":[");
    for (size_t i = 0; i < r->read->nrows; i++) {
        jb_sep(b);
        api_put_resource(r, &r->read->rows[i]);
    }
    jb_raw(b, "]");
    jb_kstr(b, "next", list_next(r));
    jb_raw(b, "}");
}

/* ---- resources ---- */

void api_put_resource(struct request *r, const struct resource_row *row) {
    const enum resource_kind kind = r->route.rt->kind;
    struct api_facts facts = {row->managed, row->seat};
    api_render(r->route.rt, row, kind == RESOURCE_USER || kind == RESOURCE_ROOM ? &facts : NULL,
               &r->answer.body);
}

char *api_location(const struct request *r, const char *id) {
    return arena_printf(r->arena, "%s/%s/%s", r->base, r->route.rt->kind == RESOURCE_USER ? "users" : "rooms",
                        id);
}

/* ---- steps ---- */

static enum step api_list_begin(struct request *r) {
    struct err err = {0};
    return prepare_list(r, &err) == ERR_OK ? STEP_READ : handle_refuse(r, &err);
}

/* A user or a room is read again, because the answer also shows `managed` and `seat`, which the document does
 * not have. Of a room that was only tried there is nothing else than the document. */
static enum step api_write_on_reply(struct request *r) {
    if (r->route.method == HTTP_DELETE) {
        answer_no_content(r, 0);
    } else if (r->command->reply.doc != NULL && r->dry && r->route.rt->kind == RESOURCE_ROOM) {
        write_show_document(r, r->command->reply.doc);
    } else {
        read_resource(r);
        return STEP_READ;
    }
    return STEP_ANSWERED;
}

static enum step api_write_begin(struct request *r) {
    struct err err = {0};
    if (!managed_is_asked(r))
        return write_begin(r);
    if (read_target(r, &err) != ERR_OK)
        return handle_refuse(r, &err);
    bool user = r->route.rt->kind == RESOURCE_USER;
    return managed_ask(r, user ? r->resource_id.s : NULL, user ? NULL : r->resource_id.s);
}

static enum step api_write_on_rows(struct request *r) {
    struct err err = {0};
    return managed_judge(r, true, &err) == ERR_OK ? write_begin(r) : handle_refuse(r, &err);
}

const struct handler api_read = {.begin = read_begin, .on_read = read_on_read};
const struct handler api_list = {.begin = api_list_begin, .on_read = read_on_read};
const struct handler api_write = {.begin = api_write_begin,
                                  .on_rows = api_write_on_rows,
                                  .on_read = write_on_read,
                                  .on_reply = api_write_on_reply,
                                  .forgets = true};
