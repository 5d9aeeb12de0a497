#include "workers/loop.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/failpoint.h"
#include "ops/runtime/lifecycle.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "ops/runtime/notify.h"
#include "sql/db.h"
#include "sql/migrate.h"
#include "workers/apply/batch.h"
#include "workers/slicing.h"
#include "workers/stats.h"
#include "workers/takeover.h"
#include "workers/traces.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STUCK_US 60000000 /* a loop that has not come round for so long is not ready */
/* A transaction that has been tried for so long gives its batch back, so that rebalances are served. */
#define PATIENCE_US 3000000
#define EXIT_TRY_AGAIN 75
/* The newest generation of a row is found along its index, whatever the statistics say. A plan that reads all
 * generations and sorts them looks as cheap to the planner, which does not know of versions that nobody could
 * prune. */
#define LOOP_OPTIONS "enable_sort=off"
#define WAIT_FIRST_MS 100 /* of a back-off */
#define WAIT_MOST_MS 5000
#define PATIENCE_LONG_MS 20000
#define PATIENCE_MOST_MS 50000

/* Something does not go on, and no command is to blame. */
struct trouble {
    const char *begins, *ends; /* how the log says it */
    pthread_mutex_t lock;      /* of the text: readiness asks on another thread */
    char text[300];            /* empty: none */
    int64_t since_us;
    int wait_ms; /* before the next try */
};

struct loop {
    struct consumer *consumer;
    struct emitter *emitter;
    struct replies *replies;
    struct slot *slot;
    struct db *db;
    struct apply apply;
    struct slicing *slicing;
    struct takeover takeover;
    struct place *places;
    struct start *starts; /* room for all partitions, as due has */
    int32_t *due;
    int64_t start_at_us;      /* when those that are due are tried again */
    int64_t patient_until_us; /* of the transaction that is tried */
    struct trouble trouble;   /* of the database: nothing is applied */
    struct trouble starting;  /* partitions that cannot be started */
    unsigned checked;         /* the connection's generation whose schema was looked at */
    size_t batch_max;
    atomic_llong turned_us;
};

/* ---- trouble ---- */

/* One line when it begins; the waits grow. */
static void trouble_goes_on(struct trouble *t, const struct err *err) {
    char quoted[600];
    bool begins = t->text[0] == '\0';
    pthread_mutex_lock(&t->lock);
    snprintf(t->text, sizeof t->text, "%.299s", err_text(err));
    pthread_mutex_unlock(&t->lock);
    if (begins) {
        t->since_us = clock_mono_us();
        log_event(LOG_ERROR, t->begins, "code=%s error=%s", err_name(err->code),
                  log_quote(t->text, quoted, sizeof quoted));
    }
    t->wait_ms = begins ? WAIT_FIRST_MS : t->wait_ms * 2 < WAIT_MOST_MS ? t->wait_ms * 2 : WAIT_MOST_MS;
}

/* … and one when it ends. */
static void trouble_ends(struct trouble *t) {
    if (t->text[0] == '\0')
        return;
    pthread_mutex_lock(&t->lock);
    t->text[0] = '\0';
    pthread_mutex_unlock(&t->lock);
    log_event(LOG_INFO, t->ends, "seconds=%lld", (long long)(clock_mono_us() - t->since_us) / 1000000);
}

/* Is there any, and which? On other threads. */
static bool trouble_told(struct trouble *t, const char *before, char *why, size_t n) {
    pthread_mutex_lock(&t->lock);
    bool troubled = t->text[0] != '\0';
    if (troubled && why != NULL)
        snprintf(why, n, "%s%s", before, t->text);
    pthread_mutex_unlock(&t->lock);
    return troubled;
}

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

/* A large command may take as long as it is large: a second for each 64 KiB more, up to a minute. */
static enum err_code loop_patience(void *arg, size_t bytes, struct err *err) {
    struct loop *l = arg;
    size_t more = bytes > 0 ? PATIENCE_LONG_MS + bytes / 64 : 0;
    size_t ms = DB_PATIENCE_MS + (more < PATIENCE_MOST_MS ? more : PATIENCE_MOST_MS);
    return db_set_patience(l->db, (int)ms, err);
}

static struct decision_bounds read_bounds(const struct config *c) {
    return (struct decision_bounds){.resource = {.max_bytes = (size_t)config_int(c, "max-resource-bytes"),
                                                 .max_values = (size_t)config_int(c, "max-values")},
                                    .keys = config_int(c, "max-keys"),
                                    .owners = config_int(c, "max-owners"),
                                    .deliveries = config_int(c, "max-deliveries"),
                                    .deliver_http = config_bool(c, "deliver-http")};
}

/* A transaction has committed. */
static void loop_committed(void *arg, struct row *rows) {
    struct loop *l = arg;
    emitter_push(l->emitter, rows);
}

struct loop *loop_new(const struct config *config, struct consumer *consumer, struct emitter *emitter,
                      struct replies *replies, struct slot *slot, bool exactly_once) {
    struct loop *l = xcalloc(1, sizeof *l);
    size_t partitions = (size_t)config_int(config, "partitions");
    l->consumer = consumer;
    l->emitter = emitter;
    l->replies = replies;
    l->slot = slot;
    l->db = db_new(config_str(config, "pg"), "usher-worker", LOOP_OPTIONS);
    l->places = xcalloc(partitions, sizeof *l->places);
    l->starts = xcalloc(partitions, sizeof *l->starts);
    l->due = xcalloc(partitions, sizeof *l->due);
    l->takeover = (struct takeover){config, l->db, consumer, exactly_once};
    l->apply = (struct apply){.store = unit_postgres(l->db),
                              .partitions = (int)partitions,
                              .places = l->places,
                              .committed = loop_committed,
                              .events_issuer = config_str(config, "events-issuer"),
                              .bounds = read_bounds(config),
                              .now_us = clock_wall_us,
                              .again = loop_again,
                              .patience = loop_patience,
                              .arg = l};
    l->apply.store.slice_rows = (size_t)config_int(config, "slice-rows");
    l->apply.store.step_rows = (size_t)config_int(config, "step-rows");
    l->slicing = slicing_new(config, &l->apply, l->db, consumer, emitter, replies);
    l->trouble = (struct trouble){.begins = "intake-stops", .ends = "intake-goes-on"};
    l->starting = (struct trouble){.begins = "partitions-wait", .ends = "partitions-go-on"};
    pthread_mutex_init(&l->trouble.lock, NULL);
    pthread_mutex_init(&l->starting.lock, NULL);
    l->batch_max = (size_t)config_int(config, "batch-max");
    atomic_store(&l->turned_us, clock_mono_us());
    return l;
}

void loop_free(struct loop *l) {
    pthread_mutex_destroy(&l->trouble.lock);
    pthread_mutex_destroy(&l->starting.lock);
    slicing_free(l->slicing);
    db_free(l->db);
    free(l->places);
    free(l->starts);
    free(l->due);
    free(l);
}

int64_t loop_turned_us(const struct loop *l) {
    return atomic_load(&l->turned_us);
}

bool loop_troubled(struct loop *l) {
    return trouble_told(&l->trouble, "", NULL, 0) || trouble_told(&l->starting, "", NULL, 0);
}

bool loop_ready(struct loop *l, char *why, size_t n) {
    if (!consumer_assigned(l->consumer)) {
        snprintf(why, n, "no partitions assigned yet");
        return false;
    }
    if (trouble_told(&l->trouble, "PostgreSQL: ", why, n) || trouble_told(&l->starting, "", why, n))
        return false;
    if (consumer_ndue(l->consumer) > 0) {
        snprintf(why, n, "%d partitions are being started", consumer_ndue(l->consumer));
        return false;
    }
    if (consumer_held(l->consumer) > 0) {
        snprintf(why, n, "%d partitions stand before a command of a newer version",
                 consumer_held(l->consumer));
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
        if (b->deliveries[i].poison && !b->deliveries[i].repeated)
            metric_add(worker_stats.poisoned, 1);
}

/* Each new connection may have led to another schema. */
static enum err_code check_schema(struct loop *l, struct err *err) {
    if (db_connect(l->db, err) != ERR_OK)
        return err->code;
    if (l->checked == db_generation(l->db))
        return ERR_OK;
    enum err_code code = schema_check(l->db, err);
    if (code == ERR_OK)
        l->checked = db_generation(l->db);
    return code;
}

/* ---- partitions that begin ---- */

/* What is known of a partition is worth nothing any more: it is to be started anew. */
static void forget(struct loop *l, int32_t partition) {
    if (!consumer_runs(l->consumer, partition))
        return;
    log_event(LOG_WARN, "partition-again", "partition=%d", (int)partition);
    emitter_release(l->emitter, partition);
    slicing_drop(l->slicing, partition);
    consumer_halt(l->consumer, partition);
    l->places[partition] = (struct place){0};
}

/* Its slices are asked for when it is taken, so that none of another owner come after that. */
static enum err_code start_partition(struct loop *l, const struct start *s, struct err *err) {
    if (slicing_start(l->slicing, s->partition, err) != ERR_OK)
        return err->code;
    l->places[s->partition] = s->place;
    emitter_take(l->emitter, s->partition, s->number, s->place.number, s->mark, s->offset);
    consumer_start(l->consumer, s->partition, s->offset);
    return ERR_OK;
}

/* Those that were assigned, and those that the emitter or a transaction has found to be lost. */
static void start_partitions(struct loop *l) {
    struct err err = {0};
    for (int32_t i = 0; emitter_lost_some(l->emitter) && i < l->apply.partitions; i++)
        if (emitter_lost(l->emitter, i))
            forget(l, i);
    if (consumer_ndue(l->consumer) == 0) {
        trouble_ends(&l->starting);
        return;
    }
    if (clock_mono_us() < l->start_at_us)
        return;
    size_t n = consumer_due(l->consumer, l->due);
    bool all =
        check_schema(l, &err) == ERR_OK && takeover_try(&l->takeover, l->due, n, l->starts, &err) == ERR_OK;
    for (size_t i = 0; i < n; i++)
        if (l->starts[i].ready)
            all = start_partition(l, &l->starts[i], &err) == ERR_OK && all;
    for (size_t i = 0; i < n; i++)
        l->starts[i].ready = false;
    if (all) {
        trouble_ends(&l->starting);
        return;
    }
    trouble_goes_on(&l->starting, &err);
    l->start_at_us = clock_mono_us() + l->starting.wait_ms * INT64_C(1000);
}

/* ---- batches ---- */

/* It comes again. */
static void give_back(struct loop *l, struct batch *b, const struct err *err) {
    bool unknown = err->code == ERR_DB_FENCED || err->code == ERR_DB_LOST;
    for (size_t i = 0; unknown && i < b->noffsets; i++)
        forget(l, b->offsets[i].partition);
    consumer_rewind(l->consumer, b);
    batch_free(b);
    if (err->code == ERR_DB_FENCED)
        return; /* another worker's doing */
    trouble_goes_on(&l->trouble, err);
    (void)lifecycle_wait(l->trouble.wait_ms);
}

/* All of it is applied, or nothing that counts. */
static bool apply(struct loop *l, struct batch *b, struct err *err) {
    int64_t started_us = clock_mono_us();
    if (check_schema(l, err) != ERR_OK || apply_batch(&l->apply, b, err) != ERR_OK)
        return false;
    trouble_ends(&l->trouble);
    (void)failpoint("worker.after_pg_commit");
    metric_observe_us(worker_stats.apply, clock_mono_us() - started_us);
    return true;
}

static void loop_conclude(struct loop *l, struct batch *b) {
    slicing_keep(l->slicing, b);
    count_poison(b);
    replies_send(l->replies, b->deliveries, b->n);
    slicing_pass(l->slicing, b);
    batch_free(b);
}

static void take_batch(struct loop *l, struct batch *b) {
    struct err err = {0};
    size_t all = b->n;
    b->n = slicing_sort(l->slicing, b);
    int64_t began_us = clock_wall_us();
    bool good = b->n == 0 || apply(l, b, &err);
    b->n = all;
    if (!good) {
        give_back(l, b, &err);
        return;
    }
    consumer_applied(l->consumer, b);
    traces_batch(b, began_us);
    loop_conclude(l, b);
}

/* ---- large commands ---- */

/* After an error all is asked anew: what was committed, and where the commands are that wait. */
static void begin_again(struct loop *l, int32_t partition, const struct err *err) {
    forget(l, partition);
    if (err->code == ERR_DB_FENCED)
        return;
    trouble_goes_on(&l->trouble, err);
    (void)lifecycle_wait(l->trouble.wait_ms);
}

/* Commands that have waited for slices. */
static void take_waiting(struct loop *l) {
    struct err err = {0};
    struct batch *b = slicing_next(l->slicing, l->batch_max);
    if (b == NULL)
        return;
    int64_t began_us = clock_wall_us();
    if (apply(l, b, &err)) {
        traces_batch(b, began_us);
        loop_conclude(l, b);
        return;
    }
    for (size_t i = 0; i < b->noffsets; i++)
        begin_again(l, b->offsets[i].partition, &err);
    batch_free(b);
}

static void take_turn(struct loop *l) {
    struct err err = {0};
    struct batch *decided;
    int32_t partition;
    int64_t began_us = clock_wall_us();
    if (slicing_busy(l->slicing) && check_schema(l, &err) != ERR_OK) {
        trouble_goes_on(&l->trouble, &err);
        (void)lifecycle_wait(l->trouble.wait_ms);
        return;
    }
    if (slicing_turn(l->slicing, &partition, &decided, &err) != ERR_OK)
        begin_again(l, partition, &err);
    else if (partition >= 0)
        trouble_ends(&l->trouble);
    if (decided != NULL) {
        traces_batch(decided, began_us);
        loop_conclude(l, decided);
    }
    take_waiting(l);
}

int loop_run(struct loop *l, const char **why) {
    bool told = false;
    while (!lifecycle_stopping()) {
        atomic_store(&l->turned_us, clock_mono_us());
        notify_alive();
        start_partitions(l);
        take_turn(l);
        /* One slice, one batch, one slice: nobody waits for more than one of another's. */
        struct batch *b = consumer_next(l->consumer, slicing_busy(l->slicing) ? 0 : 100, l->batch_max);
        if (b != NULL)
            take_batch(l, b);
        else
            replies_poll(l->replies);
        bool held = slot_hold(l->slot);
        if (!held || !consumer_stay(l->consumer)) {
            *why = held ? "consumer-lost" : "slot-lost";
            return EXIT_TRY_AGAIN;
        }
        if (!told && consumer_assigned(l->consumer) && consumer_ndue(l->consumer) == 0) {
            told = true;
            lifecycle_ready();
            log_event(LOG_INFO, "ready", "slot=%d", slot_number(l->slot));
        }
    }
    return 0;
}
