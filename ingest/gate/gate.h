/* The gate: a few threads with a PostgreSQL connection each. Each takes all requests that wait, admits them
 * in one round trip, runs their reads in a second one, and publishes their writes. Batches grow by themselves
 * under load. */
#ifndef USHER_INGEST_GATE_GATE_H
#define USHER_INGEST_GATE_GATE_H

#include "ingest/request/request.h"

struct gate *gate_new(struct ingest *in);
void gate_close(struct gate *g); /* nothing may be queued any more */

/* Hands the request over; r->job says what is to be done. */
void gate_push(struct gate *g, struct request *r);
/* The answer is made. True: an Idempotency-Key asks for it to be kept first, and the gate has the request
 * until that is done (then it is finished again). False: r stays the caller's. */
bool gate_keep(struct gate *g, struct request *r);
/* All that `next` links, for one job. */
void gate_push_all(struct gate *g, struct request *r, enum request_job job);
/* A request's reply was decoded (r->reply): does what comes next. Any thread; the caller no longer owns it.
 */
void gate_replied(struct request *r);
/* Answers what has stood in the queue for too long because all gate threads hang on the database. */
void gate_tick(struct gate *g, int64_t now_us);

#endif
