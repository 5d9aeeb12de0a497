/* Limits what is answered to a source that has no good credential (throttle.h). */
#ifndef USHER_INGEST_GATE_LIMIT_H
#define USHER_INGEST_GATE_LIMIT_H

#include "ingest/request/request.h"

/* Counts a request that was refused without a good credential. True: its source is over the limit. Then the
 * answer is 429 instead, and the request has no record of its own: it counts for that of a group. */
bool limit_refuses(struct request *r);
/* Has the records of groups produced whose time is over; all: of every group. */
void limit_tick(struct ingest *in, int64_t now_us, bool all);

#endif
