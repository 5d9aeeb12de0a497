/* The number of the last emitted row, as it stands beside a partition's committed offset. */
#ifndef USHER_RUNTIME_KAFKA_PLACE_H
#define USHER_RUNTIME_KAFKA_PLACE_H

#include <librdkafka/rdkafka.h>

/* Sets the metadata of an offset that is to be committed. */
void place_set_number(rd_kafka_topic_partition_t *place, int64_t number);
/* -1: there is none, or it is not usher's. */
int64_t place_number(const rd_kafka_topic_partition_t *place);

#endif
