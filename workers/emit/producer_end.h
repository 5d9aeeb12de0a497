/* The end of a transactional producer. */
#ifndef USHER_WORKERS_EMIT_PRODUCER_END_H
#define USHER_WORKERS_EMIT_PRODUCER_END_H

#include <librdkafka/rdkafka.h>

/* Destroys it. What is queued or in flight is taken out before and its reports are served: a producer of
 * librdkafka 2.0.2 that is fenced while it has messages frees some of them twice when it is destroyed
 * (tests/crash/fenced_producer.c). */
void producer_end(rd_kafka_t *rk);

#endif
