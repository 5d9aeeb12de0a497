/* A Bulk or an import that is only tried (request/dry_run.h). Its operations are prepared like any others,
 * but travel in one command, so that the worker decides each behind those before it. A request that stands
 * for that command, the whole, waits for its reply, and then answers the operations. */
#include "ingest/log/publish.h"
#include "ingest/request/answer.h"
#include "ingest/request/command.h"
#include "ingest/request/dry_run.h"
#include "ingest/scim/bulk_impl.h"

#include <stdlib.h>
#include <string.h>

static void whole_answered(struct request *whole) {
    struct request *r = whole->waiter;
    struct bulk *b = r->bulk;
    const char *tried = request_answering(whole)->answer.status == 200 ? whole->command->reply.dry : NULL;
    json_t *told = tried != NULL ? json_loads(tried, 0, NULL) : NULL;
    const json_t *operations = json_object_get(told, "operations");
    for (size_t i = 0; i < b->request.n; i++) {
        struct request *o = b->operations[i];
        const json_t *one = json_array_get(operations, i);
        struct bulk_part *part = o->work;
        part->stopped = json_is_true(json_object_get(one, "stopped"));
        if (told == NULL)
            answer_error(o, ERR_UNAVAILABLE, NULL);
        else if (one == NULL)
            dry_run_refuse(o, json_object_get(told, "error"));
        else
            dry_run_answer_operation(o, one);
        request_finish(o);
    }
    json_decref(told);
    bulk_count_down(r);
}

/* It has no record of its own: the Bulk's has its txn. */
static void whole_recorded(struct request *whole) {
    (void)whole;
}

static const struct owner whole_owner = {.answered = whole_answered, .recorded = whole_recorded};
static const struct handler whole_handler = {0};

static struct request *whole_new(struct request *r) {
    struct request *whole = request_new(r->in);
    whole->owner = &whole_owner;
    whole->waiter = r;
    whole->handler = &whole_handler;
    whole->form = r->form;
    whole->route = r->route;
    whole->route.rt = NULL;
    whole->txn = whole->resource_id = r->txn;
    whole->wall_us = r->wall_us;
    whole->arrived_us = r->arrived_us;
    whole->complete_us = r->complete_us;
    whole->deadline_us = r->deadline_us;
    memcpy(whole->head.method, r->head.method, sizeof whole->head.method);
    memcpy(whole->head.traceparent, r->head.traceparent, sizeof whole->head.traceparent);
    whole->admitted = r->admitted;
    whole->verdict = r->verdict;
    whole->base = r->base;
    whole->again = r->again;
    whole->dry = true;
    (void)request_make_command(whole, COMMAND_BULK_TRY);
    return whole;
}

void bulk_try(struct request *r, bool heard, struct jbuf *scratch) {
    struct bulk *b = r->bulk;
    b->whole = whole_new(r);
    atomic_fetch_add(&b->waiting, 1);
    if (heard) {
        publish_trial(r->in->publish, r, b->operations, b->request.n, b->whole, scratch);
        return;
    }
    answer_error(b->whole, ERR_UNAVAILABLE, NULL); /* this instance would not hear the reply */
    request_finish(b->whole);
}

/* ---- the answer ---- */

/* What the worker has said of each operation, in the order of the request, and which one it is. */
static json_t *operations_of(const struct request *r, const json_t *told) {
    const struct bulk *b = r->bulk;
    json_t *out = json_array();
    for (size_t i = 0; i < b->request.n; i++) {
        const struct bulk_op *op = &b->request.ops[i];
        size_t k = 0;
        while (b->operations[k] != b->parts[i].operation)
            k++;
        json_t *one = json_object(), *said = json_array_get(told, k);
        json_object_set_new(one, "method", json_string(op->method));
        json_object_set_new(one, "path", op->given_path != NULL ? json_string(op->given_path) : json_null());
        json_object_set_new(one, "bulkId", op->bulk_id != NULL ? json_string(op->bulk_id) : json_null());
        json_object_update(one, said);
        json_object_del(one, "version");
        json_array_append_new(out, one);
    }
    return out;
}

bool bulk_trial_answer(struct request *r) {
    struct request *whole = request_answering(r->bulk->whole);
    const char *tried = whole->answer.status == 200 ? r->bulk->whole->command->reply.dry : NULL;
    json_t *told = tried != NULL ? json_loads(tried, 0, NULL) : NULL;
    json_t *operations = json_object_get(told, "operations");
    bool made = true;
    if (told == NULL) {
        answer_error(r, whole->answer.code != ERR_OK ? whole->answer.code : ERR_INTERNAL,
                     whole->answer.detail);
    } else if (operations == NULL) { /* the whole is refused: its key was revoked, say */
        dry_run_refuse(r, json_object_get(told, "error"));
    } else if (r->dry_quiet) {
        made = false;
    } else {
        json_object_set_new(told, "operations", operations_of(r, operations));
        char *text = json_dumps(told, JSON_COMPACT);
        dry_run_put(r, text);
        free(text);
    }
    json_decref(told);
    return made;
}
