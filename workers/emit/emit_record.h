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
 * the error, with which the transaction has to end.
 *
 * Each message carries the counter of refusals of what it belongs to as its opaque: where a delivery report
 * says that Kafka refuses the message for ever, emit_refusal counts it, and the next attempt sends the record
 * alone, then as a stub with a dead letter, and in the end only a line of the log. So whatever Kafka refuses,
 * the records behind it go out. */
rd_kafka_error_t *emit_batch(rd_kafka_t *producer, const struct jws_key *key, struct batch *b, size_t *count);
/* Trying again is useless: not the place is refused, but the message. */
bool emit_refused_for_ever(rd_kafka_resp_err_t code);
void emit_refusal(int *refusals, const char *topic, int32_t partition, const char *why);

#endif
