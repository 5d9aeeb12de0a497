#include "ingest/pending.h"

#include "ops/runtime/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 16384 /* a power of two */

struct pending {
    pthread_mutex_t lock;
    struct request *buckets[BUCKETS];
    struct request *first, *last; /* by deadline */
    size_t n;
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

static struct request **bucket(struct pending *p, const char *txn) {
    return &p->buckets[murmur2(txn, strlen(txn)) & (BUCKETS - 1)];
}

/* Requests come nearly in the order of their deadlines, so the walk from the end is short. */
static void insert(struct pending *p, struct request *r) {
    struct request *after = p->last;
    while (after != NULL && after->deadline_us > r->deadline_us)
        after = after->pending_prev;
    r->pending_prev = after;
    r->pending_next = after != NULL ? after->pending_next : p->first;
    *(after != NULL ? &after->pending_next : &p->first) = r;
    *(r->pending_next != NULL ? &r->pending_next->pending_prev : &p->last) = r;
    struct request **b = bucket(p, r->txn.s);
    r->pending_hash = *b;
    *b = r;
    p->n++;
}

static void unlink_request(struct pending *p, struct request *r) {
    *(r->pending_prev != NULL ? &r->pending_prev->pending_next : &p->first) = r->pending_next;
    *(r->pending_next != NULL ? &r->pending_next->pending_prev : &p->last) = r->pending_prev;
    struct request **b = bucket(p, r->txn.s);
    while (*b != r)
        b = &(*b)->pending_hash;
    *b = r->pending_hash;
    r->pending_prev = r->pending_next = r->pending_hash = NULL;
    p->n--;
}

void pending_add(struct pending *p, struct request *r) {
    pthread_mutex_lock(&p->lock);
    request_enter(r, REQUEST_PENDING);
    insert(p, r);
    pthread_mutex_unlock(&p->lock);
}

/* Under the lock. What stands in the table is PENDING, so that the move cannot fail: it is where a mistake
 * would show. */
static struct request *take(struct pending *p, struct request *r) {
    if (r == NULL || !request_move(r, REQUEST_PENDING, REQUEST_CLAIMED))
        return NULL;
    unlink_request(p, r);
    return r;
}

struct request *pending_take(struct pending *p, const char *txn) {
    pthread_mutex_lock(&p->lock);
    struct request *r = *bucket(p, txn);
    while (r != NULL && strcmp(r->txn.s, txn) != 0)
        r = r->pending_hash;
    r = take(p, r);
    pthread_mutex_unlock(&p->lock);
    return r;
}

struct request *pending_take_expired(struct pending *p, int64_t now_us) {
    pthread_mutex_lock(&p->lock);
    struct request *r = p->first != NULL && p->first->deadline_us <= now_us ? take(p, p->first) : NULL;
    pthread_mutex_unlock(&p->lock);
    return r;
}

void pending_each(struct pending *p, void (*fn)(struct request *r, void *ctx), void *ctx) {
    pthread_mutex_lock(&p->lock);
    for (struct request *r = p->first; r != NULL; r = r->pending_next)
        fn(r, ctx);
    pthread_mutex_unlock(&p->lock);
}

size_t pending_count(struct pending *p) {
    pthread_mutex_lock(&p->lock);
    size_t n = p->n;
    pthread_mutex_unlock(&p->lock);
    return n;
}
