/* Puts what committed batches emit, and the consumer offsets, into Kafka transactions: beside the apply
 * thread, so that no reply and no next batch waits for it. All batches that wait go into one transaction.
 *
 * What must stay true, for exactly once: offsets go in under the group metadata of the batch's own poll; a
 * batch is emitted wholly or dropped wholly; what is dropped is emitted again by the partition's next owner,
 * from the stored records; a transaction whose end is in doubt is settled by a new producer instance and a
 * look at the committed offsets before anything is produced again. */
#ifndef USHER_WORKERS_EMIT_EMITTER_H
#define USHER_WORKERS_EMIT_EMITTER_H

#include "ops/runtime/config.h"
#include "ops/runtime/jws.h"
#include "workers/delivery.h"
#include "workers/emit/slot.h"

#include <librdkafka/rdkafka.h>

struct emitter;

/* exactly_once: the broker can do transactions with offsets; otherwise (trial broker) offsets are committed
 * plainly. key: signs SCIM events. Initialises the transactional id: waits for Kafka until a stop is asked
 * for; NULL then. */
struct emitter *emitter_start(const struct config *config, struct slot *slot, const struct jws_key *key,
                              bool exactly_once);
/* The consumer whose group the offsets belong to. */
void emitter_attach(struct emitter *e, rd_kafka_t *consumer);
/* Takes the batch. Waits while too many are queued, or too many bytes; drops it if a stop is asked for
 * meanwhile. */
void emitter_push(struct emitter *e, struct batch *b);
/* Called when partitions are taken away: ends what is queued (or drops it, if the assignment is lost).
 * Afterwards nothing is under way. */
void emitter_settle(struct emitter *e, bool lost);
/* How long the oldest batch has waited for the end of its Kafka transaction; 0: none waits. Thread-safe. */
int64_t emitter_age_us(struct emitter *e);
/* Emits what is queued, then ends. True if no transaction was left open. */
bool emitter_stop(struct emitter *e);

#endif
