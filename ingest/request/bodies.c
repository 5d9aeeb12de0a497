#include "ingest/request/bodies.h"

#include "ingest/stats.h"
#include "ops/runtime/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* What a workspace may have of the budget: one part of so many, and at least one body of the largest size. */
#define SHARE 4

/* A workspace that has large bodies in memory. There are few at any time. */
struct holder {
    struct uuid workspace;
    size_t bytes;
    struct holder *next;
};

struct bodies {
    size_t budget, share;
    atomic_size_t used;
    pthread_mutex_t lock; /* protects the holders */
    struct holder *holders;
};

struct bodies *bodies_new(size_t budget, size_t largest) {
    struct bodies *b = xcalloc(1, sizeof *b);
    b->budget = budget;
    b->share = budget / SHARE > largest ? budget / SHARE : largest;
    pthread_mutex_init(&b->lock, NULL);
    return b;
}

void bodies_free(struct bodies *b) {
    if (b == NULL)
        return;
    pthread_mutex_destroy(&b->lock);
    free(b);
}

static bool take_bytes(struct bodies *b, size_t n, bool always) {
    size_t before = atomic_fetch_add(&b->used, n);
    if (always || before + n <= b->budget) {
        metric_add(stats.body_bytes, (int64_t)n);
        return true;
    }
    atomic_fetch_sub(&b->used, n);
    return false;
}

static void give_bytes(struct bodies *b, size_t n) {
    atomic_fetch_sub(&b->used, n);
    metric_add(stats.body_bytes, -(int64_t)n);
}

/* ---- the shares of workspaces ---- */

static struct holder **holder_of(struct bodies *b, const struct uuid *workspace) {
    struct holder **at = &b->holders;
    while (*at != NULL && !uuid_eq(&(*at)->workspace, workspace))
        at = &(*at)->next;
    return at;
}

/* All that a body has is counted for its workspace from when it is large. */
static bool take_share(struct bodies *b, struct body_room *room, const struct uuid *workspace, size_t n) {
    size_t more = room->shared ? n : room->bytes + n;
    pthread_mutex_lock(&b->lock);
    struct holder **at = holder_of(b, workspace);
    bool fits = (*at != NULL ? (*at)->bytes : 0) + more <= b->share;
    if (fits && *at == NULL) {
        *at = xcalloc(1, sizeof **at);
        (*at)->workspace = *workspace;
    }
    if (fits)
        (*at)->bytes += more;
    pthread_mutex_unlock(&b->lock);
    if (fits && !room->shared) {
        room->shared = true;
        room->workspace = *workspace;
    }
    return fits;
}

static void give_share(struct bodies *b, struct body_room *room, size_t n) {
    pthread_mutex_lock(&b->lock);
    struct holder **at = holder_of(b, &room->workspace), *h = *at;
    h->bytes -= n;
    if (h->bytes == 0) {
        *at = h->next;
        free(h);
    }
    pthread_mutex_unlock(&b->lock);
    room->shared = room->bytes > 0;
}

/* ---- one body ---- */

bool bodies_take(struct bodies *b, struct body_room *room, const struct uuid *workspace, size_t n) {
    size_t all = room->bytes + n;
    bool large = all > BODY_LARGE;
    if (large && !take_share(b, room, workspace, n)) {
        metric_add(stats.body_refused_workspace, 1);
        return false;
    }
    if (!take_bytes(b, n, all <= BODY_TINY)) {
        if (large)
            give_share(b, room, n);
        metric_add(stats.body_refused_memory, 1);
        return false;
    }
    room->of = b;
    room->bytes = all;
    return true;
}

void bodies_give(struct body_room *room) {
    if (room->shared)
        give_share(room->of, room, room->bytes);
    if (room->bytes > 0)
        give_bytes(room->of, room->bytes);
    *room = (struct body_room){0};
}
