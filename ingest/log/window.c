#include "ingest/log/window.h"

#include "ops/runtime/id.h"
#include "ops/runtime/mem.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024 /* a power of two */
#define ID_LEN 37

struct waiting {
    struct waiting *next;
    char txn[ID_LEN];
    int64_t expires_us;
    size_t len;
    char bytes[];
};

/* A workspace that has commands under way, or waiting. */
struct lane {
    struct lane *chain;
    char workspace[ID_LEN];
    size_t held, bytes; /* under way */
    struct waiting *first, **end;
    bool draining; /* a thread sends what waits, in order */
};

struct place {
    struct place *chain;
    struct place *older, *newer;
    char txn[ID_LEN];
    struct lane *lane;
    size_t len;
    int64_t since_us;
};

struct window {
    pthread_mutex_t lock;
    size_t places, waiting;
    window_send send;
    void *ctx;
    struct lane *lanes[BUCKETS];
    struct place *by_txn[BUCKETS];
    struct place *oldest, *newest;
    /* The two workspaces that have entered last, and when: enough to know whether one is alone. */
    struct {
        char workspace[ID_LEN];
        int64_t at_us;
    } last[2];
};

struct window *window_new(size_t places, window_send send, void *ctx) {
    struct window *w = xcalloc(1, sizeof *w);
    pthread_mutex_init(&w->lock, NULL);
    w->places = places;
    w->send = send;
    w->ctx = ctx;
    return w;
}

static size_t bucket(const char *id) {
    return murmur2(id, strlen(id)) & (BUCKETS - 1);
}

static void copy_id(char *to, const char *id) {
    snprintf(to, ID_LEN, "%s", id);
}

/* ---- lanes; all under the lock ---- */

static struct lane *lane_find(const struct window *w, const char *workspace) {
    struct lane *l = w->lanes[bucket(workspace)];
    while (l != NULL && strcmp(l->workspace, workspace) != 0)
        l = l->chain;
    return l;
}

static struct lane *lane_of(struct window *w, const char *workspace) {
    struct lane *l = lane_find(w, workspace);
    if (l != NULL)
        return l;
    struct lane **b = &w->lanes[bucket(workspace)];
    l = xcalloc(1, sizeof *l);
    copy_id(l->workspace, workspace);
    l->end = &l->first;
    l->chain = *b;
    *b = l;
    return l;
}

static void lane_end(struct window *w, struct lane *l) {
    if (l->held > 0 || l->first != NULL || l->draining)
        return;
    struct lane **b = &w->lanes[bucket(l->workspace)];
    while (*b != l)
        b = &(*b)->chain;
    *b = l->chain;
    free(l);
}

static void note_entry(struct window *w, const char *workspace, int64_t now_us) {
    if (strcmp(w->last[0].workspace, workspace) != 0) {
        w->last[1] = w->last[0];
        copy_id(w->last[0].workspace, workspace);
    }
    w->last[0].at_us = now_us;
}

static bool has_place(const struct window *w, const struct lane *l, size_t len, int64_t now_us) {
    if (l->held > 0 && l->bytes + len > WINDOW_BYTES)
        return false;
    const char *other = w->last[0].workspace;
    int64_t at_us = w->last[0].at_us;
    if (strcmp(other, l->workspace) == 0) {
        other = w->last[1].workspace;
        at_us = w->last[1].at_us;
    }
    bool alone = other[0] == '\0' || now_us - at_us > WINDOW_ALONE_US;
    return l->held < (alone ? w->places * WINDOW_ALONE : w->places);
}

/* ---- places; all under the lock ---- */

static void place_take(struct window *w, struct lane *l, const char *txn, size_t len, int64_t now_us) {
    struct place *p = xcalloc(1, sizeof *p), **b = &w->by_txn[bucket(txn)];
    copy_id(p->txn, txn);
    p->lane = l;
    p->len = len;
    p->since_us = now_us;
    p->chain = *b;
    *b = p;
    p->older = w->newest;
    *(w->newest != NULL ? &w->newest->newer : &w->oldest) = p;
    w->newest = p;
    l->held++;
    l->bytes += len;
}

static struct place *place_find(const struct window *w, const char *txn) {
    struct place *p = w->by_txn[bucket(txn)];
    while (p != NULL && strcmp(p->txn, txn) != 0)
        p = p->chain;
    return p;
}

static struct lane *place_give_back(struct window *w, struct place *p) {
    struct place **b = &w->by_txn[bucket(p->txn)];
    struct lane *l = p->lane;
    while (*b != p)
        b = &(*b)->chain;
    *b = p->chain;
    *(p->older != NULL ? &p->older->newer : &w->oldest) = p->newer;
    *(p->newer != NULL ? &p->newer->older : &w->newest) = p->older;
    assert(l->held > 0 && l->bytes >= p->len);
    l->held--;
    l->bytes -= p->len;
    free(p);
    return l;
}

/* ---- waiting; all under the lock ---- */

static void wait_in(struct window *w, struct lane *l, const struct window_command *c) {
    struct waiting *x = xmalloc(sizeof *x + c->len);
    *x = (struct waiting){.expires_us = c->expires_us, .len = c->len};
    copy_id(x->txn, c->txn);
    memcpy(x->bytes, c->bytes, c->len);
    *l->end = x;
    l->end = &x->next;
    w->waiting++;
}

static struct waiting *wait_over(struct window *w, struct lane *l) {
    struct waiting *x = l->first;
    l->first = x->next;
    if (l->first == NULL)
        l->end = &l->first;
    w->waiting--;
    return x;
}

/* Sends what waits and finds a place. Only one thread does it for a lane, or the order would be lost: the
 * others leave what they have freed to that one, which looks again. */
static void drain(struct window *w, struct lane *l, int64_t now_us) {
    if (l->draining)
        return;
    l->draining = true;
    while (l->first != NULL && has_place(w, l, l->first->len, now_us)) {
        struct waiting *x = wait_over(w, l);
        struct window_command c = {.workspace = l->workspace,
                                   .txn = x->txn,
                                   .bytes = x->bytes,
                                   .len = x->len,
                                   .expires_us = x->expires_us};
        place_take(w, l, x->txn, x->len, now_us);
        pthread_mutex_unlock(&w->lock);
        w->send(w->ctx, &c);
        pthread_mutex_lock(&w->lock);
        free(x);
    }
    l->draining = false;
    lane_end(w, l);
}

/* ---- in and out ---- */

bool window_enter(struct window *w, const struct window_command *c, int64_t now_us) {
    pthread_mutex_lock(&w->lock);
    struct lane *l = lane_of(w, c->workspace);
    note_entry(w, c->workspace, now_us);
    bool enters = l->first == NULL && !l->draining && has_place(w, l, c->len, now_us);
    if (enters)
        place_take(w, l, c->txn, c->len, now_us);
    else
        wait_in(w, l, c);
    pthread_mutex_unlock(&w->lock);
    return enters;
}

bool window_leave(struct window *w, const char *txn, int64_t now_us) {
    pthread_mutex_lock(&w->lock);
    struct place *p = place_find(w, txn);
    if (p != NULL)
        drain(w, place_give_back(w, p), now_us);
    pthread_mutex_unlock(&w->lock);
    return p != NULL;
}

static bool is_over(const struct place *p, int64_t now_us) {
    return now_us - p->since_us >= (p->len > WINDOW_LARGE ? WINDOW_LARGE_US : WINDOW_PLACE_US);
}

/* The oldest place that is held too long. Before it stand places of large commands alone, which are few. */
static struct place *place_over(const struct window *w, int64_t now_us) {
    struct place *p = w->oldest;
    while (p != NULL && p->len > WINDOW_LARGE && !is_over(p, now_us))
        p = p->newer;
    return p != NULL && is_over(p, now_us) ? p : NULL;
}

void window_tick(struct window *w, int64_t now_us) {
    pthread_mutex_lock(&w->lock);
    for (struct place *p; (p = place_over(w, now_us)) != NULL;)
        drain(w, place_give_back(w, p), now_us);
    pthread_mutex_unlock(&w->lock);
}

bool window_waits(struct window *w, const char *workspace, const char *txn) {
    pthread_mutex_lock(&w->lock);
    const struct lane *l = lane_find(w, workspace);
    const struct waiting *x = l != NULL ? l->first : NULL;
    while (x != NULL && strcmp(x->txn, txn) != 0)
        x = x->next;
    pthread_mutex_unlock(&w->lock);
    return x != NULL;
}

size_t window_waiting(struct window *w) {
    pthread_mutex_lock(&w->lock);
    size_t n = w->waiting;
    pthread_mutex_unlock(&w->lock);
    return n;
}

static void lane_drop(struct lane *l) {
    for (struct waiting *x = l->first, *next; x != NULL; x = next) {
        next = x->next;
        free(x);
    }
    free(l);
}

void window_free(struct window *w) {
    if (w == NULL)
        return;
    while (w->oldest != NULL)
        (void)place_give_back(w, w->oldest);
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct lane *l = w->lanes[i], *next; l != NULL; l = next) {
            next = l->chain;
            lane_drop(l);
        }
    pthread_mutex_destroy(&w->lock);
    free(w);
}
