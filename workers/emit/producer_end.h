/* The end of a transactional producer. */
#ifndef USHER_WORKERS_EMIT_PRODUCER_END_H
#define USHER_WORKERS_EMIT_PRODUCER_END_H

#include <librdkafka/rdkafka.h>

/* Destroys it, when none of its requests is under way any more. rd_kafka_destroy alone frees the text of the
 * transaction's error in the library's main thread while the brokers' threads still run. One of them that
 * then handles a ProduceRequest which the broker has refused, because the producer is fenced, frees that text
 * again (librdkafka up to 2.16 at least; tests/integration/fenced_producer.c). */
void producer_end(rd_kafka_t *rk);

#endif
