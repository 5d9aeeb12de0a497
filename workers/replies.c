#include "workers/replies.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/failpoint.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "workers/emit/emit_record.h"
#include "workers/stats.h"

#include <stdlib.h>
#include <string.h>

#define REPLY_MAX (RECORD_MAX - 4096) /* of the value: key and headers need some room too */

struct replies {
    rd_kafka_t *rk;
};

static void replies_on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque) {
    char quoted[300];
    (void)rk, (void)opaque;
    log_event(LOG_WARN, "reply-error", "code=%s reason=%s", rd_kafka_err2name((rd_kafka_resp_err_t)code),
              log_quote(reason, quoted, sizeof quoted));
}

/* The message's opaque is the number of replies in it. */
static void replies_on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque) {
    (void)rk, (void)opaque;
    if (m->err)
        metric_add(worker_stats.replies_lost, (int64_t)(uintptr_t)m->_private);
}

struct replies *replies_open(const struct config *config, struct err *err) {
    struct replies *r = xcalloc(1, sizeof *r);
    rd_kafka_conf_t *conf = kafka_conf_new(config, KAFKA_PRODUCER_PLAIN);
    kafka_conf_set(conf, "message.timeout.ms", "10000"); /* nobody waits longer */
    rd_kafka_conf_set_error_cb(conf, replies_on_error);
    rd_kafka_conf_set_dr_msg_cb(conf, replies_on_delivery);
    rd_kafka_conf_set_opaque(conf, r);
    r->rk = kafka_open(conf, KAFKA_PRODUCER_PLAIN, err);
    if (r->rk == NULL) {
        free(r);
        return NULL;
    }
    static const char *const topics[] = {TOPIC_REPLIES};
    struct err ignored;
    (void)kafka_warm_up(r->rk, topics, 1, 5000, &ignored);
    return r;
}

/* A document that makes it too large is left out: the ingest reads the resource then. */
static void encode(const struct reply *reply, struct jbuf *value) {
    jb_reset(value);
    reply_encode(reply, value);
    if (value->n <= REPLY_MAX)
        return;
    struct reply bare = *reply;
    bare.doc = NULL;
    jb_reset(value);
    reply_encode(&bare, value);
}

/* Replies to one ingest that go out in one record. */
struct bundle {
    const struct delivery *first;
    struct jbuf value; /* a line each */
    size_t n;
};

/* A reply alone has the headers by which versions before know whose it is. */
static void send_bundle(struct replies *r, struct bundle *b, int64_t now_us) {
    const struct command *c = &b->first->command;
    rd_kafka_headers_t *headers = NULL;
    if (b->n == 1) {
        struct headers h;
        headers_reply(&h, c->workspace.s, c->txn.s, now_us);
        headers = emit_headers(&h);
    }
    rd_kafka_resp_err_t code = rd_kafka_producev(
        r->rk, RD_KAFKA_V_TOPIC(TOPIC_REPLIES), RD_KAFKA_V_PARTITION(c->reply_partition),
        RD_KAFKA_V_VALUE(b->value.p, b->value.n), RD_KAFKA_V_KEY(c->txn.s, strlen(c->txn.s)),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE((void *)(uintptr_t)b->n),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && headers != NULL)
        rd_kafka_headers_destroy(headers);
    metric_add(code == RD_KAFKA_RESP_ERR_NO_ERROR ? worker_stats.replies : worker_stats.replies_lost,
               (int64_t)b->n);
    jb_reset(&b->value);
    b->n = 0;
}

static bool reply_goes_out(const struct delivery *d) {
    return d->reply_due && d->command.reply_partition >= 0;
}

/* Does d go into the same record as first? */
static bool goes_with(const struct delivery *first, const struct delivery *d) {
    return first->command.replies_together && d->command.replies_together && reply_goes_out(d) &&
           d->command.reply_partition == first->command.reply_partition;
}

static void bundle_add(struct replies *r, struct bundle *b, const struct delivery *d, struct jbuf *text,
                       int64_t now_us) {
    encode(&d->reply, text);
    if (b->n > 0 && b->value.n + 1 + text->n > REPLY_MAX)
        send_bundle(r, b, now_us);
    if (b->n == 0)
        b->first = d;
    else
        jb_mem(&b->value, "\n", 1);
    jb_mem(&b->value, text->p, text->n);
    b->n++;
}

/* The replies of a batch to one ingest go out together, so that they cost Kafka one record. */
void replies_send(struct replies *r, const struct delivery *deliveries, size_t n) {
    struct bundle b = {0};
    struct jbuf text = {0};
    bool *sent = xcalloc(n + 1, sizeof *sent);
    int64_t now_us = clock_wall_us();
    (void)failpoint("worker.before_reply");
    for (size_t i = 0; i < n; i++) {
        if (sent[i] || !reply_goes_out(&deliveries[i]))
            continue;
        bundle_add(r, &b, &deliveries[i], &text, now_us);
        for (size_t k = i + 1; k < n; k++) {
            if (sent[k] || !goes_with(&deliveries[i], &deliveries[k]))
                continue;
            bundle_add(r, &b, &deliveries[k], &text, now_us);
            sent[k] = true;
        }
        send_bundle(r, &b, now_us);
    }
    free(sent);
    jb_free(&b.value);
    jb_free(&text);
    replies_poll(r);
    (void)failpoint("worker.after_reply");
}

void replies_poll(struct replies *r) {
    rd_kafka_poll(r->rk, 0);
}

void replies_close(struct replies *r) {
    rd_kafka_flush(r->rk, 3000);
    rd_kafka_destroy(r->rk);
    free(r);
}
