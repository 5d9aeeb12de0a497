#include "ingest/request/dry_run.h"

#include "ingest/request/answer.h"
#include "ingest/request/command.h"
#include "ingest/request/handler.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SCHEMA "urn:usher:params:scim:api:messages:2.0:DryRun"

/* A search is a POST, and only reads. */
static bool writes(const struct request *r) {
    const struct handler *h = r->handler;
    return strcmp(r->head.method, "GET") != 0 && strcmp(r->head.method, "HEAD") != 0 &&
           strcmp(r->head.method, "OPTIONS") != 0 && (h->on_read == NULL || h->on_reply != NULL);
}

/* Of what a key may do. (A token by OAuth is none.) */
static bool is_change(const struct request *r) {
    return r->route.row->access == ACCESS_SCIM || r->route.row->access == ACCESS_API;
}

static bool can_be_tried(const struct request *r) {
    return is_change(r) && (r->handler->on_reply != NULL || r->handler->on_units != NULL);
}

enum err_code dry_run_read(struct request *r, struct err *err) {
    const char *text = r->head.dry_run;
    bool asked = text != NULL && strcasecmp(text, "yes") == 0;
    r->dry = r->dry_quiet = false;
    if (!writes(r))
        return ERR_OK;
    if (text != NULL && !asked && strcasecmp(text, "no") != 0)
        return err_set(err, ERR_BAD_REQUEST, "Usher-Dry-Run is yes or no");
    bool by_key = r->verdict.kind == ADMIT_KEY && r->verdict.dry_run && is_change(r);
    if (!asked && !by_key)
        return ERR_OK;
    if (!can_be_tried(r))
        return err_set(
            err, ERR_NOT_IMPLEMENTED, "%s",
            asked ? "A dry run is of changes through SCIM or the Management API; here nothing is tried, and "
                    "nothing was changed"
                  : "This key is in dry-run mode: it only tries changes, and this cannot be tried");
    r->dry = true;
    r->dry_quiet = !asked && r->route.row->access == ACCESS_SCIM;
    r->head.prefer.respond_async = false; /* the answer is all that there is */
    return ERR_OK;
}

/* Whoever speaks SCIM knows a message by its schema. */
void dry_run_put(struct request *r, const char *tried) {
    struct jbuf *b = answer_begin(r, 200);
    jb_raw(b, "{");
    if (r->route.row->access == ACCESS_SCIM)
        jb_kraw(b, "schemas", "[\"" SCHEMA "\"]");
    jb_kbool(b, "dryRun", true);
    jb_kstr(b, "txn", r->txn.s);
    jb_raw(b, ",");
    jb_raw(b, tried + 1);
}

void dry_run_refuse(struct request *r, const json_t *error) {
    const char *code = json_string_value(json_object_get(error, "code"));
    const char *detail = json_string_value(json_object_get(error, "detail"));
    const char *path = json_string_value(json_object_get(error, "path"));
    char name[40];
    struct err err = {0};
    snprintf(name, sizeof name, "%s", code != NULL ? code : "");
    for (char *p = name; *p != '\0'; p++)
        *p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
    (void)err_set_path(&err, err_from_name(name), path != NULL ? path : "", "%s",
                       detail != NULL ? detail : "");
    answer_err(r, &err);
}

enum step dry_run_answer(struct request *r) {
    const char *tried = r->command->reply.dry;
    json_t *told = tried != NULL && tried[0] == '{' ? json_loads(tried, 0, NULL) : NULL;
    enum step next = STEP_ANSWERED;
    if (told == NULL)
        answer_error(r, ERR_INTERNAL, "The worker has not said what it has tried");
    else if (!r->dry_quiet)
        dry_run_put(r, tried);
    else if (json_is_true(json_object_get(told, "applies")))
        next = r->handler->on_reply(r);
    else
        dry_run_refuse(r, json_object_get(told, "error"));
    json_decref(told);
    return next;
}

void dry_run_answer_operation(struct request *o, const json_t *told) {
    if (!o->dry_quiet) {
        answer_no_content(o, 0);
        o->answer.status = 200; /* as of a change that is tried alone */
    } else if (json_is_true(json_object_get(told, "applies"))) {
        o->command->reply.version = json_integer_value(json_object_get(told, "version"));
        (void)o->handler->on_reply(o);
    } else {
        dry_run_refuse(o, json_object_get(told, "error"));
    }
}
