/* Headers of Kafka messages. */
#ifndef USHER_INGEST_LOG_MESSAGE_H
#define USHER_INGEST_LOG_MESSAGE_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

/* Reads the header usher-txn; false if it is missing or has another length. */
bool message_txn(const rd_kafka_message_t *m, char txn[37]);

#endif
