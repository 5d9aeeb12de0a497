#include "ingest/gate/seal.h"
#include "ingest/log/publish.h"
#include "ingest/log/replies.h"
#include "ingest/request/answer.h"
#include "ingest/request/content.h"
#include "ingest/scim/bulk_impl.h"
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

static struct request *operation_new(struct request *r, size_t i) {
    struct bulk_op *op = &r->bulk->request.ops[i];
    struct request *o = request_new(r->in);
    o->owner = &bulk_owner;
    o->handler = &bulk_operation_handler;
    o->form = r->form;
    o->parent = r;
    o->index = i;
    o->txn = uuid_derive(&r->txn, (uint32_t)i);
    o->wall_us = r->wall_us;
    o->arrived_us = r->arrived_us;
    o->deadline_us = r->deadline_us;
    snprintf(o->method, sizeof o->method, "%s", op->method);
    memcpy(o->traceparent, r->traceparent, sizeof o->traceparent);
    o->path = op->path;
    o->route = op->route;
    o->user_agent = r->user_agent;
    o->source = r->source;
    o->source_ip = r->source_ip;
    o->token = r->token;
    o->admitted = r->admitted;
    o->verdict = r->verdict;
    o->base = r->base;
    o->bulk_id = op->bulk_id;
    o->if_match = op->version;
    o->async = r->async;
    o->again = r->again;
    o->resource_id = op->id;
    return o;
}

/* What it refers to must have been made (rule B4): the worker looks, where we do not know already. */
static enum err_code need(struct request *o, const struct bulk_op *op, struct err *err) {
    const struct bulk *b = o->parent->bulk;
    json_t *needs = json_array();
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < op->nlinks; i++) {
        const struct bulk_link *l = &op->links[i];
        const struct bulk_op *to = &b->request.ops[l->to];
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
        content_keep(o, o->needs = needs);
    else
        json_decref(needs);
    return code;
}

static enum err_code prepare(struct request *o, struct bulk_op *op, struct err *err) {
    if (op->code != ERR_OK)
        return err_set(err, op->code, "%s", op->detail != NULL ? op->detail : "");
    if (route_permit(&o->route, o->verdict.scopes, o->arena, err) != ERR_OK || /* rule B7 */
        need(o, op, err) != ERR_OK)
        return err->code;
    if (o->route.method != HTTP_POST && read_target(o, err) != ERR_OK)
        return err->code;
    return write_prepare(o, op->data, err);
}

/* In the order in which they are done: an operation knows of those that it refers to whether they failed
 * here. failed: so many so far. */
static void make_operation(struct request *r, size_t i, int *failed) {
    struct bulk *b = r->bulk;
    struct bulk_op *op = &b->request.ops[i];
    struct request *o = b->operations[i];
    struct err err = {0};
    int most = b->request.fail_on_errors;
    if (most > 0 && *failed >= most) { /* only known after that many errors here: surely stopped */
        b->stopped[i] = true;
        (void)err_set(&err, ERR_BULK_STOPPED, "%s", "");
    } else {
        (void)prepare(o, op, &err);
    }
    op->code = err.code;
    if (err.code == ERR_OK) {
        o->fail_on = most > 0 ? most - *failed : 0;
        return;
    }
    if (!r->async) {
        (*failed)++;
        answer_err(o, &err);
        return;
    }
    /* its outcome belongs with those of the others: the worker counts it, keeps it and tells it */
    o->command = COMMAND_REQUEST_REFUSED;
    o->refusal = err.code;
    o->refusal_detail = arena_strdup(o->arena, err_text(&err));
    o->fail_on = most;
    o->resource = o->ops = o->members = o->cleared = NULL;
    if (!uuid_is_set(&o->resource_id)) { /* about no resource; a command has an id all the same */
        o->route.rt = NULL;
        o->resource_id = o->txn;
    }
}

static void make_operations(struct request *r) {
    struct bulk *b = r->bulk;
    struct bulk_request *q = &b->request;
    struct request **end = &r->operation;
    int failed = 0;
    b->operations = arena_alloc(r->arena, q->n * sizeof *b->operations);
    b->stopped = arena_alloc(r->arena, q->n * sizeof *b->stopped);
    for (size_t i = 0; i < q->n; i++)
        b->operations[i] = operation_new(r, i);
    for (size_t k = 0; k < q->n; k++) {
        struct request *o = b->operations[q->order[k]];
        make_operation(r, q->order[k], &failed);
        *end = o;
        end = &o->sibling;
    }
}

void bulk_publish(struct request *r, struct jbuf *scratch) {
    bool heard = replies_polled(r->in->replies); /* else nobody would hear the outcomes */
    r->bulk->kind->plan(r, &r->bulk->request);
    make_operations(r);
    for (struct request *o = r->operation; o != NULL; o = o->sibling) {
        if (!heard)
            answer_error(o, ERR_UNAVAILABLE, NULL);
        if (o->answer.status != 0)
            request_finish(o);
    }
    publish_bulk(r->in->publish, r, scratch);
}

/* ---- the Bulks of SCIM ---- */

static enum err_code scim_bulk_parse(struct request *r, json_t *body, struct bulk_request *out,
                                     struct err *err) {
    return bulk_parse(body, r->arena, out, err);
}

static void scim_bulk_plan(struct request *r, struct bulk_request *b) {
    r->async = r->prefer.respond_async && seal_loaded(); /* (as of a single write) */
    bulk_plan(b, r->in->routes, r->base, r->route.prefix, r->arena);
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
