/* Request records of usher.audit. No answer leaves before Kafka has acknowledged its record (promise 5).
 * Records are numbered per process life, from 1 without gaps, in the order in which they are produced. */
#ifndef USHER_INGEST_LOG_AUDIT_H
#define USHER_INGEST_LOG_AUDIT_H

#include "ingest/request/request.h"

struct audit *audit_new(struct ingest *in, struct err *err);
/* Waits up to flush_ms for outstanding acknowledgements. */
void audit_close(struct audit *a, int flush_ms);

/* Produces the record of an answered request. When Kafka has acknowledged it, the owner gets the request
 * back. If that does not happen in time, the answer becomes a 503, and a second record withdraws the first
 * one. The caller no longer owns the request. */
void audit_submit(struct audit *a, struct request *r);
/* Produces the record but does not wait, for answers on connections that are not suspended. The caller keeps
 * the request. */
void audit_note(struct audit *a, struct request *r);
/* For a request whose record is that of its group: the owner gets it back at once. The caller no longer owns
 * it. */
void audit_skip(struct request *r);
/* Produces the record of requests that were refused together. False: there is no room for it. */
struct audit_group {
    const char *source_ip; /* NULL: of many sources */
    const char *detail;    /* what they were told, but for the seconds that each should wait */
    int64_t requests, first_us, duration_us;
};
bool audit_note_group(struct audit *a, const struct audit_group *g);
/* Called every few milliseconds: handles records that were not acknowledged in time. */
void audit_tick(struct audit *a, int64_t now_us);

/* A record was not acknowledged in time, and none has been acknowledged since. */
bool audit_stalled(const struct audit *a);
struct producer *audit_producer(struct audit *a);

#endif
