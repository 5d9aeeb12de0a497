#include "workers/slicing.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/failpoint.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "sql/db.h"
#include "workers/apply/slices.h"
#include "workers/parking.h"
#include "workers/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLICE_US 60000 /* so long a slice shall take: other workspaces wait for it */
#define ROWS_LEAST 50  /* fewer cost more than they save */

struct slicing {
    const struct apply *apply;
    struct db *db;
    struct consumer *consumer;
    struct emitter *emitter;
    struct replies *replies;
    struct parking *parking;
    size_t rows_most, rows; /* of a slice: at most, and of the next one */
    int64_t *taken;         /* by partition: the offset behind what was taken from the log */
    bool full;
};

struct slicing *slicing_new(const struct config *config, const struct apply *apply, struct db *db,
                            struct consumer *consumer, struct emitter *emitter, struct replies *replies) {
    struct slicing *s = xcalloc(1, sizeof *s);
    *s = (struct slicing){.apply = apply,
                          .db = db,
                          .consumer = consumer,
                          .emitter = emitter,
                          .replies = replies,
                          .parking = parking_new(),
                          .rows_most = (size_t)config_int(config, "slice-rows"),
                          .taken = xcalloc((size_t)apply->partitions, sizeof *s->taken)};
    s->rows = s->rows_most;
    return s;
}

void slicing_free(struct slicing *s) {
    parking_free(s->parking);
    free(s->taken);
    free(s);
}

static void slicing_show(const struct slicing *s) {
    metric_set(worker_stats.slices_open, (int64_t)parking_slices(s->parking));
    metric_set(worker_stats.parked, (int64_t)parking_waiting(s->parking));
}

/* ---- partitions ---- */

void slicing_drop(struct slicing *s, int32_t partition) {
    parking_drop(s->parking, partition);
    slicing_show(s);
}

enum err_code slicing_start(struct slicing *s, int32_t partition, struct err *err) {
    struct db_result *r;
    char text[24];
    const char *params[] = {text};
    snprintf(text, sizeof text, "%d", (int)partition);
    slicing_drop(s, partition);
    s->taken[partition] = 0;
    if (db_run(s->db, SQL_UNIT_SLICES_UNDER_WAY, params, &r, err) != ERR_OK)
        return err->code;
    for (size_t row = 0; row < db_rows(r); row++) {
        parking_begin(s->parking, partition, db_text(r, row, 0), NULL);
        log_event(LOG_INFO, "slices-go-on", "workspace=%s txn=%s", db_text(r, row, 0), db_text(r, row, 1));
    }
    db_results_free(&r, 1);
    slicing_show(s);
    return ERR_OK;
}

/* Where there is no room for commands that wait, nothing is fetched of their partitions. */
static void slicing_throttle(struct slicing *s) {
    bool full = parking_full(s->parking);
    if (full == s->full)
        return;
    s->full = full;
    for (int32_t i = 0; i < s->apply->partitions; i++)
        consumer_set_fetch(s->consumer, i, !full || parking_first(s->parking, i) == INT64_MAX);
    log_event(LOG_INFO, full ? "commands-wait" : "commands-go-on", "waiting=%zu",
              parking_waiting(s->parking));
}

/* ---- batches ---- */

static bool must_wait(const struct slicing *s, const struct delivery *d) {
    return d->decoded && !d->poison && parking_holds(s->parking, d->command.workspace.s);
}

size_t slicing_sort(const struct slicing *s, struct batch *b) {
    size_t n = 0, held = 0;
    struct delivery *waiting = NULL;
    for (size_t i = 0; i < b->n; i++) {
        if (!must_wait(s, &b->deliveries[i])) {
            if (n < i)
                b->deliveries[n] = b->deliveries[i];
            n++;
            continue;
        }
        if (waiting == NULL)
            waiting = xcalloc(b->n - i, sizeof *waiting);
        waiting[held] = b->deliveries[i];
        waiting[held++].waits = true;
    }
    if (held > 0)
        memcpy(&b->deliveries[n], waiting, held * sizeof *waiting);
    free(waiting);
    return n;
}

void slicing_keep(struct slicing *s, struct batch *b) {
    for (size_t i = 0; i < b->n; i++) {
        struct delivery *d = &b->deliveries[i];
        if (d->sliced) {
            parking_begin(s->parking, d->partition, d->command.workspace.s, d->reply_waits ? d : NULL);
            d->reply_due = d->reply_due && !d->reply_waits;
            metric_add(worker_stats.sliced, 1);
            (void)failpoint("slice.decided");
        }
        if (d->waits) {
            /* This worker may not have known of the slices: then it does them from now on. */
            if (!d->steps && !parking_holds(s->parking, d->command.workspace.s))
                parking_begin(s->parking, d->partition, d->command.workspace.s, NULL);
            parking_add(s->parking, d);
            if (d->steps)
                parking_step_by_step(s->parking, d);
        }
    }
    slicing_throttle(s);
    slicing_show(s);
}

static void offset_goes_on(struct slicing *s, int32_t partition) {
    int64_t first = parking_first(s->parking, partition), taken = s->taken[partition];
    emitter_offset(s->emitter, partition, first < taken ? first : taken);
}

void slicing_pass(struct slicing *s, const struct batch *b) {
    for (size_t i = 0; i < b->noffsets; i++) {
        int32_t partition = b->offsets[i].partition;
        if (b->offsets[i].next > s->taken[partition])
            s->taken[partition] = b->offsets[i].next;
        offset_goes_on(s, partition);
    }
}

struct batch *slicing_next(struct slicing *s, size_t max) {
    struct batch *b = parking_take(s->parking, max);
    if (b != NULL)
        slicing_throttle(s);
    slicing_show(s);
    return b;
}

/* ---- slices ---- */

bool slicing_busy(const struct slicing *s) {
    return parking_slices(s->parking) > 0 || parking_waiting(s->parking) > 0; /* who has steps waits too */
}

/* The next slice shall take as long as it may. */
static void slicing_adapt(struct slicing *s, size_t rows, int64_t us) {
    if (rows == 0 || us <= 0)
        return;
    double fit = (double)rows * SLICE_US / (double)us, most = 2.0 * (double)s->rows;
    size_t next = (size_t)(fit < most ? fit : most);
    next = next > ROWS_LEAST ? next : ROWS_LEAST;
    s->rows = next < s->rows_most ? next : s->rows_most;
}

static void slicing_end(struct slicing *s, const char *workspace) {
    struct delivery *reply = parking_end(s->parking, workspace);
    (void)failpoint("slice.before_reply");
    if (reply != NULL)
        replies_send(s->replies, reply, 1);
    parking_reply_free(reply);
}

static enum err_code do_slice(struct slicing *s, const struct parking_turn *turn, struct err *err) {
    struct slice slice = {0};
    char workspace[37];
    int64_t started_us = clock_mono_us();
    snprintf(workspace, sizeof workspace, "%s", turn->workspace);
    struct arena *texts = arena_new();
    enum err_code code = apply_slice(s->apply, workspace, s->rows, texts, &slice, err);
    record_list_clear(&slice.records);
    arena_free(texts);
    if (code == ERR_DB_SLOW)
        s->rows = s->rows / 4 > 0 ? s->rows / 4 : 1;
    if (code != ERR_OK)
        return code;
    (void)failpoint("slice.after_commit");
    metric_add(worker_stats.slices, 1);
    metric_observe_us(worker_stats.slice_time, clock_mono_us() - started_us);
    slicing_adapt(s, slice.rows, clock_mono_us() - started_us);
    if (slice.last)
        slicing_end(s, workspace);
    return ERR_OK;
}

/* One step of a decision. */
static enum err_code do_step(struct slicing *s, const struct parking_turn *turn, struct batch **decided,
                             struct err *err) {
    const struct delivery *d = turn->steps->deliveries;
    int64_t started_us = clock_mono_us();
    if (apply_batch(s->apply, turn->steps, err) != ERR_OK)
        return err->code;
    (void)failpoint("step.after_commit");
    metric_add(worker_stats.steps, 1);
    metric_observe_us(worker_stats.slice_time, clock_mono_us() - started_us);
    if (!d->waits) {
        *decided = parking_decided(s->parking, turn->workspace);
    } else if (!d->steps) {
        parking_not_decided(s->parking, turn->workspace);
        parking_begin(s->parking, turn->partition, turn->workspace, NULL);
    }
    return ERR_OK;
}

enum err_code slicing_turn(struct slicing *s, int32_t *partition, struct batch **decided, struct err *err) {
    struct parking_turn turn = parking_turn(s->parking);
    *partition = turn.partition;
    *decided = NULL;
    if (turn.workspace == NULL)
        return ERR_OK;
    if (!consumer_runs(s->consumer, turn.partition)) {
        slicing_drop(s, turn.partition);
        *partition = -1;
        return ERR_OK;
    }
    if ((turn.steps != NULL ? do_step(s, &turn, decided, err) : do_slice(s, &turn, err)) != ERR_OK)
        return err->code;
    consumer_goes_on(s->consumer, *partition);
    slicing_show(s);
    return ERR_OK;
}
