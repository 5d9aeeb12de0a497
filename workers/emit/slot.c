#include "workers/emit/slot.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/lifecycle.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "sql/ask/command_log.h"
#include "sql/ask/outbox.h"
#include "sql/ask/slots.h"
#include "sql/ask/stalled.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SLOTS_MAX 64
#define REAP_EVERY_MS 2000
#define PRUNE_EVERY_US 600000000

struct slot {
    const struct config *config;
    struct db *db; /* its session holds the lock */
    int number;
    unsigned generation;
    bool held;
    int64_t checked_us;
    pthread_mutex_t lock;
    pthread_t reaper;
    bool reaping;        /* under the lock */
    int64_t prune_at_us; /* the reaper's */
};

void slot_transactional_id(int slot, char out[40]) {
    snprintf(out, 40, "usher-worker-%d", slot);
}

/* ---- the dead ones ---- */

static void end_transaction(const struct slot *s, int dead) {
    char id[40];
    struct err err;
    slot_transactional_id(dead, id);
    rd_kafka_conf_t *conf = kafka_conf_new(s->config, KAFKA_PRODUCER_TRANSACTIONAL);
    kafka_conf_set(conf, "transactional.id", id);
    rd_kafka_t *rk = kafka_open(conf, KAFKA_PRODUCER_TRANSACTIONAL, &err);
    rd_kafka_error_t *failed = rk != NULL ? rd_kafka_init_transactions(rk, 10000) : NULL;
    log_event(failed != NULL || rk == NULL ? LOG_WARN : LOG_INFO, "dead-slot", "slot=%d ended=%s", dead,
              failed != NULL || rk == NULL ? "no" : "yes");
    if (failed != NULL)
        rd_kafka_error_destroy(failed);
    if (rk != NULL)
        rd_kafka_destroy(rk);
}

/* seen: when the slot was first found free; it gets one round's grace, for its worker to come back. */
static void reap(struct slot *s, struct db *db, bool seen[SLOTS_MAX]) {
    int dirty[SLOTS_MAX];
    size_t n = 0;
    struct err err;
    if (slots_dirty(db, s->number, dirty, SLOTS_MAX, &n, &err) != ERR_OK)
        return;
    for (size_t i = 0; i < n; i++) {
        bool free_slot = false;
        int d = dirty[i];
        if (d < 0 || d >= SLOTS_MAX || slots_try(db, SLOTS_WORKERS, d, &free_slot, &err) != ERR_OK ||
            !free_slot) {
            if (d >= 0 && d < SLOTS_MAX)
                seen[d] = false;
            continue;
        }
        if (seen[d]) {
            end_transaction(s, d);
            (void)slots_mark(db, d, false, &err);
        }
        seen[d] = !seen[d];
        (void)slots_release(db, SLOTS_WORKERS, d, &err);
    }
}

/* Little by little, so that nobody waits for it. */
static void prune(struct slot *s, struct db *db) {
    struct err err;
    int64_t gone = 0;
    int days = 0;
    if (outbox_turn_days(db, &days, &err) == ERR_OK && days > 0)
        log_event(LOG_INFO, "outbox-days-dropped", "n=%d", days);
    if (command_log_prune(db, config_int(s->config, "outcome-hours"), &gone, &err) == ERR_OK && gone > 0)
        log_event(LOG_INFO, "outcomes-pruned", "n=%lld", (long long)gone);
    s->prune_at_us = clock_mono_us() + (gone > 0 ? 0 : PRUNE_EVERY_US);
}

static void *reaper_main(void *arg) {
    struct slot *s = arg;
    struct db *db = db_new(config_str(s->config, "pg"), "usher-worker-reaper", "");
    bool seen[SLOTS_MAX] = {false};
    for (;;) {
        for (int waited = 0; waited < REAP_EVERY_MS; waited += 100) {
            pthread_mutex_lock(&s->lock);
            bool go_on = s->reaping;
            pthread_mutex_unlock(&s->lock);
            if (!go_on) {
                db_free(db);
                return NULL;
            }
            usleep(100000);
        }
        struct err err;
        reap(s, db, seen);
        (void)stalled_end(db, &err);
        if (clock_mono_us() >= s->prune_at_us)
            prune(s, db);
    }
}

/* ---- our own ---- */

static bool take_any(struct slot *s) {
    struct err err;
    if (slots_take(s->db, SLOTS_WORKERS, SLOTS_MAX, &s->number, &err) != ERR_OK || s->number < 0)
        return false;
    if (slots_mark(s->db, s->number, true, &err) != ERR_OK)
        return false;
    s->generation = db_generation(s->db);
    s->held = true;
    return true;
}

struct slot *slot_take(const struct config *config) {
    struct slot *s = xcalloc(1, sizeof *s);
    s->config = config;
    s->db = db_new(config_str(config, "pg"), "usher-worker-slot", "");
    pthread_mutex_init(&s->lock, NULL);
    while (!take_any(s)) {
        if (lifecycle_wait(200)) {
            db_free(s->db);
            free(s);
            return NULL;
        }
    }
    log_event(LOG_INFO, "slot", "slot=%d", s->number);
    s->reaping = true;
    if (pthread_create(&s->reaper, NULL, reaper_main, s) != 0)
        abort();
    return s;
}

int slot_number(const struct slot *s) {
    return s->number;
}

static void slot_check(struct slot *s) {
    struct err err;
    bool taken = false;
    if (db_ping(s->db, &err) != ERR_OK)
        return; /* not to be asked now: nothing can be applied without the database either */
    if (db_generation(s->db) == s->generation)
        return;
    if (slots_try(s->db, SLOTS_WORKERS, s->number, &taken, &err) != ERR_OK)
        return;
    s->generation = db_generation(s->db);
    s->held = taken;
    log_event(taken ? LOG_INFO : LOG_ERROR, "slot-again", "slot=%d held=%s", s->number, taken ? "yes" : "no");
}

bool slot_hold(struct slot *s) {
    pthread_mutex_lock(&s->lock);
    if (s->held && clock_mono_us() - s->checked_us > 1000000) {
        s->checked_us = clock_mono_us();
        slot_check(s);
    }
    bool held = s->held;
    pthread_mutex_unlock(&s->lock);
    return held;
}

void slot_free(struct slot *s, bool clean) {
    struct err err;
    if (s == NULL)
        return;
    pthread_mutex_lock(&s->lock);
    s->reaping = false;
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->reaper, NULL);
    if (clean && s->held)
        (void)slots_mark(s->db, s->number, false, &err);
    db_free(s->db);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
