/* Publishes commands to usher.commands. */
#ifndef USHER_INGEST_LOG_PUBLISH_H
#define USHER_INGEST_LOG_PUBLISH_H

#include "ingest/request/request.h"

/* Makes in->window too: what sends a command that waits is in here. */
struct publish *publish_new(struct ingest *in, struct err *err);
void publish_close(struct publish *p, int flush_ms);

/* Encodes the command of the request, puts the request into the pending table and produces the command. The
 * caller no longer owns the request, also if this fails. scratch: a buffer of the caller's thread. */
void publish_request(struct publish *p, struct request *r, struct jbuf *scratch);

/* The same for all operations of a Bulk that are not answered yet, in this order. The Bulk stays the
 * caller's, and it keeps the operations in memory until it is answered. */
void publish_bulk(struct publish *p, struct request *bulk, struct request *const *operations, size_t n,
                  struct jbuf *scratch);

/* The same for all operations of a Bulk in one command, that of `whole` (COMMAND_BULK_TRY), which is
 * answered. operations: in the order in which they are tried. */
void publish_trial(struct publish *p, struct request *bulk, struct request *const *operations, size_t n,
                   struct request *whole, struct jbuf *scratch);

struct producer *publish_producer(struct publish *p);

#endif
