#include "workers/loop.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/failpoint.h"
#include "ops/runtime/lifecycle.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "sql/db.h"
#include "workers/apply/batch.h"
#include "workers/stats.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STUCK_US 60000000 /* a loop that has not come round for so long is not ready */
/* A transaction that has been tried for so long gives its batch back, so that rebalances are served. */
#define PATIENCE_US 3000000
#define EXIT_TRY_AGAIN 75

struct loop {
    struct consumer *consumer;
    struct emitter *emitter;
    struct replies *replies;
    struct slot *slot;
    struct db *db;
    struct apply apply;
    int64_t patient_until_us; /* of the transaction that is tried */
    size_t batch_max;
    atomic_llong turned_us;
};

/* The database asks to try again: yes, within bounds. */
static bool loop_again(void *arg, int tries) {
    struct loop *l = arg;
    int64_t now_us = clock_mono_us();
    if (tries == 1)
        l->patient_until_us = now_us + PATIENCE_US;
    metric_add(worker_stats.retries, 1);
    if (now_us > l->patient_until_us || lifecycle_stopping())
        return false;
    usleep(20000);
    return true;
}

struct loop *loop_new(const struct config *config, struct consumer *consumer, struct emitter *emitter,
                      struct replies *replies, struct slot *slot) {
    struct loop *l = xcalloc(1, sizeof *l);
    l->consumer = consumer;
    l->emitter = emitter;
    l->replies = replies;
    l->slot = slot;
    l->db = db_new(config_str(config, "pg"), "usher-worker", "");
    l->apply = (struct apply){.store = unit_postgres(l->db),
                              .partitions = (int)config_int(config, "partitions"),
                              .events_issuer = config_str(config, "events-issuer"),
                              .now_us = clock_wall_us,
                              .again = loop_again,
                              .arg = l};
    l->batch_max = (size_t)config_int(config, "batch-max");
    atomic_store(&l->turned_us, clock_mono_us());
    return l;
}

void loop_free(struct loop *l) {
    db_free(l->db);
    free(l);
}

bool loop_ready(void *arg, char *why, size_t n) {
    struct loop *l = arg;
    if (!consumer_assigned(l->consumer)) {
        snprintf(why, n, "no partitions assigned yet");
        return false;
    }
    if (clock_mono_us() - atomic_load(&l->turned_us) > STUCK_US) {
        snprintf(why, n, "the loop is stuck");
        return false;
    }
    return true;
}

static void count_poison(const struct batch *b) {
    for (size_t i = 0; i < b->n; i++)
        if (b->deliveries[i].poison)
            metric_add(worker_stats.poisoned, 1);
}

static void take_batch(struct loop *l, struct batch *b) {
    struct err err = {0};
    int64_t started_us = clock_mono_us();
    if (apply_batch(&l->apply, b, &err) != ERR_OK) {
        char quoted[600];
        log_event(LOG_WARN, "batch-put-back", "n=%zu error=%s", b->n,
                  log_quote(err_text(&err), quoted, sizeof quoted));
        consumer_rewind(l->consumer, b);
        batch_free(b);
        return;
    }
    (void)failpoint("worker.after_pg_commit");
    metric_observe_us(worker_stats.apply, clock_mono_us() - started_us);
    count_poison(b);
    replies_send(l->replies, b->deliveries, b->n);
    emitter_push(l->emitter, b);
}

int loop_run(struct loop *l) {
    bool told = false;
    while (!lifecycle_wait(0)) { /* takes a signal that waits; nobody else does */
        atomic_store(&l->turned_us, clock_mono_us());
        struct batch *b = consumer_next(l->consumer, 100, l->batch_max);
        if (b != NULL)
            take_batch(l, b);
        else
            replies_poll(l->replies);
        if (!slot_held(l->slot) || !consumer_alive(l->consumer))
            return EXIT_TRY_AGAIN;
        if (!told && consumer_assigned(l->consumer)) {
            told = true;
            lifecycle_ready();
            log_event(LOG_INFO, "ready", "slot=%d", slot_number(l->slot));
        }
    }
    return 0;
}
