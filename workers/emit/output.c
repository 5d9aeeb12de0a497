#include "workers/emit/output.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/log.h"
#include "schemas/stream/headers.h"
#include "schemas/stream/row.h"
#include "workers/emit/topics.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define ASK_MS 5000
#define SILENCE_US 15000000 /* longer than a transaction may stay open */

/* ---- which topics ---- */

struct named {
    bool topics[LANE_TOPICS];
    int64_t last; /* of the rows that were looked at */
};

static int topic_of(const struct row_item *item) {
    if (item->is_letter)
        return LANE_DEADLETTER;
    for (int t = 0; t < LANE_TOPICS; t++)
        if (strcmp(emit_topics[t], record_topic_name(item->record.topic)) == 0)
            return t;
    return LANE_AUDIT;
}

/* A record that Kafka refuses leaves a dead letter. */
static void look_at_row(void *arg, const struct outbox_row *row) {
    struct named *named = arg;
    struct row_items items = {0};
    struct err err = {0};
    if (row_decode(row->bytes, row->n, &items, &err) != ERR_OK)
        log_event(LOG_WARN, "row-unreadable", "number=%lld", (long long)row->number);
    for (size_t i = 0; i < items.n; i++)
        named->topics[topic_of(&items.items[i])] = true;
    named->last = row->number;
    row_items_free(&items);
    free(row->bytes);
}

static enum err_code name_topics(struct db *db, const struct outbox_taken *taken, struct named *named,
                                 struct err *err) {
    named->last = taken->mark;
    while (named->last < taken->last) {
        int64_t before = named->last;
        if (outbox_rows(db, taken->partition, before, taken->last, ROW_BYTES, look_at_row, named, err) !=
            ERR_OK)
            return err->code;
        if (named->last == before)
            return err_set(err, ERR_DB_BUG, "Row %lld of partition %d is missing in the outbox",
                           (long long)before + 1, (int)taken->partition);
    }
    return ERR_OK;
}

/* ---- reading ---- */

struct reader {
    rd_kafka_t *rk;
    int32_t partition;
    int64_t end[LANE_TOPICS]; /* where the topic ended when we asked; 0: it is not read, or read to its end */
    int64_t number;
};

static int topic_named(const char *name) {
    for (int t = 0; t < LANE_TOPICS; t++)
        if (strcmp(emit_topics[t], name) == 0)
            return t;
    return -1;
}

static enum err_code begin_reading(struct reader *r, const struct named *named, const char *positions,
                                   struct err *err) {
    rd_kafka_topic_partition_list_t *from = rd_kafka_topic_partition_list_new(LANE_TOPICS);
    json_t *known = json_loads(positions, 0, NULL);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int t = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && t < LANE_TOPICS; t++) {
        int64_t first, end, place = json_integer_value(json_object_get(known, emit_topics[t]));
        if (!named->topics[t])
            continue;
        code = rd_kafka_query_watermark_offsets(r->rk, emit_topics[t], r->partition, &first, &end, ASK_MS);
        place = place > first ? place : first;
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR || place >= end)
            continue;
        r->end[t] = end;
        rd_kafka_topic_partition_list_add(from, emit_topics[t], r->partition)->offset = place;
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = rd_kafka_assign(r->rk, from);
    json_decref(known);
    rd_kafka_topic_partition_list_destroy(from);
    return code ? err_set(err, ERR_KAFKA, "The ends of the streams: %s", rd_kafka_err2str(code)) : ERR_OK;
}

static void take_message(struct reader *r, const rd_kafka_message_t *m) {
    rd_kafka_headers_t *headers;
    const void *value;
    size_t n;
    char text[24];
    if (rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, HEADER_ROW, &value, &n) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        n >= sizeof text)
        return; /* not a worker's: requests stand in usher.audit too */
    memcpy(text, value, n);
    text[n] = '\0';
    int64_t number = strtoll(text, NULL, 10);
    if (number > r->number)
        r->number = number;
}

/* True if something went on. */
static bool read_on(struct reader *r) {
    rd_kafka_message_t *m = rd_kafka_consumer_poll(r->rk, 100);
    if (m == NULL)
        return false;
    bool eof = m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF, good = m->err == RD_KAFKA_RESP_ERR_NO_ERROR;
    int t = m->rkt != NULL ? topic_named(rd_kafka_topic_name(m->rkt)) : -1;
    if (good)
        take_message(r, m);
    if (t >= 0 && (good || eof) && m->offset + good >= r->end[t])
        r->end[t] = 0;
    rd_kafka_message_destroy(m);
    return good;
}

static bool reading(const struct reader *r) {
    for (int t = 0; t < LANE_TOPICS; t++)
        if (r->end[t] > 0)
            return true;
    return false;
}

static enum err_code read_to_the_end(struct reader *r, struct err *err) {
    int64_t since_us = clock_mono_us();
    while (reading(r)) {
        if (read_on(r))
            since_us = clock_mono_us();
        else if (clock_mono_us() - since_us > SILENCE_US)
            return err_set(err, ERR_KAFKA, "The ends of the streams cannot be read");
    }
    return ERR_OK;
}

enum err_code output_last_row(const struct config *config, struct db *db, const struct outbox_taken *taken,
                              bool all, int64_t *number, struct err *err) {
    struct named named = {0};
    for (int i = 0; all && i < LANE_TOPICS; i++)
        named.topics[i] = true;
    struct reader r = {.partition = taken->partition, .number = taken->mark};
    if (name_topics(db, taken, &named, err) != ERR_OK)
        return err->code;
    rd_kafka_conf_t *conf = kafka_conf_new(config, KAFKA_CONSUMER_ENDS);
    kafka_conf_set(conf, "group.id", "usher-worker-ends"); /* it neither joins nor commits */
    r.rk = kafka_open(conf, KAFKA_CONSUMER_ENDS, err);
    if (r.rk == NULL)
        return ERR_KAFKA;
    enum err_code code = begin_reading(&r, &named, taken->positions, err);
    if (code == ERR_OK)
        code = read_to_the_end(&r, err);
    rd_kafka_consumer_close(r.rk);
    rd_kafka_destroy(r.rk);
    *number = r.number;
    return code;
}
