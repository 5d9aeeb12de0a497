#include "ingest/log/publish.h"

#include "ingest/log/message.h"
#include "ingest/log/pending.h"
#include "ingest/log/producer.h"
#include "ingest/log/replies.h"
#include "ingest/log/window.h"
#include "ingest/request/answer.h"
#include "ingest/request/command.h"
#include "ingest/request/handle.h"
#include "ingest/stats.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/failpoint.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "schemas/stream/headers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Workers do not apply a command that is older than its deadline by more than this, also if nobody could
 * cancel it. Generous, because two clocks are compared. */
#define GRACE_US (30 * INT64_C(1000000))

struct publish {
    struct ingest *in;
    struct producer *producer;
    char timeout_ms[24];
    struct producer_setting settings[1];
};

/* The opaque of messages whose acknowledgement matters, because 202 waits for it. */
static char asynchronous;

static rd_kafka_resp_err_t produce_command(struct publish *p, const struct command *c, const char *bytes,
                                           size_t len, int64_t expires_us) {
    struct headers h;
    headers_command(&h, c);
    rd_kafka_headers_t *headers = producer_headers(&h);
    struct producer_message m = {.partition = workspace_partition(c->workspace.s, p->in->settings.partitions),
                                 .key = c->workspace.s,
                                 .value = bytes,
                                 .len = len,
                                 .opaque = c->async.txn[0] != '\0' ? &asynchronous : NULL,
                                 .expires_us = expires_us};
    rd_kafka_resp_err_t code = producer_send(p->producer, &m, headers);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_headers_destroy(headers);
    return code;
}

/* The command is not in the log: takes the request back, unless another thread was faster, and refuses it. */
static void take_back(struct publish *p, const char *txn, rd_kafka_resp_err_t why) {
    (void)window_leave(p->in->window, txn, clock_mono_us());
    metric_add(stats.publish_failed, 1);
    log_event(LOG_WARN, "publish-failed", "txn=%s error=%s", txn, rd_kafka_err2name(why));
    struct request *r = pending_take_refused(p->in->pending, txn);
    if (r == NULL) /* answered already; or an earlier copy may be in the log, and the deadline decides */
        return;
    bool large = why == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    answer_error(r, large ? ERR_TOO_LARGE : ERR_UNAVAILABLE,
                 large ? NULL : "The log does not take the change now");
    request_finish(r);
}

/* A command that was answered 202 must be applied, however late (rule Q3). */
static int64_t not_after(const struct request *r) {
    return r->async ? 0 : r->wall_us + (r->deadline_us - r->arrived_us) + GRACE_US;
}

static void command_of(const struct request *r, struct command *c) {
    const struct request_command *given = r->command;
    *c = (struct command){
        .type = given->type,
        .dry = r->dry,
        .txn = r->txn,
        .workspace = r->verdict.workspace,
        .actor = {.kind = r->verdict.kind == ADMIT_KEY ? ACTOR_KEY : ACTOR_OWNER},
        .dialect = r->verdict.dialect,
        .reason = r->form->reason,
        .reply_partition = replies_partition(r->in->replies),
        .replies_together = true,
        .time_us = r->wall_us,
        .not_after_us = not_after(r),
        .id = r->resource_id,
        .resource = given->resource,
        .ops = given->ops,
        .operations = given->operations,
        .members = given->members,
        .rt = r->route.rt,
        .cleared = given->cleared,
        .if_match = given->must_match,
        .if_none_match = given->must_not_match,
        .needs = given->needs,
        .bulk = given->bulk,
        .bulk_fail_on = given->fail_on,
        .refusal = given->refusal,
    };
    if (given->async != NULL)
        c->async = *given->async;
    if (given->refusal_detail != NULL)
        snprintf(c->refusal_detail, sizeof c->refusal_detail, "%s", given->refusal_detail);
    snprintf(c->actor.id, sizeof c->actor.id, "%s", r->verdict.key.s);
    snprintf(c->actor.name, sizeof c->actor.name, "%s", r->verdict.key_name);
    snprintf(c->traceparent, sizeof c->traceparent, "%s", r->head.traceparent);
}

static void encode(struct request *r, const struct command *c, struct jbuf *scratch) {
    jb_reset(scratch);
    command_encode(c, scratch);
    r->command->encoded = arena_strndup(r->arena, scratch->p, scratch->n);
    r->command->encoded_len = scratch->n;
}

/* How long the client waits for the outcome before 202 (Prefer: wait, RFC 7240 section 4.3); 0 = not at all.
 */
static int64_t wait_until(const struct request *r) {
    int64_t until = r->complete_us + (int64_t)r->head.prefer.wait_s * 1000000;
    if (!r->async || r->head.prefer.wait_s <= 0)
        return 0;
    return until < r->deadline_us ? until : r->deadline_us;
}

/* Sends the command now, or when it finds its place in the log. */
static void send_command(struct publish *p, const struct command *c, const char *bytes, size_t len,
                         int64_t expires_us) {
    struct window_command w = {
        .workspace = c->workspace.s, .txn = c->txn.s, .bytes = bytes, .len = len, .expires_us = expires_us};
    if (!window_enter(p->in->window, &w, clock_mono_us()))
        return;
    rd_kafka_resp_err_t code = produce_command(p, c, bytes, len, expires_us);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        take_back(p, c->txn.s, code);
}

/* The command has waited for its place. Whoever waited for its outcome may have been answered meanwhile: then
 * the txn is cancelled, or about to be, and the command need not be sent. */
static void send_waiting(void *ctx, const struct window_command *w) {
    struct publish *p = ctx;
    struct command c;
    if (!pending_waits(p->in->pending, w->txn) || command_decode(w->bytes, w->len, &c, NULL) != ERR_OK) {
        (void)window_leave(p->in->window, w->txn, clock_mono_us());
        return;
    }
    rd_kafka_resp_err_t code = produce_command(p, &c, w->bytes, w->len, w->expires_us);
    command_clear(&c);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        take_back(p, w->txn, code);
}

/* A command that no worker can apply would wait in the log, and at its deadline nobody could say what will
 * come of it: cancelling it takes room, too. So it is refused while nothing has happened. A revocation is in
 * PostgreSQL already, if that was possible, and its command only tells of it. */
static bool lacks_room(const struct request *r) {
    return atomic_load(&r->in->no_room) && r->command->type != COMMAND_KEY_REVOKE &&
           r->command->type != COMMAND_OWNER_REVOKE;
}

static bool not_to_be_published(struct request *r) {
    bool full = lacks_room(r);
    if (!full && !failpoint("ingest.before_publish"))
        return false;
    answer_error(r, ERR_UNAVAILABLE, full ? ANSWER_NO_ROOM : NULL);
    request_finish(r);
    return true;
}

/* A group for the command of r, or for those of the operations of r, a Bulk. */
static struct pending_group *group_of(struct request *r) {
    struct pending_group *g = pending_group_new(r->arena, r->deadline_us);
    g->async = r->async;
    g->wait_until_us = wait_until(r);
    return g;
}

void publish_request(struct publish *p, struct request *r, struct jbuf *scratch) {
    struct command c;
    command_of(r, &c);
    encode(r, &c, scratch);
    if (r->handler->forgets)
        request_forget_json(r); /* a large tree must not stay until the reply */
    if (not_to_be_published(r))
        return;
    int64_t expires_us = r->deadline_us;
    struct pending_group *g = group_of(r);
    pending_join(g, r);
    pending_add(p->in->pending, g);
    /* From here on another thread may answer r, and its memory may be used again: read only c's own texts and
     * scratch. */
    send_command(p, &c, scratch->p, scratch->n, expires_us);
}

/* The operations can be read throughout: the caller's Bulk keeps them until it is answered. */
void publish_bulk(struct publish *p, struct request *bulk, struct request *const *operations, size_t n,
                  struct jbuf *scratch) {
    struct command c;
    struct pending_group *g = group_of(bulk);
    for (size_t i = 0; i < n; i++) {
        struct request *o = operations[i];
        if (o->answer.status != 0 || not_to_be_published(o))
            continue;
        command_of(o, &c);
        encode(o, &c, scratch);
        pending_join(g, o);
    }
    pending_add(p->in->pending, g);
    for (size_t i = 0; i < n; i++) {
        const struct request *o = operations[i];
        if (!request_is_published(o))
            continue;
        command_of(o, &c);
        send_command(p, &c, o->command->encoded, o->command->encoded_len, o->deadline_us);
    }
}

void publish_trial(struct publish *p, struct request *bulk, struct request *const *operations, size_t n,
                   struct request *whole, struct jbuf *scratch) {
    struct command c;
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        command_of(operations[i], &c);
        jb_reset(scratch);
        command_encode(&c, scratch);
        json_array_append_new(list, json_loadb(scratch->p, scratch->n, 0, NULL));
    }
    whole->command->operations = list;
    publish_bulk(p, bulk, &whole, 1, scratch);
    whole->command->operations = NULL;
    json_decref(list);
}

/* ---- delivery reports ---- */

static void publish_on_report(void *ctx, const rd_kafka_message_t *m) {
    struct publish *p = ctx;
    char txn[37];
    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        metric_add(stats.published, 1);
        (void)failpoint("ingest.after_publish");
        if (m->_private == &asynchronous && message_txn(m, txn))
            handle_accepted(pending_acknowledge(p->in->pending, txn));
        return;
    }
    bool given_up = m->err == RD_KAFKA_RESP_ERR__FATAL || m->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
                    m->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
    /* If the instance was given up, the next one sends the command again. If it may be in the log, the
     * deadline decides in PostgreSQL. */
    if (given_up || rd_kafka_message_status(m) != RD_KAFKA_MSG_STATUS_NOT_PERSISTED)
        return;
    if (message_txn(m, txn))
        take_back(p, txn, m->err);
}

static void send_again(struct request *r, void *ctx) {
    struct publish *p = ctx;
    const struct request_command *given = r->command;
    struct command c;
    if (window_waits(p->in->window, r->verdict.workspace.s, r->txn.s) ||
        command_decode(given->encoded, given->encoded_len, &c, NULL) != ERR_OK)
        return;
    r->pending->sent_again = true;
    rd_kafka_resp_err_t code = produce_command(p, &c, given->encoded, given->encoded_len, r->deadline_us);
    log_event(LOG_WARN, "command-sent-again", "txn=%s result=%s", c.txn.s, rd_kafka_err2name(code));
    command_clear(&c);
}

/* The commands keep their txn: a worker that has applied one already answers with the stored outcome. */
static void publish_on_replaced(void *ctx) {
    struct publish *p = ctx;
    producer_forget(p->producer);
    pending_each(p->in->pending, send_again, p);
}

struct publish *publish_new(struct ingest *in, struct err *err) {
    struct publish *p = xcalloc(1, sizeof *p);
    p->in = in;
    p->in->window = window_new((size_t)in->settings.commands_per_workspace, send_waiting, p);
    /* A command that could not be sent by its deadline must not be sent later. */
    snprintf(p->timeout_ms, sizeof p->timeout_ms, "%" PRId64, in->settings.deadline_us / 1000);
    p->settings[0] = (struct producer_setting){"message.timeout.ms", p->timeout_ms};
    struct producer_events events = {publish_on_report, publish_on_replaced, p};
    p->producer = producer_new(TOPIC_COMMANDS, in->settings.partitions, in->settings.config, p->settings, 1,
                               &events, err);
    if (p->producer == NULL) {
        window_free(p->in->window);
        free(p);
        return NULL;
    }
    return p;
}

void publish_close(struct publish *p, int flush_ms) {
    if (p == NULL)
        return;
    producer_close(p->producer, flush_ms);
    window_free(p->in->window);
    free(p);
}

struct producer *publish_producer(struct publish *p) {
    return p->producer;
}
