/* Answers that are delayed for a while, so that guessing tokens is slow (throttle.h): the requests stand in
 * a list of bounded length, their connections suspended; no thread waits. */
#ifndef USHER_INGEST_GATE_DELAY_H
#define USHER_INGEST_GATE_DELAY_H

#include "ingest/request/request.h"

#define DELAYED_MAX 1024

struct delay *delay_new(void);
/* No answer may be delayed any more. */
void delay_free(struct delay *d);
/* The answer stands in r->answer; from then on (monotonic) it goes out. False: no room, r is still the
 * caller's. */
bool delay_add(struct delay *d, struct request *r, int64_t until_us);
/* Finishes those whose time has come; all: whatever their time. */
void delay_tick(struct delay *d, int64_t now_us, bool all);

#endif
