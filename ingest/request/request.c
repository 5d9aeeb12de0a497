#include "ingest/request/request.h"

#include "ingest/stats.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/failpoint.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Buffers for bodies and answers that are larger than this are freed, not kept in the pool. */
#define KEEP_BYTES (16 * 1024)
#define POOL_MAX 1024

static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static struct request *pool;
static size_t npool;

static struct request *pool_take(void) {
    pthread_mutex_lock(&pool_lock);
    struct request *r = pool;
    if (r != NULL) {
        pool = r->next;
        npool--;
    }
    pthread_mutex_unlock(&pool_lock);
    return r;
}

struct request *request_new(struct ingest *in) {
    struct request *r = pool_take();
    if (r == NULL) {
        r = xcalloc(1, sizeof *r);
        r->arena = arena_new();
    }
    struct arena *arena = r->arena;
    struct jbuf body = r->body, answer = r->answer.body;
    memset(r, 0, sizeof *r);
    r->arena = arena;
    r->body = body;
    r->answer.body = answer;
    r->in = in;
    r->txn = uuid_v7();
    r->wall_us = clock_wall_us();
    r->arrived_us = clock_mono_us();
    request_complete(r, r->arrived_us);
    r->operations = 1;
    return r;
}

bool request_take_room(struct request *r, size_t n) {
    r->no_room = !bodies_take(r->in->bodies, &r->room, &r->verdict.workspace, n);
    return !r->no_room;
}

void request_drop_body(struct request *r) {
    jb_free(&r->body);
    bodies_give(&r->room);
}

void request_complete(struct request *r, int64_t now_us) {
    r->complete_us = now_us;
    r->deadline_us = now_us + r->in->settings.deadline_us;
}

static void trim_buffer(struct jbuf *b) {
    if (b->cap > KEEP_BYTES)
        jb_free(b);
    else
        jb_reset(b);
}

static void request_free(struct request *r) {
    arena_free(r->arena);
    jb_free(&r->body);
    jb_free(&r->answer.body);
    free(r);
}

static void recycle(struct request *r) {
    free(r->abandoned);
    bool large = r->room.bytes > BODY_LARGE; /* its arena is not kept either */
    bodies_give(&r->room);
    if (large || r->answer.body.cap > BODY_LARGE)
        atomic_store(&r->in->untidy, true);
    arena_reset(r->arena);
    trim_buffer(&r->body);
    trim_buffer(&r->answer.body);
    pthread_mutex_lock(&pool_lock);
    bool keep = npool < POOL_MAX && !large;
    if (keep) {
        r->next = pool;
        pool = r;
        npool++;
    }
    pthread_mutex_unlock(&pool_lock);
    if (!keep)
        request_free(r);
}

/* The lock of the pool protects it. */
struct abandoned {
    struct request *stand_in;
    bool held, released; /* by the gate thread that hangs in the database; by its owner */
};

void request_release(struct request *r) {
    bool held = false;
    if (r->abandoned != NULL) {
        recycle(r->abandoned->stand_in);
        pthread_mutex_lock(&pool_lock);
        held = r->abandoned->held;
        r->abandoned->released = true;
        pthread_mutex_unlock(&pool_lock);
    }
    if (!held)
        recycle(r);
}

void request_let_go(struct request *r) {
    assert(r->abandoned != NULL && r->abandoned->held);
    pthread_mutex_lock(&pool_lock);
    bool released = r->abandoned->released;
    r->abandoned->held = false;
    pthread_mutex_unlock(&pool_lock);
    if (released)
        recycle(r);
}

bool request_is_abandoned(const struct request *r) {
    return r->abandoned != NULL;
}

struct request *request_answering(struct request *r) {
    return r->abandoned != NULL ? r->abandoned->stand_in : r;
}

void request_pool_free(void) {
    for (struct request *r; (r = pool_take()) != NULL;)
        request_free(r);
}

/* Copies what the answer and its record need. All of it must be constant since the request stands in the
 * gate, because the gate thread may be using r at this moment. The texts of route, verdict and Bulk stay in
 * the old arena, which outlives the stand-in. */
struct request *request_abandon(struct request *r) {
    struct request *s = request_new(r->in);
    s->owner = r->owner;
    s->waiter = r->waiter;
    s->handler = r->handler;
    s->form = r->form;
    s->route = r->route;
    s->txn = r->txn;
    s->wall_us = r->wall_us;
    s->arrived_us = r->arrived_us;
    s->complete_us = r->complete_us;
    memcpy(s->head.method, r->head.method, sizeof s->head.method);
    memcpy(s->head.traceparent, r->head.traceparent, sizeof s->head.traceparent);
    s->head.path = arena_strdup(s->arena, r->head.path);
    s->head.user_agent = arena_strdup(s->arena, r->head.user_agent);
    s->head.source = r->head.source;
    s->head.source_ip = arena_strdup(s->arena, r->head.source_ip);
    s->head.authorization = r->head.authorization;
    s->head.token = r->head.token;
    s->head.query_text = arena_strdup(s->arena, r->head.query_text);
    (void)query_parse(s->head.query_text, s->arena, &s->query, NULL);
    s->body_bytes = r->body_bytes;
    s->admitted = r->admitted;
    s->verdict = r->verdict;
    s->operations = r->operations;
    s->dry = r->dry;
    s->dry_quiet = r->dry_quiet;
    s->bulk = r->bulk;
    s->part_of = r->part_of;
    s->done_already = r->done_already;
    r->abandoned = xmalloc(sizeof *r->abandoned); /* the gate thread may be using the arena */
    *r->abandoned = (struct abandoned){.stand_in = s, .held = true};
    request_enter(r, REQUEST_DONE);
    return s;
}

/* ---- states ---- */

#define BIT(state) (1u << (state))

static const unsigned may_follow[REQUEST_STATES] = {
    [REQUEST_READING] = BIT(REQUEST_GATE) | BIT(REQUEST_PENDING) /* an operation */ | BIT(REQUEST_AUDIT),
    /* READING: admitted, and its body is read now. GATE again: its answer is kept before it is sent. DONE: a
     * stand-in answers. */
    [REQUEST_GATE] = BIT(REQUEST_READING) | BIT(REQUEST_GATE) | BIT(REQUEST_PENDING) | BIT(REQUEST_BULK) |
                     BIT(REQUEST_LARGE) | BIT(REQUEST_AUDIT) | BIT(REQUEST_DONE),
    [REQUEST_LARGE] = BIT(REQUEST_GATE) | BIT(REQUEST_PENDING) | BIT(REQUEST_BULK) | BIT(REQUEST_AUDIT),
    [REQUEST_PENDING] = BIT(REQUEST_CLAIMED),
    [REQUEST_BULK] = BIT(REQUEST_BULK) | BIT(REQUEST_GATE) | BIT(REQUEST_AUDIT),
    [REQUEST_CLAIMED] = BIT(REQUEST_GATE) | BIT(REQUEST_AUDIT) | BIT(REQUEST_DONE),
    [REQUEST_AUDIT] = BIT(REQUEST_DONE),
};

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || __has_feature(address_sanitizer) ||     \
    __has_feature(thread_sanitizer)
#define WRONG_MOVE() abort()
#else
#define WRONG_MOVE() ((void)0)
#endif

static void check_move(const struct request *r, enum request_state from, enum request_state to) {
    static const char *const names[] = {"READING", "GATE",    "LARGE", "PENDING",
                                        "BULK",    "CLAIMED", "AUDIT", "DONE"};
    if (may_follow[from] & BIT(to))
        return;
    log_event(LOG_ERROR, "wrong-move", "txn=%s from=%s to=%s", r->txn.s, names[from], names[to]);
    metric_add(stats.wrong_moves, 1);
    WRONG_MOVE();
}

bool request_move(struct request *r, enum request_state from, enum request_state to) {
    check_move(r, from, to);
    return atomic_compare_exchange_strong(&r->state, &from, to);
}

void request_enter(struct request *r, enum request_state to) {
    check_move(r, atomic_exchange(&r->state, to), to);
}

/* ---- in and out ---- */

void request_take_route(struct request *r) {
    r->handler = r->route.row->handler;
    r->form = r->route.row->form;
}

void request_finish(struct request *r) {
    r->done_us = clock_mono_us();
    (void)failpoint("ingest.before_answer");
    r->owner->answered(r);
}

void request_resume(struct request *r) {
    r->owner->recorded(r);
}

void request_read_on(struct request *r) {
    r->body_waits = false;
    r->counted = true;
    request_enter(r, REQUEST_READING);
    r->owner->admitted(r);
}
