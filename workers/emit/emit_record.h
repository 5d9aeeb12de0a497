/* From records to Kafka messages. */
#ifndef USHER_WORKERS_EMIT_EMIT_RECORD_H
#define USHER_WORKERS_EMIT_EMIT_RECORD_H

#include "ops/runtime/jws.h"
#include "schemas/stream/headers.h"
#include "workers/delivery.h"

#include <librdkafka/rdkafka.h>

/* Kafka headers from rows; the caller owns them until a produce call takes them. */
rd_kafka_headers_t *emit_headers(const struct headers *h);
/* Produces all records of a batch, and its poison commands to usher.deadletter, into the open transaction;
 * the claims of usher.events signed with key. Waits where the producer's queue is full. Counts them. NULL or
 * the error. */
rd_kafka_error_t *emit_batch(rd_kafka_t *producer, const struct jws_key *key, const struct batch *b,
                             size_t *count);

#endif
