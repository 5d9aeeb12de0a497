/* How far the streams go, where Kafka does not say it beside the group's offset (lost, expired, reset by
 * hand). */
#ifndef USHER_WORKERS_EMIT_OUTPUT_H
#define USHER_WORKERS_EMIT_OUTPUT_H

#include "ops/runtime/config.h"
#include "sql/ask/outbox.h"

/* The number of the last row that is emitted: the highest that read_committed readers find in the output
 * partitions, and at least the mark. Only those rows count that stand above the mark, and only the topics
 * that they have records of are read, from where they went on behind the mark to where they end now. That
 * waits for transactions which are open there, as a former owner may still commit them. ERR_KAFKA where that
 * takes too long: ask again. all: rows that the outbox does not know count too, so every topic is read. */
enum err_code output_last_row(const struct config *config, struct db *db, const struct outbox_taken *taken,
                              bool all, int64_t *number, struct err *err);

#endif
