#include "workers/emit/emit_record.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/log.h"
#include "schemas/stream/record_event.h"

#include <string.h>

rd_kafka_headers_t *emit_headers(const struct headers *h) {
    rd_kafka_headers_t *out = rd_kafka_headers_new(h->n);
    for (size_t i = 0; i < h->n; i++)
        rd_kafka_header_add(out, h->row[i].name, -1, h->row[i].value, -1);
    return out;
}

static rd_kafka_error_t *produce(rd_kafka_t *rk, const char *topic, int32_t partition, const char *key,
                                 size_t key_len, const char *value, size_t len, const struct headers *h) {
    for (;;) {
        rd_kafka_headers_t *headers = emit_headers(h);
        rd_kafka_resp_err_t code = rd_kafka_producev(
            rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_KEY(key, key_len),
            RD_KAFKA_V_VALUE((void *)(uintptr_t)value, len), RD_KAFKA_V_HEADERS(headers),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            return NULL;
        rd_kafka_headers_destroy(headers);
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return rd_kafka_error_new(code, "producing to %s: %s", topic, rd_kafka_err2str(code));
        rd_kafka_poll(rk, 5); /* the emit thread may wait, nobody else does */
    }
}

static rd_kafka_error_t *emit_poison(rd_kafka_t *rk, const struct delivery *d) {
    struct headers h;
    char quoted[300];
    headers_deadletter(&h, d->decode_err.code, err_text(&d->decode_err), TOPIC_COMMANDS, d->partition,
                       d->offset, clock_wall_us());
    log_event(LOG_ERROR, "deadletter", "partition=%d offset=%lld reason=%s", d->partition,
              (long long)d->offset, log_quote(err_text(&d->decode_err), quoted, sizeof quoted));
    return produce(rk, TOPIC_DEADLETTER, d->partition, d->key, d->key_len, d->value, d->value_len, &h);
}

/* What is stored of an event is what it says; its signature is made here, anew each time that it goes out, so
 * that a key can be changed at any time. */
static rd_kafka_error_t *emit_record(rd_kafka_t *rk, const struct jws_key *key, const struct delivery *d,
                                     const struct record *r) {
    struct headers h;
    struct jbuf token = {0};
    const char *value = r->value;
    size_t len = value != NULL ? strlen(value) : 0;
    headers_record(&h, r, d->command.workspace.s, d->command.txn.s, d->traceparent);
    if (r->topic == RECORD_EVENTS) {
        jws_sign(key, EVENT_TYPE, value, len, &token);
        value = token.p;
        len = token.n;
    }
    rd_kafka_error_t *error =
        produce(rk, record_topic_name(r->topic), d->partition, r->key, strlen(r->key), value, len, &h);
    jb_free(&token);
    return error;
}

rd_kafka_error_t *emit_batch(rd_kafka_t *producer, const struct jws_key *key, const struct batch *b,
                             size_t *count) {
    for (size_t i = 0; i < b->n; i++) {
        const struct delivery *d = &b->deliveries[i];
        rd_kafka_error_t *error = NULL;
        for (size_t k = 0; error == NULL && k < d->records.n; k++) {
            error = emit_record(producer, key, d, &d->records.rows[k]);
            (*count)++;
        }
        if (error == NULL && d->poison) {
            error = emit_poison(producer, d);
            (*count)++;
        }
        if (error != NULL)
            return error;
    }
    return NULL;
}
