/* Requests whose command is published and whose outcome is awaited, by txn and by deadline. Reply, deadline
 * and failed delivery compete for them; whoever takes one owns it. */
#ifndef USHER_INGEST_PENDING_H
#define USHER_INGEST_PENDING_H

#include "ingest/request.h"

struct pending *pending_new(void);
void pending_free(struct pending *p);

/* GATE or CLAIMED -> PENDING. From now on the request may be taken by any thread: the caller no longer owns
 * it. */
void pending_add(struct pending *p, struct request *r);
/* PENDING -> CLAIMED; NULL if it is not there (any more). */
struct request *pending_take(struct pending *p, const char *txn);
/* Takes one whose deadline is not after now; NULL if there is none. */
struct request *pending_take_expired(struct pending *p, int64_t now_us);
/* Calls fn for each, under the lock: fn must neither block nor keep the request. */
void pending_each(struct pending *p, void (*fn)(struct request *r, void *ctx), void *ctx);
size_t pending_count(struct pending *p);

#endif
