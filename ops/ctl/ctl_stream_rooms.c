#include "ops/ctl/ctl_stream_rooms.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/kafka_conf.h"

#include <stdlib.h>
#include <string.h>

#define ASK_MS 5000
#define SILENCE_US INT64_C(25000000)

static bool says_so(const rd_kafka_message_t *m, const char *text) {
    return m->payload != NULL && memmem(m->payload, m->len, text, strlen(text)) != NULL;
}

/* What a record is about, from its headers. */
struct read {
    char source[64], subject[160], type[64], number[32];
    struct fold_record record;
};

/* False: it has not the headers that every record has; the numbers of usher.membership are judged elsewhere.
 */
static bool read_record(const rd_kafka_message_t *m, struct read *r) {
    if (!kafka_header_text(m, "ce_source", r->source, sizeof r->source) ||
        strncmp(r->source, "/w/", 3) != 0 || !kafka_header_text(m, "ce_type", r->type, sizeof r->type) ||
        !kafka_header_text(m, "ce_subject", r->subject, sizeof r->subject))
        return false;
    r->record = (struct fold_record){
        .workspace = r->source + 3, .subject = r->subject, .transmit = says_so(m, "\"transmit\":true")};
    if (!kafka_header_text(m, "usher-epoch", r->number, sizeof r->number))
        return false;
    r->record.epoch = strtoll(r->number, NULL, 10);
    if (!kafka_header_text(m, "usher-seq", r->number, sizeof r->number))
        return false;
    r->record.seq = strtoll(r->number, NULL, 10);
    return r->record.epoch > 0;
}

static void take_event(struct fold *f, const rd_kafka_message_t *m) {
    static const char *const there[] = {"usher.member.added", "usher.member.transmit_changed",
                                        "usher.room.created", "usher.room.renamed"};
    struct read r;
    if (!read_record(m, &r))
        return;
    if (strcmp(r.type, "usher.stream.epoch") == 0) {
        fold_epoch(f, &r.record);
        return;
    }
    r.record.gone = strcmp(r.type, "usher.member.removed") == 0 || strcmp(r.type, "usher.room.deleted") == 0;
    bool known = r.record.gone;
    for (size_t i = 0; i < sizeof there / sizeof *there; i++)
        known = known || strcmp(r.type, there[i]) == 0;
    if (known)
        fold_event(f, &r.record);
    else
        fold_stub(f, &r.record); /* a stub, or what a later version tells */
}

static void take_state(struct fold *f, const rd_kafka_message_t *m) {
    struct read r;
    if (!read_record(m, &r))
        return;
    r.record.gone = m->payload == NULL;
    fold_state(f, &r.record);
}

/* From its beginning to the end that it has now, which an open transaction holds back. */
static enum err_code read_partition(rd_kafka_t *rk, const char *topic, int32_t partition, struct fold *f,
                                    void (*take)(struct fold *f, const rd_kafka_message_t *m),
                                    struct err *err) {
    rd_kafka_topic_partition_list_t *from = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(from, topic, partition)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_resp_err_t code = rd_kafka_assign(rk, from);
    rd_kafka_topic_partition_list_destroy(from);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return err_set(err, ERR_KAFKA, "%s cannot be read: %s", topic, rd_kafka_err2str(code));
    for (int64_t since_us = clock_mono_us(); clock_mono_us() - since_us < SILENCE_US;) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 100);
        /* The consumer was assigned another partition before, whose last words may still come. */
        bool ours = m != NULL && m->rkt != NULL && m->partition == partition &&
                    strcmp(rd_kafka_topic_name(m->rkt), topic) == 0;
        bool ended = ours && m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        if (ours && m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            take(f, m);
            since_us = clock_mono_us();
        }
        if (m != NULL)
            rd_kafka_message_destroy(m);
        if (ended)
            return ERR_OK;
    }
    return err_set(err, ERR_KAFKA, "%s, partition %d, cannot be read to its end", topic, (int)partition);
}

static enum err_code begins_at(rd_kafka_t *rk, const char *topic, int32_t partition, int64_t *low,
                               struct err *err) {
    int64_t high;
    rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(rk, topic, partition, low, &high, ASK_MS);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? ERR_OK
                                              : err_set(err, ERR_KAFKA, "%s, partition %d: %s", topic,
                                                        (int)partition, rd_kafka_err2str(code));
}

/* A compacted topic keeps its beginning; only a trial broker, which compacts nothing, drops it. It is known
 * by having no settings. */
static bool has_forgotten(rd_kafka_t *rk, int64_t low) {
    struct err err = {0};
    return low > 0 && kafka_topics_limits(rk, ASK_MS, &err) == ERR_KAFKA;
}

/* First the events and then the states, which stand in the same Kafka transactions: so the state of each
 * event that was read is there. */
static enum err_code verify_partition(rd_kafka_t *rk, int32_t partition, struct fold *f, bool *forgot,
                                      struct err *err) {
    int64_t events = 0, states = 0;
    if (begins_at(rk, TOPIC_MEMBERSHIP, partition, &events, err) != ERR_OK ||
        begins_at(rk, TOPIC_ROOMS, partition, &states, err) != ERR_OK)
        return err->code;
    *forgot = has_forgotten(rk, states);
    if (*forgot)
        return ERR_OK;
    if (read_partition(rk, TOPIC_MEMBERSHIP, partition, f, take_event, err) != ERR_OK ||
        read_partition(rk, TOPIC_ROOMS, partition, f, take_state, err) != ERR_OK)
        return err->code;
    fold_judge(f, events == 0);
    return ERR_OK;
}

enum err_code stream_rooms_verify(struct ctl *c, int32_t only, int partitions,
                                  void (*each)(void *ctx, const char *workspace,
                                               const struct fold_verdict *verdict),
                                  void *ctx, struct err *err) {
    rd_kafka_conf_t *conf = kafka_conf_new(c->config, KAFKA_CONSUMER_ENDS);
    kafka_conf_set(conf, "group.id", "usherctl"); /* it neither joins nor commits */
    rd_kafka_t *rk = kafka_open(conf, KAFKA_CONSUMER_ENDS, err);
    if (rk == NULL)
        return err->code;
    enum err_code code = ERR_OK;
    for (int32_t p = only < 0 ? 0 : only; code == ERR_OK && p < (only < 0 ? partitions : only + 1); p++) {
        struct fold *f = fold_new();
        bool forgot = false;
        code = verify_partition(rk, p, f, &forgot, err);
        if (code == ERR_OK && !forgot)
            fold_each(f, each, ctx);
        fold_free(f);
    }
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    return code;
}
