#include "workers/emit/emit_record.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/log.h"
#include "workers/stats.h"

#include <sodium.h>
#include <string.h>

rd_kafka_headers_t *emit_headers(const struct headers *h) {
    rd_kafka_headers_t *out = rd_kafka_headers_new(h->n);
    for (size_t i = 0; i < h->n; i++)
        rd_kafka_header_add(out, h->row[i].name, -1, h->row[i].value, -1);
    return out;
}

/* How a record goes out after so many refusals. Kafka refuses a batch as a whole, so the first time it may
 * have been another record's fault. */
enum { AS_IT_IS, ALONE, STUB, STUB_AND_PART, STUB_ONLY, GIVEN_UP };

#define PART_BYTES (64 * 1024) /* of a dead letter that is refused whole */
#define AROUND 128             /* what Kafka adds to a batch of one record */
#define ALONE_MS 10000

struct message {
    const char *topic;
    int32_t partition;
    const char *key, *value;
    size_t key_len, len;
    const struct headers *headers;
    int *refusals; /* of what it belongs to */
};

enum sent { SENT, REFUSED, BROKEN };

bool emit_refused_for_ever(rd_kafka_resp_err_t code) {
    return code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || code == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE ||
           code == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE || code == RD_KAFKA_RESP_ERR_INVALID_RECORD ||
           code == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP || code == RD_KAFKA_RESP_ERR__BAD_MSG;
}

void emit_refusal(int *refusals, const char *topic, int32_t partition, const char *why) {
    char quoted[300];
    (*refusals)++;
    if (*refusals == STUB)
        metric_add(worker_stats.emit_refused, 1);
    log_event(*refusals >= STUB ? LOG_ERROR : LOG_DEBUG, "record-refused",
              "topic=%s partition=%d times=%d error=%s", topic, partition, *refusals,
              log_quote(why, quoted, sizeof quoted));
}

static size_t size_of(const struct message *m) {
    size_t n = m->key_len + m->len + AROUND;
    for (size_t i = 0; i < m->headers->n; i++)
        n += strlen(m->headers->row[i].name) + strlen(m->headers->row[i].value) + 10;
    return n;
}

/* Until nothing is in flight any more: what comes next begins a batch of its own. */
static void drain(rd_kafka_t *rk) {
    int64_t until_us = clock_mono_us() + ALONE_MS * INT64_C(1000);
    while (rd_kafka_outq_len(rk) > 0 && clock_mono_us() < until_us)
        rd_kafka_poll(rk, 5);
}

static rd_kafka_resp_err_t hand_over(rd_kafka_t *rk, const struct message *m) {
    for (;;) {
        rd_kafka_headers_t *headers = emit_headers(m->headers);
        rd_kafka_resp_err_t code = rd_kafka_producev(
            rk, RD_KAFKA_V_TOPIC(m->topic), RD_KAFKA_V_PARTITION(m->partition),
            RD_KAFKA_V_KEY(m->key, m->key_len), RD_KAFKA_V_VALUE((void *)(uintptr_t)m->value, m->len),
            RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(m->refusals),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
            rd_kafka_headers_destroy(headers);
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return code;
        rd_kafka_poll(rk, 5); /* the emit thread may wait, nobody else does */
    }
}

/* REFUSED: not handed over, the transaction goes on, and *m->refusals says so. BROKEN: it has to end. */
static enum sent emit_message(rd_kafka_t *rk, const struct message *m, rd_kafka_error_t **error) {
    int before = *m->refusals;
    if (size_of(m) > RECORD_MAX) {
        *m->refusals = before > ALONE ? before : ALONE; /* nobody else's fault */
        emit_refusal(m->refusals, m->topic, m->partition, "The record is larger than 1 MiB");
        return REFUSED;
    }
    if (before >= ALONE)
        drain(rk);
    rd_kafka_resp_err_t code = hand_over(rk, m);
    if (emit_refused_for_ever(code)) {
        *m->refusals = before > ALONE ? before : ALONE;
        emit_refusal(m->refusals, m->topic, m->partition, rd_kafka_err2str(code));
        return REFUSED;
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        *error = rd_kafka_error_new(code, "producing to %s: %s", m->topic, rd_kafka_err2str(code));
        return BROKEN;
    }
    if (before >= ALONE)
        drain(rk);
    if (before >= ALONE && *m->refusals > before) {
        *error = rd_kafka_error_new(RD_KAFKA_RESP_ERR_INVALID_RECORD, "%s refuses a record", m->topic);
        return BROKEN;
    }
    return SENT;
}

/* ---- dead letters ---- */

/* The value, or as much of it as fits: then its length and hash are told. */
static enum sent emit_letter(const struct emission *x, struct deadletter *letter, struct message *m,
                             size_t most, rd_kafka_error_t **error) {
    struct headers h;
    unsigned char hash[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof hash + 1];
    letter->topic = TOPIC_COMMANDS;
    letter->partition = x->partition;
    m->topic = TOPIC_DEADLETTER;
    m->headers = &h;
    headers_deadletter(&h, letter);
    headers_add_row(&h, x->row);
    if (m->len > most || size_of(m) > RECORD_MAX) {
        if (letter->sha256 == NULL) {
            crypto_hash_sha256(hash, (const unsigned char *)m->value, m->len);
            letter->sha256 = sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
            letter->bytes = m->len;
        }
        headers_deadletter(&h, letter);
        headers_add_row(&h, x->row);
        size_t over = size_of(m) > RECORD_MAX ? size_of(m) - RECORD_MAX : 0;
        m->len = m->len - over < most ? m->len - over : most;
    }
    return emit_message(x->producer, m, error);
}

static enum sent emit_poison(const struct emission *x, struct row_item *item, rd_kafka_error_t **error) {
    char quoted[300];
    const struct row_letter *l = &item->letter;
    if (item->refusals >= STUB_ONLY) {
        log_event(LOG_ERROR, "deadletter-lost", "partition=%d offset=%lld", x->partition,
                  (long long)l->offset);
        return SENT;
    }
    log_event(LOG_ERROR, "deadletter", "partition=%d offset=%lld reason=%s", x->partition,
              (long long)l->offset, log_quote(l->detail, quoted, sizeof quoted));
    struct deadletter letter = {.why = l->why,
                                .detail = l->detail,
                                .offset = l->offset,
                                .time_us = l->time_us,
                                .sha256 = l->sha256,
                                .bytes = l->bytes};
    struct message m = {.partition = x->partition,
                        .key = l->key,
                        .key_len = l->key_len,
                        .value = l->value,
                        .len = l->value_len,
                        .refusals = &item->refusals};
    return emit_letter(x, &letter, &m, item->refusals >= STUB ? PART_BYTES : SIZE_MAX, error);
}

/* ---- records ---- */

static enum sent emit_stub(const struct emission *x, struct row_item *item, rd_kafka_error_t **error) {
    struct headers h;
    struct jbuf value = {0};
    const struct record *r = &item->record;
    const struct row_source *s = &item->source;
    if (r->topic == RECORD_ROOMS) /* has no numbers of its own, and a stub is no state */
        return SENT;
    record_stub(r, s->workspace, s->txn, err_name(ERR_RECORD_REFUSED), &value);
    headers_stub(&h, r, s->workspace, s->txn, s->traceparent);
    headers_add_row(&h, x->row);
    struct message m = {.topic = record_topic_name(r->topic),
                        .partition = x->partition,
                        .key = r->key,
                        .key_len = strlen(r->key),
                        .value = value.p,
                        .len = value.n,
                        .headers = &h,
                        .refusals = &item->refusals};
    enum sent sent = emit_message(x->producer, &m, error);
    jb_free(&value);
    return sent;
}

static enum sent emit_refused(const struct emission *x, struct row_item *item, rd_kafka_error_t **error) {
    const struct record *r = &item->record;
    if (item->refusals >= GIVEN_UP) {
        log_event(LOG_ERROR, "record-lost", "topic=%s id=%s", record_topic_name(r->topic), r->ce_id);
        return SENT;
    }
    enum sent sent = emit_stub(x, item, error);
    if (sent != SENT || item->refusals >= STUB_ONLY)
        return sent;
    struct deadletter letter = {.why = ERR_RECORD_REFUSED,
                                .detail = "Kafka refuses the record for ever",
                                .offset = item->source.offset,
                                .time_us = r->time_us,
                                .record = r};
    struct message m = {.partition = x->partition,
                        .key = r->key,
                        .key_len = strlen(r->key),
                        .value = r->value,
                        .len = r->value != NULL ? strlen(r->value) : 0,
                        .refusals = &item->refusals};
    return emit_letter(x, &letter, &m, item->refusals >= STUB_AND_PART ? PART_BYTES : SIZE_MAX, error);
}

/* As it is stored, so that what goes out again is the same byte for byte. */
static enum sent emit_whole(const struct emission *x, struct row_item *item, rd_kafka_error_t **error) {
    struct headers h;
    const struct record *r = &item->record;
    headers_record(&h, r, item->source.workspace, item->source.txn, item->source.traceparent);
    headers_add_row(&h, x->row);
    struct message m = {.topic = record_topic_name(r->topic),
                        .partition = x->partition,
                        .key = r->key,
                        .key_len = strlen(r->key),
                        .value = r->value,
                        .len = r->value != NULL ? strlen(r->value) : 0,
                        .headers = &h,
                        .refusals = &item->refusals};
    return emit_message(x->producer, &m, error);
}

rd_kafka_error_t *emit_item(const struct emission *x, struct row_item *item) {
    rd_kafka_error_t *error = NULL;
    enum sent sent = REFUSED;
    while (sent == REFUSED)
        sent = item->is_letter         ? emit_poison(x, item, &error)
               : item->refusals < STUB ? emit_whole(x, item, &error)
                                       : emit_refused(x, item, &error);
    return error;
}
