/* Takes the records of usher.events, usher.membership and usher.checkpoints into the log of messages, for
 * workspaces that have endpoints. The group only shares out the partitions. Where each of them goes on stands
 * in PostgreSQL, and moves with the rows before it. Whatever goes wrong, the consumer is closed, and another
 * one reads the places anew. */
#ifndef USHER_WORKERS_DELIVER_TAKER_H
#define USHER_WORKERS_DELIVER_TAKER_H

#include "ops/runtime/config.h"
#include "ops/runtime/err.h"
#include "sql/db.h"

struct taker;

/* touched: is called for each workspace of which messages have come. trial: the broker pretends to be one. */
struct taker *taker_new(const struct config *config, bool trial,
                        void (*touched)(const char *workspace, void *ctx), void *ctx);
/* Takes what is there; waits a little for it. After an error it is called again, after a while. */
enum err_code taker_turn(struct taker *t, struct err *err);
void taker_free(struct taker *t); /* NULL is fine */

#endif
