#include "ingest/gate/large.h"

#include "ingest/gate/gate.h"
#include "ingest/gate/gate_impl.h"
#include "ingest/request/answer.h"
#include "ingest/request/content.h"
#include "ingest/stats.h"
#include "ops/runtime/mem.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

/* As `nice` has it: where processors are short, everybody else comes first. */
#define PRIORITY 10

/* A workspace that has requests here. */
struct tenant {
    struct uuid workspace;
    struct request *first, *last;
    bool busy; /* a thread works on one of them */
    struct tenant *next;
};

struct large {
    struct ingest *in;
    pthread_mutex_t lock; /* protects all below */
    pthread_cond_t filled;
    struct tenant *tenants; /* the one whose turn it is stands first */
    bool stop;
    int nthreads;
    pthread_t threads[];
};

/* ---- the queues; all under the lock ---- */

static struct tenant *tenant_of(struct large *l, const struct uuid *workspace) {
    struct tenant **at = &l->tenants;
    while (*at != NULL && !uuid_eq(&(*at)->workspace, workspace))
        at = &(*at)->next;
    if (*at == NULL) {
        *at = xcalloc(1, sizeof **at);
        (*at)->workspace = *workspace;
    }
    return *at;
}

static void unlink_tenant(struct large *l, struct tenant *t) {
    struct tenant **at = &l->tenants;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
}

static void forget_if_done(struct large *l, struct tenant *t) {
    if (t->first != NULL || t->busy)
        return;
    unlink_tenant(l, t);
    free(t);
}

static void move_to_end(struct large *l, struct tenant *t) {
    unlink_tenant(l, t);
    struct tenant **at = &l->tenants;
    while (*at != NULL)
        at = &(*at)->next;
    *at = t;
    t->next = NULL;
}

static struct request *remove_first(struct tenant *t) {
    struct request *r = t->first;
    t->first = r->next;
    if (t->first == NULL)
        t->last = NULL;
    metric_add(stats.body_waiting, -1);
    return r;
}

/* The tenant whose turn it is; NULL = nobody has anything to do, or a thread is at it already. */
static struct tenant *next_tenant(struct large *l) {
    struct tenant *t = l->tenants;
    while (t != NULL && (t->busy || t->first == NULL))
        t = t->next;
    return t;
}

void large_push(struct large *l, struct request *r) {
    request_enter(r, REQUEST_LARGE);
    r->next = NULL;
    pthread_mutex_lock(&l->lock);
    struct tenant *t = tenant_of(l, &r->verdict.workspace);
    *(t->last != NULL ? &t->last->next : &t->first) = r;
    t->last = r;
    metric_add(stats.body_waiting, 1);
    pthread_mutex_unlock(&l->lock);
    pthread_cond_signal(&l->filled);
}

/* ---- too late ---- */

/* Requests of one workspace stand in the order of their deadlines, nearly: one that comes too late for it
 * waits a little longer. */
static struct request *take_late(struct large *l, int64_t now_us) {
    struct request *late = NULL;
    pthread_mutex_lock(&l->lock);
    for (struct tenant *t = l->tenants, *next; t != NULL; t = next) {
        next = t->next;
        while (t->first != NULL && t->first->deadline_us <= now_us) {
            struct request *r = remove_first(t);
            r->next = late;
            late = r;
        }
        forget_if_done(l, t);
    }
    pthread_mutex_unlock(&l->lock);
    return late;
}

void large_tick(struct large *l, int64_t now_us) {
    for (struct request *late = take_late(l, now_us), *r; (r = late) != NULL;) {
        late = r->next;
        metric_add(stats.body_refused_time, 1);
        request_drop_body(r);
        answer_error(r, ERR_UNAVAILABLE, "Too many large bodies wait to be worked on");
        request_finish(r);
    }
}

/* ---- the work ---- */

/* The text of the body is not needed any more, but by a Bulk. What was counted for it stays counted where a
 * command of about that size was made of it. */
static void do_request(struct large *l, struct request *r, struct jbuf *scratch) {
    enum step step = gate_begin(r);
    if (step == STEP_GONE)
        return;
    if (step != STEP_CLAIM)
        jb_free(&r->body);
    if (step == STEP_ANSWERED) {
        content_drop(r);
        request_drop_body(r);
        request_finish(r);
    } else if (step == STEP_PUBLISH) {
        gate_publish(l->in, r, scratch);
    } else {
        gate_push_step(l->in->gate, r, step);
    }
}

/* Waits for work, a second at most. If there is none, memory that was used for large things goes back to the
 * system: many small pieces stay with the allocator, but for this. */
static void wait_or_tidy(struct large *l) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++;
    if (pthread_cond_timedwait(&l->filled, &l->lock, &until) != ETIMEDOUT ||
        !atomic_exchange(&l->in->untidy, false))
        return;
    pthread_mutex_unlock(&l->lock);
    malloc_trim(0);
    pthread_mutex_lock(&l->lock);
}

/* *tenant: whose request the caller has worked on; then whose request it is. NULL = stop. */
static struct request *take_request(struct large *l, struct tenant **tenant) {
    struct request *r = NULL;
    pthread_mutex_lock(&l->lock);
    if (*tenant != NULL) {
        (*tenant)->busy = false;
        move_to_end(l, *tenant);
        forget_if_done(l, *tenant);
    }
    while ((*tenant = next_tenant(l)) == NULL && !l->stop)
        wait_or_tidy(l);
    if (*tenant != NULL) {
        (*tenant)->busy = true;
        r = remove_first(*tenant);
    }
    pthread_mutex_unlock(&l->lock);
    return r;
}

static void *large_main(void *arg) {
    struct large *l = arg;
    struct tenant *tenant = NULL;
    struct jbuf scratch = {0};
    setpriority(PRIO_PROCESS, 0, PRIORITY); /* of this thread alone */
    for (struct request *r; (r = take_request(l, &tenant)) != NULL;) {
        do_request(l, r, &scratch);
        jb_free(&scratch);
        atomic_store(&l->in->untidy, true);
    }
    return NULL;
}

/* ---- life ---- */

struct large *large_new(struct ingest *in) {
    int n = in->settings.body_threads;
    struct large *l = xcalloc(1, sizeof *l + (size_t)n * sizeof *l->threads);
    l->in = in;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->filled, NULL);
    for (; l->nthreads < n; l->nthreads++)
        if (pthread_create(&l->threads[l->nthreads], NULL, large_main, l) != 0)
            abort();
    return l;
}

void large_close(struct large *l) {
    if (l == NULL)
        return;
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_mutex_unlock(&l->lock);
    pthread_cond_broadcast(&l->filled);
    for (int i = 0; i < l->nthreads; i++)
        pthread_join(l->threads[i], NULL);
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->filled);
    free(l);
}
