/* usher.replies: this instance's partition of it, followed by a thread of its own from where it ended at
 * start. */
#ifndef USHER_INGEST_LOG_REPLIES_H
#define USHER_INGEST_LOG_REPLIES_H

#include "ingest/ingest.h"
#include "ops/runtime/err.h"
#include "sql/db.h"

#include <stdbool.h>
#include <stdint.h>

struct request;

/* on_reply: called with each request whose reply has come, r->reply filled; the request is the function's. */
struct replies *replies_new(struct ingest *in, void (*on_reply)(struct request *r));
void replies_close(struct replies *r);

/* Picks a partition that no other instance holds, by advisory lock on db (a session of its own: the lock goes
 * with it). Where all are held, one by hash: replies for others are dropped. Once chosen it stays; a lost
 * session only takes the lock again. */
enum err_code replies_hold_slot(struct replies *r, struct db *db, struct err *err);
/* Starts following that partition; ERR_KAFKA if its end cannot be asked for now (try again). */
enum err_code replies_follow(struct replies *r, struct err *err);

int32_t replies_partition(const struct replies *r); /* -1 before there is one */
bool replies_polled(const struct replies *r);       /* nothing that comes from now on is missed */

#endif
