#include "ingest/gate/rates.h"

#include "ops/runtime/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CHAINS 1024     /* a power of two */
#define WANT_LEAST 8    /* units of a lease; with fewer it would not last for two batches */
#define WANT_MOST 65536 /* a crash loses no more than these, whatever the rate */
#define NEVER INT64_MAX

struct entry { /* a credential that was busy within the last moments */
    unsigned char token_hash[TOKEN_HASH_SIZE];
    struct uuid workspace, key;
    struct admit_lease lease; /* size 0: none */
    int64_t until_us;         /* of the lease */
    int64_t asked_us;         /* when PostgreSQL was asked last */
    int used;                 /* units since then */
    bool asking;              /* a round trip that may bring a lease is under way */
    struct entry *chain;
    struct entry *older, *newer; /* by asked_us */
};

struct rates {
    pthread_mutex_t lock;
    struct entry *chains[CHAINS];
    struct entry *oldest, *newest;
    size_t n;
    atomic_llong due_us; /* when the oldest entry has something to give back or is of no use any more */
};

struct rates *rates_new(void) {
    struct rates *r = xcalloc(1, sizeof *r);
    pthread_mutex_init(&r->lock, NULL);
    atomic_store(&r->due_us, NEVER);
    return r;
}

void rates_free(struct rates *r) {
    if (r == NULL)
        return;
    for (struct entry *e = r->oldest, *next; e != NULL; e = next) {
        next = e->newer;
        free(e);
    }
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* ---- entries; the lock is held ---- */

/* The hash is a SHA-256, and only those of good credentials come here: nobody can choose a chain. */
static struct entry **chain_of(struct rates *r, const unsigned char *token_hash) {
    return &r->chains[((unsigned)token_hash[0] << 8 | token_hash[1]) & (CHAINS - 1)];
}

static struct entry *find(struct rates *r, const unsigned char *token_hash) {
    for (struct entry *e = *chain_of(r, token_hash); e != NULL; e = e->chain)
        if (memcmp(e->token_hash, token_hash, TOKEN_HASH_SIZE) == 0)
            return e;
    return NULL;
}

static void unlink_age(struct rates *r, struct entry *e) {
    *(e->older != NULL ? &e->older->newer : &r->oldest) = e->newer;
    *(e->newer != NULL ? &e->newer->older : &r->newest) = e->older;
}

static void set_asked(struct rates *r, struct entry *e, int64_t asked_us) {
    e->asked_us = asked_us;
    e->older = r->newest;
    e->newer = NULL;
    *(r->newest != NULL ? &r->newest->newer : &r->oldest) = e;
    r->newest = e;
}

static void forget(struct rates *r, struct entry *e) {
    struct entry **at = chain_of(r, e->token_hash);
    while (*at != e)
        at = &(*at)->chain;
    *at = e->chain;
    unlink_age(r, e);
    free(e);
    r->n--;
}

static struct entry *remember(struct rates *r, const unsigned char *token_hash, int used, int64_t now_us) {
    if (r->n >= RATES_MAX)
        return NULL;
    struct entry *e = xcalloc(1, sizeof *e), **chain = chain_of(r, token_hash);
    memcpy(e->token_hash, token_hash, TOKEN_HASH_SIZE);
    e->chain = *chain;
    *chain = e;
    e->used = used;
    set_asked(r, e, now_us);
    r->n++;
    return e;
}

static void set_due(struct rates *r) {
    atomic_store(&r->due_us,
                 r->oldest != NULL ? r->oldest->asked_us + ADMIT_LEASE_US + RATES_GRACE_US : NEVER);
}

/* ---- around a round trip ---- */

/* Twice what was used since the last time, so that a lease mostly lasts for its time. The rest goes back. */
static int want_of(const struct entry *e, int units, int64_t now_us) {
    int used = e->used < WANT_MOST ? e->used : WANT_MOST;
    if (now_us - e->asked_us > ADMIT_LEASE_US + RATES_GRACE_US)
        return 0; /* not busy */
    int want = 2 * (used + (units < WANT_MOST ? units : WANT_MOST));
    return want < WANT_LEAST ? WANT_LEAST : want < WANT_MOST ? want : WANT_MOST;
}

static int take(struct rates *r, struct admit_ask *ask, int64_t now_us) {
    struct entry *e = find(r, ask->token_hash);
    int units = ask->units;
    if (e == NULL || units == 0)
        return 0;
    if (units <= e->lease.left && now_us < e->until_us) {
        e->lease.left -= units;
        e->used += units;
        ask->units = 0;
        return units;
    }
    if (e->asking) { /* a lease is on its way */
        e->used += units;
        return 0;
    }
    ask->ended = e->lease;
    ask->want = want_of(e, units, now_us);
    e->lease = (struct admit_lease){0};
    e->asking = ask->want > 0;
    e->used = units;
    unlink_age(r, e);
    set_asked(r, e, now_us);
    return 0;
}

int rates_take(struct rates *r, struct admit_ask *ask, int64_t now_us) {
    pthread_mutex_lock(&r->lock);
    int taken = take(r, ask, now_us);
    set_due(r);
    pthread_mutex_unlock(&r->lock);
    return taken;
}

int rates_settle(struct rates *r, const struct admit_ask *ask, const struct admit_verdict *v,
                 int64_t asked_us) {
    pthread_mutex_lock(&r->lock);
    struct entry *e = find(r, ask->token_hash);
    if (e == NULL && v != NULL && v->state == ADMIT_OK)
        e = remember(r, ask->token_hash, ask->units, asked_us);
    if (e != NULL && ask->want > 0)
        e->asking = false;
    if (e != NULL && v != NULL && v->lease.size > 0) {
        e->lease = v->lease;
        e->until_us = asked_us + ADMIT_LEASE_US;
        e->workspace = v->workspace;
        e->key = v->key;
    }
    int left = e != NULL ? e->lease.left : 0;
    set_due(r);
    pthread_mutex_unlock(&r->lock);
    return left;
}

/* ---- the end of leases ---- */

bool rates_due(struct rates *r, int64_t now_us) {
    return atomic_load(&r->due_us) <= now_us;
}

size_t rates_take_due(struct rates *r, int64_t now_us, bool all, struct admit_back *out, size_t n) {
    size_t found = 0;
    pthread_mutex_lock(&r->lock);
    for (struct entry *e = r->oldest, *next; e != NULL && found < n; e = next) {
        next = e->newer;
        if (!all && e->asked_us + ADMIT_LEASE_US + RATES_GRACE_US > now_us)
            break;
        if (e->asking) /* whoever asks settles it */
            continue;
        if (e->lease.size > 0)
            out[found++] = (struct admit_back){e->workspace, e->key, e->lease};
        forget(r, e);
    }
    set_due(r);
    pthread_mutex_unlock(&r->lock);
    return found;
}
