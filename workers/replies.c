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

static void replies_on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque) {
    (void)rk, (void)opaque;
    if (m->err)
        metric_add(worker_stats.replies_lost, 1);
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

void replies_send(struct replies *r, const struct delivery *deliveries, size_t n) {
    struct jbuf value = {0};
    int64_t now_us = clock_wall_us();
    (void)failpoint("worker.before_reply");
    for (size_t i = 0; i < n; i++) {
        const struct delivery *d = &deliveries[i];
        if (!d->reply_due || d->command.reply_partition < 0)
            continue;
        struct headers h;
        encode(&d->reply, &value);
        headers_reply(&h, d->command.workspace.s, d->command.txn.s, now_us);
        rd_kafka_headers_t *headers = emit_headers(&h);
        rd_kafka_resp_err_t code = rd_kafka_producev(
            r->rk, RD_KAFKA_V_TOPIC(TOPIC_REPLIES), RD_KAFKA_V_PARTITION(d->command.reply_partition),
            RD_KAFKA_V_VALUE(value.p, value.n), RD_KAFKA_V_KEY(d->command.txn.s, strlen(d->command.txn.s)),
            RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_headers_destroy(headers);
            metric_add(worker_stats.replies_lost, 1);
            continue;
        }
        metric_add(worker_stats.replies, 1);
    }
    jb_free(&value);
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
