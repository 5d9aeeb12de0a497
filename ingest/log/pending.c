#include "ingest/log/pending.h"

#include "ops/runtime/mem.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 16384 /* a power of two */

struct pending {
    pthread_mutex_t lock;
    struct request *buckets[BUCKETS];
    struct pending_group *first, *last; /* ordered by due_us() */
    size_t n;                           /* number of requests in the buckets */
};

struct pending *pending_new(void) {
    struct pending *p = xcalloc(1, sizeof *p);
    pthread_mutex_init(&p->lock, NULL);
    return p;
}

void pending_free(struct pending *p) {
    if (p == NULL)
        return;
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* ---- groups ---- */

struct pending_group *pending_group_new(struct arena *a, int64_t deadline_us) {
    struct pending_group *g = arena_alloc(a, sizeof *g);
    g->deadline_us = deadline_us;
    g->end = &g->first;
    return g;
}

void pending_join(struct pending_group *g, struct request *r) {
    assert(r->pending == NULL && !g->listed);
    r->pending = arena_alloc(r->arena, sizeof *r->pending);
    r->pending->group = g;
    *g->end = r;
    g->end = &r->pending->sibling;
    g->open++;
    g->unacked++;
}

/* ---- the list of groups; all under the lock ---- */

/* The end of the wait that the client has asked for, or else the deadline. */
static int64_t due_us(const struct pending_group *g) {
    return g->wait_until_us != 0 ? g->wait_until_us : g->deadline_us;
}

/* Groups come nearly in the order of their deadlines, so the walk from the end is short. */
static void list_add(struct pending *p, struct pending_group *g) {
    struct pending_group *after = p->last;
    assert(!g->listed && g->open > 0);
    while (after != NULL && due_us(after) > due_us(g))
        after = after->prev;
    g->prev = after;
    g->next = after != NULL ? after->next : p->first;
    *(after != NULL ? &after->next : &p->first) = g;
    *(g->next != NULL ? &g->next->prev : &p->last) = g;
    g->listed = true;
}

static void list_remove(struct pending *p, struct pending_group *g) {
    assert(g->listed);
    *(g->prev != NULL ? &g->prev->next : &p->first) = g->next;
    *(g->next != NULL ? &g->next->prev : &p->last) = g->prev;
    g->prev = g->next = NULL;
    g->listed = false;
}

/* ---- the table; all under the lock ---- */

static struct request **bucket_of(struct pending *p, const char *txn) {
    return &p->buckets[murmur2(txn, strlen(txn)) & (BUCKETS - 1)];
}

static void table_add(struct pending *p, struct request *r) {
    struct request **b = bucket_of(p, r->txn.s);
    request_enter(r, REQUEST_PENDING);
    r->pending->chain = *b;
    *b = r;
    p->n++;
}

static void table_remove(struct pending *p, struct request *r) {
    struct request **b = bucket_of(p, r->txn.s);
    while (*b != r) {
        assert(*b != NULL); /* a PENDING request stands in the table */
        b = &(*b)->pending->chain;
    }
    *b = r->pending->chain;
    r->pending->chain = NULL;
    p->n--;
}

static struct request *find_pending(struct pending *p, const char *txn) {
    struct request *r = *bucket_of(p, txn);
    while (r != NULL && strcmp(r->txn.s, txn) != 0)
        r = r->pending->chain;
    return r;
}

/* NULL: another thread has taken it before. With its last open member a group leaves the list. */
static struct request *take_open(struct pending *p, struct request *r) {
    if (r == NULL || !request_move(r, REQUEST_PENDING, REQUEST_CLAIMED))
        return NULL;
    struct pending_group *g = r->pending->group;
    assert(g->listed && g->open > 0);
    table_remove(p, r);
    g->open--;
    g->unacked -= r->pending->acked ? 0 : 1;
    if (g->open == 0)
        list_remove(p, g);
    r->next = NULL;
    return r;
}

static struct request *take_group(struct pending *p, struct pending_group *g) {
    struct request *first = NULL, **end = &first;
    for (struct request *r = g->first; r != NULL; r = r->pending->sibling)
        if ((*end = take_open(p, r)) != NULL)
            end = &(*end)->next;
    assert(!g->listed);
    return first;
}

/* ---- in and out ---- */

void pending_add(struct pending *p, struct pending_group *g) {
    if (g->open == 0)
        return;
    pthread_mutex_lock(&p->lock);
    for (struct request *r = g->first; r != NULL; r = r->pending->sibling)
        table_add(p, r);
    list_add(p, g);
    pthread_mutex_unlock(&p->lock);
}

struct request *pending_take(struct pending *p, const char *txn) {
    pthread_mutex_lock(&p->lock);
    struct request *r = take_open(p, find_pending(p, txn));
    pthread_mutex_unlock(&p->lock);
    return r;
}

/* The open members are due now, and are never answered 202. */
static void hurry(struct pending *p, struct pending_group *g) {
    if (!g->listed)
        return;
    list_remove(p, g);
    g->wait_until_us = 0;
    g->deadline_us = 0;
    list_add(p, g);
}

struct request *pending_take_refused(struct pending *p, const char *txn) {
    pthread_mutex_lock(&p->lock);
    struct request *r = find_pending(p, txn);
    r = r != NULL && !r->pending->sent_again ? take_open(p, r) : NULL;
    if (r != NULL && r->pending->group->async)
        hurry(p, r->pending->group);
    pthread_mutex_unlock(&p->lock);
    return r;
}

/* ---- time, and what the log has ---- */

/* The group is due. It is answered 202, or waits on until its deadline, or is cancelled. */
static struct request *take_due(struct pending *p, struct pending_group *g, bool *accepted) {
    bool waited = g->wait_until_us != 0;
    g->wait_until_us = 0;
    *accepted = waited && g->unacked == 0;
    if (!waited || *accepted)
        return take_group(p, g);
    list_remove(p, g);
    list_add(p, g);
    return NULL;
}

struct request *pending_take_expired(struct pending *p, int64_t now_us, bool *accepted) {
    struct request *taken = NULL;
    pthread_mutex_lock(&p->lock);
    while (taken == NULL && p->first != NULL && due_us(p->first) <= now_us)
        taken = take_due(p, p->first, accepted);
    pthread_mutex_unlock(&p->lock);
    return taken;
}

/* 202 can be said: the wait is over, and the log has all commands. */
static bool can_be_promised(const struct pending_group *g) {
    return g->listed && g->wait_until_us == 0 && g->deadline_us != 0 && g->unacked == 0;
}

static struct request *acknowledge(struct pending *p, struct request *r) {
    if (r == NULL || r->pending->acked)
        return NULL;
    struct pending_group *g = r->pending->group;
    r->pending->acked = true;
    g->unacked--;
    return can_be_promised(g) ? take_group(p, g) : NULL;
}

struct request *pending_acknowledge(struct pending *p, const char *txn) {
    pthread_mutex_lock(&p->lock);
    struct request *taken = acknowledge(p, find_pending(p, txn));
    pthread_mutex_unlock(&p->lock);
    return taken;
}

struct request *pending_take_replied(struct pending *p, const char *txn, bool *accepted) {
    pthread_mutex_lock(&p->lock);
    struct request *r = find_pending(p, txn);
    const struct pending_group *g = r != NULL ? r->pending->group : NULL;
    *accepted = g != NULL && g->async && g->wait_until_us == 0 && g->deadline_us != 0;
    r = *accepted ? acknowledge(p, r) : take_open(p, r);
    pthread_mutex_unlock(&p->lock);
    return r;
}

void pending_each(struct pending *p, void (*fn)(struct request *r, void *ctx), void *ctx) {
    pthread_mutex_lock(&p->lock);
    for (struct pending_group *g = p->first; g != NULL; g = g->next)
        for (struct request *r = g->first; r != NULL; r = r->pending->sibling)
            if (atomic_load(&r->state) == REQUEST_PENDING)
                fn(r, ctx);
    pthread_mutex_unlock(&p->lock);
}

bool pending_waits(struct pending *p, const char *txn) {
    pthread_mutex_lock(&p->lock);
    bool waits = find_pending(p, txn) != NULL;
    pthread_mutex_unlock(&p->lock);
    return waits;
}

size_t pending_count(struct pending *p) {
    pthread_mutex_lock(&p->lock);
    size_t n = p->n;
    pthread_mutex_unlock(&p->lock);
    return n;
}
