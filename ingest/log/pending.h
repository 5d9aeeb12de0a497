/* Requests whose command is published and whose outcome is awaited, by txn and by deadline. Reply, deadline
 * and failed delivery compete for them; whoever takes one owns it. The operations of a Bulk are found by txn,
 * and the deadline is their Bulk's, which stands for all of them in the list. */
#ifndef USHER_INGEST_LOG_PENDING_H
#define USHER_INGEST_LOG_PENDING_H

#include "ingest/request/request.h"

struct pending *pending_new(void);
void pending_free(struct pending *p);

/* GATE or CLAIMED -> PENDING. From now on the request may be taken by any thread: the caller no longer owns
 * it. */
void pending_add(struct pending *p, struct request *r);
/* The same for those operations of a Bulk that have a command; the Bulk itself is only watched over. */
void pending_add_bulk(struct pending *p, struct request *bulk);
/* All operations are answered: its deadline means nothing any more. */
void pending_forget_bulk(struct pending *p, struct request *bulk);

/* PENDING -> CLAIMED; NULL if it is not there (any more). */
struct request *pending_take(struct pending *p, const char *txn);

/* The log did not take this command: the same, but NULL also where an earlier copy of it is perhaps in the
 * log. What is left of an asynchronous Bulk cannot be promised then and is decided at once. */
struct request *pending_take_refused(struct pending *p, const char *txn);

/* Takes those whose time is up, linked by `next`; NULL if there are none: one request, or the operations of a
 * Bulk that are still open. *accepted: the log has what was asked for asynchronously, so 202 is the answer;
 * otherwise the deadline has passed. */
struct request *pending_take_expired(struct pending *p, int64_t now_us, bool *accepted);
/* The log has the command of an asynchronous request. Takes those to whom 202 can be said now, linked by
 * `next`: it, or the open operations of its Bulk if the log has them all. */
struct request *pending_acknowledge(struct pending *p, const char *txn);
/* Calls fn for each that has a command, in the order of their deadlines, under the lock: fn must neither
 * block nor keep the request. */
void pending_each(struct pending *p, void (*fn)(struct request *r, void *ctx), void *ctx);
size_t pending_count(struct pending *p); /* commands */

#endif
