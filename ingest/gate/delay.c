#include "ingest/gate/delay.h"

#include "ops/runtime/mem.h"

#include <pthread.h>
#include <stdlib.h>

struct hold {
    pthread_mutex_t lock;
    struct request *first;
    size_t n;
};

struct hold *hold_new(void) {
    struct hold *h = xcalloc(1, sizeof *h);
    pthread_mutex_init(&h->lock, NULL);
    return h;
}

void hold_free(struct hold *h) {
    if (h == NULL)
        return;
    pthread_mutex_destroy(&h->lock);
    free(h);
}

bool hold_add(struct hold *h, struct request *r, int64_t until_us) {
    pthread_mutex_lock(&h->lock);
    bool room = h->n < HOLD_MOST;
    if (room) {
        r->hold_until_us = until_us;
        r->next = h->first;
        h->first = r;
        h->n++;
    }
    pthread_mutex_unlock(&h->lock);
    return room;
}

/* In no order: there are few, and a tick walks them all. */
void hold_tick(struct hold *h, int64_t now_us, bool all) {
    struct request *due = NULL;
    pthread_mutex_lock(&h->lock);
    for (struct request **at = &h->first, *r; (r = *at) != NULL;) {
        if (!all && r->hold_until_us > now_us) {
            at = &r->next;
            continue;
        }
        *at = r->next;
        r->next = due;
        due = r;
        h->n--;
    }
    pthread_mutex_unlock(&h->lock);
    for (struct request *r; (r = due) != NULL;) {
        due = r->next;
        request_finish(r);
    }
}
