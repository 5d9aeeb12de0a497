#include "ingest/log/pending.h"

#include "ops/runtime/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 16384 /* a power of two */

struct pending {
    pthread_mutex_t lock;
    struct request *buckets[BUCKETS];
    struct request *first, *last; /* by when they are due */
    size_t n;                     /* in the buckets */
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

/* ---- the list; all under the lock ---- */

/* The end of the wait that the client asked for, or the deadline. */
static int64_t due_us(const struct request *r) {
    return r->wait_until_us != 0 ? r->wait_until_us : r->deadline_us;
}

/* Requests come nearly in the order of their deadlines, so the walk from the end is short. */
static void list_add(struct pending *p, struct request *r) {
    struct request *after = p->last;
    while (after != NULL && due_us(after) > due_us(r))
        after = after->pending_prev;
    r->pending_prev = after;
    r->pending_next = after != NULL ? after->pending_next : p->first;
    *(after != NULL ? &after->pending_next : &p->first) = r;
    *(r->pending_next != NULL ? &r->pending_next->pending_prev : &p->last) = r;
    r->listed = true;
}

static void list_remove(struct pending *p, struct request *r) {
    if (!r->listed)
        return;
    *(r->pending_prev != NULL ? &r->pending_prev->pending_next : &p->first) = r->pending_next;
    *(r->pending_next != NULL ? &r->pending_next->pending_prev : &p->last) = r->pending_prev;
    r->pending_prev = r->pending_next = NULL;
    r->listed = false;
}

/* ---- the table; all under the lock ---- */

static struct request **bucket(struct pending *p, const char *txn) {
    return &p->buckets[murmur2(txn, strlen(txn)) & (BUCKETS - 1)];
}

static void table_add(struct pending *p, struct request *r) {
    struct request **b = bucket(p, r->txn.s);
    request_enter(r, REQUEST_PENDING);
    r->pending_hash = *b;
    *b = r;
    p->n++;
}

static struct request *find(struct pending *p, const char *txn) {
    struct request *r = *bucket(p, txn);
    while (r != NULL && strcmp(r->txn.s, txn) != 0)
        r = r->pending_hash;
    return r;
}

/* What stands in the table is PENDING, so that the move cannot fail: it is where a mistake would show. */
static struct request *take(struct pending *p, struct request *r) {
    if (r == NULL || !request_move(r, REQUEST_PENDING, REQUEST_CLAIMED))
        return NULL;
    struct request **b = bucket(p, r->txn.s);
    while (*b != r)
        b = &(*b)->pending_hash;
    *b = r->pending_hash;
    r->pending_hash = NULL;
    p->n--;
    if (r->parent != NULL && !r->acked)
        r->parent->unacked--;
    list_remove(p, r);
    r->next = NULL;
    return r;
}

/* ---- in and out ---- */

void pending_add(struct pending *p, struct request *r) {
    pthread_mutex_lock(&p->lock);
    table_add(p, r);
    if (r->parent == NULL)
        list_add(p, r);
    pthread_mutex_unlock(&p->lock);
}

void pending_add_bulk(struct pending *p, struct request *bulk) {
    pthread_mutex_lock(&p->lock);
    for (struct request *r = bulk->operation; r != NULL; r = r->sibling)
        if (r->encoded != NULL) {
            table_add(p, r);
            bulk->unacked++;
        }
    list_add(p, bulk);
    pthread_mutex_unlock(&p->lock);
}

void pending_forget_bulk(struct pending *p, struct request *bulk) {
    pthread_mutex_lock(&p->lock);
    list_remove(p, bulk);
    pthread_mutex_unlock(&p->lock);
}

struct request *pending_take(struct pending *p, const char *txn) {
    pthread_mutex_lock(&p->lock);
    struct request *r = take(p, find(p, txn));
    pthread_mutex_unlock(&p->lock);
    return r;
}

/* ---- operations of a Bulk, together; under the lock ---- */

static struct request *take_operations(struct pending *p, struct request *bulk) {
    struct request *first = NULL, **end = &first;
    for (struct request *r = bulk->operation; r != NULL; r = r->sibling)
        if ((*end = take(p, r)) != NULL)
            end = &(*end)->next;
    list_remove(p, bulk);
    return first;
}

/* It is due now, and never promised. */
static void hurry(struct pending *p, struct request *bulk) {
    if (!bulk->listed)
        return;
    list_remove(p, bulk);
    bulk->wait_until_us = 0;
    bulk->deadline_us = 0;
    list_add(p, bulk);
}

struct request *pending_take_refused(struct pending *p, const char *txn) {
    pthread_mutex_lock(&p->lock);
    struct request *r = find(p, txn);
    r = r != NULL && !r->sent_again ? take(p, r) : NULL;
    if (r != NULL && r->parent != NULL && r->parent->async)
        hurry(p, r->parent);
    pthread_mutex_unlock(&p->lock);
    return r;
}

/* ---- time, and what the log has ---- */

/* One that is due: to be promised, to be waited for until its deadline, or to be cancelled. */
static struct request *take_due(struct pending *p, struct request *r, bool *accepted) {
    bool waited = r->wait_until_us != 0;
    r->wait_until_us = 0;
    *accepted = waited && (r->bulk != NULL ? r->unacked == 0 : r->acked);
    if (waited && !*accepted) {
        list_remove(p, r);
        list_add(p, r);
        return NULL;
    }
    return r->bulk != NULL ? take_operations(p, r) : take(p, r);
}

struct request *pending_take_expired(struct pending *p, int64_t now_us, bool *accepted) {
    struct request *taken = NULL;
    pthread_mutex_lock(&p->lock);
    while (taken == NULL && p->first != NULL && due_us(p->first) <= now_us)
        taken = take_due(p, p->first, accepted);
    pthread_mutex_unlock(&p->lock);
    return taken;
}

/* Nothing is left to wait for but the log. */
static bool promised(const struct request *r) {
    return r->listed && r->wait_until_us == 0 &&
           (r->bulk != NULL ? r->unacked == 0 && r->deadline_us != 0 : r->acked);
}

struct request *pending_acknowledge(struct pending *p, const char *txn) {
    struct request *taken = NULL;
    pthread_mutex_lock(&p->lock);
    struct request *r = find(p, txn);
    if (r != NULL && !r->acked) {
        r->acked = true;
        if (r->parent != NULL)
            r->parent->unacked--;
        if (r->parent == NULL && promised(r))
            taken = take(p, r);
        else if (r->parent != NULL && promised(r->parent))
            taken = take_operations(p, r->parent);
    }
    pthread_mutex_unlock(&p->lock);
    return taken;
}

void pending_each(struct pending *p, void (*fn)(struct request *r, void *ctx), void *ctx) {
    pthread_mutex_lock(&p->lock);
    for (struct request *r = p->first; r != NULL; r = r->pending_next) {
        if (r->bulk == NULL)
            fn(r, ctx);
        for (struct request *o = r->bulk != NULL ? r->operation : NULL; o != NULL; o = o->sibling)
            if (atomic_load(&o->state) == REQUEST_PENDING)
                fn(o, ctx);
    }
    pthread_mutex_unlock(&p->lock);
}

size_t pending_count(struct pending *p) {
    pthread_mutex_lock(&p->lock);
    size_t n = p->n;
    pthread_mutex_unlock(&p->lock);
    return n;
}
