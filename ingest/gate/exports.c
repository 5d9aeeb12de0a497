#include "ingest/gate/exports.h"

#include "ingest/request/stream.h"
#include "ingest/stats.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "sql/ask/admit.h"
#include "sql/ask/audit_export.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_S 10

struct export_job {
    struct stream stream; /* the first member */
    struct audit_export what;
    struct exports *exports;
    struct uuid workspace;
    unsigned char token_hash[TOKEN_HASH_SIZE];
    struct export_job *next_open, *next; /* next: among those that want a piece */
};

struct export_thread {
    struct exports *exports;
    struct db *db;
    struct export_job *job; /* whose piece it makes */
    pthread_t thread;
};

struct exports {
    struct ingest *in;
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    /* under the lock */
    struct export_job *open, *first, **last;
    int nopen;
    bool stop;

    int nthreads;
    struct export_thread threads[];
};

/* ---- places ---- */

static void export_end(void *job) {
    struct export_job *j = job;
    struct exports *x = j->exports;
    pthread_mutex_lock(&x->lock);
    struct export_job **at = &x->open;
    while (*at != j)
        at = &(*at)->next_open;
    *at = j->next_open;
    metric_set(stats.exports_open, --x->nopen);
    pthread_mutex_unlock(&x->lock);
    audit_export_clear(&j->what);
    jb_free(&j->stream.piece);
}

static bool export_take_place(struct exports *x, struct export_job *j, const char **why) {
    *why = NULL;
    pthread_mutex_lock(&x->lock);
    if (x->nopen == x->nthreads)
        *why = "As many exports run as may";
    for (const struct export_job *o = x->open; o != NULL; o = o->next_open)
        if (uuid_eq(&o->workspace, &j->workspace))
            *why = "An export of this workspace runs already";
    if (*why == NULL) {
        j->next_open = x->open;
        x->open = j;
        metric_set(stats.exports_open, ++x->nopen);
    }
    pthread_mutex_unlock(&x->lock);
    return *why == NULL;
}

static void want_piece(struct stream *s) {
    struct export_job *j = (struct export_job *)s;
    struct exports *x = j->exports;
    pthread_mutex_lock(&x->lock);
    j->next = NULL;
    *x->last = j;
    x->last = &j->next;
    pthread_mutex_unlock(&x->lock);
    pthread_cond_signal(&x->wanted);
}

enum err_code exports_open(struct exports *x, struct request *r, struct audit_export **what,
                           struct err *err) {
    struct export_job *j = arena_alloc(r->arena, sizeof *j);
    const char *why;
    j->stream.want = want_piece;
    j->exports = x;
    j->workspace = r->verdict.workspace;
    memcpy(j->token_hash, r->credential.token_hash, sizeof j->token_hash);
    if (!export_take_place(x, j, &why)) {
        r->verdict.retry_after_s = RETRY_S;
        return err_set(err, ERR_RATE_LIMITED, "%s; try again in %d s", why, RETRY_S);
    }
    arena_defer(r->arena, export_end, j);
    *what = &j->what;
    return ERR_OK;
}

struct stream *exports_stream(struct audit_export *what) {
    return &((struct export_job *)(void *)((char *)what - offsetof(struct export_job, what)))->stream;
}

/* ---- pieces ---- */

/* Asked while PostgreSQL works, on the thread (db_watch). */
static bool export_is_unwanted(void *thread) {
    const struct export_thread *t = thread;
    return atomic_load(&t->exports->in->stopping) || t->job->stream.gone(&t->job->stream);
}

/* Revoked means dead, also in the middle. No unit is taken. */
static enum err_code check_credential(struct export_thread *t, struct err *err) {
    struct admit_ask ask = {0};
    struct admit_verdict verdict;
    memcpy(ask.token_hash, t->job->token_hash, sizeof ask.token_hash);
    if (admit_batch(t->db, &ask, 1, &verdict, err) != ERR_OK)
        return err->code;
    bool good = verdict.state == ADMIT_OK;
    admit_verdict_clear(&verdict);
    return good ? ERR_OK : err_set(err, ERR_UNAUTHORIZED, "the credential is good no more");
}

/* Not empty, unless it is the last one. */
static enum err_code make_piece(struct export_thread *t, struct err *err) {
    struct export_job *j = t->job;
    enum err_code code = check_credential(t, err);
    while (code == ERR_OK && j->stream.piece.n == 0 && !j->stream.last)
        code = export_is_unwanted(t)
                   ? err_set(err, ERR_GONE, "nobody waits for it any more")
                   : audit_export_next(t->db, &j->what, &j->stream.piece, &j->stream.last, err);
    return code;
}

static void serve_job(struct export_thread *t, struct export_job *j) {
    struct err err = {0};
    t->job = j;
    enum err_code code = ERR_DB_LOST;
    for (int i = 0; i < 2 && (code == ERR_DB_LOST || code == ERR_DB_RETRY); i++)
        code = make_piece(t, &err);
    if (code != ERR_OK) {
        log_event(LOG_WARN, "export-broken-off", "workspace=%s reason=\"%s\"", j->workspace.s,
                  err_text(&err));
        j->stream.broken = true;
        jb_reset(&j->stream.piece);
    }
    j->stream.give(&j->stream);
}

static struct export_job *take_job(struct exports *x) {
    struct export_job *j = NULL;
    pthread_mutex_lock(&x->lock);
    while (!x->stop && x->first == NULL)
        pthread_cond_wait(&x->wanted, &x->lock);
    if (x->first != NULL) {
        j = x->first;
        x->first = j->next;
        x->last = x->first != NULL ? x->last : &x->first;
    }
    pthread_mutex_unlock(&x->lock);
    return j;
}

static void *export_main(void *arg) {
    struct export_thread *t = arg;
    for (struct export_job *j; (j = take_job(t->exports)) != NULL;)
        serve_job(t, j);
    return NULL;
}

/* ---- life ---- */

struct exports *exports_new(struct ingest *in) {
    int n = in->settings.exports;
    struct exports *x = xcalloc(1, sizeof *x + (size_t)n * sizeof *x->threads);
    x->in = in;
    x->last = &x->first;
    pthread_mutex_init(&x->lock, NULL);
    pthread_cond_init(&x->wanted, NULL);
    for (int i = 0; i < n; i++) {
        struct export_thread *t = &x->threads[i];
        t->exports = x;
        t->db = db_new(in->settings.pg, "usher-ingest export", "");
        db_watch(t->db, export_is_unwanted, t);
        if (pthread_create(&t->thread, NULL, export_main, t) != 0)
            abort();
        x->nthreads++;
    }
    return x;
}

void exports_close(struct exports *x) {
    if (x == NULL)
        return;
    pthread_mutex_lock(&x->lock);
    x->stop = true;
    pthread_mutex_unlock(&x->lock);
    pthread_cond_broadcast(&x->wanted);
    for (int i = 0; i < x->nthreads; i++) {
        pthread_join(x->threads[i].thread, NULL);
        db_free(x->threads[i].db);
    }
    pthread_mutex_destroy(&x->lock);
    pthread_cond_destroy(&x->wanted);
    free(x);
}
