/* The slot that this worker holds, and the care for the slots of dead ones.
 * A worker that dies may leave an open Kafka transaction; it holds up every read_committed reader of its
 * partitions, and the next owner of them, until it times out. Initialising the dead slot's transactional id
 * ends it at once: a restarted worker does it for its own slot, a thread here for those that stay dead. */
#ifndef USHER_WORKERS_EMIT_SLOT_H
#define USHER_WORKERS_EMIT_SLOT_H

#include "ops/runtime/config.h"

#include <stdbool.h>

struct slot;

/* Takes a free slot; waits for the database as long as no stop is asked for. NULL on stop. */
struct slot *slot_take(const struct config *config);
int slot_number(const struct slot *s);
/* Is it still ours? Asks at most once a second; after a lost connection it takes the same slot again. False:
 * another process has it; this one must end. Thread-safe. */
bool slot_hold(struct slot *s);
/* clean: no transaction was left open. */
void slot_free(struct slot *s, bool clean);
/* "usher-worker-3" */
void slot_transactional_id(int slot, char out[40]);

#endif
