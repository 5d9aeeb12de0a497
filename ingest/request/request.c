#include "ingest/request/request.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/failpoint.h"
#include "ops/runtime/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A request that held a large body or answer gives that memory back. */
#define KEEP_BYTES (64 * 1024)
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
    r->deadline_us = r->arrived_us + in->settings.deadline_us;
    r->operations = 1;
    return r;
}

static void trim(struct jbuf *b) {
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
    arena_reset(r->arena);
    trim(&r->body);
    trim(&r->answer.body);
    pthread_mutex_lock(&pool_lock);
    bool keep = npool < POOL_MAX;
    if (keep) {
        r->next = pool;
        pool = r;
        npool++;
    }
    pthread_mutex_unlock(&pool_lock);
    if (!keep)
        request_free(r);
}

void request_release(struct request *r) {
    if (r->stand_in != NULL)
        recycle(r->stand_in);
    pthread_mutex_lock(&pool_lock);
    bool held = r->held;
    r->released = true;
    pthread_mutex_unlock(&pool_lock);
    if (!held)
        recycle(r);
}

void request_let_go(struct request *r) {
    pthread_mutex_lock(&pool_lock);
    bool released = r->released;
    r->held = false;
    pthread_mutex_unlock(&pool_lock);
    if (released)
        recycle(r);
}

void request_pool_free(void) {
    for (struct request *r; (r = pool_take()) != NULL;)
        request_free(r);
}

/* Only what the answer and its record need, and only what nobody changes since the request stands in the
 * gate. */
struct request *request_abandon(struct request *r) {
    struct request *s = request_new(r->in);
    s->owner = r->owner;
    s->handler = r->handler;
    s->form = r->form;
    s->connection = r->connection;
    s->txn = r->txn;
    s->wall_us = r->wall_us;
    s->arrived_us = r->arrived_us;
    memcpy(s->method, r->method, sizeof s->method);
    memcpy(s->traceparent, r->traceparent, sizeof s->traceparent);
    s->path = arena_strdup(s->arena, r->path);
    s->user_agent = arena_strdup(s->arena, r->user_agent);
    s->source = r->source;
    s->source_ip = arena_strdup(s->arena, r->source_ip);
    s->token = r->token;
    s->query_text = arena_strdup(s->arena, r->query_text);
    (void)query_parse(s->query_text, s->arena, &s->query, NULL);
    s->body_bytes = r->body_bytes;
    s->route = r->route;
    s->admitted = r->admitted;
    s->verdict = r->verdict;
    s->parent = r->parent;
    s->index = r->index;
    s->operations = r->operations;
    s->revoked = r->revoked;
    s->bulk_slot = r->bulk_slot;
    r->bulk_slot = false;
    r->stand_in = s;
    r->held = true;
    request_enter(r, REQUEST_DONE);
    return s;
}

bool request_move(struct request *r, enum request_state from, enum request_state to) {
    return atomic_compare_exchange_strong(&r->state, &from, to);
}

void request_enter(struct request *r, enum request_state to) {
    atomic_store(&r->state, to);
}

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

static const char *behind(const char *authorization, const char *scheme, size_t n) {
    if (authorization == NULL || strncasecmp(authorization, scheme, n) != 0)
        return NULL;
    authorization += n;
    return authorization + strspn(authorization, " ");
}

const char *request_bearer(const char *authorization) {
    return behind(authorization, "Bearer ", 7);
}

const char *request_basic(const char *authorization) {
    return behind(authorization, "Basic ", 6);
}
