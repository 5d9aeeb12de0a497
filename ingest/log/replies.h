/* Follows this instance's partition of usher.replies, on a thread of its own, from the end that it had at
 * start. */
#ifndef USHER_INGEST_LOG_REPLIES_H
#define USHER_INGEST_LOG_REPLIES_H

#include "ingest/ingest.h"
#include "ops/runtime/err.h"
#include "sql/db.h"

#include <stdbool.h>
#include <stdint.h>

struct request;

/* on_reply is called on that thread for each request whose reply has come; r->command->reply is filled.
 * on_reply owns the request. */
struct replies *replies_new(struct ingest *in, void (*on_reply)(struct request *r));
void replies_close(struct replies *r);

/* Chooses a partition that no other instance holds, by an advisory lock on db, which must be a session of its
 * own: the lock ends with the session. If all are held, the hash of the name decides, and replies for other
 * instances are dropped. Once chosen, the partition stays; after a lost session only the lock is taken again.
 */
enum err_code replies_hold_slot(struct replies *r, struct db *db, struct err *err);
/* Begins to follow the partition. ERR_KAFKA: its end is not known now; try again. */
enum err_code replies_follow(struct replies *r, struct err *err);

int32_t replies_partition(const struct replies *r); /* -1 before one is chosen */
bool replies_polled(const struct replies *r);       /* no reply that comes from now on is missed */

#endif
