#include "workers/emit/emitter.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/lifecycle.h"
#include "ops/runtime/mem.h"
#include "workers/emit/emitter_impl.h"
#include "workers/stats.h"

#include <stdlib.h>
#include <time.h>

#define SETTLE_US 5000000 /* what can be emitted within that time still is, when the partitions go */

/* Waits for a change or the time; false when the time has come. */
bool emitter_wait_until(struct emitter *e, int64_t until_us) {
    int64_t left_us = until_us - clock_mono_us();
    if (left_us <= 0)
        return false;
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    int64_t ns = at.tv_nsec + left_us * 1000;
    at.tv_sec += ns / 1000000000;
    at.tv_nsec = ns % 1000000000;
    (void)pthread_cond_timedwait(&e->changed, &e->lock, &at);
    return true;
}

void emitter_lose(struct emitter *e, int32_t partition) {
    lane_release(&e->lanes, partition);
    e->lost[partition] = true;
    atomic_store(&e->some_lost, true);
}

void emitter_show(struct emitter *e) {
    metric_set(worker_stats.emit_waiting, lanes_waiting(&e->lanes));
    metric_set(worker_stats.emit_bytes, (int64_t)e->lanes.bytes);
}

/* ---- the thread ---- */

/* What it does next, and when at the latest: emit, or tell PostgreSQL how far it is. Under the lock. */
enum job { NOTHING, EMIT, MARK };

static enum job next_job(const struct emitter *e, int64_t *at_us) {
    int64_t now_us = clock_mono_us();
    bool unmarked = lanes_unmarked(&e->lanes);
    *at_us = INT64_MAX;
    if (e->halted)
        return NOTHING;
    if (unmarked && e->marks_at_us <= now_us) /* before what waits, which under load never ends */
        return MARK;
    if (lanes_wait(&e->lanes)) {
        if (e->retry_at_us <= now_us)
            return EMIT;
        *at_us = e->retry_at_us;
    }
    if (unmarked && e->settling)
        return MARK;
    if (unmarked && e->marks_at_us < *at_us)
        *at_us = e->marks_at_us;
    return NOTHING;
}

static void do_job(struct emitter *e, enum job job) {
    e->busy = true;
    pthread_mutex_unlock(&e->lock);
    if (job == EMIT)
        emitter_transact(e);
    else
        emitter_write_marks(e);
    pthread_mutex_lock(&e->lock);
    e->busy = false;
    emitter_show(e);
    pthread_cond_broadcast(&e->changed);
}

static void *emitter_main(void *arg) {
    struct emitter *e = arg;
    pthread_mutex_lock(&e->lock);
    while (!e->stopping) {
        int64_t at_us;
        enum job job = next_job(e, &at_us);
        if (job != NOTHING)
            do_job(e, job);
        else if (at_us == INT64_MAX)
            pthread_cond_wait(&e->changed, &e->lock);
        else
            (void)emitter_wait_until(e, at_us);
    }
    pthread_mutex_unlock(&e->lock);
    e->clean = e->producer != NULL;
    emitter_close_producer(e);
    return NULL;
}

/* ---- who calls from other threads ---- */

struct emitter *emitter_start(const struct config *config, struct slot *slot, bool exactly_once) {
    struct emitter *e = xcalloc(1, sizeof *e);
    int32_t partitions = (int32_t)config_int(config, "partitions");
    e->config = config;
    e->slot = slot;
    e->exactly_once = exactly_once;
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->changed, NULL);
    e->hold_us = config_int(config, "emit-hold-ms") * 1000;
    lanes_init(&e->lanes, partitions, (size_t)config_int(config, "emit-queue-bytes"));
    e->lost = xcalloc((size_t)partitions, sizeof *e->lost);
    /* A mark that a crash of PostgreSQL takes back is only an older one. */
    e->db = db_new(config_str(config, "pg"), "usher-worker-emit", "synchronous_commit=off");
    bool stop = false;
    while (!stop && !emitter_open_producer(e))
        stop = lifecycle_wait(200);
    if (!stop && pthread_create(&e->thread, NULL, emitter_main, e) != 0)
        abort();
    if (!stop)
        return e;
    lanes_free(&e->lanes);
    db_free(e->db);
    free(e->lost);
    free(e);
    return NULL;
}

void emitter_attach(struct emitter *e, rd_kafka_t *consumer) {
    atomic_store(&e->consumer, consumer);
}

void emitter_take(struct emitter *e, int32_t partition, int64_t number, int64_t last, int64_t mark,
                  int64_t offset) {
    pthread_mutex_lock(&e->lock);
    lane_take(&e->lanes, partition, number, last, mark, offset);
    e->lost[partition] = false;
    emitter_show(e);
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
}

/* Nothing new begins, and what is under way ends soon. Under the lock. */
static void halt(struct emitter *e) {
    e->settling = e->halted = true;
    pthread_cond_broadcast(&e->changed);
    while (e->busy)
        pthread_cond_wait(&e->changed, &e->lock);
}

static void go_on(struct emitter *e) {
    e->settling = e->halted = false;
    emitter_show(e);
    pthread_cond_broadcast(&e->changed);
}

void emitter_assign(struct emitter *e, rd_kafka_consumer_group_metadata_t *group) {
    pthread_mutex_lock(&e->lock);
    halt(e);
    if (e->group != NULL)
        rd_kafka_consumer_group_metadata_destroy(e->group);
    e->group = group;
    go_on(e);
    pthread_mutex_unlock(&e->lock);
}

void emitter_release(struct emitter *e, int32_t partition) {
    pthread_mutex_lock(&e->lock);
    halt(e);
    lane_release(&e->lanes, partition);
    go_on(e);
    pthread_mutex_unlock(&e->lock);
}

bool emitter_lost_some(struct emitter *e) {
    return atomic_load(&e->some_lost);
}

bool emitter_lost(struct emitter *e, int32_t partition) {
    pthread_mutex_lock(&e->lock);
    bool lost = e->lost[partition], others = false;
    e->lost[partition] = false;
    for (int32_t i = 0; i < e->lanes.n; i++)
        others |= e->lost[i];
    atomic_store(&e->some_lost, others);
    pthread_mutex_unlock(&e->lock);
    return lost;
}

void emitter_settle(struct emitter *e, bool lost) {
    int64_t until_us = clock_mono_us() + SETTLE_US;
    atomic_store(&e->dropping, lost);
    pthread_mutex_lock(&e->lock);
    e->settling = true;
    pthread_cond_broadcast(&e->changed);
    while (!lost && (lanes_wait(&e->lanes) || lanes_unmarked(&e->lanes)) && emitter_wait_until(e, until_us))
        ;
    halt(e);
    for (int32_t i = 0; i < e->lanes.n; i++) {
        lane_release(&e->lanes, i);
        e->lost[i] = false;
    }
    go_on(e);
    pthread_mutex_unlock(&e->lock);
    atomic_store(&e->dropping, false);
}

void emitter_push(struct emitter *e, struct row *rows) {
    pthread_mutex_lock(&e->lock);
    for (struct row *next; rows != NULL; rows = next) {
        next = rows->next;
        lane_push(&e->lanes, rows);
    }
    emitter_show(e);
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
}

void emitter_offset(struct emitter *e, int32_t partition, int64_t offset) {
    pthread_mutex_lock(&e->lock);
    struct lane *p = &e->lanes.lane[partition];
    if (p->held && offset != p->offset) {
        p->offset = offset;
        pthread_cond_broadcast(&e->changed);
    }
    pthread_mutex_unlock(&e->lock);
}

int64_t emitter_age_us(struct emitter *e) {
    pthread_mutex_lock(&e->lock);
    int64_t since_us = lanes_since_us(&e->lanes);
    pthread_mutex_unlock(&e->lock);
    return since_us > 0 ? clock_mono_us() - since_us : 0;
}

bool emitter_stop(struct emitter *e) {
    pthread_mutex_lock(&e->lock);
    e->stopping = true;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
    pthread_join(e->thread, NULL);
    bool clean = e->clean;
    pthread_mutex_destroy(&e->lock);
    pthread_cond_destroy(&e->changed);
    if (e->group != NULL)
        rd_kafka_consumer_group_metadata_destroy(e->group);
    lanes_free(&e->lanes);
    db_free(e->db);
    free(e->lost);
    free(e);
    return clean;
}
