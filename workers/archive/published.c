#include "workers/archive/published.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"

#include <stdlib.h>
#include <string.h>

#define SILENCE_US 15000000

struct head {
    struct checkpoint checkpoint;
    bool settled;
    struct head *next;
};

#define BUCKETS 4096

struct published {
    struct head *buckets[BUCKETS];
};

static size_t bucket(const char *origin) {
    size_t h = 5381;
    for (; *origin != '\0'; origin++)
        h = h * 33 + (unsigned char)*origin;
    return h % BUCKETS;
}

static struct head *head_of(const struct published *p, const char *origin) {
    struct head *h = p->buckets[bucket(origin)];
    while (h != NULL && strcmp(h->checkpoint.origin, origin) != 0)
        h = h->next;
    return h;
}

const struct checkpoint *published_of(const struct published *p, const char *origin) {
    const struct head *h = head_of(p, origin);
    return h != NULL && !h->settled ? &h->checkpoint : NULL;
}

void published_settle(struct published *p, const char *origin) {
    struct head *h = head_of(p, origin);
    if (h != NULL)
        h->settled = true;
}

void published_free(struct published *p) {
    for (size_t i = 0; p != NULL && i < BUCKETS; i++)
        while (p->buckets[i] != NULL) {
            struct head *h = p->buckets[i];
            p->buckets[i] = h->next;
            free(h);
        }
    free(p);
}

/* The largest counts: a log only grows, and whoever published a smaller one later had not caught up. */
static void take_head(struct published *p, const rd_kafka_message_t *m) {
    struct checkpoint c;
    struct err err = {0};
    if (m->payload == NULL)
        return;
    if (checkpoint_read(m->payload, m->len, &c, &err) != ERR_OK) {
        log_event(LOG_WARN, "checkpoint-unreadable", "partition=%d offset=%lld", m->partition,
                  (long long)m->offset);
        return;
    }
    struct head *h = head_of(p, c.origin);
    if (h == NULL) {
        h = xcalloc(1, sizeof *h);
        h->next = p->buckets[bucket(c.origin)];
        p->buckets[bucket(c.origin)] = h;
    }
    if (c.size >= h->checkpoint.size)
        h->checkpoint = c;
}

static enum err_code read_heads(rd_kafka_t *rk, struct published *p, size_t n, struct err *err) {
    int64_t since_us = clock_mono_us();
    size_t ended = 0;
    while (ended < n) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 100);
        if (m != NULL && m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            ended++;
        else if (m != NULL && m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            take_head(p, m);
        if (m != NULL && (m->err == RD_KAFKA_RESP_ERR_NO_ERROR || m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF))
            since_us = clock_mono_us();
        if (m != NULL)
            rd_kafka_message_destroy(m);
        if (clock_mono_us() - since_us > SILENCE_US)
            return err_set(err, ERR_KAFKA, TOPIC_CHECKPOINTS " cannot be read to its end");
    }
    return ERR_OK;
}

struct published *published_read(const struct config *config, const int32_t *partitions, size_t n,
                                 struct err *err) {
    rd_kafka_conf_t *conf = kafka_conf_new(config, KAFKA_CONSUMER_ENDS);
    kafka_conf_set(conf, "group.id", "usher-worker-checkpoints"); /* it neither joins nor commits */
    rd_kafka_t *rk = kafka_open(conf, KAFKA_CONSUMER_ENDS, err);
    if (rk == NULL)
        return NULL;
    struct published *p = xcalloc(1, sizeof *p);
    rd_kafka_topic_partition_list_t *from = rd_kafka_topic_partition_list_new((int)n);
    for (size_t i = 0; i < n; i++)
        rd_kafka_topic_partition_list_add(from, TOPIC_CHECKPOINTS, partitions[i])->offset =
            RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_resp_err_t code = rd_kafka_assign(rk, from);
    rd_kafka_topic_partition_list_destroy(from);
    enum err_code done = code ? err_set(err, ERR_KAFKA, TOPIC_CHECKPOINTS ": %s", rd_kafka_err2str(code))
                              : read_heads(rk, p, n, err);
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    if (done == ERR_OK)
        return p;
    published_free(p);
    return NULL;
}
