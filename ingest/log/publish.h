/* Commands to usher.commands. */
#ifndef USHER_INGEST_LOG_PUBLISH_H
#define USHER_INGEST_LOG_PUBLISH_H

#include "ingest/request/request.h"

struct publish *publish_new(struct ingest *in, struct err *err);
void publish_close(struct publish *p, int flush_ms);

/* Encodes the request's command, puts the request among those that wait and produces. The caller no longer
 * owns it, whatever becomes of it. scratch: the caller's buffer, used for the bytes. */
void publish_request(struct publish *p, struct request *r, struct jbuf *scratch);

/* The same for all operations of a Bulk that are not answered yet, in the order in which they are given. They
 * and the Bulk stay the caller's. */
void publish_bulk(struct publish *p, struct request *bulk, struct request *const *operations, size_t n,
                  struct jbuf *scratch);

struct producer *publish_producer(struct publish *p);

#endif
