/* The gate: a few threads, each with connections to PostgreSQL. A gate thread takes all requests that wait,
 * admits them in one round trip, does their short reads in a second one, and publishes their writes. Under
 * load batches grow by themselves. Nothing here takes long: what does is given to the lists (lists.h). */
#ifndef USHER_INGEST_GATE_GATE_H
#define USHER_INGEST_GATE_GATE_H

#include "ingest/request/request.h"

struct gate *gate_new(struct ingest *in);
void gate_close(struct gate *g); /* the queue must be empty, and stay so */

/* Gives the request to the gate; r->job says what to do with it. */
void gate_push(struct gate *g, struct request *r);
/* The same of a request that has waited; for delay.h. */
void gate_again(struct request *r);
/* The answer is made. True: the request has an Idempotency-Key, so the answer is stored first; the gate does
 * that and then finishes the request again. False: r stays the caller's. */
bool gate_keep(struct gate *g, struct request *r);
/* Gives r and all requests behind it in the list r->next to the gate, for one job. */
void gate_push_all(struct gate *g, struct request *r, enum request_job job);
/* The reply of the request was decoded (r->command->reply): makes the answer, or queues the read that the
 * answer needs. Any thread. The caller no longer owns the request. */
void gate_replied(struct request *r);
/* Answers requests whose deadline has passed while the gate threads hang in the database. */
void gate_tick(struct gate *g, int64_t now_us);

#endif
