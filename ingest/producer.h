/* An idempotent Kafka producer that outlives its instances: a fatal error makes an instance useless for ever
 * (pitfalls: even a mere network fault can), so another takes its place. A thread of its own polls it. */
#ifndef USHER_INGEST_PRODUCER_H
#define USHER_INGEST_PRODUCER_H

#include "ops/runtime/config.h"
#include "ops/runtime/err.h"
#include "schemas/headers.h"

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

struct producer_message {
    const char *topic;
    int32_t partition;
    const char *key;
    const void *value;
    size_t len;
    void *opaque; /* comes back as the report's _private */
};

struct producer_events {
    /* Every delivery report, also those of an instance that was given up. On the poll thread. */
    void (*report)(void *ctx, const rd_kafka_message_t *m);
    /* A new instance has taken over; what the old one did not deliver must be sent again. On the poll thread.
     */
    void (*replaced)(void *ctx);
    void *ctx;
};

struct producer_setting {
    const char *name, *value;
};

struct producer;

/* extra: librdkafka settings on top of those of the house. NULL and err when the settings are refused. */
struct producer *producer_new(const char *name, const struct config *config,
                              const struct producer_setting *extra, size_t nextra,
                              const struct producer_events *events, struct err *err);
/* Stops the thread, waits up to flush_ms for what is on its way, ends. */
void producer_close(struct producer *p, int flush_ms);

/* The headers as Kafka's; the caller owns them until producer_send has succeeded. */
rd_kafka_headers_t *producer_headers(const struct headers *h);
/* Never blocks. Takes a copy of key and value, and the headers on success. */
rd_kafka_resp_err_t producer_send(struct producer *p, const struct producer_message *m,
                                  rd_kafka_headers_t *headers);
/* Asks for the topic's metadata; true once it was answered. */
bool producer_warm_up(struct producer *p, const char *topic, int timeout_ms);
bool producer_fatal(const struct producer *p);
int producer_queued(struct producer *p); /* messages not yet acknowledged, and reports not yet polled */

/* For tests: as if the broker had refused the instance for good. */
void producer_break(struct producer *p);

#endif
