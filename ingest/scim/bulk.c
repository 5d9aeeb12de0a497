#include "ingest/scim/bulk.h"

#include "ingest/gate/gate.h"
#include "ingest/log/audit.h"
#include "ingest/request/answer.h"
#include "ingest/scim/bulk_impl.h"
#include "ingest/stats.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/mem.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bulks that are worked on at the same time, and how many of them one workspace may have. Each is a tree of
 * some megabytes, and a request for each operation. */
#define AT_ONCE 8
#define AT_ONCE_OF_ONE 2
/* Bulks that wait to be worked on; and of one workspace, so that there is always room for another one's. */
#define WAITING_MAX 64
#define WAITING_OF_ONE 16

struct queue {
    struct request *first, *last;
    size_t n;
};

struct bulks {
    struct ingest *in;
    pthread_mutex_t lock; /* protects the queues and `running` */
    pthread_cond_t filled;
    struct queue fresh; /* the body is not parsed yet */
    struct queue ready; /* ready for the next step */
    int running;
    char running_of[AT_ONCE][37]; /* their workspaces, the first `running` of them */
    bool stop;
    struct jbuf scratch;
    pthread_t thread;
};

/* ---- queues ---- */

static void queue_append(struct queue *q, struct request *r) {
    r->next = NULL;
    *(q->last != NULL ? &q->last->next : &q->first) = r;
    q->last = r;
    q->n++;
}

/* before: the one in front of r, or NULL. */
static void queue_remove(struct queue *q, struct request *before, struct request *r) {
    *(before != NULL ? &before->next : &q->first) = r->next;
    if (q->last == r)
        q->last = before;
    q->n--;
}

static struct request *queue_remove_first(struct queue *q) {
    struct request *r = q->first;
    if (r != NULL)
        queue_remove(q, NULL, r);
    return r;
}

/* How many Bulks of the workspace of r are worked on. Under the lock. */
static int running_of(const struct bulks *b, const struct request *r) {
    int n = 0;
    for (int i = 0; i < b->running; i++)
        n += strcmp(b->running_of[i], r->verdict.workspace.s) == 0;
    return n;
}

/* The next one: of the workspace that has the fewest under way, and of that the one that has waited longest.
 * NULL: none may begin. Under the lock. */
static struct request *take_fresh(struct bulks *b) {
    struct request *best = NULL, *before_best = NULL, *before = NULL;
    int fewest = b->running < AT_ONCE ? AT_ONCE_OF_ONE : 0;
    for (struct request *r = b->fresh.first; r != NULL && fewest > 0; before = r, r = r->next) {
        int n = running_of(b, r);
        if (n < fewest) {
            fewest = n;
            best = r;
            before_best = before;
        }
    }
    if (best == NULL)
        return NULL;
    queue_remove(&b->fresh, before_best, best);
    snprintf(b->running_of[b->running++], sizeof b->running_of[0], "%s", best->verdict.workspace.s);
    best->bulk->counted = true;
    return best;
}

/* Under the lock. */
static bool has_room(const struct bulks *b, const struct request *r) {
    size_t n = 0;
    for (const struct request *f = b->fresh.first; f != NULL; f = f->next)
        n += strcmp(f->verdict.workspace.s, r->verdict.workspace.s) == 0;
    return b->fresh.n < WAITING_MAX && n < WAITING_OF_ONE;
}

static void bulks_push(struct bulks *b, struct queue *q, struct request *r) {
    pthread_mutex_lock(&b->lock);
    queue_append(q, r);
    pthread_mutex_unlock(&b->lock);
    pthread_cond_signal(&b->filled);
}

enum step bulk_begin(struct request *r, const struct bulk_kind *kind) {
    struct bulks *b = r->in->bulks;
    r->bulk = arena_alloc(r->arena, sizeof *r->bulk);
    r->bulk->kind = kind;
    request_enter(r, REQUEST_BULK);
    pthread_mutex_lock(&b->lock);
    bool room = has_room(b, r);
    if (room)
        queue_append(&b->fresh, r);
    pthread_mutex_unlock(&b->lock);
    if (room) {
        pthread_cond_signal(&b->filled);
        return STEP_GONE;
    }
    answer_error(r, ERR_UNAVAILABLE, "Too many Bulks are under way");
    return STEP_ANSWERED;
}

enum step bulk_on_units(struct request *r) {
    request_enter(r, REQUEST_BULK);
    bulks_push(r->in->bulks, &r->in->bulks->ready, r);
    return STEP_GONE;
}

void bulk_leave(struct request *r) {
    struct bulks *b = r->in->bulks;
    if (r->bulk == NULL || !r->bulk->counted)
        return;
    r->bulk->counted = false;
    pthread_mutex_lock(&b->lock);
    int i = 0;
    while (strcmp(b->running_of[i], r->verdict.workspace.s) != 0)
        i++;
    memmove(b->running_of[i], b->running_of[--b->running], sizeof b->running_of[0]);
    pthread_mutex_unlock(&b->lock);
    pthread_cond_signal(&b->filled);
}

void bulks_tick(struct bulks *b, int64_t now_us) {
    for (;;) {
        struct request *late = NULL;
        pthread_mutex_lock(&b->lock);
        if (b->fresh.first != NULL && b->fresh.first->deadline_us <= now_us)
            late = queue_remove_first(&b->fresh);
        pthread_mutex_unlock(&b->lock);
        if (late == NULL)
            return;
        answer_error(late, ERR_UNAVAILABLE, "Too many Bulks are under way");
        request_finish(late);
    }
}

/* ---- operations that come back ---- */

void bulk_count_down(struct request *bulk) {
    if (atomic_fetch_sub(&bulk->bulk->waiting, 1) == 1)
        bulks_push(bulk->in->bulks, &bulk->in->bulks->ready, bulk);
}

static void operation_answered(struct request *operation) {
    bulk_count_down(operation->waiter);
}

static void operation_recorded(struct request *operation) {
    struct request *r = operation->waiter;
    if (operation->drop)
        atomic_store(&r->bulk->dropped, true);
    bulk_count_down(r);
}

const struct owner bulk_owner = {.answered = operation_answered, .recorded = operation_recorded};

/* ---- steps ---- */

static void refuse_bulk(struct request *r, const struct err *err) {
    answer_err(r, err);
    request_finish(r);
}

static void step_read(struct bulks *b, struct request *r) {
    struct err err = {0};
    r->deadline_us = r->complete_us + b->in->settings.bulk_deadline_us;
    if (bulk_read(r, &err) != ERR_OK) {
        refuse_bulk(r, &err);
    } else if (r->operations == 1) {
        (void)bulk_on_units(r);
    } else {
        r->job = JOB_UNITS;
        request_enter(r, REQUEST_GATE);
        gate_push(b->in->gate, r);
    }
}

/* This thread counts as one of those waited for, so the step cannot end before all commands are sent. */
static void step_publish(struct bulks *b, struct request *r) {
    r->bulk->step = BULK_RECORD;
    atomic_store(&r->bulk->waiting, 1 + r->operations);
    bulk_publish(r, &b->scratch);
    bulk_count_down(r);
}

static void step_record(struct bulks *b, struct request *r) {
    struct bulk *bulk = r->bulk;
    int n = 0;
    bulk_judge(r);
    for (size_t i = 0; i < bulk->request.n; i++)
        n += bulk->parts[i].stopped ? 0 : 1;
    bulk->step = BULK_ANSWER;
    atomic_store(&bulk->waiting, 1 + n);
    int64_t until = clock_mono_us() + b->in->settings.deadline_us;
    if (until > r->deadline_us)
        until = r->deadline_us;
    r->deadline_us = until;
    for (size_t i = 0; i < bulk->request.n; i++) {
        struct request *o = request_answering(bulk->parts[i].operation);
        o->deadline_us = until; /* audit.c waits for records by it */
        if (!bulk->parts[i].stopped)
            audit_submit(b->in->audit, o);
    }
    bulk_count_down(r);
}

static void step_answer(struct request *r) {
    struct bulk *bulk = r->bulk;
    bulk_answer(r);
    for (size_t i = 0; i < bulk->request.n; i++)
        request_release(bulk->operations[i]);
    if (bulk->whole != NULL)
        request_release(bulk->whole);
    request_finish(r);
}

static void do_step(struct bulks *b, struct request *r) {
    switch (r->bulk->step) {
    case BULK_READ:
        step_read(b, r);
        break;
    case BULK_PUBLISH:
        step_publish(b, r);
        break;
    case BULK_RECORD:
        step_record(b, r);
        break;
    case BULK_ANSWER:
        step_answer(r);
        break;
    }
}

/* ---- the thread ---- */

/* Bulks that are under way come first. NULL = stop. */
static struct request *bulks_take(struct bulks *b) {
    struct request *r = NULL;
    pthread_mutex_lock(&b->lock);
    while (r == NULL && !b->stop) {
        r = queue_remove_first(&b->ready);
        if (r == NULL)
            r = take_fresh(b);
        if (r == NULL)
            pthread_cond_wait(&b->filled, &b->lock);
    }
    pthread_mutex_unlock(&b->lock);
    return r;
}

static void *bulks_main(void *arg) {
    struct bulks *b = arg;
    for (struct request *r; (r = bulks_take(b)) != NULL;)
        do_step(b, r);
    return NULL;
}

struct bulks *bulks_new(struct ingest *in) {
    struct bulks *b = xcalloc(1, sizeof *b);
    b->in = in;
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->filled, NULL);
    if (pthread_create(&b->thread, NULL, bulks_main, b) != 0)
        abort();
    return b;
}

void bulks_close(struct bulks *b) {
    if (b == NULL)
        return;
    pthread_mutex_lock(&b->lock);
    b->stop = true;
    pthread_mutex_unlock(&b->lock);
    pthread_cond_broadcast(&b->filled);
    pthread_join(b->thread, NULL);
    jb_free(&b->scratch);
    pthread_mutex_destroy(&b->lock);
    pthread_cond_destroy(&b->filled);
    free(b);
}
