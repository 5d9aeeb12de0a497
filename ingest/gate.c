#include "ingest/gate.h"

#include "ingest/admission.h"
#include "ingest/answer.h"
#include "ingest/api.h"
#include "ingest/async.h"
#include "ingest/bulk.h"
#include "ingest/discovery.h"
#include "ingest/oauth.h"
#include "ingest/publish.h"
#include "ingest/read.h"
#include "ingest/replies.h"
#include "ingest/stats.h"
#include "ingest/write.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/mem.h"
#include "sql/command_log.h"
#include "sql/look.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* How long after its deadline a request that waits for the database is given up. */
#define STUCK_US 200000

/* Nothing that the gate writes need be durable: the rate counters. Lists are walked along an index where
 * there is one in their order: what is planned for any size of page would else be sorted whole. */
#define GATE_OPTIONS "synchronous_commit=off -c enable_sort=off"

struct hand {
    struct request *r[GATE_BATCH];
    size_t n;
};

struct gate_thread {
    struct gate *gate;
    struct db *db;         /* admission and reads: synchronous_commit=off, for the rate counters */
    struct db *durable_db; /* cancellations */
    struct jbuf scratch;
    struct admission admission;
    /* What it has in hand. While it is blocked in the database the lists stand still, and gate_tick may
     * answer what is in them in its stead. */
    pthread_mutex_t lock;
    bool blocked;
    struct hand fresh, cancels, reads, looks, writes, questions, bulks;
    struct claim claims[GATE_BATCH]; /* of the cancels */
    pthread_t thread;
};

struct gate {
    struct ingest *in;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct request *first, *last;
    bool stop;
    int busy; /* threads that have a batch in hand */
    int nthreads;
    struct gate_thread threads[];
};

/* ---- the queue ---- */

/* While a thread has a batch in hand it will take what comes next: larger batches, fewer round trips. Another
 * one is woken only when that takes long (gate_tick), so a slow list holds nobody up for longer than a tick.
 */
static void push(struct gate *g, struct request *first, struct request *last) {
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
    push(g, r, r);
}

void gate_push_all(struct gate *g, struct request *r, enum request_job job) {
    struct request *last = r;
    for (last->job = job; last->next != NULL; last->job = job)
        last = last->next;
    push(g, r, last);
}

/* All that wait, up to a batch; 0 = stop. before: size of the caller's last batch. */
static size_t take_all(struct gate *g, struct request **batch, size_t before) {
    size_t n = 0;
    pthread_mutex_lock(&g->lock);
    if (before > 0)
        g->busy--;
    while (g->first == NULL && !g->stop)
        pthread_cond_wait(&g->filled, &g->lock);
    while (g->first != NULL && n < GATE_BATCH) {
        batch[n++] = g->first;
        g->first = g->first->next;
    }
    if (g->first == NULL)
        g->last = NULL;
    bool more = g->first != NULL;
    if (n > 0)
        g->busy++;
    pthread_mutex_unlock(&g->lock);
    if (more)
        pthread_cond_signal(&g->filled);
    return n;
}

/* ---- one request after admission ---- */

static void add(struct hand *h, struct request *r) {
    h->r[h->n++] = r;
}

static void block(struct gate_thread *t) {
    pthread_mutex_lock(&t->lock);
    t->blocked = true;
    pthread_mutex_unlock(&t->lock);
}

static void drop_abandoned(struct hand *h) {
    size_t n = 0;
    for (size_t i = 0; i < h->n; i++) {
        if (h->r[i]->held)
            request_let_go(h->r[i]);
        else
            h->r[n++] = h->r[i];
    }
    h->n = n;
}

static void unblock(struct gate_thread *t) {
    pthread_mutex_lock(&t->lock);
    t->blocked = false;
    drop_abandoned(&t->fresh);
    drop_abandoned(&t->cancels);
    drop_abandoned(&t->reads);
    drop_abandoned(&t->looks);
    drop_abandoned(&t->writes);
    drop_abandoned(&t->bulks);
    drop_abandoned(&t->questions);
    pthread_mutex_unlock(&t->lock);
}

static void refuse(struct request *r, const struct err *err) {
    answer_err(r, err);
    request_finish(r);
}

static void publish(struct gate_thread *t, struct request *r) {
    if (replies_polled(t->gate->in->replies)) {
        publish_request(t->gate->in->publish, r, &t->scratch);
        return;
    }
    answer_error(r, ERR_UNAVAILABLE, NULL); /* nobody would hear the outcome */
    request_finish(r);
}

static void take_step(struct gate_thread *t, struct request *r, enum api_step step) {
    switch (step) {
    case API_ANSWERED:
        request_finish(r);
        break;
    case API_LOOK:
        add(look_writes(r->look->kind) ? &t->writes : &t->looks, r);
        break;
    case API_PUBLISH:
        publish(t, r);
        break;
    }
}

static void start_write(struct gate_thread *t, struct request *r) {
    struct err err = {0};
    if (write_prepare(r, &err) != ERR_OK) {
        if (write_seek_duplicate(r, &err))
            add(&t->reads, r);
        else
            refuse(r, &err);
    } else if (write_asks_existence(r)) {
        read_existence(r);
        add(&t->reads, r);
    } else {
        publish(t, r);
    }
}

static void start_read(struct gate_thread *t, struct request *r) {
    struct err err = {0};
    if (read_prepare(r, &err) != ERR_OK)
        refuse(r, &err);
    else
        add(&t->reads, r);
}

static void start_question(struct gate_thread *t, struct request *r) {
    struct err err = {0};
    if (async_prepare(r, &err) != ERR_OK)
        refuse(r, &err);
    else
        add(&t->questions, r);
}

static void start(struct gate_thread *t, struct request *r) {
    if (r->route.method == HTTP_OPTIONS) {
        answer_options(r);
        request_finish(r);
        return;
    }
    switch (r->route.kind) {
    case ROUTE_COLLECTION:
    case ROUTE_RESOURCE:
    case ROUTE_ROOT:
    case ROUTE_SEARCH:
        if (route_reads(&r->route))
            start_read(t, r);
        else
            start_write(t, r);
        break;
    case ROUTE_BULK:
        bulk_start(r);
        break;
    case ROUTE_STEPS:
        take_step(t, r, api_begin(r));
        break;
    case ROUTE_TOKEN:
        oauth_answer(r);
        request_finish(r);
        break;
    case ROUTE_ASYNC_RESULT:
        start_question(t, r);
        break;
    default:
        discovery_answer(r);
        request_finish(r);
    }
}

/* ---- the deadline ---- */

static struct hand *hand_of(struct gate_thread *t, const struct request *r) {
    switch (r->job) {
    case JOB_ADMIT:
        return &t->fresh;
    case JOB_CANCEL:
        return &t->cancels;
    case JOB_LOOK:
        return &t->looks;
    case JOB_UNITS:
        return &t->bulks;
    case JOB_READ:
        break;
    }
    return &t->reads;
}

static void answer_claim(struct gate_thread *t, struct request *r, enum err_code code,
                         const struct claim *claim) {
    if (code == ERR_OK && claim->result == CLAIM_LOST) {
        metric_add(stats.deadline_lost, 1);
        r->reply = claim->outcome;
        write_keep_reply(r);
        if (!write_outcome(r)) {
            add(hand_of(t, r), r);
            return;
        }
    } else if (code == ERR_OK) {
        metric_add(stats.deadline_won, 1);
        answer_error(r, ERR_DEADLINE, NULL);
    } else {
        metric_add(stats.deadline_unknown, 1);
        write_unknown(r);
    }
    request_finish(r);
}

/* The race is decided in PostgreSQL: whoever claims the txn first. All in one round trip. */
static void cancel(struct gate_thread *t) {
    struct request *asked[GATE_BATCH];
    size_t n = t->cancels.n;
    struct err err = {0};
    enum err_code code = ERR_DB_LOST;
    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++) {
        asked[i] = t->cancels.r[i];
        t->claims[i] = (struct claim){.workspace = asked[i]->verdict.workspace.s, .txn = asked[i]->txn.s};
    }
    block(t);
    for (int i = 0; i < 2 && (code == ERR_DB_LOST || code == ERR_DB_RETRY); i++)
        code = command_log_cancel_many(t->durable_db, t->claims, n, &err);
    unblock(t);
    for (size_t i = 0, k = 0; i < n; i++) {
        if (k < t->cancels.n && t->cancels.r[k] == asked[i]) {
            k++;
            answer_claim(t, asked[i], code, &t->claims[i]);
        } else if (code == ERR_OK) {
            reply_clear(&t->claims[i].outcome); /* answered meanwhile */
        }
    }
    t->cancels.n = 0;
}

/* ---- the units of Bulks ---- */

static void admit_bulks(struct gate_thread *t) {
    struct hand *h = &t->bulks;
    if (h->n == 0)
        return;
    admission_collect_units(&t->admission, h->r, h->n);
    block(t);
    admission_ask(&t->admission, t->db);
    unblock(t);
    h->n = admission_judge_units(&t->admission, h->r, h->n);
    for (size_t i = 0; i < h->n; i++)
        bulk_admitted(h->r[i]);
    h->n = 0;
}

/* ---- reads, all of the batch in one round trip ---- */

static void after_read(struct gate_thread *t, struct request *r, enum err_code code) {
    if (route_reads(&r->route)) {
        read_answer(r, code);
    } else if (r->encoded != NULL) { /* applied; the answer shows it */
        write_shown(r, code == ERR_OK);
    } else if (r->route.method == HTTP_POST) {
        write_no_seat(r, code);
    } else if (code == ERR_OK && r->read.nrows == 1) {
        publish(t, r);
        return;
    } else {
        read_answer(r, code);
    }
    request_finish(r);
}

static void run_reads(struct gate_thread *t) {
    struct read_query *queries[GATE_BATCH];
    struct hand *h = &t->reads;
    struct err err = {0};
    if (h->n == 0)
        return;
    for (size_t i = 0; i < h->n; i++)
        queries[i] = &h->r[i]->read;
    size_t n = h->n;
    int64_t begin = clock_mono_us();
    block(t);
    enum err_code code = read_batch(t->db, queries, n, &err);
    if (code == ERR_DB_LOST || code == ERR_DB_RETRY)
        code = read_batch(t->db, queries, n, &err);
    unblock(t);
    metric_observe_us(stats.gate_read, clock_mono_us() - begin);
    for (size_t i = 0; i < h->n; i++)
        after_read(t, h->r[i], code);
    h->n = 0;
}

/* ---- what handlers of the Management API ask, in one round trip too ---- */

static void run_looks(struct gate_thread *t) {
    struct look *looks[GATE_BATCH];
    struct request *asked[GATE_BATCH];
    struct hand *h = &t->looks;
    struct err err = {0};
    size_t n = h->n;
    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++)
        looks[i] = h->r[i]->look;
    block(t);
    enum err_code code = look_batch(t->db, looks, n, &err);
    if (code == ERR_DB_LOST || code == ERR_DB_RETRY)
        code = look_batch(t->db, looks, n, &err);
    unblock(t);
    n = h->n; /* the others were answered meanwhile */
    memcpy(asked, h->r, n * sizeof *asked);
    h->n = 0;
    for (size_t i = 0; i < n; i++)
        take_step(t, asked[i], api_looked(asked[i], code));
}

/* Those that write something at once: rare, so one round trip each. */
static void run_write(struct gate_thread *t) {
    struct request *r = t->writes.r[t->writes.n - 1];
    size_t n = t->writes.n;
    struct err err = {0};
    enum err_code code = ERR_DB_LOST;
    block(t);
    for (int i = 0; i < 2 && (code == ERR_DB_LOST || code == ERR_DB_RETRY); i++)
        code = look_batch(t->durable_db, &r->look, 1, &err);
    unblock(t);
    if (t->writes.n < n && (t->writes.n == 0 || t->writes.r[t->writes.n - 1] != r))
        return; /* answered meanwhile */
    t->writes.n--;
    take_step(t, r, api_looked(r, code));
}

/* ---- looks at outcomes: rare, so one round trip each ---- */

static void ask_last(struct gate_thread *t) {
    struct request *r = t->questions.r[t->questions.n - 1];
    size_t n = t->questions.n;
    struct err err = {0};
    enum err_code code = ERR_DB_LOST;
    block(t);
    for (int i = 0; i < 2 && (code == ERR_DB_LOST || code == ERR_DB_RETRY); i++)
        code = async_ask(r->question, t->db, &err);
    unblock(t);
    if (t->questions.n < n && (t->questions.n == 0 || t->questions.r[t->questions.n - 1] != r))
        return; /* answered meanwhile */
    t->questions.n--;
    async_answer(r, code);
    request_finish(r);
}

/* ---- the threads ---- */

static void admit(struct gate_thread *t) {
    struct hand *h = &t->fresh;
    h->n = admission_collect(&t->admission, h->r, h->n);
    if (h->n == 0)
        return;
    block(t);
    admission_ask(&t->admission, t->db);
    unblock(t);
    h->n = admission_judge(&t->admission, h->r, h->n);
    for (size_t i = 0; i < h->n; i++)
        start(t, h->r[i]);
    h->n = 0;
}

static void *gate_main(void *arg) {
    struct gate_thread *t = arg;
    struct request *batch[GATE_BATCH];
    for (size_t n = 0; (n = take_all(t->gate, batch, n)) > 0;) {
        metric_add(stats.gate_batches, 1);
        metric_add(stats.gate_requests, (int64_t)n);
        for (size_t i = 0; i < n; i++)
            add(hand_of(t, batch[i]), batch[i]);
        admit(t);
        admit_bulks(t);
        cancel(t);
        run_reads(t);
        while (t->looks.n > 0)
            run_looks(t);
        while (t->writes.n > 0)
            run_write(t);
        while (t->questions.n > 0)
            ask_last(t);
    }
    return NULL;
}

/* ---- when the database hangs ---- */

/* Those that no thread has taken from the queue by their deadline. */
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
    if (job == JOB_CANCEL || published)
        write_unknown(r);
    else
        answer_error(r, ERR_UNAVAILABLE, NULL); /* nothing has happened yet */
    request_finish(r);
}

/* Those that a thread has in hand. */
static void abandon(struct hand *h, int64_t now_us) {
    for (size_t i = 0; i < h->n; i++) {
        struct request *r = h->r[i];
        if (!r->held && r->deadline_us + STUCK_US <= now_us)
            answer_stuck(request_abandon(r), r->job, r->encoded != NULL);
    }
}

void gate_tick(struct gate *g, int64_t now_us) {
    for (struct request *stuck = take_stuck(g, now_us), *r; (r = stuck) != NULL;) {
        stuck = r->next;
        if (r->job == JOB_READ) {
            write_shown(r, false);
            request_finish(r);
        } else if (r->job == JOB_LOOK) {
            (void)api_looked(r, ERR_DB_LOST);
            request_finish(r);
        } else {
            answer_stuck(r, r->job, false);
        }
    }
    pthread_mutex_lock(&g->lock);
    bool waits = g->first != NULL;
    pthread_mutex_unlock(&g->lock);
    if (waits)
        pthread_cond_signal(&g->filled);
    for (int i = 0; i < g->nthreads; i++) {
        struct gate_thread *t = &g->threads[i];
        pthread_mutex_lock(&t->lock);
        if (t->blocked) {
            abandon(&t->fresh, now_us);
            abandon(&t->cancels, now_us);
            abandon(&t->reads, now_us);
            abandon(&t->looks, now_us);
            abandon(&t->writes, now_us);
            abandon(&t->bulks, now_us);
            abandon(&t->questions, now_us);
        }
        pthread_mutex_unlock(&t->lock);
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
        pthread_mutex_init(&t->lock, NULL);
        t->db = db_new(in->settings.pg, "usher-ingest gate", GATE_OPTIONS);
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
        pthread_mutex_destroy(&g->threads[i].lock);
    }
    pthread_mutex_destroy(&g->lock);
    pthread_cond_destroy(&g->filled);
    free(g);
}
