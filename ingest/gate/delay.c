#include "ingest/gate/delay.h"

#include "ops/runtime/mem.h"

#include <pthread.h>
#include <stdlib.h>

/* Lives in the arena of its request. */
struct delayed {
    struct request *r;
    int64_t until_us;
    bool again; /* to the gate; else it is answered */
    struct delayed *next;
};

struct delay {
    void (*again)(struct request *r);
    pthread_mutex_t lock;
    struct delayed *first;
    size_t n; /* answers */
};

struct delay *delay_new(void (*again)(struct request *r)) {
    struct delay *d = xcalloc(1, sizeof *d);
    d->again = again;
    pthread_mutex_init(&d->lock, NULL);
    return d;
}

void delay_free(struct delay *d) {
    if (d == NULL)
        return;
    pthread_mutex_destroy(&d->lock);
    free(d);
}

static bool add(struct delay *d, struct request *r, int64_t until_us, bool again) {
    struct delayed *one = arena_alloc(r->arena, sizeof *one);
    *one = (struct delayed){.r = r, .until_us = until_us, .again = again};
    pthread_mutex_lock(&d->lock);
    bool room = again || d->n < DELAYED_MAX;
    if (room) {
        one->next = d->first;
        d->first = one;
        d->n += again ? 0 : 1;
    }
    pthread_mutex_unlock(&d->lock);
    return room;
}

bool delay_add(struct delay *d, struct request *r, int64_t until_us) {
    return add(d, r, until_us, false);
}

void delay_again(struct delay *d, struct request *r, int64_t until_us) {
    (void)add(d, r, until_us, true);
}

/* The list has no order: it is short, and each tick walks through all of it. */
void delay_tick(struct delay *d, int64_t now_us, bool all) {
    struct delayed *due = NULL;
    pthread_mutex_lock(&d->lock);
    for (struct delayed **at = &d->first, *one; (one = *at) != NULL;) {
        if (!all && one->until_us > now_us) {
            at = &one->next;
            continue;
        }
        *at = one->next;
        one->next = due;
        due = one;
        d->n -= one->again ? 0 : 1;
    }
    pthread_mutex_unlock(&d->lock);
    while (due != NULL) {
        struct request *r = due->r;
        bool again = due->again;
        due = due->next; /* read before the request and its arena go */
        if (again)
            d->again(r);
        else
            request_finish(r);
    }
}
