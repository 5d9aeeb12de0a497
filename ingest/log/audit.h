/* Request records of usher.audit. No answer leaves before Kafka has acknowledged its record (promise 5).
 * Records are numbered per process life, from 1 without gaps, in the order in which they are produced. */
#ifndef USHER_INGEST_LOG_AUDIT_H
#define USHER_INGEST_LOG_AUDIT_H

#include "ingest/request/request.h"

struct audit *audit_new(struct ingest *in, struct err *err);
/* Waits up to flush_ms for the acknowledgements that are due. */
void audit_close(struct audit *a, int flush_ms);

/* Produces the record of an answered request, which is resumed when it is acknowledged; not in time: the
 * answer becomes a 503, and a second record takes the first one back. The caller no longer owns the request.
 */
void audit_submit(struct audit *a, struct request *r);
/* The same without waiting, for answers given without suspension. The caller keeps the request. */
void audit_note(struct audit *a, struct request *r);
/* Now and then: time-outs, and what the producer had no room for. */
void audit_tick(struct audit *a, int64_t now_us);

/* Records have come too late, and none has been acknowledged since. */
bool audit_stalled(const struct audit *a);
struct producer *audit_producer(struct audit *a);

#endif
