#include "ingest/gate/seal.h"
#include "ingest/log/publish.h"
#include "ingest/log/replies.h"
#include "ingest/request/answer.h"
#include "ingest/request/command.h"
#include "ingest/request/content.h"
#include "ingest/scim/async.h"
#include "ingest/scim/bulk_impl.h"
#include "ingest/scim/membership.h"
#include "ingest/scim/read.h"
#include "ingest/scim/write.h"
#include "sql/ask/admit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum err_code bulk_read(struct request *r, struct err *err) {
    json_t *body = NULL;
    struct bulk *b = r->bulk;
    if (content_parse(r, &body, err) != ERR_OK || b->kind->parse(r, body, &b->request, err) != ERR_OK)
        return err->code;
    if (b->request.n > (size_t)r->verdict.rate_limit)
        return err_set(err, ERR_TOO_LARGE,
                       "The Bulk has %zu operations, more than the rate limit of this key (%d in 60 seconds)",
                       b->request.n, r->verdict.rate_limit);
    b->step = BULK_PUBLISH;
    r->operations = (int)b->request.n;
    return ERR_OK;
}

/* ---- a request of each operation ---- */

static void operation_new(struct request *r, size_t i) {
    struct bulk_op *op = &r->bulk->request.ops[i];
    struct bulk_part *part = &r->bulk->parts[i];
    struct request *o = request_new(r->in);
    *part = (struct bulk_part){.operation = o, .op = op};
    o->owner = &bulk_owner;
    o->waiter = r;
    o->part_of = r->txn.s;
    o->handler = &bulk_operation_handler;
    o->work = part;
    o->form = r->form;
    o->route = op->route;
    o->txn = uuid_derive(&r->txn, (uint32_t)i);
    o->wall_us = r->wall_us;
    o->arrived_us = r->arrived_us;
    o->complete_us = r->complete_us;
    o->deadline_us = r->deadline_us;
    snprintf(o->head.method, sizeof o->head.method, "%s", op->method);
    o->head.path = op->path;
    o->head.if_match = op->version;
    memcpy(o->head.traceparent, r->head.traceparent, sizeof o->head.traceparent);
    o->head.user_agent = r->head.user_agent;
    o->head.source = r->head.source;
    o->head.source_ip = r->head.source_ip;
    o->head.token = r->head.token;
    o->head.prefer.wait_s = r->head.prefer.wait_s;
    o->admitted = r->admitted;
    o->verdict = r->verdict;
    o->base = r->base;
    o->async = r->async;
    o->dry = r->dry;
    o->dry_quiet = r->dry_quiet;
    o->again = r->again;
    o->resource_id = op->id;
}

/* An operation needs the resources that it refers to (rule B4). If the operation that creates one has failed
 * here, this one fails too; else the worker checks. */
static enum err_code need_others(const struct bulk_request *b, struct request *o, const struct bulk_op *op,
                                 struct err *err) {
    json_t *needs = json_array();
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < op->nlinks; i++) {
        const struct bulk_link *l = &op->links[i];
        const struct bulk_op *to = &b->ops[l->to];
        if (!l->needed || l->dropped || strcmp(to->method, "POST") != 0)
            continue;
        if (to->code != ERR_OK)
            code = err_set(err, ERR_CONFLICT,
                           "The operation with bulkId %s, which this one refers to, has failed", to->bulk_id);
        else if (json_array_append_new(needs,
                                       json_pack("{s:s,s:s}", "id", to->id.s, "bulkId", to->bulk_id)) != 0)
            abort();
    }
    if (code == ERR_OK && json_array_size(needs) > 0)
        content_keep(o, o->command->needs = needs);
    else
        json_decref(needs);
    return code;
}

static enum err_code prepare_operation(const struct bulk_request *b, struct request *o,
                                       const struct bulk_op *op, struct err *err) {
    if (op->code != ERR_OK)
        return err_set_path(err, op->code, op->error_path != NULL ? op->error_path : "", "%s",
                            op->detail != NULL ? op->detail : "");
    if (route_permit(&o->route, o->verdict.scopes, o->arena, err) != ERR_OK || /* rule B7 */
        need_others(b, o, op, err) != ERR_OK)
        return err->code;
    if (o->route.method != HTTP_POST && read_target(o, err) != ERR_OK)
        return err->code;
    return write_prepare(o, op->data, err);
}

/* In an asynchronous Bulk, and in one that is only tried, a refused operation becomes a command too: the
 * worker counts it as a failure, stores its outcome and emits its event, or tells it with the others. */
static void refuse_by_command(struct request *o, const struct err *err) {
    struct request_command *c = request_make_command(o, COMMAND_REQUEST_REFUSED);
    c->refusal = err->code;
    c->refusal_detail = arena_strdup(o->arena, err_text(err));
    c->resource = c->ops = c->members = c->cleared = NULL;
    if (!uuid_is_set(&o->resource_id) ||
        membership_is_meant(o)) { /* the operation is about no resource, but a command needs an id */
        o->route.rt = NULL;
        o->resource_id = o->txn;
    }
}

/* Called in the order in which the operations are done, so an operation knows whether those that it refers to
 * have failed here. *failed: the number of failures so far. */
static void make_operation(struct request *r, size_t i, int *failed) {
    struct bulk *b = r->bulk;
    struct bulk_op *op = &b->request.ops[i];
    struct request *o = b->parts[i].operation;
    struct request_command *c = request_make_command(o, COMMAND_REQUEST_REFUSED);
    struct err err = {0};
    int most = b->request.fail_on_errors;
    /* This many errors happened here, so the operation is stopped for certain */
    if (most > 0 && *failed >= most) {
        b->parts[i].stopped = true;
        (void)err_set(&err, ERR_BULK_STOPPED, "%s", "");
    } else {
        (void)prepare_operation(&b->request, o, op, &err);
    }
    op->code = err.code;
    if (err.code != ERR_OK && !r->async && !r->dry) {
        (*failed)++;
        answer_err(o, &err);
        return;
    }
    if (err.code != ERR_OK)
        refuse_by_command(o, &err);
    if (most > 0) {
        c->fail_on = most - *failed;
        c->bulk = r->txn;
    }
    if (o->async)
        async_promise(o, arena_printf(o->arena, "%s:%zu", r->txn.s, i), op->bulk_id);
}

static void make_operations(struct request *r) {
    struct bulk *b = r->bulk;
    struct bulk_request *q = &b->request;
    int failed = 0;
    b->parts = arena_alloc(r->arena, q->n * sizeof *b->parts);
    b->operations = arena_alloc(r->arena, q->n * sizeof *b->operations);
    for (size_t i = 0; i < q->n; i++)
        operation_new(r, i);
    for (size_t k = 0; k < q->n; k++) {
        b->operations[k] = b->parts[q->order[k]].operation;
        make_operation(r, q->order[k], &failed);
    }
}

void bulk_publish(struct request *r, struct jbuf *scratch) {
    struct bulk *b = r->bulk;
    bool heard = replies_polled(r->in->replies); /* if not, this instance would not hear the replies */
    b->kind->plan(r, &b->request);
    make_operations(r);
    if (r->dry) {
        bulk_try(r, heard, scratch);
        return;
    }
    for (size_t i = 0; i < b->request.n; i++) {
        struct request *o = b->operations[i];
        if (!heard)
            answer_error(o, ERR_UNAVAILABLE, NULL);
        if (o->answer.status != 0)
            request_finish(o);
    }
    publish_bulk(r->in->publish, r, b->operations, b->request.n, scratch);
}

/* ---- the Bulks of SCIM ---- */

static enum err_code scim_bulk_parse(struct request *r, json_t *body, struct bulk_request *out,
                                     struct err *err) {
    return bulk_parse(body, r->verdict.strictness != STRICTNESS_STANDARD, r->arena, out, err);
}

static void scim_bulk_plan(struct request *r, struct bulk_request *b) {
    r->async = r->head.prefer.respond_async && seal_loaded(); /* see scim_write_begin */
    b->dry = r->dry;
    bulk_plan(b, r->in->routes, r->base, r->route.prefix, r->arena);
    for (size_t i = 0; i < b->n; i++)
        if (b->ops[i].route.rt != NULL && b->ops[i].route.rt->kind == RESOURCE_MEMBERSHIP)
            r->async = false; /* as of a membership alone */
}

static const struct bulk_kind scim_bulk_kind = {scim_bulk_parse, scim_bulk_plan, scim_bulk_answer};

static enum step scim_bulk_begin(struct request *r) {
    return bulk_begin(r, &scim_bulk_kind);
}

const struct handler scim_bulk = {
    .begin = scim_bulk_begin,
    .on_units = bulk_on_units,
    .content = &content_bulk,
    .long_deadline = true,
};
