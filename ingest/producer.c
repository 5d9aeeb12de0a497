#include "ingest/producer.h"

#include "ingest/stats.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct producer {
    const char *name;
    const struct config *config;
    const struct producer_setting *extra;
    size_t nextra;
    struct producer_events events;
    pthread_rwlock_t lock; /* rk: senders read, the poll thread replaces */
    rd_kafka_t *rk;
    atomic_bool fatal, stop;
    pthread_t thread;
};

static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque) {
    (void)rk;
    struct producer *p = opaque;
    p->events.report(p->events.ctx, m);
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque) {
    struct producer *p = opaque;
    char quoted[300];
    bool fatal = code == RD_KAFKA_RESP_ERR__FATAL;
    log_event(fatal ? LOG_ERROR : LOG_WARN, "producer-error", "producer=%s error=%s reason=%s", p->name,
              rd_kafka_err2name((rd_kafka_resp_err_t)code), log_quote(reason, quoted, sizeof quoted));
    if (fatal && rk == p->rk)
        atomic_store(&p->fatal, true);
}

static rd_kafka_t *open_instance(struct producer *p, struct err *err) {
    rd_kafka_conf_t *conf = kafka_conf_new(p->config, KAFKA_PRODUCER_IDEMPOTENT);
    for (size_t i = 0; i < p->nextra; i++) {
        char why[256];
        if (rd_kafka_conf_set(conf, p->extra[i].name, p->extra[i].value, why, sizeof why) !=
            RD_KAFKA_CONF_OK) {
            rd_kafka_conf_destroy(conf);
            err_set(err, ERR_CONFIG, "%s", why);
            return NULL;
        }
    }
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_opaque(conf, p);
    return kafka_open(conf, KAFKA_PRODUCER_IDEMPOTENT, err);
}

/* Destroying may hang for long: nobody waits for it. */
static void *destroy(void *rk) {
    rd_kafka_destroy(rk);
    return NULL;
}

static void discard(rd_kafka_t *rk) {
    rd_kafka_purge(rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    for (int i = 0; i < 20 && rd_kafka_outq_len(rk) > 0; i++)
        rd_kafka_poll(rk, 50); /* the reports of what it held */
    pthread_t thread;
    if (pthread_create(&thread, NULL, destroy, rk) == 0)
        pthread_detach(thread);
}

static void replace(struct producer *p) {
    struct err err = {0};
    rd_kafka_t *fresh = open_instance(p, &err);
    if (fresh == NULL) {
        log_event(LOG_ERROR, "producer-not-replaced", "producer=%s code=%s", p->name, err_name(err.code));
        usleep(200000);
        return;
    }
    pthread_rwlock_wrlock(&p->lock);
    rd_kafka_t *old = p->rk;
    p->rk = fresh;
    pthread_rwlock_unlock(&p->lock);
    atomic_store(&p->fatal, false);
    metric_add(stats.producers_replaced, 1);
    log_event(LOG_WARN, "producer-replaced", "producer=%s", p->name);
    p->events.replaced(p->events.ctx);
    discard(old);
}

static void *poll_thread(void *arg) {
    struct producer *p = arg;
    while (!atomic_load(&p->stop)) {
        rd_kafka_poll(p->rk, 100);
        if (atomic_load(&p->fatal))
            replace(p);
    }
    return NULL;
}

struct producer *producer_new(const char *name, const struct config *config,
                              const struct producer_setting *extra, size_t nextra,
                              const struct producer_events *events, struct err *err) {
    struct producer *p = xcalloc(1, sizeof *p);
    p->name = name;
    p->config = config;
    p->extra = extra;
    p->nextra = nextra;
    p->events = *events;
    pthread_rwlock_init(&p->lock, NULL);
    p->rk = open_instance(p, err);
    if (p->rk == NULL || pthread_create(&p->thread, NULL, poll_thread, p) != 0) {
        if (p->rk != NULL)
            rd_kafka_destroy(p->rk);
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
    rd_kafka_flush(p->rk, flush_ms);
    rd_kafka_destroy(p->rk);
    pthread_rwlock_destroy(&p->lock);
    free(p);
}

rd_kafka_headers_t *producer_headers(const struct headers *h) {
    rd_kafka_headers_t *out = rd_kafka_headers_new(h->n);
    for (size_t i = 0; i < h->n; i++)
        rd_kafka_header_add(out, h->row[i].name, -1, h->row[i].value, -1);
    return out;
}

rd_kafka_resp_err_t producer_send(struct producer *p, const struct producer_message *m,
                                  rd_kafka_headers_t *headers) {
    pthread_rwlock_rdlock(&p->lock);
    rd_kafka_resp_err_t code = rd_kafka_producev(
        p->rk, RD_KAFKA_V_TOPIC(m->topic), RD_KAFKA_V_PARTITION(m->partition),
        RD_KAFKA_V_KEY(m->key, strlen(m->key)), RD_KAFKA_V_VALUE((void *)(uintptr_t)m->value, m->len),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(m->opaque),
        RD_KAFKA_V_END);
    pthread_rwlock_unlock(&p->lock);
    return code;
}

bool producer_warm_up(struct producer *p, const char *topic, int timeout_ms) {
    struct err err = {0};
    pthread_rwlock_rdlock(&p->lock);
    enum err_code code = kafka_warm_up(p->rk, &topic, 1, timeout_ms, &err);
    pthread_rwlock_unlock(&p->lock);
    return code == ERR_OK;
}

bool producer_fatal(const struct producer *p) {
    return atomic_load(&p->fatal);
}

int producer_queued(struct producer *p) {
    pthread_rwlock_rdlock(&p->lock);
    int n = rd_kafka_outq_len(p->rk);
    pthread_rwlock_unlock(&p->lock);
    return n;
}

void producer_break(struct producer *p) {
    pthread_rwlock_rdlock(&p->lock);
    rd_kafka_test_fatal_error(p->rk, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "asked for by a test");
    pthread_rwlock_unlock(&p->lock);
}
