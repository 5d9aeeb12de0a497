/* An idempotent Kafka producer of one topic that outlives its instances: a fatal error makes an instance
 * useless for ever (in librdkafka 2.0.x even a network fault can cause one), so another takes its place. A
 * thread of its own polls it.
 *
 * One batch of each partition is in flight. Messages that come meanwhile wait here, and then go together.
 * Under load, which is where the batch before had several, the first one also waits for a moment: requests
 * come in bursts there, and a request to the broker costs more than what is in it. Without load a message
 * goes at once. (The library would let five batches be in flight, but an idempotent producer of
 * librdkafka 2.0.x waits busily for what is in flight.) */
#ifndef USHER_INGEST_LOG_PRODUCER_H
#define USHER_INGEST_LOG_PRODUCER_H

#include "ops/runtime/config.h"
#include "ops/runtime/err.h"
#include "schemas/stream/headers.h"

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

struct producer_message {
    int32_t partition;
    const char *key; /* at most 63 characters */
    const void *value;
    size_t len;
    void *opaque;       /* comes back as _private of the report */
    int64_t expires_us; /* monotonic; after that the message is not sent any more; 0 = never */
    bool must;          /* accepted even if too many wait */
};

struct producer_events {
    /* Called for every delivery report, also of instances that were given up. On the thread of the producer.
     */
    void (*report)(void *ctx, const rd_kafka_message_t *m);
    /* A new instance has taken over. What the old one has not delivered must be sent again. On the thread of
     * the producer. */
    void (*replaced)(void *ctx);
    void *ctx;
};

struct producer_setting {
    const char *name, *value;
};

struct producer;

/* extra: settings of librdkafka besides those that all of usher uses. NULL and err if they are refused. */
struct producer *producer_new(const char *topic, int32_t partitions, const struct config *config,
                              const struct producer_setting *extra, size_t nextra,
                              const struct producer_events *events, struct err *err);
/* Stops the thread and waits up to flush_ms until all messages are delivered. */
void producer_close(struct producer *p, int flush_ms);

/* Makes headers of Kafka. The caller owns them until producer_send has succeeded. */
rd_kafka_headers_t *producer_headers(const struct headers *h);
/* Never blocks. Takes a copy of key and value, and the headers on success. __QUEUE_FULL: too many wait. */
rd_kafka_resp_err_t producer_send(struct producer *p, const struct producer_message *m,
                                  rd_kafka_headers_t *headers);
/* Drops the messages that wait here (not those that the library has). For `replaced`, if the caller sends all
 * of them again. */
void producer_forget(struct producer *p);
/* Asks for the topic's metadata; true once it was answered. */
bool producer_warm_up(struct producer *p, int timeout_ms);
bool producer_fatal(const struct producer *p);
/* Messages not yet acknowledged, and reports not yet polled. */
int producer_queued(struct producer *p);

/* For tests: as if the broker had refused the instance for good. */
void producer_break(struct producer *p);

#endif
