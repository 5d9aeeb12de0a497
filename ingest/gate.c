#include "ingest/gate.h"

#include "ingest/admission.h"
#include "ingest/answer.h"
#include "ingest/discovery.h"
#include "ingest/publish.h"
#include "ingest/read.h"
#include "ingest/replies.h"
#include "ingest/stats.h"
#include "ingest/write.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/mem.h"
#include "sql/command_log.h"

#include <pthread.h>
#include <stdlib.h>

/* How long after its deadline a request that no gate thread could take is given up. */
#define STUCK_US 200000

struct gate_thread {
    struct gate *gate;
    struct db *db;         /* admission and reads: synchronous_commit=off, for the rate counters */
    struct db *durable_db; /* cancellations */
    struct jbuf scratch;
    struct request *reads[GATE_BATCH];
    size_t nreads;
    pthread_t thread;
};

struct gate {
    struct ingest *in;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct request *first, *last;
    bool stop;
    int nthreads;
    struct gate_thread threads[];
};

/* ---- the queue ---- */

void gate_push(struct gate *g, struct request *r) {
    r->next = NULL;
    pthread_mutex_lock(&g->lock);
    *(g->last != NULL ? &g->last->next : &g->first) = r;
    g->last = r;
    pthread_mutex_unlock(&g->lock);
    pthread_cond_signal(&g->filled);
}

/* All that wait, up to a batch; 0 = stop. */
static size_t take_all(struct gate *g, struct request **batch) {
    size_t n = 0;
    pthread_mutex_lock(&g->lock);
    while (g->first == NULL && !g->stop)
        pthread_cond_wait(&g->filled, &g->lock);
    while (g->first != NULL && n < GATE_BATCH) {
        batch[n++] = g->first;
        g->first = g->first->next;
    }
    if (g->first == NULL)
        g->last = NULL;
    bool more = g->first != NULL;
    pthread_mutex_unlock(&g->lock);
    if (more)
        pthread_cond_signal(&g->filled);
    return n;
}

/* ---- one request after admission ---- */

static void read_later(struct gate_thread *t, struct request *r) {
    t->reads[t->nreads++] = r;
}

static void refuse(struct request *r, const struct err *err) {
    answer_err(r, err);
    request_finish(r);
}

static void start_write(struct gate_thread *t, struct request *r) {
    struct err err = {0};
    if (write_prepare(r, &err) != ERR_OK) {
        refuse(r, &err);
    } else if (!replies_polled(t->gate->in->replies)) { /* nobody would hear the outcome */
        answer_error(r, ERR_UNAVAILABLE, NULL);
        request_finish(r);
    } else if (r->route.method == HTTP_DELETE) {
        read_existence(r); /* DESIGN section 7: an unknown id is 404 without a command */
        read_later(t, r);
    } else {
        publish_request(t->gate->in->publish, r, &t->scratch);
    }
}

static void start(struct gate_thread *t, struct request *r) {
    struct err err = {0};
    if (r->route.kind != ROUTE_COLLECTION && r->route.kind != ROUTE_RESOURCE) {
        discovery_answer(r);
        request_finish(r);
    } else if (r->route.method != HTTP_GET) {
        start_write(t, r);
    } else if (read_prepare(r, &err) != ERR_OK) {
        refuse(r, &err);
    } else {
        read_later(t, r);
    }
}

/* ---- the deadline ---- */

/* The race is decided in PostgreSQL: whoever claims the txn first. */
static void cancel(struct gate_thread *t, struct request *r) {
    struct err err = {0};
    enum claim_result result = CLAIM_WON;
    enum err_code code = ERR_DB_LOST;
    for (int i = 0; i < 2 && (code == ERR_DB_LOST || code == ERR_DB_RETRY); i++)
        code = command_log_cancel(t->durable_db, r->verdict.workspace.s, r->txn.s, &result, &r->reply, &err);
    if (code != ERR_OK) {
        metric_add(stats.deadline_unknown, 1);
        write_unknown(r);
        request_finish(r);
    } else if (result == CLAIM_WON) {
        metric_add(stats.deadline_won, 1);
        answer_error(r, ERR_DEADLINE, NULL);
        request_finish(r);
    } else {
        metric_add(stats.deadline_lost, 1);
        write_keep_reply(r);
        if (write_outcome(r))
            request_finish(r);
        else
            read_later(t, r);
    }
}

/* ---- reads, all of the batch in one round trip ---- */

static void after_read(struct gate_thread *t, struct request *r, enum err_code code) {
    if (r->route.method == HTTP_GET) {
        read_answer(r, code);
    } else if (r->encoded != NULL) { /* applied; the answer shows it */
        write_shown(r, code == ERR_OK);
    } else if (code == ERR_OK && r->read.nrows == 1) {
        publish_request(t->gate->in->publish, r, &t->scratch);
        return;
    } else {
        read_answer(r, code);
    }
    request_finish(r);
}

static void run_reads(struct gate_thread *t) {
    struct read_query *queries[GATE_BATCH];
    struct err err = {0};
    if (t->nreads == 0)
        return;
    for (size_t i = 0; i < t->nreads; i++)
        queries[i] = &t->reads[i]->read;
    int64_t begin = clock_mono_us();
    enum err_code code = read_batch(t->db, queries, t->nreads, &err);
    if (code == ERR_DB_LOST || code == ERR_DB_RETRY)
        code = read_batch(t->db, queries, t->nreads, &err);
    metric_observe_us(stats.gate_read, clock_mono_us() - begin);
    for (size_t i = 0; i < t->nreads; i++)
        after_read(t, t->reads[i], code);
    t->nreads = 0;
}

/* ---- the threads ---- */

struct work {
    struct request *fresh[GATE_BATCH], *cancels[GATE_BATCH];
    size_t nfresh, ncancels;
};

/* Sorted out first: once a request of the batch is answered or published it must not be looked at again. */
static void sort_out(struct gate_thread *t, struct request **batch, size_t n, struct work *w) {
    w->nfresh = w->ncancels = 0;
    for (size_t i = 0; i < n; i++) {
        if (batch[i]->job == JOB_ADMIT)
            w->fresh[w->nfresh++] = batch[i];
        else if (batch[i]->job == JOB_CANCEL)
            w->cancels[w->ncancels++] = batch[i];
        else
            read_later(t, batch[i]);
    }
}

static void *gate_main(void *arg) {
    struct gate_thread *t = arg;
    struct request *batch[GATE_BATCH];
    struct work w;
    for (size_t n; (n = take_all(t->gate, batch)) > 0;) {
        metric_add(stats.gate_batches, 1);
        metric_add(stats.gate_requests, (int64_t)n);
        sort_out(t, batch, n, &w);
        w.nfresh = admission_run(t->db, w.fresh, w.nfresh);
        for (size_t i = 0; i < w.nfresh; i++)
            start(t, w.fresh[i]);
        for (size_t i = 0; i < w.ncancels; i++)
            cancel(t, w.cancels[i]);
        run_reads(t);
    }
    return NULL;
}

/* ---- what no thread takes ---- */

static struct request *take_stuck(struct gate *g, int64_t now_us) {
    struct request *stuck = NULL, **at = &g->first;
    pthread_mutex_lock(&g->lock);
    for (struct request *r; (r = *at) != NULL;) {
        if (r->deadline_us + STUCK_US > now_us) {
            at = &r->next;
            continue;
        }
        *at = r->next;
        r->next = stuck;
        stuck = r;
    }
    g->last = g->first;
    while (g->last != NULL && g->last->next != NULL)
        g->last = g->last->next;
    pthread_mutex_unlock(&g->lock);
    return stuck;
}

void gate_tick(struct gate *g, int64_t now_us) {
    struct request *stuck = take_stuck(g, now_us);
    while (stuck != NULL) {
        struct request *r = stuck;
        stuck = r->next;
        if (r->job == JOB_READ)
            write_shown(r, false);
        else if (r->job == JOB_CANCEL)
            write_unknown(r);
        else
            answer_error(r, ERR_UNAVAILABLE, NULL); /* it has not even been admitted */
        request_finish(r);
    }
}

/* ---- life ---- */

struct gate *gate_new(struct ingest *in) {
    int n = in->settings.gate_threads;
    struct gate *g = xcalloc(1, sizeof *g + (size_t)n * sizeof *g->threads);
    g->in = in;
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->filled, NULL);
    for (int i = 0; i < n; i++) {
        struct gate_thread *t = &g->threads[i];
        t->gate = g;
        t->db = db_new(in->settings.pg, "usher-ingest gate", "synchronous_commit=off");
        t->durable_db = db_new(in->settings.pg, "usher-ingest deadline", "");
        if (pthread_create(&t->thread, NULL, gate_main, t) != 0)
            abort();
        g->nthreads++;
    }
    return g;
}

void gate_close(struct gate *g) {
    if (g == NULL)
        return;
    pthread_mutex_lock(&g->lock);
    g->stop = true;
    pthread_mutex_unlock(&g->lock);
    pthread_cond_broadcast(&g->filled);
    for (int i = 0; i < g->nthreads; i++) {
        pthread_join(g->threads[i].thread, NULL);
        db_free(g->threads[i].db);
        db_free(g->threads[i].durable_db);
        jb_free(&g->threads[i].scratch);
    }
    pthread_mutex_destroy(&g->lock);
    pthread_cond_destroy(&g->filled);
    free(g);
}
