#include "workers/health.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/lifecycle.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "ops/runtime/metrics_http.h"
#include "ops/runtime/notify.h"
#include "sql/ask/slots.h"
#include "workers/probe.h"
#include "workers/stats.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STOP_SECONDS 25 /* from SIGTERM to the end, whatever hangs */
#define GUARD_MS 500
#define WAIT_FIRST_MS 100 /* of a back-off */
#define WAIT_MOST_MS 5000
#define EXIT_TRY_AGAIN 75

struct health {
    const struct config *config;
    struct metrics_http *http;
    pthread_t guard;
    atomic_bool stop;
    pthread_mutex_t lock; /* of all below: readiness and guard ask on their own threads */
    char step[400];       /* what the start waits for; empty: it has started */
    int wait_ms;
    struct consumer *consumer;
    struct emitter *emitter;
    struct loop *loop;
    struct probe *probe;
    struct archive *archive;
    struct deliver *deliver;
    bool alone; /* these two are all there is */
};

/* ---- readiness ---- */

static bool emitted(struct health *h, char *why, size_t n) {
    int64_t seconds = emitter_age_us(h->emitter) / 1000000, most = config_int(h->config, "unemitted-seconds");
    if (seconds < most)
        return true;
    snprintf(why, n, "the oldest batch has waited %lld s for its Kafka transaction", (long long)seconds);
    return false;
}

static bool ready(void *arg, char *why, size_t n) {
    struct health *h = arg;
    bool good = false;
    pthread_mutex_lock(&h->lock);
    if (lifecycle_stopping())
        snprintf(why, n, "stopping");
    else if (h->loop == NULL && (!h->alone || (h->archive == NULL && h->deliver == NULL)))
        snprintf(why, n, "%s", h->step[0] != '\0' ? h->step : "starting");
    else
        good = (h->loop == NULL ||
                (loop_ready(h->loop, why, n) && emitted(h, why, n) && probe_good(h->probe, why, n))) &&
               (h->archive == NULL || archive_ready(h->archive, why, n)) &&
               (h->deliver == NULL || deliver_ready(h->deliver, why, n));
    pthread_mutex_unlock(&h->lock);
    return good;
}

bool health_wait(struct health *h, const char *step, const struct err *why) {
    char quoted[600];
    pthread_mutex_lock(&h->lock);
    bool same = strncmp(h->step, step, strlen(step)) == 0;
    snprintf(h->step, sizeof h->step, "%s: %.300s", step, err_text(why));
    pthread_mutex_unlock(&h->lock);
    if (!same)
        log_event(LOG_WARN, "start-waits", "for=%s error=%s", step,
                  log_quote(err_text(why), quoted, sizeof quoted));
    h->wait_ms = !same ? WAIT_FIRST_MS : h->wait_ms * 2 < WAIT_MOST_MS ? h->wait_ms * 2 : WAIT_MOST_MS;
    notify_alive();
    return lifecycle_wait(h->wait_ms);
}

/* ---- the guard ---- */

/* Returns why, if it does not go on and will not. */
static const char *stuck(struct health *h, int64_t most_us) {
    if (h->archive != NULL && clock_mono_us() - archive_turned_us(h->archive) > most_us)
        return "the archive does not come round";
    if (h->deliver != NULL && clock_mono_us() - deliver_turned_us(h->deliver) > most_us)
        return "who delivers does not come round";
    if (h->loop == NULL)
        return NULL;
    if (clock_mono_us() - loop_turned_us(h->loop) > most_us)
        return "the loop does not come round";
    if (emitter_age_us(h->emitter) > most_us)
        return "a batch does not get its Kafka transaction";
    return !loop_troubled(h->loop) && probe_stands_us(h->probe) > most_us ? "a partition does not move"
                                                                          : NULL;
}

static void look_after(struct health *h) {
    char words[300] = "";
    notify_status(ready(h, words, sizeof words) ? "ready" : words);
    int64_t most_us = config_int(h->config, "watchdog-seconds") * INT64_C(1000000);
    pthread_mutex_lock(&h->lock);
    const char *why = NULL;
    if (h->loop != NULL)
        metric_set(worker_stats.emit_age, emitter_age_us(h->emitter) / 1000000);
    why = most_us > 0 ? stuck(h, most_us) : NULL;
    pthread_mutex_unlock(&h->lock);
    if (why == NULL)
        return;
    log_event(LOG_ERROR, "watchdog", "reason=\"%s\"", why);
    _exit(EXIT_TRY_AGAIN);
}

static void *guard_main(void *arg) {
    struct health *h = arg;
    while (!lifecycle_wait(GUARD_MS) && !atomic_load(&h->stop))
        look_after(h);
    if (lifecycle_stopping())
        lifecycle_watchdog(STOP_SECONDS, 1);
    return NULL;
}

/* ---- life ---- */

struct health *health_start(const struct config *config, struct err *err) {
    struct health *h = xcalloc(1, sizeof *h);
    const char *listen = config_str(config, "metrics-listen");
    h->config = config;
    pthread_mutex_init(&h->lock, NULL);
    h->http = *listen != '\0' ? metrics_http_start(listen, ready, h, err) : NULL;
    if (*listen != '\0' && h->http == NULL) {
        pthread_mutex_destroy(&h->lock);
        free(h);
        return NULL;
    }
    if (pthread_create(&h->guard, NULL, guard_main, h) != 0)
        abort();
    return h;
}

void health_attach(struct health *h, struct consumer *consumer, struct emitter *emitter, struct loop *loop,
                   struct slot *slot) {
    struct probe *probe = probe_start(h->config, consumer, slot_number(slot));
    pthread_mutex_lock(&h->lock);
    h->consumer = consumer;
    h->emitter = emitter;
    h->loop = loop;
    h->probe = probe;
    h->step[0] = '\0';
    pthread_mutex_unlock(&h->lock);
}

void health_detach(struct health *h) {
    pthread_mutex_lock(&h->lock);
    struct probe *probe = h->probe;
    h->consumer = NULL;
    h->emitter = NULL;
    h->loop = NULL;
    h->probe = NULL;
    snprintf(h->step, sizeof h->step, "stopping");
    pthread_mutex_unlock(&h->lock);
    probe_stop(probe);
}

void health_attach_roles(struct health *h, struct archive *archive, struct deliver *deliver, bool alone) {
    pthread_mutex_lock(&h->lock);
    h->archive = archive;
    h->deliver = deliver;
    h->alone = alone;
    h->step[0] = '\0';
    pthread_mutex_unlock(&h->lock);
}

void health_stop(struct health *h) {
    if (h == NULL)
        return;
    metrics_http_stop(h->http);
    atomic_store(&h->stop, true);
    pthread_join(h->guard, NULL);
    pthread_mutex_destroy(&h->lock);
    free(h);
}
