#include "ingest/request.h"

#include "ingest/audit.h"
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
    return r;
}

static void recycle(struct jbuf *b) {
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

void request_release(struct request *r) {
    arena_reset(r->arena);
    recycle(&r->body);
    recycle(&r->answer.body);
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

void request_pool_free(void) {
    for (struct request *r; (r = pool_take()) != NULL;)
        request_free(r);
}

bool request_move(struct request *r, enum request_state from, enum request_state to) {
    return atomic_compare_exchange_strong(&r->state, &from, to);
}

void request_enter(struct request *r, enum request_state to) {
    atomic_store(&r->state, to);
}

void request_finish(struct request *r) {
    r->done_us = clock_mono_us();
    (void)failpoint("ingest.before_answer");
    audit_submit(r->in->audit, r);
}

const char *request_bearer(const char *authorization) {
    if (authorization == NULL || strncasecmp(authorization, "Bearer ", 7) != 0)
        return NULL;
    authorization += 7;
    return authorization + strspn(authorization, " ");
}
