/* Bulks under way (RFC 7644 section 3.7, rules B1 to B7). A thread of its own reads them, makes a request of
 * each operation, publishes all their commands at once, and, when all are answered and on record, makes the
 * answer. So a thousand operations hold up no gate thread, and only a few Bulks are in memory as trees at the
 * same time. */
#ifndef USHER_INGEST_SCIM_BULK_H
#define USHER_INGEST_SCIM_BULK_H

#include "ingest/request/request.h"

struct bulks *bulks_new(struct ingest *in);
void bulks_close(struct bulks *b); /* none is under way any more */

/* Admitted with one unit: to be read. The caller no longer owns it. */
void bulk_start(struct request *r);
/* The units of its other operations are granted. The same. */
void bulk_admitted(struct request *r);

/* It is answered, or given up: another one may be worked on. Does nothing for what is no Bulk. */
void bulk_leave(struct request *r);

/* Answers those that have waited too long to be read. */
void bulks_tick(struct bulks *b, int64_t now_us);

#endif
