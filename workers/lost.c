#include "workers/lost.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "sql/ask/log_gaps.h"
#include "workers/consumer.h"
#include "workers/lost_scan.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define EVERY_MS 2000
/* A gap is looked into at once, and once more when whatever was under way when it was found is on record:
 * nobody waits so long for an acknowledgement, and no clock is so wrong. */
#define UNDER_WAY_US 60000000
#define HOUR_US INT64_C(3600000000)

struct lost {
    const struct config *config;
    const struct consumer *consumer;
    int partitions;
    struct db *noted; /* of the consumer's thread */
    struct db *db;    /* of ours, as is all below */
    int64_t *seen_us; /* of each partition, the gap that was looked into at once */
    int64_t *next;    /* … and the record of usher.audit that is read next; negative: by time */
    pthread_t thread;
    bool started;
    atomic_bool stop;
};

struct lost *lost_new(const struct config *config) {
    struct lost *l = xcalloc(1, sizeof *l);
    l->config = config;
    l->partitions = (int)config_int(config, "partitions");
    l->noted = db_new(config_str(config, "pg"), "usher-worker-gaps", "");
    l->db = db_new(config_str(config, "pg"), "usher-worker-lost", "");
    l->seen_us = xcalloc((size_t)l->partitions, sizeof *l->seen_us);
    l->next = xcalloc((size_t)l->partitions, sizeof *l->next);
    return l;
}

bool lost_note(void *arg, int32_t partition, int64_t place, int64_t first) {
    struct lost *l = arg;
    struct err err = {0};
    char quoted[600];
    if (log_gaps_note(l->noted, partition, place, first, &err) == ERR_OK)
        return true;
    log_event(LOG_WARN, "gap-not-noted", "partition=%d error=%s", partition,
              log_quote(err_text(&err), quoted, sizeof quoted));
    usleep(200000);
    return false;
}

static bool is_due(const struct lost *l, const struct log_gap *g) {
    if (g->partition < 0 || g->partition >= l->partitions ||
        consumer_done(l->consumer, g->partition) == CONSUMER_NONE)
        return false;
    return l->seen_us[g->partition] != g->found_us || clock_wall_us() > g->found_us + 2 * UNDER_WAY_US;
}

static enum err_code look_into(struct lost *l, const struct log_gap *g, struct err *err) {
    int64_t began_us = clock_wall_us(), hours = config_int(l->config, "outcome-hours"), lost = 0;
    bool again = l->seen_us[g->partition] == g->found_us;
    struct lost_scan scan = {
        .config = l->config,
        .consumer = l->consumer,
        .db = l->db,
        .stop = &l->stop,
        .partition = g->partition,
        .next = again ? l->next[g->partition] : -1,
        /* Older claims may have been forgotten: what has none then is not known to be lost. */
        .since_us = began_us - (hours - 1) * HOUR_US,
    };
    enum err_code code = lost_scan(&scan, &lost, err);
    l->next[g->partition] = scan.next;
    if (lost > 0)
        log_event(LOG_ERROR, "accepted-lost", "partition=%d requests=%lld", g->partition, (long long)lost);
    if (code != ERR_OK)
        return code;
    l->seen_us[g->partition] = g->found_us;
    if (began_us < g->found_us + 2 * UNDER_WAY_US)
        return ERR_OK;
    code = log_gaps_settle(l->db, g, began_us - UNDER_WAY_US, (long)hours, err);
    if (code == ERR_OK)
        log_event(LOG_INFO, "gap-settled", "partition=%d", g->partition);
    return code;
}

static enum err_code look_into_all(struct lost *l, struct log_gap *gaps, struct err *err) {
    size_t n;
    enum err_code code = log_gaps_open(l->db, gaps, (size_t)l->partitions, &n, err);
    for (size_t i = 0; code == ERR_OK && i < n && !atomic_load(&l->stop); i++)
        if (is_due(l, &gaps[i]))
            code = look_into(l, &gaps[i], err);
    return code;
}

static void *lost_main(void *arg) {
    struct lost *l = arg;
    struct log_gap *gaps = xcalloc((size_t)l->partitions, sizeof *gaps);
    char quoted[600];
    while (!atomic_load(&l->stop)) {
        struct err err = {0};
        if (look_into_all(l, gaps, &err) != ERR_OK && !atomic_load(&l->stop))
            log_event(LOG_WARN, "gap-stays", "error=%s", log_quote(err_text(&err), quoted, sizeof quoted));
        for (int waited = 0; waited < EVERY_MS && !atomic_load(&l->stop); waited += 50)
            usleep(50000);
    }
    free(gaps);
    return NULL;
}

void lost_start(struct lost *l, const struct consumer *consumer) {
    l->consumer = consumer;
    if (pthread_create(&l->thread, NULL, lost_main, l) != 0)
        abort();
    l->started = true;
}

void lost_stop(struct lost *l) {
    atomic_store(&l->stop, true);
    if (l->started)
        pthread_join(l->thread, NULL);
    l->started = false;
}

void lost_free(struct lost *l) {
    db_free(l->noted);
    db_free(l->db);
    free(l->seen_us);
    free(l->next);
    free(l);
}
