#include "workers/archive/archive.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "sql/migrate.h"
#include "workers/archive/book.h"
#include "workers/archive/intake.h"
#include "workers/archive/resume.h"
#include "workers/archive/signer.h"
#include "workers/stats.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WAIT_FIRST_MS 100 /* of a back-off */
#define WAIT_MOST_MS 5000
#define LOOK_EVERY_US 5000000
#define KEEP_EVERY_US 600000000
#define KEEP_ROWS 5000
#define DRAIN_US 8000000
#define QUIET_US 1000000
/* What is lost with PostgreSQL's last moments is read again: its place is lost with it. enable_sort=off: the
 * newest generation of a row is found along an index, and not among all its versions. */
#define OPTIONS "synchronous_commit=off -c enable_sort=off"

struct archive {
    const struct config *config;
    bool trial;
    struct db *db;
    struct intake *intake;
    struct signer *signer;
    struct book book;
    struct entry_source *records;
    int wait_ms;
    unsigned checked; /* the connection's generation whose schema was looked at */
    int64_t look_us, keep_us;
    pthread_t thread;
    atomic_bool stop;
    atomic_llong turned_us;
    pthread_mutex_t lock; /* of all below: readiness asks on another thread */
    char trouble[300];    /* empty: none */
    int64_t stopped, refused;
};

/* ---- trouble ---- */

/* A line in the log when it begins and one when it ends. */
static void tell(struct archive *a, const char *text) {
    char quoted[600];
    pthread_mutex_lock(&a->lock);
    bool before = a->trouble[0] != '\0', now = *text != '\0';
    snprintf(a->trouble, sizeof a->trouble, "%.299s", text);
    pthread_mutex_unlock(&a->lock);
    if (now && !before)
        log_event(LOG_ERROR, "archive-waits", "error=%s", log_quote(text, quoted, sizeof quoted));
    if (before && !now)
        log_event(LOG_INFO, "archive-goes-on", "");
}

static void wait_a_while(struct archive *a) {
    a->wait_ms = a->wait_ms == 0                 ? WAIT_FIRST_MS
                 : a->wait_ms * 2 < WAIT_MOST_MS ? a->wait_ms * 2
                                                 : WAIT_MOST_MS;
    for (int waited = 0; waited < a->wait_ms && !atomic_load(&a->stop); waited += 20)
        usleep(20000);
}

static void go_wrong(struct archive *a, const struct err *err) {
    if (err->code == ERR_DB_FENCED)
        log_event(LOG_WARN, "archive-fenced", "reason=\"%s\"", err_text(err));
    else
        tell(a, err_text(err));
    wait_a_while(a);
}

static void go_well(struct archive *a) {
    a->wait_ms = 0;
    tell(a, "");
}

/* ---- a turn ---- */

static enum err_code check_number(struct archive *a, struct err *err) {
    if (db_connect(a->db, err) != ERR_OK)
        return err->code;
    if (a->checked == db_generation(a->db))
        return ERR_OK;
    enum err_code code = schema_check(a->db, err);
    if (code == ERR_OK)
        a->checked = db_generation(a->db);
    return code;
}

static enum err_code open_intake(struct archive *a, struct err *err) {
    if (a->intake != NULL && intake_good(a->intake))
        return ERR_OK;
    intake_close(a->intake);
    a->intake = intake_open(a->config, a->trial, err);
    if (a->intake == NULL)
        return err->code;
    a->book.places = intake_places(a->intake);
    return ERR_OK;
}

/* One of them cannot be stored: that one is put aside, and all others are added. */
static enum err_code add_singly(struct archive *a, size_t n, struct err *err) {
    for (size_t i = 0; i < n; i++) {
        enum err_code code = book_add(&a->book, &a->records[i], 1, err);
        if (code == ERR_DB_DATA) {
            a->records[i].unstorable = true;
            code = book_add(&a->book, &a->records[i], 1, err);
        }
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

static enum err_code take_records(struct archive *a, size_t *n, struct err *err) {
    *n = intake_next(a->intake, a->records);
    if (*n == 0)
        return ERR_OK;
    int64_t began_us = clock_mono_us();
    enum err_code code = book_add(&a->book, a->records, *n, err);
    if (code == ERR_DB_DATA)
        code = add_singly(a, *n, err);
    if (code == ERR_OK)
        metric_observe_us(worker_stats.archive_time, clock_mono_us() - began_us);
    return code;
}

static enum err_code look(struct archive *a, struct err *err) {
    size_t n;
    int64_t stopped = 0, refused = 0, gone = 0, now_us = clock_mono_us();
    const int32_t *ours = intake_ours(a->intake, &n);
    metric_set(worker_stats.archive_lag, intake_lag(a->intake));
    if (now_us < a->look_us)
        return ERR_OK;
    a->look_us = now_us + LOOK_EVERY_US;
    if (archive_faults(a->db, ours, n, &stopped, &refused, err) != ERR_OK)
        return err->code;
    metric_set(worker_stats.archive_stopped, stopped);
    metric_set(worker_stats.archive_refused, refused);
    pthread_mutex_lock(&a->lock);
    a->stopped = stopped;
    a->refused = refused;
    pthread_mutex_unlock(&a->lock);
    if (stopped > 0 && resume_trees(&a->book, ours, n, err) != ERR_OK) {
        intake_forget(a->intake);
        return err->code;
    }
    if (now_us < a->keep_us)
        return ERR_OK;
    enum err_code code = archive_keep(a->db, KEEP_ROWS, &gone, err);
    /* A slice is followed by the next one soon. */
    a->keep_us = now_us + (gone >= KEEP_ROWS ? LOOK_EVERY_US : KEEP_EVERY_US);
    if (code == ERR_OK && gone > 0)
        log_event(LOG_INFO, "archive-forgets", "gone=%lld", (long long)gone);
    return code;
}

static enum err_code turn(struct archive *a, size_t *n, struct err *err) {
    *n = 0;
    if (check_number(a, err) != ERR_OK || open_intake(a, err) != ERR_OK)
        return err->code;
    if (intake_due(a->intake) && intake_start(a->intake, a->db, err) != ERR_OK)
        return err->code;
    if (take_records(a, n, err) != ERR_OK) {
        intake_forget(a->intake);
        return err->code;
    }
    return signer_turn(a->signer, a->db, a->intake, err) != ERR_OK ? err->code : look(a, err);
}

/* A trial broker is about to end, and what it holds with it: so all of it is taken first. */
static void work_off(struct archive *a) {
    struct err err = {0};
    int64_t until_us = clock_mono_us() + DRAIN_US, quiet_us = clock_mono_us() + QUIET_US;
    size_t n;
    while (clock_mono_us() < until_us && clock_mono_us() < quiet_us) {
        if (turn(a, &n, &err) != ERR_OK)
            return;
        if (n > 0)
            quiet_us = clock_mono_us() + QUIET_US;
    }
}

static void *archive_main(void *arg) {
    struct archive *a = arg;
    size_t n;
    while (!atomic_load(&a->stop)) {
        struct err err = {0};
        atomic_store(&a->turned_us, clock_mono_us());
        if (turn(a, &n, &err) == ERR_OK)
            go_well(a);
        else
            go_wrong(a, &err);
    }
    if (a->trial && a->intake != NULL)
        work_off(a);
    return NULL;
}

/* ---- life ---- */

struct archive *archive_start(const struct config *config, bool trial, struct err *err) {
    struct signer *signer = signer_new(config, err);
    if (signer == NULL)
        return NULL;
    struct archive *a = xcalloc(1, sizeof *a);
    a->config = config;
    a->trial = trial;
    a->signer = signer;
    a->db = db_new(config_str(config, "pg"), "usher-worker-archive", OPTIONS);
    a->records = xcalloc(INTAKE_RECORDS, sizeof *a->records);
    a->book =
        (struct book){.db = a->db, .partitions = (int32_t)config_int(config, "partitions"), .trial = trial};
    atomic_store(&a->turned_us, clock_mono_us());
    pthread_mutex_init(&a->lock, NULL);
    if (pthread_create(&a->thread, NULL, archive_main, a) != 0)
        abort();
    return a;
}

bool archive_ready(struct archive *a, char *why, size_t n) {
    pthread_mutex_lock(&a->lock);
    bool good = false;
    if (a->trouble[0] != '\0')
        snprintf(why, n, "archive: %s", a->trouble);
    else if (a->stopped > 0 || a->refused > 0)
        snprintf(why, n, "archive: %lld trees have stopped, %lld are not signed any more",
                 (long long)a->stopped, (long long)a->refused);
    else
        good = true;
    pthread_mutex_unlock(&a->lock);
    return good;
}

int64_t archive_turned_us(struct archive *a) {
    return atomic_load(&a->turned_us);
}

void archive_stop(struct archive *a) {
    if (a == NULL)
        return;
    atomic_store(&a->stop, true);
    pthread_join(a->thread, NULL);
    intake_close(a->intake);
    signer_free(a->signer);
    db_free(a->db);
    pthread_mutex_destroy(&a->lock);
    free(a->records);
    free(a);
}
