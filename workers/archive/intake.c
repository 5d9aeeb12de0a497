#include "workers/archive/intake.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"

#include <stdlib.h>
#include <string.h>

#define GROUP "usher-worker-archive"
#define ASK_MS 5000
#define FIRST_MS 100
/* Nobody waits for the archive, and each transaction costs something: so a batch gathers for a while. So does
 * each fetch and each heartbeat: the broker waits for that much, or that long, before it answers, and that
 * the archive is gone is known soon enough by its session. */
#define GATHER_US 200000
#define FETCH_BYTES "65536"
#define HEARTBEAT_MS "2000"
/* An archive that hangs gives its partitions up after so long: its heartbeats go on without it. Longer than
 * any of its transactions. */
#define HANGS_MS "60000"

struct intake {
    rd_kafka_t *rk;
    int partitions;
    bool *ours, *ended;
    struct archive_place *places;
    int32_t *list; /* those that are ours and started */
    size_t nlist;
    int64_t *at; /* of each partition, what comes next of what is fetched */
    bool due, dead;
    bool fetching; /* the list is assigned, and has been since the last rebalance */
    unsigned generation;
    rd_kafka_message_t **messages; /* of the batch that was given */
    char **events;
    size_t n;
};

/* ---- partitions come and go ---- */

static void forget_list(struct intake *in) {
    in->nlist = 0;
    in->generation++;
    for (int i = 0; i < in->partitions; i++) {
        in->places[i] = (struct archive_place){.partition = i, .next = -1};
        in->ended[i] = false;
    }
}

static void fetch_list(struct intake *in) {
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(in->partitions);
    for (size_t i = 0; i < in->nlist; i++) {
        in->at[in->list[i]] = in->places[in->list[i]].next;
        rd_kafka_topic_partition_list_add(parts, TOPIC_AUDIT, in->list[i])->offset = in->at[in->list[i]];
    }
    rd_kafka_resp_err_t code = rd_kafka_assign(in->rk, parts);
    rd_kafka_topic_partition_list_destroy(parts);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    log_event(LOG_ERROR, "archive-assign-failed", "code=%s", rd_kafka_err2name(code));
    in->dead = true;
}

/* The same partitions go on from where they are now. They are not assigned once more: librdkafka 2.0 ends the
 * process where that meets a rebalance. */
static void seek_list(struct intake *in) {
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(in->partitions);
    for (size_t i = 0; i < in->nlist; i++) {
        int32_t p = in->list[i];
        if (in->at[p] == in->places[p].next)
            continue;
        in->at[p] = in->places[p].next;
        rd_kafka_topic_partition_list_add(parts, TOPIC_AUDIT, p)->offset = in->at[p];
    }
    rd_kafka_error_t *error = parts->cnt > 0 ? rd_kafka_seek_partitions(in->rk, parts, ASK_MS) : NULL;
    bool good = error == NULL;
    for (int i = 0; i < parts->cnt; i++)
        good = good && parts->elems[i].err == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (error != NULL)
        rd_kafka_error_destroy(error);
    rd_kafka_topic_partition_list_destroy(parts);
    if (good)
        return;
    log_event(LOG_WARN, "archive-seek-failed", "");
    in->dead = true; /* what the batch had would be skipped: another consumer begins */
}

static void intake_on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t what,
                                rd_kafka_topic_partition_list_t *parts, void *opaque) {
    struct intake *in = opaque;
    bool come = what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    memset(in->ours, 0, (size_t)in->partitions * sizeof *in->ours);
    for (int i = 0; come && i < parts->cnt; i++)
        if (parts->elems[i].partition < in->partitions)
            in->ours[parts->elems[i].partition] = true;
    forget_list(in);
    in->due = come;
    in->fetching = false;
    if (come)
        fetch_list(in); /* nothing, until it is known where they go on */
    else if (rd_kafka_assign(rk, NULL) != RD_KAFKA_RESP_ERR_NO_ERROR)
        in->dead = true;
    log_event(LOG_INFO, come ? "archive-assigned" : "archive-revoked", "partitions=%d", parts->cnt);
}

static void intake_on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque) {
    struct intake *in = opaque;
    char quoted[300];
    (void)rk;
    log_event(LOG_WARN, "archive-consumer-error", "code=%s reason=%s",
              rd_kafka_err2name((rd_kafka_resp_err_t)code), log_quote(reason, quoted, sizeof quoted));
    if (code == RD_KAFKA_RESP_ERR__FATAL)
        in->dead = true;
}

static rd_kafka_t *join(struct intake *in, const struct config *config, bool trial, struct err *err) {
    rd_kafka_conf_t *conf = kafka_conf_new(config, KAFKA_CONSUMER_GROUP);
    kafka_conf_set(conf, "group.id", GROUP);
    kafka_conf_set(conf, "enable.partition.eof", "true");
    kafka_conf_set(conf, "queued.min.messages", "2000");
    kafka_conf_set(conf, "heartbeat.interval.ms", HEARTBEAT_MS);
    kafka_conf_set(conf, "max.poll.interval.ms", HANGS_MS);
    if (trial)
        kafka_conf_set(conf, "fetch.wait.max.ms", "1"); /* it sleeps that long on every empty fetch */
    else
        kafka_conf_set(conf, "fetch.min.bytes", FETCH_BYTES);
    rd_kafka_conf_set_rebalance_cb(conf, intake_on_rebalance);
    rd_kafka_conf_set_error_cb(conf, intake_on_error);
    rd_kafka_conf_set_opaque(conf, in);
    rd_kafka_t *rk = kafka_open(conf, KAFKA_CONSUMER_GROUP, err);
    if (rk == NULL)
        return NULL;
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, TOPIC_AUDIT, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(rk, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return rk;
    (void)err_set(err, ERR_KAFKA, "Cannot subscribe: %s", rd_kafka_err2str(code));
    rd_kafka_destroy(rk);
    return NULL;
}

struct intake *intake_open(const struct config *config, bool trial, struct err *err) {
    struct intake *in = xcalloc(1, sizeof *in);
    in->partitions = (int)config_int(config, "partitions");
    size_t n = (size_t)in->partitions;
    in->ours = xcalloc(n, sizeof *in->ours);
    in->ended = xcalloc(n, sizeof *in->ended);
    in->places = xcalloc(n, sizeof *in->places);
    in->list = xcalloc(n, sizeof *in->list);
    in->at = xcalloc(n, sizeof *in->at);
    in->messages = xcalloc(INTAKE_RECORDS, sizeof(rd_kafka_message_t *));
    in->events = xcalloc(INTAKE_RECORDS, sizeof *in->events);
    forget_list(in);
    in->rk = join(in, config, trial, err);
    if (in->rk != NULL)
        return in;
    intake_close(in);
    return NULL;
}

static void release(struct intake *in) {
    for (size_t i = 0; i < in->n; i++) {
        rd_kafka_message_destroy(in->messages[i]);
        free(in->events[i]);
    }
    in->n = 0;
}

void intake_close(struct intake *in) {
    if (in == NULL)
        return;
    release(in);
    if (in->rk != NULL) {
        rd_kafka_consumer_close(in->rk);
        rd_kafka_destroy(in->rk);
    }
    free(in->ours);
    free(in->ended);
    free(in->places);
    free(in->list);
    free(in->at);
    free(in->messages);
    free(in->events);
    free(in);
}

/* ---- where they go on ---- */

struct bounds {
    int64_t first, end;
};

/* The log does not hold the place. Behind its end: it is another log than it was (a topic that was made anew,
 * or that has lost its end), and what we have may be in it once more. Before its beginning: records are gone,
 * which shows in the numbers of changes. */
static enum err_code move_place(struct db *db, const struct archive_place *place, const struct bounds *b,
                                struct err *err) {
    bool anew = place->next > b->end;
    log_event(LOG_ERROR, anew ? "archive-log-anew" : "archive-records-gone",
              "partition=%d from=%lld first=%lld end=%lld", place->partition, (long long)place->next,
              (long long)b->first, (long long)b->end);
    return archive_begin_again(db, place, b->first, anew ? b->end : 0, err);
}

static enum err_code ask_bounds(struct intake *in, int32_t partition, struct bounds *out, struct err *err) {
    rd_kafka_resp_err_t code =
        rd_kafka_query_watermark_offsets(in->rk, TOPIC_AUDIT, partition, &out->first, &out->end, ASK_MS);
    return code ? err_set(err, ERR_KAFKA, "The ends of usher.audit: %s", rd_kafka_err2str(code)) : ERR_OK;
}

static enum err_code read_places(struct db *db, const struct archive_place *first,
                                 const struct bounds *bounds, size_t n, struct archive_place *out,
                                 struct err *err) {
    bool moved = false;
    if (archive_places(db, first, n, out, err) != ERR_OK)
        return err->code;
    for (size_t i = 0; i < n; i++) {
        const struct bounds *b = &bounds[out[i].partition];
        if (out[i].next >= b->first && out[i].next <= b->end)
            continue;
        if (move_place(db, &out[i], b, err) != ERR_OK)
            return err->code;
        moved = true;
    }
    return moved ? archive_places(db, first, n, out, err) : ERR_OK;
}

enum err_code intake_start(struct intake *in, struct db *db, struct err *err) {
    struct bounds *bounds = xcalloc((size_t)in->partitions, sizeof *bounds);
    struct archive_place *first = xcalloc((size_t)in->partitions, sizeof *first),
                         *out = xcalloc((size_t)in->partitions, sizeof *out);
    enum err_code code = ERR_OK;
    size_t n = 0;
    forget_list(in);
    for (int32_t i = 0; code == ERR_OK && i < in->partitions; i++) {
        if (!in->ours[i])
            continue;
        code = ask_bounds(in, i, &bounds[i], err);
        first[n++] = (struct archive_place){.partition = i, .next = bounds[i].first};
    }
    if (code == ERR_OK && n > 0)
        code = read_places(db, first, bounds, n, out, err);
    for (size_t i = 0; code == ERR_OK && i < n; i++) {
        in->places[out[i].partition] = out[i];
        in->list[in->nlist++] = out[i].partition;
    }
    if (code == ERR_OK) {
        in->due = false;
        if (in->fetching)
            seek_list(in);
        else
            fetch_list(in);
        in->fetching = true;
    }
    free(bounds);
    free(first);
    free(out);
    return code;
}

bool intake_due(const struct intake *in) {
    return in->due;
}

void intake_forget(struct intake *in) {
    forget_list(in);
    in->due = true;
}

/* ---- records ---- */

/* To be freed; "" if it has none. */
static char *header_of(const rd_kafka_message_t *m, const char *name) {
    rd_kafka_headers_t *headers;
    const void *value = NULL;
    size_t n = 0;
    if (rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, name, &value, &n) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return xstrdup("");
    return xstrndup(value, n);
}

static bool is_of_stream(const rd_kafka_message_t *m) {
    char *type = header_of(m, "ce_type");
    bool is = strncmp(type, "usher.stream.", strlen("usher.stream.")) == 0;
    free(type);
    return is;
}

/* False: it is none of ours. */
static bool take_record(struct intake *in, rd_kafka_message_t *m, struct entry_source *out) {
    if (m->partition >= in->partitions)
        return false;
    in->at[m->partition] = m->offset + 1;
    if (in->places[m->partition].next < 0)
        return false;
    in->ended[m->partition] = false;
    in->messages[in->n] = m;
    in->events[in->n] = header_of(m, "ce_id");
    out[in->n] = (struct entry_source){.partition = m->partition,
                                       .offset = m->offset,
                                       .time_us = rd_kafka_message_timestamp(m, NULL) * 1000,
                                       .event = in->events[in->n],
                                       .of_stream = is_of_stream(m),
                                       .value = m->payload,
                                       .n = m->len};
    in->n++;
    return true;
}

static void hear(struct intake *in, const rd_kafka_message_t *m) {
    char quoted[300];
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        if (m->partition < in->partitions)
            in->ended[m->partition] = true;
        return;
    }
    if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || m->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
        in->fetching = false; /* a seek does not do where a fetch has failed */
        intake_forget(in);
    } else if (m->err == RD_KAFKA_RESP_ERR__FATAL) {
        in->dead = true;
    }
    log_event(LOG_WARN, "archive-poll-error", "code=%s reason=%s", rd_kafka_err2name(m->err),
              log_quote(rd_kafka_message_errstr(m), quoted, sizeof quoted));
}

size_t intake_next(struct intake *in, struct entry_source *out) {
    unsigned generation = in->generation;
    int64_t until_us = 0;
    size_t bytes = 0;
    release(in);
    while (in->n < INTAKE_RECORDS && bytes < INTAKE_BYTES) {
        int64_t left_us = until_us - clock_mono_us();
        int wait_ms = in->n == 0 ? FIRST_MS : left_us > 0 ? (int)(left_us / 1000) + 1 : 0;
        rd_kafka_message_t *m = rd_kafka_consumer_poll(in->rk, wait_ms);
        if (in->generation != generation) { /* whoever has them now reads the places anew, and so do we */
            release(in);
            generation = in->generation;
        }
        if (m == NULL)
            break;
        if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            hear(in, m);
            rd_kafka_message_destroy(m);
            if (in->n == 0)
                break;
            continue;
        }
        bytes += m->len;
        until_us = in->n == 0 ? clock_mono_us() + GATHER_US : until_us;
        if (!take_record(in, m, out))
            rd_kafka_message_destroy(m);
    }
    if (in->generation != generation)
        release(in);
    return in->n;
}

/* ---- questions ---- */

bool intake_good(const struct intake *in) {
    return !in->dead;
}

struct archive_place *intake_places(struct intake *in) {
    return in->places;
}

const int32_t *intake_ours(const struct intake *in, size_t *n) {
    *n = in->nlist;
    return in->list;
}

unsigned intake_generation(const struct intake *in) {
    return in->generation;
}

bool intake_at_end(const struct intake *in, int32_t partition) {
    return partition >= 0 && partition < in->partitions && in->ended[partition];
}

int64_t intake_lag(struct intake *in) {
    int64_t lag = 0;
    for (size_t i = 0; i < in->nlist; i++) {
        int64_t first, end;
        int32_t p = in->list[i];
        if (!in->ended[p] &&
            rd_kafka_get_watermark_offsets(in->rk, TOPIC_AUDIT, p, &first, &end) ==
                RD_KAFKA_RESP_ERR_NO_ERROR &&
            end > in->places[p].next)
            lag += end - in->places[p].next;
    }
    return lag;
}
