#include "ingest/request/handle.h"

#include "ingest/request/answer.h"
#include "ingest/request/command.h"
#include "ingest/request/dry_run.h"

#include <stdlib.h>
#include <string.h>

static enum step options_begin(struct request *r) {
    answer_options(r);
    return STEP_ANSWERED;
}

const struct handler options_handler = {.begin = options_begin};

enum step handle_refuse(struct request *r, const struct err *err) {
    answer_err(r, err);
    return STEP_ANSWERED;
}

enum step handle_rows(struct request *r, enum err_code code) {
    struct err err = {.code = code};
    if (code == ERR_OK)
        return r->handler->on_rows(r);
    /* The command was applied, but the result cannot be read now. The client can ask for the operation by its
     * txn. */
    if (request_is_published(r))
        (void)err_set(&err, ERR_OUTCOME_UNKNOWN, "It was done, but cannot be shown now; ask for txn %s",
                      r->txn.s);
    return handle_refuse(r, &err);
}

enum step handle_reply(struct request *r) {
    const struct reply *reply = &r->command->reply;
    if (reply->doc != NULL)
        arena_defer(r->arena, free, reply->doc);
    if (reply->dry != NULL)
        arena_defer(r->arena, free, reply->dry);
    /* The id differs where the command was applied before, or where a create has taken over an account. */
    if (uuid_is_set(&reply->id))
        r->resource_id = reply->id;
    if (r->dry && reply->code == ERR_OK)
        return dry_run_answer(r);
    if (reply->code == ERR_OK)
        return r->handler->on_reply(r);
    struct err refusal = {.code = reply->code};
    memcpy(refusal.detail, reply->detail, sizeof refusal.detail);
    memcpy(refusal.path, reply->path, sizeof refusal.path);
    return handle_refuse(r, &refusal);
}

void handle_accepted(struct request *r) {
    for (struct request *next; r != NULL; r = next) {
        next = r->next;
        r->handler->on_accepted(r);
        request_finish(r);
    }
}
