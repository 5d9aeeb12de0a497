#include "ingest/log/producer.h"

#include "ingest/stats.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Messages of one partition. Further ones wait here and share the next request: under load the brokers get
 * fewer and larger requests, and without load nothing waits. (An idempotent producer of librdkafka 2.0.2
 * would wait busily for what is in flight.) */
#define IN_FLIGHT 1
/* Load is where the last batch of the partition had so many messages, not longer ago than that. */
#define LOAD_BATCH 3
#define LOAD_US 50000
#define GATHER_US 700
#define WAITING_MAX 20000 /* messages, all partitions together */
#define POLL_MS 100

struct waiting {
    struct waiting *next;
    char key[64];
    rd_kafka_headers_t *headers;
    void *opaque;
    int64_t expires_us;
    size_t len;
    char value[];
};

/* Of one partition. */
struct lane {
    int in_flight; /* messages that the current instance has */
    struct waiting *first, *last;
    int batch; /* messages of the last one, which was handed over then */
    int64_t batch_us;
    int64_t due_us; /* those that wait are gathered until then; 0: they are not */
};

struct producer {
    const char *topic;
    const struct config *config;
    const struct producer_setting *extra;
    size_t nextra;
    struct producer_events events;
    pthread_rwlock_t alive; /* held for reading: rk is not replaced */
    rd_kafka_t *rk;
    rd_kafka_queue_t *reports; /* of rk: what the thread waits for */
    atomic_bool fatal, stop;
    pthread_t thread;
    pthread_mutex_t lock; /* protects all below; taken after `alive` */
    size_t nwaiting;
    int ngathering; /* lanes that gather */
    int32_t nlanes;
    struct lane lanes[];
};

/* ---- lanes; under the lock ---- */

static rd_kafka_resp_err_t hand_over(struct producer *p, int32_t partition, const char *key,
                                     const void *value, size_t len, rd_kafka_headers_t *headers,
                                     void *opaque) {
    rd_kafka_resp_err_t code = rd_kafka_producev(
        p->rk, RD_KAFKA_V_TOPIC(p->topic), RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_KEY(key, strlen(key)),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)value, len), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        p->lanes[partition].in_flight++;
    return code;
}

static void lane_append(struct producer *p, const struct producer_message *m, rd_kafka_headers_t *headers) {
    struct lane *lane = &p->lanes[m->partition];
    struct waiting *w = xmalloc(sizeof *w + m->len);
    w->next = NULL;
    snprintf(w->key, sizeof w->key, "%s", m->key);
    w->headers = headers;
    w->opaque = m->opaque;
    w->expires_us = m->expires_us;
    w->len = m->len;
    memcpy(w->value, m->value, m->len);
    *(lane->last != NULL ? &lane->last->next : &lane->first) = w;
    lane->last = w;
    p->nwaiting++;
}

/* Removes the first message. with_headers: frees its headers, which the library has not taken. */
static void lane_drop_first(struct producer *p, struct lane *lane, bool with_headers) {
    struct waiting *w = lane->first;
    lane->first = w->next;
    if (lane->first == NULL)
        lane->last = NULL;
    p->nwaiting--;
    if (with_headers)
        rd_kafka_headers_destroy(w->headers);
    free(w);
}

static void note_batch(struct lane *lane, int64_t now_us) {
    lane->batch = lane->in_flight;
    lane->batch_us = now_us;
}

static void set_due(struct producer *p, struct lane *lane, int64_t due_us) {
    p->ngathering += (due_us != 0) - (lane->due_us != 0);
    lane->due_us = due_us;
}

/* Hands all waiting messages over together, so that they share a request. Messages that the library does not
 * take (its queue is full, or the instance is broken) stay for the next time. */
static void lane_drain(struct producer *p, int32_t partition) {
    struct lane *lane = &p->lanes[partition];
    int64_t now_us = clock_mono_us();
    if (lane->in_flight >= IN_FLIGHT || lane->due_us > now_us)
        return;
    set_due(p, lane, 0);
    if (lane->first == NULL)
        return;
    for (struct waiting *w; (w = lane->first) != NULL;) {
        bool expired = w->expires_us != 0 && w->expires_us < now_us;
        if (!expired && hand_over(p, partition, w->key, w->value, w->len, w->headers, w->opaque) !=
                            RD_KAFKA_RESP_ERR_NO_ERROR)
            break;
        lane_drop_first(p, lane, expired);
    }
    note_batch(lane, now_us);
}

/* How long until a lane has gathered enough; -1: none gathers. */
static int64_t gathers_for_us(struct producer *p) {
    int64_t due_us = INT64_MAX, now_us = clock_mono_us();
    pthread_mutex_lock(&p->lock);
    for (int32_t i = 0; p->ngathering > 0 && i < p->nlanes; i++)
        if (p->lanes[i].due_us != 0 && p->lanes[i].due_us < due_us)
            due_us = p->lanes[i].due_us;
    pthread_mutex_unlock(&p->lock);
    return due_us == INT64_MAX ? -1 : due_us > now_us ? due_us - now_us : 0;
}

static void drain_all(struct producer *p) {
    pthread_mutex_lock(&p->lock);
    for (int32_t i = 0; i < p->nlanes && (p->nwaiting > 0 || p->ngathering > 0); i++)
        lane_drain(p, i);
    pthread_mutex_unlock(&p->lock);
}

void producer_forget(struct producer *p) {
    pthread_mutex_lock(&p->lock);
    for (int32_t i = 0; i < p->nlanes; i++)
        while (p->lanes[i].first != NULL)
            lane_drop_first(p, &p->lanes[i], true);
    pthread_mutex_unlock(&p->lock);
}

/* The message shall wait for others, though nothing is in flight. */
static bool gather(struct producer *p, struct lane *lane) {
    int64_t now_us = clock_mono_us();
    if (lane->batch < LOAD_BATCH || lane->batch_us + LOAD_US < now_us)
        return false;
    set_due(p, lane, now_us + GATHER_US);
    return true;
}

rd_kafka_resp_err_t producer_send(struct producer *p, const struct producer_message *m,
                                  rd_kafka_headers_t *headers) {
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    pthread_rwlock_rdlock(&p->alive);
    pthread_mutex_lock(&p->lock);
    struct lane *lane = &p->lanes[m->partition];
    bool wait = lane->first != NULL || lane->in_flight >= IN_FLIGHT, wake = false;
    if (!wait)
        wait = wake = gather(p, lane);
    if (!wait) {
        code = hand_over(p, m->partition, m->key, m->value, m->len, headers, m->opaque);
        wait = code == RD_KAFKA_RESP_ERR__FATAL || code == RD_KAFKA_RESP_ERR__QUEUE_FULL;
        note_batch(lane, clock_mono_us());
    }
    if (wait) {
        bool full = p->nwaiting >= WAITING_MAX && !m->must;
        code = full ? RD_KAFKA_RESP_ERR__QUEUE_FULL : RD_KAFKA_RESP_ERR_NO_ERROR;
        if (!full)
            lane_append(p, m, headers);
    }
    pthread_mutex_unlock(&p->lock);
    if (wake)
        rd_kafka_queue_yield(p->reports);
    pthread_rwlock_unlock(&p->alive);
    return code;
}

/* ---- the library's callbacks, on the poll thread ---- */

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque) {
    struct producer *p = opaque;
    if (rk == p->rk && m->partition >= 0 && m->partition < p->nlanes) {
        pthread_mutex_lock(&p->lock);
        p->lanes[m->partition].in_flight--;
        lane_drain(p, m->partition);
        pthread_mutex_unlock(&p->lock);
    }
    p->events.report(p->events.ctx, m);
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque) {
    struct producer *p = opaque;
    char quoted[300];
    bool fatal = code == RD_KAFKA_RESP_ERR__FATAL;
    log_event(fatal ? LOG_ERROR : LOG_WARN, "producer-error", "topic=%s error=%s reason=%s", p->topic,
              rd_kafka_err2name((rd_kafka_resp_err_t)code), log_quote(reason, quoted, sizeof quoted));
    if (fatal && rk == p->rk)
        atomic_store(&p->fatal, true);
}

/* ---- instances ---- */

static rd_kafka_t *open_instance(struct producer *p, struct err *err) {
    rd_kafka_conf_t *conf = kafka_conf_new(p->config, KAFKA_PRODUCER_IDEMPOTENT);
    for (size_t i = 0; i < p->nextra; i++) {
        char why[256];
        if (rd_kafka_conf_set(conf, p->extra[i].name, p->extra[i].value, why, sizeof why) !=
            RD_KAFKA_CONF_OK) {
            rd_kafka_conf_destroy(conf);
            (void)err_set(err, ERR_CONFIG, "%s", why);
            return NULL;
        }
    }
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_opaque(conf, p);
    return kafka_open(conf, KAFKA_PRODUCER_IDEMPOTENT, err);
}

/* Destroying an instance may hang for long, so it has a thread of its own and nobody waits for it. */
static void *destroy(void *rk) {
    rd_kafka_destroy(rk);
    return NULL;
}

/* Gives up what the instance holds, and hears the reports of it. */
static void purge(rd_kafka_t *rk) {
    rd_kafka_purge(rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    for (int i = 0; i < 20 && rd_kafka_outq_len(rk) > 0; i++)
        rd_kafka_poll(rk, 50);
}

static void discard(rd_kafka_t *rk) {
    purge(rk);
    pthread_t thread;
    if (pthread_create(&thread, NULL, destroy, rk) == 0)
        pthread_detach(thread);
}

static void replace(struct producer *p) {
    struct err err = {0};
    rd_kafka_t *fresh = open_instance(p, &err);
    if (fresh == NULL) {
        log_event(LOG_ERROR, "producer-not-replaced", "topic=%s code=%s", p->topic, err_name(err.code));
        usleep(200000);
        return;
    }
    pthread_rwlock_wrlock(&p->alive);
    rd_kafka_t *old = p->rk;
    rd_kafka_queue_destroy(p->reports);
    p->rk = fresh;
    p->reports = rd_kafka_queue_get_main(fresh);
    for (int32_t i = 0; i < p->nlanes; i++)
        p->lanes[i].in_flight = 0;
    pthread_rwlock_unlock(&p->alive);
    atomic_store(&p->fatal, false);
    metric_add(stats.producers_replaced, 1);
    log_event(LOG_WARN, "producer-replaced", "topic=%s", p->topic);
    p->events.replaced(p->events.ctx);
    discard(old);
}

static void *producer_thread(void *arg) {
    struct producer *p = arg;
    while (!atomic_load(&p->stop)) {
        int64_t gathers_us = gathers_for_us(p);
        if (gathers_us > 0)
            usleep((useconds_t)gathers_us);
        /* No report has come that would hand over messages which the library had refused. */
        if (rd_kafka_poll(p->rk, gathers_us < 0 ? POLL_MS : 0) == 0 || gathers_us >= 0)
            drain_all(p);
        if (atomic_load(&p->fatal))
            replace(p);
    }
    return NULL;
}

/* ---- life ---- */

struct producer *producer_new(const char *topic, int32_t partitions, const struct config *config,
                              const struct producer_setting *extra, size_t nextra,
                              const struct producer_events *events, struct err *err) {
    struct producer *p = xcalloc(1, sizeof *p + (size_t)partitions * sizeof *p->lanes);
    p->topic = topic;
    p->nlanes = partitions;
    p->config = config;
    p->extra = extra;
    p->nextra = nextra;
    p->events = *events;
    pthread_rwlock_init(&p->alive, NULL);
    pthread_mutex_init(&p->lock, NULL);
    p->rk = open_instance(p, err);
    p->reports = p->rk != NULL ? rd_kafka_queue_get_main(p->rk) : NULL;
    if (p->rk == NULL || pthread_create(&p->thread, NULL, producer_thread, p) != 0) {
        if (p->rk != NULL) {
            rd_kafka_queue_destroy(p->reports);
            rd_kafka_destroy(p->rk);
        }
        free(p);
        return NULL;
    }
    return p;
}

void producer_close(struct producer *p, int flush_ms) {
    if (p == NULL)
        return;
    atomic_store(&p->stop, true);
    pthread_join(p->thread, NULL);
    int64_t until = clock_mono_us() + (int64_t)flush_ms * 1000;
    while (producer_queued(p) > 0 && clock_mono_us() < until)
        if (rd_kafka_poll(p->rk, 10) == 0)
            drain_all(p);
    producer_forget(p);
    purge(p->rk);
    rd_kafka_queue_destroy(p->reports);
    rd_kafka_destroy(p->rk);
    pthread_rwlock_destroy(&p->alive);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

rd_kafka_headers_t *producer_headers(const struct headers *h) {
    rd_kafka_headers_t *out = rd_kafka_headers_new(h->n);
    for (size_t i = 0; i < h->n; i++)
        rd_kafka_header_add(out, h->row[i].name, -1, h->row[i].value, -1);
    return out;
}

bool producer_warm_up(struct producer *p, int timeout_ms) {
    struct err err = {0};
    pthread_rwlock_rdlock(&p->alive);
    enum err_code code = kafka_warm_up(p->rk, &p->topic, 1, timeout_ms, &err);
    pthread_rwlock_unlock(&p->alive);
    return code == ERR_OK;
}

bool producer_fatal(const struct producer *p) {
    return atomic_load(&p->fatal);
}

int producer_queued(struct producer *p) {
    pthread_rwlock_rdlock(&p->alive);
    pthread_mutex_lock(&p->lock);
    int n = rd_kafka_outq_len(p->rk) + (int)p->nwaiting;
    pthread_mutex_unlock(&p->lock);
    pthread_rwlock_unlock(&p->alive);
    return n;
}

void producer_break(struct producer *p) {
    pthread_rwlock_rdlock(&p->alive);
    rd_kafka_test_fatal_error(p->rk, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "asked for by a test");
    pthread_rwlock_unlock(&p->alive);
}
