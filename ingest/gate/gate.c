#include "ingest/gate/gate.h"

#include "ingest/gate/gate_impl.h"
#include "ingest/gate/idempotency.h"
#include "ingest/gate/rates.h"
#include "ingest/request/answer.h"
#include "ingest/request/command.h"
#include "ingest/request/handle.h"
#include "ingest/stats.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/mem.h"

#include <stdlib.h>
#include <unistd.h>

/* A request that waits for the database is given up this long after its deadline. */
#define STUCK_US 200000

/* Under load, that is where a batch had so many requests not longer ago than that, a thread waits for others,
 * unless enough of them wait already: what a batch costs PostgreSQL, and the switches between processes,
 * hardly depend on its size. */
#define LOAD_BATCH 3
#define LOAD_US 50000
#define GATHER_US 300
#define ENOUGH 32

/* On this connection the gate writes rate counters only, which need not be durable. enable_sort=off: what is
 * read along an index in its order needs no sort; a plan for any size would sort all there is. */
#define GATE_OPTIONS "synchronous_commit=off -c enable_sort=off"

struct gate {
    struct ingest *in;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct request *first, *last;
    struct rates *rates;
    bool stop;
    bool settle;       /* leases of rate units must end */
    int busy;          /* threads that have a batch in hand, or gather one */
    int64_t loaded_us; /* when the last batch under load was taken */
    int nthreads;
    struct gate_thread threads[];
};

/* ---- the queue ---- */

/* A thread that has a batch in hand will take the next one too: so batches get larger and round trips fewer.
 * Another thread is woken only if that takes long (gate_tick), so a slow answer of the database delays others
 * by one tick at most. */
static void gate_enqueue(struct gate *g, struct request *first, struct request *last) {
    pthread_mutex_lock(&g->lock);
    *(g->last != NULL ? &g->last->next : &g->first) = first;
    g->last = last;
    bool wake = g->busy == 0;
    pthread_mutex_unlock(&g->lock);
    if (wake)
        pthread_cond_signal(&g->filled);
}

void gate_push(struct gate *g, struct request *r) {
    r->next = NULL;
    gate_enqueue(g, r, r);
}

void gate_again(struct request *r) {
    gate_push(r->in->gate, r);
}

bool gate_keep(struct gate *g, struct request *r) {
    if (!idempotency_take_answer(r))
        return false;
    r->job = JOB_KEEP;
    request_enter(r, REQUEST_GATE);
    gate_push(g, r);
    return true;
}

void gate_push_all(struct gate *g, struct request *r, enum request_job job) {
    struct request *last = r;
    for (last->job = job; last->next != NULL; last->job = job)
        last = last->next;
    gate_enqueue(g, r, last);
}

static void wait_for_work(struct gate *g) {
    while (g->first == NULL && !g->stop && !g->settle)
        pthread_cond_wait(&g->filled, &g->lock);
}

static bool waits_for_others(const struct gate *g) {
    int n = 0;
    if (g->stop || g->settle || g->loaded_us + LOAD_US < clock_mono_us())
        return false;
    for (const struct request *r = g->first; r != NULL && n < ENOUGH; r = r->next)
        n++;
    return n < ENOUGH;
}

/* Under the lock, which it gives away meanwhile. It counts as busy, so nobody is woken for what comes. */
static void gather_requests(struct gate *g) {
    g->busy++;
    pthread_mutex_unlock(&g->lock);
    usleep(GATHER_US);
    pthread_mutex_lock(&g->lock);
    g->busy--;
    wait_for_work(g); /* another thread may have taken all */
}

/* Takes all requests that wait, up to a batch; none where leases must end. False = stop. *size: size of the
 * caller's last batch, and then of this one. */
static bool take_all(struct gate *g, struct request **batch, size_t *size) {
    size_t n = 0;
    pthread_mutex_lock(&g->lock);
    if (*size > 0)
        g->busy--;
    wait_for_work(g);
    if (waits_for_others(g))
        gather_requests(g);
    bool on = g->first != NULL || g->settle;
    g->settle = false;
    while (g->first != NULL && n < GATE_BATCH) {
        batch[n++] = g->first;
        g->first = g->first->next;
    }
    if (g->first == NULL)
        g->last = NULL;
    bool more = g->first != NULL;
    if (n > 0)
        g->busy++;
    if (n >= LOAD_BATCH)
        g->loaded_us = clock_mono_us();
    pthread_mutex_unlock(&g->lock);
    if (more)
        pthread_cond_signal(&g->filled);
    *size = n;
    return on;
}

/* ---- hands ---- */

void gate_add(struct hand *h, struct request *r) {
    h->r[h->n++] = r;
}

void gate_block(struct gate_thread *t) {
    pthread_mutex_lock(&t->lock);
    t->blocked = true;
    pthread_mutex_unlock(&t->lock);
}

static void drop_abandoned(struct hand *h) {
    size_t n = 0;
    for (size_t i = 0; i < h->n; i++) {
        if (request_is_abandoned(h->r[i]))
            request_let_go(h->r[i]);
        else
            h->r[n++] = h->r[i];
    }
    h->n = n;
}

void gate_unblock(struct gate_thread *t) {
    pthread_mutex_lock(&t->lock);
    t->blocked = false;
    for (size_t i = 0; i < GATE_HANDS; i++)
        drop_abandoned(&t->hand[i]);
    pthread_mutex_unlock(&t->lock);
}

struct hand *gate_hand(struct gate_thread *t, const struct request *r) {
    switch (r->job) {
    case JOB_ADMIT:
        return &t->hand[HAND_FRESH];
    case JOB_CANCEL:
        return &t->hand[HAND_CANCELS];
    case JOB_QUERY:
        return &t->hand[HAND_QUERIES];
    case JOB_KEEP:
        return &t->hand[HAND_ANSWERS];
    case JOB_UNITS:
        return &t->hand[HAND_BULKS];
    case JOB_CLAIM:
        return &t->hand[HAND_REPEATS];
    case JOB_ASK:
        return &t->hand[HAND_QUESTIONS];
    case JOB_READ:
        break;
    }
    return &t->hand[HAND_READS];
}

/* ---- leases of rate units ---- */

/* What was not used of leases whose time is over goes back. Where that fails it counts as used. */
static void end_leases(struct gate_thread *t, bool all) {
    struct admit_back list[GATE_BATCH];
    struct err err = {0};
    struct rates *rates = t->gate->rates;
    if (!all && !rates_due(rates, clock_mono_us()))
        return;
    for (size_t n; (n = rates_take_due(rates, clock_mono_us(), all, list, GATE_BATCH)) > 0;)
        (void)admit_give_back(t->db, list, n, &err);
}

/* ---- the threads ---- */

static void *gate_main(void *arg) {
    struct gate_thread *t = arg;
    struct request *batch[GATE_BATCH];
    for (size_t n = 0; take_all(t->gate, batch, &n);) {
        metric_add(stats.gate_batches, n > 0 ? 1 : 0);
        metric_add(stats.gate_requests, (int64_t)n);
        for (size_t i = 0; i < n; i++)
            gate_add(gate_hand(t, batch[i]), batch[i]);
        gate_ask(t);
        end_leases(t, false);
    }
    return NULL;
}

/* ---- when the database hangs ---- */

/* Takes the requests that no thread has taken from the queue by their deadline. */
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

static void answer_stuck(struct request *r, enum request_job job, bool published) {
    if (job == JOB_CANCEL || job == JOB_KEEP || published)
        answer_unknown(r);
    else
        answer_error(r, ERR_UNAVAILABLE, NULL); /* nothing was done yet */
    request_finish(r);
}

/* Stand-ins answer the requests that a thread has in hand and whose deadline has passed. */
static void abandon(struct hand *h, int64_t now_us) {
    for (size_t i = 0; i < h->n; i++) {
        struct request *r = h->r[i];
        if (!request_is_abandoned(r) && r->deadline_us + STUCK_US <= now_us)
            answer_stuck(request_abandon(r), r->job, request_is_published(r));
    }
}

void gate_tick(struct gate *g, int64_t now_us) {
    for (struct request *stuck = take_stuck(g, now_us), *r; (r = stuck) != NULL;) {
        stuck = r->next;
        if (r->job == JOB_READ) { /* if the command was applied, only showing it failed */
            (void)r->handler->on_read(r, ERR_DB_LOST);
            request_finish(r);
        } else if (r->job == JOB_QUERY) {
            (void)handle_rows(r, ERR_DB_LOST);
            request_finish(r);
        } else {
            answer_stuck(r, r->job, false);
        }
    }
    pthread_mutex_lock(&g->lock);
    g->settle = g->settle || rates_due(g->rates, now_us);
    bool waits = g->first != NULL || g->settle;
    pthread_mutex_unlock(&g->lock);
    if (waits)
        pthread_cond_signal(&g->filled);
    for (int i = 0; i < g->nthreads; i++) {
        struct gate_thread *t = &g->threads[i];
        pthread_mutex_lock(&t->lock);
        if (t->blocked) {
            for (size_t k = 0; k < GATE_HANDS; k++)
                abandon(&t->hand[k], now_us);
        }
        pthread_mutex_unlock(&t->lock);
    }
}

/* ---- life ---- */

struct gate *gate_new(struct ingest *in) {
    int n = in->settings.gate_threads;
    struct gate *g = xcalloc(1, sizeof *g + (size_t)n * sizeof *g->threads);
    g->in = in;
    g->rates = rates_new();
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->filled, NULL);
    for (int i = 0; i < n; i++) {
        struct gate_thread *t = &g->threads[i];
        t->gate = g;
        t->in = in;
        t->admission.rates = g->rates;
        pthread_mutex_init(&t->lock, NULL);
        t->db = db_new(in->settings.pg, "usher-ingest gate", GATE_OPTIONS);
        t->durable_db = db_new(in->settings.pg, "usher-ingest deadline", "enable_sort=off");
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
    for (int i = 0; i < g->nthreads; i++)
        pthread_join(g->threads[i].thread, NULL);
    if (g->nthreads > 0)
        end_leases(&g->threads[0], true);
    rates_free(g->rates);
    for (int i = 0; i < g->nthreads; i++) {
        db_free(g->threads[i].db);
        db_free(g->threads[i].durable_db);
        jb_free(&g->threads[i].scratch);
        pthread_mutex_destroy(&g->threads[i].lock);
    }
    pthread_mutex_destroy(&g->lock);
    pthread_cond_destroy(&g->filled);
    free(g);
}
