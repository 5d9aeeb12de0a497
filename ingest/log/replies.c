#include "ingest/log/replies.h"

#include "ingest/log/pending.h"
#include "ingest/log/window.h"
#include "ingest/request/command.h"
#include "ingest/request/handle.h"
#include "ingest/stats.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "sql/ask/slots.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct replies {
    struct ingest *in;
    void (*on_reply)(struct request *r);
    _Atomic int32_t partition;
    atomic_bool polled, stop, running;
    unsigned generation; /* of the database connection that holds the lock */
    rd_kafka_t *rk;
    pthread_t thread;
};

/* ---- the slot ---- */

static enum err_code choose(struct replies *r, struct db *db, struct err *err) {
    int32_t n = r->in->settings.partitions;
    const char *name = r->in->settings.instance;
    int32_t hashed = (int32_t)((murmur2(name, strlen(name)) & 0x7fffffff) % (uint32_t)n), slot = -1;
    for (int32_t i = 0; i < n && slot < 0; i++) {
        bool got;
        if (slots_try(db, SLOTS_REPLIES, (hashed + i) % n, &got, err) != ERR_OK)
            return err->code;
        if (got)
            slot = (hashed + i) % n;
    }
    if (slot < 0)
        log_event(LOG_WARN, "reply-partition-shared", "partition=%d", hashed);
    r->generation = db_generation(db);
    atomic_store(&r->partition, slot < 0 ? hashed : slot);
    return ERR_OK;
}

enum err_code replies_hold_slot(struct replies *r, struct db *db, struct err *err) {
    if (replies_partition(r) < 0)
        return choose(r, db, err);
    if (db_generation(db) == r->generation)
        return ERR_OK;
    bool got; /* if another instance has it meanwhile, both read the partition: correct, only more work */
    if (slots_try(db, SLOTS_REPLIES, replies_partition(r), &got, err) != ERR_OK)
        return err->code;
    r->generation = db_generation(db);
    return ERR_OK;
}

int32_t replies_partition(const struct replies *r) {
    return atomic_load(&r->partition);
}

bool replies_polled(const struct replies *r) {
    return atomic_load(&r->polled);
}

/* ---- following ---- */

/* Takes the reply. */
static void deliver(struct replies *replies, struct reply *reply) {
    const char *txn = reply->txn.s;
    bool ours = window_leave(replies->in->window, txn, clock_mono_us()), accepted = false;
    struct request *r = pending_take_replied(replies->in->pending, txn, &accepted);
    if (r == NULL || accepted) { /* answered already, at the deadline or by 202; or another instance's */
        reply_clear(reply);
        if (accepted)
            handle_accepted(r);
        else
            metric_add(stats.unknown_replies, ours ? 0 : 1);
        return;
    }
    metric_add(stats.replies, 1);
    r->command->reply = *reply;
    replies->on_reply(r);
}

/* A record has a reply in each line. Who waits for one that cannot be read gets the stored outcome at the
 * deadline. */
static void on_message(struct replies *replies, const rd_kafka_message_t *m) {
    const char *p = m->payload, *end = p + m->len;
    while (p < end) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((newline != NULL ? newline : end) - p);
        struct reply reply;
        struct err err = {0};
        char quoted[300];
        if (reply_decode(p, n, &reply, &err) == ERR_OK)
            deliver(replies, &reply);
        else
            log_event(LOG_ERROR, "reply-undecodable", "offset=%lld error=%s", (long long)m->offset,
                      log_quote(err_text(&err), quoted, sizeof quoted));
        p += n + 1;
    }
}

static void *replies_thread(void *arg) {
    struct replies *r = arg;
    while (!atomic_load(&r->stop)) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(r->rk, 100);
        if (m != NULL && m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            on_message(r, m);
        else if (m != NULL)
            log_event(LOG_WARN, "replies-error", "error=%s", rd_kafka_err2name(m->err));
        if (m == NULL || m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            atomic_store(&r->polled, true);
        if (m != NULL)
            rd_kafka_message_destroy(m);
    }
    return NULL;
}

static rd_kafka_t *open_consumer(struct replies *r, struct err *err) {
    rd_kafka_conf_t *conf = kafka_conf_new(r->in->settings.config, KAFKA_CONSUMER_ASSIGN);
    /* If Kafka has lost the position: old replies do no harm, and no new one may be missed. */
    kafka_conf_set(conf, "auto.offset.reset", "earliest");
    return kafka_open(conf, KAFKA_CONSUMER_ASSIGN, err);
}

/* At an explicit offset: "latest" is resolved later, and a reply may arrive before that. */
static enum err_code assign_end(struct replies *r, struct err *err) {
    int32_t partition = replies_partition(r);
    int64_t low, high;
    rd_kafka_resp_err_t code =
        rd_kafka_query_watermark_offsets(r->rk, TOPIC_REPLIES, partition, &low, &high, 2000);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
        rd_kafka_topic_partition_list_add(list, TOPIC_REPLIES, partition)->offset = high;
        code = rd_kafka_assign(r->rk, list);
        rd_kafka_topic_partition_list_destroy(list);
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return err_set(err, ERR_KAFKA, "replies: %s", rd_kafka_err2str(code));
    return ERR_OK;
}

enum err_code replies_follow(struct replies *r, struct err *err) {
    if (atomic_load(&r->running))
        return ERR_OK;
    if (r->rk == NULL && (r->rk = open_consumer(r, err)) == NULL)
        return err->code;
    if (assign_end(r, err) != ERR_OK)
        return err->code;
    if (pthread_create(&r->thread, NULL, replies_thread, r) != 0)
        return err_set(err, ERR_INTERNAL, "no thread for replies");
    atomic_store(&r->running, true);
    return ERR_OK;
}

struct replies *replies_new(struct ingest *in, void (*on_reply)(struct request *r)) {
    struct replies *r = xcalloc(1, sizeof *r);
    r->in = in;
    r->on_reply = on_reply;
    atomic_store(&r->partition, -1);
    return r;
}

void replies_close(struct replies *r) {
    if (r == NULL)
        return;
    atomic_store(&r->stop, true);
    if (atomic_load(&r->running))
        pthread_join(r->thread, NULL);
    if (r->rk != NULL) {
        rd_kafka_consumer_close(r->rk);
        rd_kafka_destroy(r->rk);
    }
    free(r);
}
