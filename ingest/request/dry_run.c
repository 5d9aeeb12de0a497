#include "ingest/request/dry_run.h"

#include "ingest/request/answer.h"
#include "ingest/request/command.h"
#include "ingest/request/handler.h"

#include <string.h>
#include <strings.h>

#define SCHEMA "urn:usher:params:scim:api:messages:2.0:DryRun"

static bool writes(const struct request *r) {
    return strcmp(r->head.method, "GET") != 0 && strcmp(r->head.method, "HEAD") != 0 &&
           strcmp(r->head.method, "OPTIONS") != 0;
}

enum err_code dry_run_read(struct request *r, struct err *err) {
    const char *text = r->head.dry_run;
    enum route_access access = r->route.row->access;
    r->dry = false;
    if (text == NULL || !writes(r) || strcasecmp(text, "no") == 0)
        return ERR_OK;
    if (strcasecmp(text, "yes") != 0)
        return err_set(err, ERR_BAD_REQUEST, "Usher-Dry-Run is yes or no");
    if ((access != ACCESS_SCIM && access != ACCESS_API) || r->handler->on_reply == NULL)
        return err_set(
            err, ERR_NOT_IMPLEMENTED,
            "A dry run is of one change through SCIM or the Management API; here nothing is tried, and "
            "nothing was changed");
    r->dry = true;
    r->head.prefer.respond_async = false; /* the answer is all that there is */
    return ERR_OK;
}

/* Whoever speaks SCIM knows a message by its schema. */
enum step dry_run_answer(struct request *r) {
    const char *tried = r->command->reply.dry;
    struct err err = {0};
    if (tried == NULL || tried[0] != '{') {
        (void)err_set(&err, ERR_INTERNAL, "The worker has not said what it has tried");
        answer_err(r, &err);
        return STEP_ANSWERED;
    }
    struct jbuf *b = answer_begin(r, 200);
    r->answer.dry = true;
    jb_raw(b, "{");
    if (r->route.row->access == ACCESS_SCIM)
        jb_kraw(b, "schemas", "[\"" SCHEMA "\"]");
    jb_kbool(b, "dryRun", true);
    jb_kstr(b, "txn", r->txn.s);
    jb_raw(b, ",");
    jb_raw(b, tried + 1);
    return STEP_ANSWERED;
}
