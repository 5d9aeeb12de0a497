#include "workers/sight.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/log.h"
#include "workers/stats.h"

#define EVERY_US (15 * INT64_C(1000000))

void sight_show_seats(const struct sight_seats *seats) {
    struct arena *a = arena_new();
    struct metric_row *used = arena_alloc(a, (seats->n + 1) * sizeof *used),
                      *limits = arena_alloc(a, (seats->n + 1) * sizeof *limits);
    for (size_t i = 0; i < seats->n; i++) {
        const struct sight_workspace *w = &seats->fullest[i];
        struct jbuf labels = {0};
        metric_label(&labels, "workspace", w->id);
        metric_label(&labels, "name", w->name);
        used[i] = (struct metric_row){arena_strdup(a, labels.p), w->used};
        limits[i] = (struct metric_row){used[i].labels, w->limit};
        jb_free(&labels);
    }
    metric_set(worker_stats.seats_used, seats->used);
    metric_set(worker_stats.seats_limit, seats->limit);
    metric_set(worker_stats.seats_full, seats->full);
    metric_table_set(worker_stats.workspace_used, used, seats->n);
    metric_table_set(worker_stats.workspace_limit, limits, seats->n);
    arena_free(a);
}

static void show_credentials(const struct sight_credentials kinds[SIGHT_KINDS]) {
    struct metric *const many[] = {worker_stats.keys_expire, worker_stats.owners_expire,
                                   worker_stats.short_expire};
    struct metric *const first[] = {worker_stats.keys_expire_at, worker_stats.owners_expire_at,
                                    worker_stats.short_expire_at};
    for (size_t i = 0; i < SIGHT_KINDS; i++) {
        metric_set(many[i], kinds[i].many);
        metric_set(first[i], kinds[i].soonest_us / 1000000);
    }
}

static enum err_code sight_ask(struct db *db, int named, struct arena *a, struct err *err) {
    struct sight_seats seats;
    struct sight_credentials kinds[SIGHT_KINDS];
    if (sight_seats(db, named, a, &seats, err) != ERR_OK || sight_credentials(db, a, kinds, err) != ERR_OK)
        return err->code;
    sight_show_seats(&seats);
    show_credentials(kinds);
    return ERR_OK;
}

void sight_look(struct sight *s, struct db *db, int named) {
    struct err err = {0};
    char quoted[600];
    if (clock_mono_us() < s->due_us)
        return;
    s->due_us = clock_mono_us() + EVERY_US;
    struct arena *a = arena_new();
    bool failed = sight_ask(db, named, a, &err) != ERR_OK;
    if (failed && !s->failed)
        log_event(LOG_WARN, "seats-not-seen", "error=%s", log_quote(err_text(&err), quoted, sizeof quoted));
    s->failed = failed;
    arena_free(a);
}
