/* Puts the rows of the outbox, and the consumer offsets, into Kafka transactions: beside the apply thread, so
 * that no reply and no next batch waits for it.
 *
 * What must stay true, for exactly once: the rows of a partition go out strictly by number; a transaction
 * ends with the offset of each of its partitions, which has the number of the last row as its metadata, under
 * the group metadata of the assignment; a transaction whose end is in doubt is settled by a new producer
 * instance and a look at that number, before anything is produced again. Offset and number are independent:
 * before the offset everything is decided, up to the number everything is emitted. */
#ifndef USHER_WORKERS_EMIT_EMITTER_H
#define USHER_WORKERS_EMIT_EMITTER_H

#include "ops/runtime/config.h"
#include "workers/emit/slot.h"
#include "workers/rows.h"

#include <librdkafka/rdkafka.h>

struct emitter;

/* exactly_once: the broker can do transactions with offsets; otherwise (trial broker) offsets are committed
 * plainly, and the mark in PostgreSQL stands for the number. Initialises the transactional id: waits for
 * Kafka until a stop is asked for; NULL then. */
struct emitter *emitter_start(const struct config *config, struct slot *slot, bool exactly_once);
/* The consumer whose group the offsets belong to. */
void emitter_attach(struct emitter *e, rd_kafka_t *consumer);

/* An assignment begins: under this group metadata, which is taken, its offsets are committed. */
void emitter_assign(struct emitter *e, rd_kafka_consumer_group_metadata_t *group);
/* A partition of it is taken: rows up to number are emitted, and those up to last wait in the outbox. offset:
 * where its commands go on. */
void emitter_take(struct emitter *e, int32_t partition, int64_t number, int64_t last, int64_t mark,
                  int64_t offset);
/* What is known of the partition is worth nothing any more. Waits for the end of the open transaction. */
void emitter_release(struct emitter *e, int32_t partition);
/* Has the emitter found that out itself, of any partition? And of this one: then it is released, and to be
 * taken anew. Said once. */
bool emitter_lost_some(struct emitter *e);
bool emitter_lost(struct emitter *e, int32_t partition);
/* When partitions are taken away: ends what is under way, and emits what waits as far as that goes quickly;
 * or ends at once, if the assignment is lost. The rest is emitted by whoever has the partitions next.
 * Afterwards no partition is held and nothing is under way. */
void emitter_settle(struct emitter *e, bool lost);

/* Takes rows that are committed (rows_take; NULL: none). Never waits: what memory has no room for is read
 * from the table when its turn comes. */
void emitter_push(struct emitter *e, struct row *rows);
/* All commands of the partition before this offset are decided in PostgreSQL, so it may be committed. It need
 * not have anything to do with the rows: those of a command may come after its offset is committed. It must
 * not pass a command that waits in memory. It goes back where the log does not hold its place. */
void emitter_offset(struct emitter *e, int32_t partition, int64_t offset);

/* How long the oldest row has waited for the end of its Kafka transaction; 0: none waits. Thread-safe. */
int64_t emitter_age_us(struct emitter *e);
/* Ends. True if no transaction was left open. */
bool emitter_stop(struct emitter *e);

#endif
