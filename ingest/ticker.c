#include "ingest/ticker.h"

#include "ingest/gate/delay.h"
#include "ingest/gate/gate.h"
#include "ingest/gate/large.h"
#include "ingest/gate/limit.h"
#include "ingest/gate/lists.h"
#include "ingest/http/clients.h"
#include "ingest/log/audit.h"
#include "ingest/log/pending.h"
#include "ingest/log/window.h"
#include "ingest/request/handle.h"
#include "ingest/scim/bulk.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/mem.h"
#include "ops/runtime/notify.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define TICK_US 10000
#define CLIENTS_EVERY 100 /* ticks */

struct ticker {
    struct ingest *in;
    atomic_bool stop;
    pthread_t thread;
};

static void expire(struct ingest *in, int64_t now_us) {
    bool accepted;
    for (struct request *r; (r = pending_take_expired(in->pending, now_us, &accepted)) != NULL;) {
        if (accepted)
            handle_accepted(r);
        else
            gate_push_all(in->gate, r, JOB_CANCEL);
    }
}

static void tick(struct ingest *in, int64_t now_us, unsigned count) {
    expire(in, now_us);
    gate_tick(in->gate, now_us);
    lists_tick(in->lists, now_us);
    large_tick(in->large, now_us);
    bulks_tick(in->bulks, now_us);
    delay_tick(in->delay, now_us, atomic_load(&in->stopping));
    window_tick(in->window, now_us);
    audit_tick(in->audit, now_us);
    if (count % CLIENTS_EVERY == 0) {
        clients_tick(now_us);
        limit_tick(in, now_us, false);
    }
}

static void *ticker_thread(void *arg) {
    struct ticker *t = arg;
    for (unsigned count = 0; !atomic_load(&t->stop); count++) {
        tick(t->in, clock_mono_us(), count);
        notify_alive();
        usleep(TICK_US);
    }
    return NULL;
}

struct ticker *ticker_start(struct ingest *in) {
    struct ticker *t = xcalloc(1, sizeof *t);
    t->in = in;
    if (pthread_create(&t->thread, NULL, ticker_thread, t) != 0)
        abort();
    return t;
}

void ticker_stop(struct ticker *t) {
    atomic_store(&t->stop, true);
    pthread_join(t->thread, NULL);
    free(t);
}
