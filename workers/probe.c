#include "workers/probe.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "sql/ask/slots.h"
#include "workers/sight.h"
#include "workers/stats.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EVERY_MS 2000
#define EACH_MS 10 /* … or so much a partition, if that is longer */
#define ASK_MS 2000
#define TOPICS_EVERY_US 30000000
#define WRITE_EVERY_US 10000000

struct progress {
    int64_t done, turns; /* as seen last */
    int64_t since_us;    /* it stands there, and commands wait; 0: it does not */
    int64_t lag;
};

struct probe {
    const struct config *config;
    struct consumer *consumer;
    int slot, partitions;
    rd_kafka_t *rk;
    struct db *db;
    struct progress *places;
    int64_t topics_due_us, write_due_us;
    struct sight sight;
    pthread_t thread;
    atomic_bool stop;
    pthread_mutex_t lock; /* of the findings */
    char database[300], topics[300];
    int32_t stands; /* the partition that stands longest; -1: none */
    int64_t stands_since_us, stands_lag;
};

/* ---- Kafka ---- */

/* Commands that wait; -1 where Kafka does not say it. Where some do, the first may be gone meanwhile. */
static int64_t lag_of(struct probe *p, int32_t partition, int64_t done, int64_t end) {
    int64_t first;
    if (end < 0)
        return -1;
    if (end <= done)
        return 0;
    if (rd_kafka_query_watermark_offsets(p->rk, TOPIC_COMMANDS, partition, &first, &end, ASK_MS) != 0)
        return -1;
    return end - (done > first ? done : first);
}

/* end: of the partition's log; -1 where Kafka does not say it. */
static void look_at(struct probe *p, int32_t partition, int64_t end, int64_t now_us) {
    struct progress *place = &p->places[partition];
    int64_t done = consumer_done(p->consumer, partition);
    if (done == CONSUMER_NONE || consumer_is_held(p->consumer, partition)) {
        *place = (struct progress){.done = done};
        return;
    }
    int64_t lag = lag_of(p, partition, done, end);
    if (lag < 0)
        return; /* the worker does not hear of new ones either */
    place->lag = lag;
    int64_t turns = consumer_turns(p->consumer, partition);
    if (done != place->done || turns != place->turns || place->lag <= 0)
        place->since_us = place->lag > 0 ? now_us : 0;
    else if (place->since_us == 0)
        place->since_us = now_us;
    place->done = done;
    place->turns = turns;
}

/* Of all partitions, in one request to each broker. */
static rd_kafka_topic_partition_list_t *ask_ends(struct probe *p) {
    rd_kafka_topic_partition_list_t *ends = rd_kafka_topic_partition_list_new(p->partitions);
    for (int32_t i = 0; i < p->partitions; i++)
        rd_kafka_topic_partition_list_add(ends, TOPIC_COMMANDS, i)->offset = RD_KAFKA_OFFSET_END;
    if (rd_kafka_offsets_for_times(p->rk, ends, ASK_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        for (int32_t i = 0; i < p->partitions; i++)
            ends->elems[i].err = RD_KAFKA_RESP_ERR__TIMED_OUT;
    return ends;
}

static void look_at_partitions(struct probe *p) {
    int64_t now_us = clock_mono_us(), sum = 0, most = 0;
    rd_kafka_topic_partition_list_t *ends = ask_ends(p);
    for (int32_t i = 0; i < p->partitions && !atomic_load(&p->stop); i++)
        look_at(p, i, ends->elems[i].err == RD_KAFKA_RESP_ERR_NO_ERROR ? ends->elems[i].offset : -1, now_us);
    rd_kafka_topic_partition_list_destroy(ends);
    int32_t stands = -1;
    for (int32_t i = 0; i < p->partitions; i++) {
        const struct progress *place = &p->places[i];
        int64_t lag = place->lag > 0 ? place->lag : 0;
        sum += lag;
        most = lag > most ? lag : most;
        if (place->since_us > 0 && (stands < 0 || place->since_us < p->places[stands].since_us))
            stands = i;
    }
    metric_set(worker_stats.lag, sum);
    metric_set(worker_stats.lag_most, most);
    pthread_mutex_lock(&p->lock);
    p->stands = stands;
    p->stands_since_us = stands >= 0 ? p->places[stands].since_us : 0;
    p->stands_lag = stands >= 0 ? p->places[stands].lag : 0;
    pthread_mutex_unlock(&p->lock);
}

static void look_at_topics(struct probe *p) {
    struct err err = {0};
    if (clock_mono_us() < p->topics_due_us)
        return;
    p->topics_due_us = clock_mono_us() + TOPICS_EVERY_US;
    bool small = kafka_topics_limits(p->rk, ASK_MS, &err) == ERR_CONFIG;
    pthread_mutex_lock(&p->lock);
    bool news = small && p->topics[0] == '\0';
    snprintf(p->topics, sizeof p->topics, "%.299s", small ? err_text(&err) : "");
    pthread_mutex_unlock(&p->lock);
    char quoted[600];
    if (news)
        log_event(LOG_ERROR, "topic-too-small", "error=%s", log_quote(err_text(&err), quoted, sizeof quoted));
}

/* ---- PostgreSQL ---- */

static enum err_code look_at_clock(struct probe *p, struct err *err) {
    struct db_result *r = NULL;
    int64_t before_us = clock_wall_us();
    if (db_run(p->db, SQL_CONNECTION_CLOCK, NULL, &r, err) != ERR_OK)
        return err->code;
    int64_t ours_us = before_us + (clock_wall_us() - before_us) / 2;
    metric_set(worker_stats.skew, (db_int(r, 0, 0) - ours_us) / 1000);
    db_results_free(&r, 1);
    return ERR_OK;
}

/* A write, since a full disk or a lost standby is not seen otherwise while nothing comes. */
static enum err_code look_at_writes(struct probe *p, struct err *err) {
    if (clock_mono_us() < p->write_due_us)
        return ERR_OK;
    int64_t dead = 0;
    enum err_code code = slots_mark(p->db, p->slot, true, err);
    if (code == ERR_OK)
        code = slots_dead(p->db, SLOTS_WORKERS, &dead, err);
    metric_set(worker_stats.dead_slots, dead);
    if (code == ERR_OK)
        p->write_due_us = clock_mono_us() + WRITE_EVERY_US;
    return code;
}

static void look_at_database(struct probe *p) {
    struct err err = {0};
    bool good = look_at_clock(p, &err) == ERR_OK && look_at_writes(p, &err) == ERR_OK;
    pthread_mutex_lock(&p->lock);
    snprintf(p->database, sizeof p->database, "%.299s", good ? "" : err_text(&err));
    pthread_mutex_unlock(&p->lock);
    if (good)
        sight_look(&p->sight, p->db, (int)config_int(p->config, "named-workspaces"));
}

/* ---- the thread ---- */

static void *probe_main(void *arg) {
    struct probe *p = arg;
    int pause_ms = p->partitions * EACH_MS > EVERY_MS ? p->partitions * EACH_MS : EVERY_MS;
    while (!atomic_load(&p->stop)) {
        look_at_database(p);
        look_at_partitions(p);
        look_at_topics(p);
        for (int waited = 0; waited < pause_ms && !atomic_load(&p->stop); waited += 50)
            usleep(50000);
    }
    return NULL;
}

struct probe *probe_start(const struct config *config, struct consumer *consumer, int slot) {
    struct err err = {0};
    struct probe *p = xcalloc(1, sizeof *p);
    p->config = config;
    p->consumer = consumer;
    p->slot = slot;
    p->partitions = (int)config_int(config, "partitions");
    p->places = xcalloc((size_t)p->partitions, sizeof *p->places);
    p->stands = -1;
    p->db = db_new(config_str(config, "pg"), "usher-worker-probe", "");
    p->rk = kafka_open(kafka_conf_new(config, KAFKA_ADMIN), KAFKA_ADMIN, &err);
    if (p->rk == NULL)
        abort(); /* the same settings have opened others */
    pthread_mutex_init(&p->lock, NULL);
    if (pthread_create(&p->thread, NULL, probe_main, p) != 0)
        abort();
    return p;
}

bool probe_good(struct probe *p, char *why, size_t n) {
    int64_t most = config_int(p->config, "stuck-seconds");
    bool good = false;
    pthread_mutex_lock(&p->lock);
    int64_t seconds = p->stands >= 0 ? (clock_mono_us() - p->stands_since_us) / 1000000 : 0;
    if (p->database[0] != '\0')
        snprintf(why, n, "PostgreSQL: %s", p->database);
    else if (p->stands >= 0 && seconds >= most)
        snprintf(why, n, "partition %d has not moved for %lld s, and %lld commands wait in it",
                 (int)p->stands, (long long)seconds, (long long)p->stands_lag);
    else if (p->topics[0] != '\0')
        snprintf(why, n, "%s", p->topics);
    else
        good = true;
    pthread_mutex_unlock(&p->lock);
    return good;
}

int64_t probe_stands_us(struct probe *p) {
    pthread_mutex_lock(&p->lock);
    int64_t us = p->stands >= 0 ? clock_mono_us() - p->stands_since_us : 0;
    pthread_mutex_unlock(&p->lock);
    return us;
}

void probe_stop(struct probe *p) {
    if (p == NULL)
        return;
    atomic_store(&p->stop, true);
    pthread_join(p->thread, NULL);
    rd_kafka_destroy(p->rk);
    db_free(p->db);
    pthread_mutex_destroy(&p->lock);
    free(p->places);
    free(p);
}
