#include "workers/deliver/taker.h"

#include "ops/runtime/arena.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/id.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "ops/runtime/trace.h"
#include "sql/ask/delivery.h"
#include "sql/migrate.h"
#include "workers/deliver/webhook.h"
#include "workers/stats.h"

#include <stdlib.h>
#include <string.h>

#define GROUP "usher-worker-deliver"
/* One that hangs gives its partitions up after so long: its heartbeats go on without it. */
#define HANGS_MS "60000"
#define ASK_MS 5000
#define FIRST_MS 100
#define BATCH_RECORDS 500
#define BATCH_BYTES (2u << 20)
/* How long a batch gathers: where somebody waits for messages, and where nobody did the last time. */
#define GATHER_US 3000
#define GATHER_IDLE_US 20000
#define MOVE_EVERY_US 1000000 /* places behind which nothing was wanted */
#define DAYS_EVERY_US 600000000
#define NTOPICS 3
#define FILL_USERS 2000 /* of whom addresses are noted in one transaction */
#define FILL_EVERY_US 1000000
/* What is lost with PostgreSQL's last moments is read again: its place is lost with it. */
#define OPTIONS "synchronous_commit=off"

static const char *const topics[NTOPICS] = {TOPIC_EVENTS, TOPIC_MEMBERSHIP, TOPIC_CHECKPOINTS};

struct taker {
    const struct config *config;
    bool trial;
    void (*touched)(const char *workspace, void *ctx);
    void *ctx;
    struct db *db;
    unsigned checked; /* the connection's generation whose schema was looked at */
    rd_kafka_t *rk;   /* NULL: to be opened */
    int partitions;
    struct delivery_place *stored; /* of each topic's partitions, as PostgreSQL has it */
    int64_t *at;                   /* what comes next; negative: it is not ours */
    bool dead;
    bool idle; /* the last batch had nothing that anybody wanted */
    int64_t days_us, fill_us, move_us;
    unsigned generation; /* of the assignment */
    struct arena *arena; /* of the batch, as is all below */
    struct delivery_record *records;
    int *places; /* of each record */
    int64_t *offsets;
    size_t n;
};

/* ---- partitions come and go ---- */

static int taker_topic_of(const char *name) {
    int i = 0;
    while (i < NTOPICS && strcmp(topics[i], name) != 0)
        i++;
    return i;
}

static void taker_forget(struct taker *t) {
    t->generation++;
    for (int i = 0; i < NTOPICS * t->partitions; i++)
        t->at[i] = -1;
}

/* A topic that does not hold the place any more has lost what stood there, or is another one than it was. */
static enum err_code settle_place(struct taker *t, struct delivery_place *p, int64_t first, int64_t end,
                                  struct err *err) {
    if (p->next >= first && p->next <= end)
        return ERR_OK;
    log_event(LOG_ERROR, "deliver-records-gone", "topic=%s partition=%d from=%lld first=%lld end=%lld",
              p->topic, p->partition, (long long)p->next, (long long)first, (long long)end);
    enum err_code code = delivery_begin_again(t->db, p, first, err);
    p->next = first;
    return code;
}

static enum err_code taker_read_places(struct taker *t, rd_kafka_topic_partition_list_t *parts,
                                       struct err *err) {
    size_t n = (size_t)parts->cnt;
    struct delivery_place *places = xcalloc(n + 1, sizeof *places);
    int64_t *first = xcalloc(n + 1, sizeof *first), *end = xcalloc(n + 1, sizeof *end);
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < n; i++) {
        const rd_kafka_topic_partition_t *p = &parts->elems[i];
        rd_kafka_resp_err_t e =
            rd_kafka_query_watermark_offsets(t->rk, p->topic, p->partition, &first[i], &end[i], ASK_MS);
        if (e != RD_KAFKA_RESP_ERR_NO_ERROR)
            code = err_set(err, ERR_KAFKA, "The ends of %s: %s", p->topic, rd_kafka_err2str(e));
        places[i] = (struct delivery_place){topics[taker_topic_of(p->topic)], p->partition, first[i]};
    }
    if (code == ERR_OK && n > 0)
        code = delivery_places(t->db, places, n, err);
    for (size_t i = 0; code == ERR_OK && i < n; i++) {
        int at = taker_topic_of(places[i].topic) * t->partitions + places[i].partition;
        code = settle_place(t, &places[i], first[i], end[i], err);
        t->stored[at] = places[i];
        t->at[at] = parts->elems[i].offset = places[i].next;
    }
    free(places);
    free(first);
    free(end);
    return code;
}

static bool all_known(const struct taker *t, const rd_kafka_topic_partition_list_t *parts) {
    for (int i = 0; i < parts->cnt; i++)
        if (taker_topic_of(parts->elems[i].topic) == NTOPICS || parts->elems[i].partition >= t->partitions)
            return false;
    return true;
}

static void taker_on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t what,
                               rd_kafka_topic_partition_list_t *parts, void *opaque) {
    struct taker *t = opaque;
    struct err err = {0};
    bool come = what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    taker_forget(t);
    log_event(LOG_INFO, come ? "deliver-assigned" : "deliver-revoked", "partitions=%d", parts->cnt);
    if (come && all_known(t, parts) && taker_read_places(t, parts, &err) == ERR_OK) {
        t->dead = rd_kafka_assign(rk, parts) != RD_KAFKA_RESP_ERR_NO_ERROR || t->dead;
        return;
    }
    if (come)
        log_event(LOG_WARN, "deliver-assign-failed", "error=\"%s\"", err_text(&err));
    t->dead = rd_kafka_assign(rk, NULL) != RD_KAFKA_RESP_ERR_NO_ERROR || come || t->dead;
}

static void taker_on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque) {
    struct taker *t = opaque;
    char quoted[300];
    (void)rk;
    log_event(LOG_WARN, "deliver-consumer-error", "code=%s reason=%s",
              rd_kafka_err2name((rd_kafka_resp_err_t)code), log_quote(reason, quoted, sizeof quoted));
    if (code == RD_KAFKA_RESP_ERR__FATAL)
        t->dead = true;
}

static enum err_code taker_join(struct taker *t, struct err *err) {
    rd_kafka_conf_t *conf = kafka_conf_new(t->config, KAFKA_CONSUMER_GROUP);
    kafka_conf_set(conf, "group.id", GROUP);
    kafka_conf_set(conf, "max.poll.interval.ms", HANGS_MS);
    kafka_conf_set(conf, "heartbeat.interval.ms", "2000"); /* each costs something; endpoints can wait */
    kafka_conf_set(conf, "queued.min.messages", "2000");
    if (t->trial)
        kafka_conf_set(conf, "fetch.wait.max.ms", "1"); /* it sleeps that long on every empty fetch */
    rd_kafka_conf_set_rebalance_cb(conf, taker_on_rebalance);
    rd_kafka_conf_set_error_cb(conf, taker_on_error);
    rd_kafka_conf_set_opaque(conf, t);
    t->dead = false;
    t->rk = kafka_open(conf, KAFKA_CONSUMER_GROUP, err);
    if (t->rk == NULL)
        return err->code;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(NTOPICS);
    for (int i = 0; i < NTOPICS; i++)
        rd_kafka_topic_partition_list_add(list, topics[i], RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(t->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR
               ? ERR_OK
               : err_set(err, ERR_KAFKA, "Cannot subscribe: %s", rd_kafka_err2str(code));
}

static void taker_leave(struct taker *t) {
    if (t->rk == NULL)
        return;
    rd_kafka_consumer_close(t->rk);
    rd_kafka_destroy(t->rk);
    t->rk = NULL;
    taker_forget(t);
}

/* ---- records ---- */

/* In the arena of the batch; "" if it has none. */
static const char *taker_header_of(struct taker *t, const rd_kafka_message_t *m, const char *name) {
    rd_kafka_headers_t *headers;
    const void *value = NULL;
    size_t n = 0;
    if (rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, name, &value, &n) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return "";
    return arena_strndup(t->arena, value, n);
}

/* The user that an event is about; NULL: none. (Of usher.membership nobody asks.) */
static const char *record_user(struct taker *t, const rd_kafka_message_t *m) {
    static const char users[] = "users/";
    const char *subject = taker_header_of(t, m, "ce_subject");
    struct uuid id;
    return strncmp(subject, users, sizeof users - 1) == 0 && uuid_parse(subject + sizeof users - 1, &id)
               ? arena_strdup(t->arena, id.s)
               : NULL;
}

/* What the message carries: the record's value. A signed head is a text, so it carries that in an object.
 * NULL: nobody can read it. */
static const char *record_value(struct taker *t, const rd_kafka_message_t *m, const char *workspace) {
    struct jbuf b = {0};
    if (m->payload == NULL || strcmp(rd_kafka_topic_name(m->rkt), TOPIC_CHECKPOINTS) != 0)
        return m->payload != NULL ? arena_strndup(t->arena, m->payload, m->len) : NULL;
    bool good = webhook_checkpoint(&b, workspace, taker_header_of(t, m, "ce_subject"), m->payload, m->len);
    const char *value = good ? arena_strdup(t->arena, b.p) : NULL;
    jb_free(&b);
    return value;
}

/* For the spans of attempts; kept only where there are any. */
static const char *record_traceparent(struct taker *t, const rd_kafka_message_t *m) {
    const char *text = trace_on() ? taker_header_of(t, m, "traceparent") : "";
    return text[0] != '\0' ? text : NULL;
}

/* What nobody can read is passed over: it is in the stream, and whoever reads that is told there. */
static void taker_take_record(struct taker *t, const rd_kafka_message_t *m, int place) {
    static const char source[] = "/w/";
    const char *from = taker_header_of(t, m, "ce_source");
    const char *value = NULL;
    struct delivery_record *r = &t->records[t->n];
    struct uuid workspace;
    int64_t at_us;
    t->places[t->n] = place;
    t->offsets[t->n] = m->offset;
    *r = (struct delivery_record){.workspace = UUID_NIL, .value = "null"};
    if (strncmp(from, source, sizeof source - 1) == 0 && uuid_parse(from + sizeof source - 1, &workspace))
        value = record_value(t, m, workspace.s);
    if (value != NULL)
        *r = (struct delivery_record){.workspace = arena_strdup(t->arena, workspace.s),
                                      .at_us = rfc3339_parse(taker_header_of(t, m, "ce_time"), &at_us)
                                                   ? at_us
                                                   : rd_kafka_message_timestamp(m, NULL) * 1000,
                                      .type = taker_header_of(t, m, "ce_type"),
                                      .event = taker_header_of(t, m, "ce_id"),
                                      .value = value,
                                      .user = record_user(t, m),
                                      .traceparent = record_traceparent(t, m)};
    t->n++;
}

static void taker_hear(struct taker *t, const rd_kafka_message_t *m) {
    char quoted[300];
    log_event(LOG_WARN, "deliver-poll-error", "code=%s reason=%s", rd_kafka_err2name(m->err),
              log_quote(rd_kafka_message_errstr(m), quoted, sizeof quoted));
    if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || m->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE ||
        m->err == RD_KAFKA_RESP_ERR__FATAL)
        t->dead = true;
}

/* False: it is no record of ours. */
static bool hear_message(struct taker *t, const rd_kafka_message_t *m) {
    if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        taker_hear(t, m);
        return false;
    }
    int topic = taker_topic_of(rd_kafka_topic_name(m->rkt));
    if (topic == NTOPICS || m->partition >= t->partitions)
        return false;
    int place = topic * t->partitions + m->partition;
    if (t->at[place] < 0)
        return false;
    taker_take_record(t, m, place);
    return true;
}

static void taker_gather(struct taker *t) {
    unsigned generation = t->generation;
    int64_t until_us = 0;
    size_t bytes = 0;
    arena_reset(t->arena);
    t->n = 0;
    while (t->n < BATCH_RECORDS && bytes < BATCH_BYTES && !t->dead) {
        int64_t left_us = until_us - clock_mono_us();
        rd_kafka_message_t *m = rd_kafka_consumer_poll(t->rk, t->n == 0     ? FIRST_MS
                                                              : left_us > 0 ? (int)(left_us / 1000) + 1
                                                                            : 0);
        if (t->generation != generation) { /* whoever has them now reads the places anew */
            t->n = 0;
            generation = t->generation;
        }
        if (m == NULL)
            break;
        if (hear_message(t, m)) {
            until_us = t->n == 1 ? clock_mono_us() + (t->idle ? GATHER_IDLE_US : GATHER_US) : until_us;
            bytes += m->len;
        }
        rd_kafka_message_destroy(m);
    }
}

/* ---- storing ---- */

/* Moves our places behind the records first … first + n - 1, and gives those that are not stored so. */
static size_t moved_places(struct taker *t, size_t first, size_t n, struct delivery_place *places,
                           int64_t *to) {
    size_t count = 0;
    for (size_t i = first; i < first + n; i++)
        t->at[t->places[i]] = t->offsets[i] + 1;
    for (int p = 0; p < NTOPICS * t->partitions; p++) {
        if (t->at[p] < 0 || t->at[p] == t->stored[p].next)
            continue;
        places[count] = t->stored[p];
        to[count++] = t->at[p];
    }
    return count;
}

/* Keeps those of the records that are wanted and moves the places behind all of them. */
static enum err_code taker_store(struct taker *t, size_t first, size_t n, bool keep, struct err *err) {
    size_t most = (size_t)(NTOPICS * t->partitions);
    struct delivery_place *places = xcalloc(most, sizeof *places);
    int64_t *to = xcalloc(most, sizeof *to);
    struct delivery_record *kept = xcalloc(n + 1, sizeof *kept);
    bool *wanted = xcalloc(n + 1, sizeof *wanted);
    size_t nkept = 0;
    enum err_code code = keep && n > 0 ? delivery_wanted(t->db, t->records + first, n, wanted, err) : ERR_OK;
    for (size_t i = 0; i < n; i++)
        if (wanted[i])
            kept[nkept++] = t->records[first + i];
    t->idle = nkept == 0;
    bool writes = nkept > 0 || !keep || clock_mono_us() >= t->move_us;
    size_t nplaces = code == ERR_OK ? moved_places(t, first, n, places, to) : 0;
    if (code == ERR_OK && writes && nplaces > 0) {
        code = delivery_take(t->db, places, to, nplaces, kept, nkept, t->touched, t->ctx, err);
        t->move_us = clock_mono_us() + MOVE_EVERY_US;
        for (int p = 0; code == ERR_OK && p < (int)most; p++)
            t->stored[p].next = t->at[p] >= 0 ? t->at[p] : t->stored[p].next;
    }
    if (code == ERR_OK)
        metric_add(worker_stats.deliver_taken, (int64_t)nkept);
    free(places);
    free(to);
    free(kept);
    free(wanted);
    return code;
}

/* One of them cannot be stored: all others are, one by one. */
static enum err_code taker_store_singly(struct taker *t, struct err *err) {
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < t->n; i++) {
        code = taker_store(t, i, 1, true, err);
        if (code != ERR_DB_DATA)
            continue;
        log_event(LOG_ERROR, "deliver-record-aside", "event=\"%s\" error=\"%s\"", t->records[i].event,
                  err_text(err));
        code = taker_store(t, i, 1, false, err);
    }
    return code;
}

/* ---- a turn ---- */

/* So many in one transaction, so that it is short; then the next records, then the next users. */
static enum err_code taker_fill(struct taker *t, struct err *err) {
    int n = 0;
    if (delivery_fill(t->db, FILL_USERS, &n, err) != ERR_OK)
        return err->code;
    t->fill_us = n == FILL_USERS ? 0 : clock_mono_us() + FILL_EVERY_US;
    return ERR_OK;
}

static enum err_code taker_look_after(struct taker *t, struct err *err) {
    int gone = 0;
    if (db_connect(t->db, err) != ERR_OK)
        return err->code;
    if (t->checked != db_generation(t->db)) {
        if (schema_check(t->db, err) != ERR_OK)
            return err->code;
        t->checked = db_generation(t->db);
    }
    if (clock_mono_us() >= t->fill_us && taker_fill(t, err) != ERR_OK)
        return err->code;
    if (clock_mono_us() < t->days_us)
        return ERR_OK;
    if (delivery_days(t->db, (int)config_int(t->config, "deliver-days"), &gone, err) != ERR_OK)
        return err->code;
    t->days_us = clock_mono_us() + DAYS_EVERY_US;
    if (gone > 0)
        log_event(LOG_INFO, "deliver-forgets", "days=%d", gone);
    return ERR_OK;
}

static enum err_code taker_take_batch(struct taker *t, struct err *err) {
    taker_gather(t);
    if (t->dead)
        return err_set(err, ERR_KAFKA, "The consumer is of no use any more");
    enum err_code code =
        t->n > 0 || clock_mono_us() >= t->move_us ? taker_store(t, 0, t->n, true, err) : ERR_OK;
    return code == ERR_DB_DATA ? taker_store_singly(t, err) : code;
}

enum err_code taker_turn(struct taker *t, struct err *err) {
    enum err_code code = taker_look_after(t, err);
    if (code == ERR_OK && t->rk == NULL)
        code = taker_join(t, err);
    if (code == ERR_OK)
        code = taker_take_batch(t, err);
    if (code != ERR_OK)
        taker_leave(t); /* the batch is read again from the stored places */
    return code;
}

struct taker *taker_new(const struct config *config, bool trial,
                        void (*touched)(const char *workspace, void *ctx), void *ctx) {
    struct taker *t = xcalloc(1, sizeof *t);
    t->config = config;
    t->trial = trial;
    t->touched = touched;
    t->ctx = ctx;
    t->idle = true;
    t->db = db_new(config_str(config, "pg"), "usher-worker-deliver", OPTIONS);
    t->partitions = (int)config_int(config, "partitions");
    t->stored = xcalloc((size_t)(NTOPICS * t->partitions), sizeof *t->stored);
    t->at = xcalloc((size_t)(NTOPICS * t->partitions), sizeof *t->at);
    t->arena = arena_new();
    t->records = xcalloc(BATCH_RECORDS, sizeof *t->records);
    t->places = xcalloc(BATCH_RECORDS, sizeof *t->places);
    t->offsets = xcalloc(BATCH_RECORDS, sizeof *t->offsets);
    taker_forget(t);
    return t;
}

void taker_free(struct taker *t) {
    if (t == NULL)
        return;
    taker_leave(t);
    db_free(t->db);
    arena_free(t->arena);
    free(t->stored);
    free(t->at);
    free(t->records);
    free(t->places);
    free(t->offsets);
    free(t);
}
