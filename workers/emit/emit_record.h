/* From records to Kafka messages. */
#ifndef USHER_WORKERS_EMIT_EMIT_RECORD_H
#define USHER_WORKERS_EMIT_EMIT_RECORD_H

#include "schemas/stream/headers.h"
#include "schemas/stream/row.h"

#include <librdkafka/rdkafka.h>

/* Kafka headers from rows; the caller owns them until a produce call takes them. */
rd_kafka_headers_t *emit_headers(const struct headers *h);
/* Where records of a row go. */
struct emission {
    rd_kafka_t *producer;
    int32_t partition;
    int64_t row; /* its number, which stands in a header of each record */
};
/* Produces one record of a row into the open transaction. Waits where the producer's queue is full. NULL or
 * the error, with which the transaction has to end.
 *
 * Each message carries the counter of refusals of its item as its opaque: where a delivery report says that
 * Kafka refuses the message for ever, emit_refusal counts it, and the next attempt sends the record alone,
 * then as a stub with a dead letter, and in the end only a line of the log. So whatever Kafka refuses, the
 * records behind it go out. The row must stay where it is until the transaction has ended. */
rd_kafka_error_t *emit_item(const struct emission *x, struct row_item *item);
/* Trying again is useless: not the place is refused, but the message. */
bool emit_refused_for_ever(rd_kafka_resp_err_t code);
void emit_refusal(int *refusals, const char *topic, int32_t partition, const char *why);

#endif
