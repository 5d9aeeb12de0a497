/* What the ingest reads of Kafka messages. */
#ifndef USHER_INGEST_LOG_MESSAGE_H
#define USHER_INGEST_LOG_MESSAGE_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

/* The header usher-txn; false if there is none of the right length. */
bool message_txn(const rd_kafka_message_t *m, char txn[37]);

#endif
