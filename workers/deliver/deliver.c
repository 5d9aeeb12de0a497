#include "workers/deliver/deliver.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "workers/deliver/sender.h"
#include "workers/deliver/taker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WAIT_FIRST_MS 100 /* of a back-off */
#define WAIT_MOST_MS 5000

/* One of the two threads. */
struct duty {
    struct deliver *of;
    const char *name;
    enum err_code (*turn)(struct deliver *d, struct err *err);
    pthread_t thread;
    int wait_ms;
    atomic_llong turned_us;
    pthread_mutex_t lock; /* of trouble: readiness asks on another thread */
    char trouble[300];    /* empty: none */
};

struct deliver {
    struct taker *taker;
    struct sender *sender;
    atomic_bool stop;
    struct duty takes, sends;
};

/* ---- trouble ---- */

/* A line in the log when it begins and one when it ends. */
static void duty_tell(struct duty *u, const char *text) {
    char quoted[600];
    pthread_mutex_lock(&u->lock);
    bool before = u->trouble[0] != '\0', now = *text != '\0';
    snprintf(u->trouble, sizeof u->trouble, "%.299s", text);
    pthread_mutex_unlock(&u->lock);
    if (now && !before)
        log_event(LOG_ERROR, "deliver-waits", "duty=%s error=%s", u->name,
                  log_quote(text, quoted, sizeof quoted));
    if (before && !now)
        log_event(LOG_INFO, "deliver-goes-on", "duty=%s", u->name);
}

static void duty_wait(struct duty *u) {
    u->wait_ms = u->wait_ms == 0                 ? WAIT_FIRST_MS
                 : u->wait_ms * 2 < WAIT_MOST_MS ? u->wait_ms * 2
                                                 : WAIT_MOST_MS;
    for (int waited = 0; waited < u->wait_ms && !atomic_load(&u->of->stop); waited += 20)
        usleep(20000);
}

static void duty_go_wrong(struct duty *u, const struct err *err) {
    if (err->code == ERR_DB_FENCED)
        log_event(LOG_WARN, "deliver-fenced", "reason=\"%s\"", err_text(err));
    else
        duty_tell(u, err_text(err));
    duty_wait(u);
}

/* ---- the threads ---- */

static void *duty_main(void *arg) {
    struct duty *u = arg;
    while (!atomic_load(&u->of->stop)) {
        struct err err = {0};
        atomic_store(&u->turned_us, clock_mono_us());
        if (u->turn(u->of, &err) != ERR_OK) {
            duty_go_wrong(u, &err);
            continue;
        }
        u->wait_ms = 0;
        duty_tell(u, "");
    }
    return NULL;
}

static enum err_code turn_taker(struct deliver *d, struct err *err) {
    return taker_turn(d->taker, err);
}

static enum err_code turn_sender(struct deliver *d, struct err *err) {
    return sender_turn(d->sender, err);
}

/* On the taker's thread. */
static void deliver_touched(const char *workspace, void *ctx) {
    struct deliver *d = ctx;
    sender_touch(d->sender, workspace);
    sender_wake(d->sender);
}

static void start_duty(struct deliver *d, struct duty *u, const char *name,
                       enum err_code (*turn)(struct deliver *d, struct err *err)) {
    u->of = d;
    u->name = name;
    u->turn = turn;
    atomic_store(&u->turned_us, clock_mono_us());
    pthread_mutex_init(&u->lock, NULL);
    if (pthread_create(&u->thread, NULL, duty_main, u) != 0)
        abort();
}

/* ---- life ---- */

struct deliver *deliver_start(const struct config *config, bool trial, struct err *err) {
    struct deliver *d = xcalloc(1, sizeof *d);
    d->sender = sender_new(config, err);
    if (d->sender == NULL) {
        free(d);
        return NULL;
    }
    d->taker = taker_new(config, trial, deliver_touched, d);
    start_duty(d, &d->takes, "take", turn_taker);
    start_duty(d, &d->sends, "send", turn_sender);
    return d;
}

static bool duty_good(struct duty *u, char *why, size_t n) {
    pthread_mutex_lock(&u->lock);
    bool good = u->trouble[0] == '\0';
    if (!good)
        snprintf(why, n, "deliver: %s", u->trouble);
    pthread_mutex_unlock(&u->lock);
    return good;
}

bool deliver_ready(struct deliver *d, char *why, size_t n) {
    return duty_good(&d->takes, why, n) && duty_good(&d->sends, why, n);
}

int64_t deliver_turned_us(struct deliver *d) {
    int64_t takes = atomic_load(&d->takes.turned_us), sends = atomic_load(&d->sends.turned_us);
    return takes < sends ? takes : sends;
}

static void end_duty(struct duty *u) {
    pthread_join(u->thread, NULL);
    pthread_mutex_destroy(&u->lock);
}

void deliver_stop(struct deliver *d) {
    if (d == NULL)
        return;
    atomic_store(&d->stop, true);
    sender_wake(d->sender);
    end_duty(&d->takes);
    end_duty(&d->sends);
    taker_free(d->taker);
    sender_free(d->sender);
    free(d);
}
