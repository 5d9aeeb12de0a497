/* Answers that are held back for a while, so that guessing tokens is slow (throttle.h): the requests stand in
 * a list of bounded length, their connections suspended; no thread waits. */
#ifndef USHER_INGEST_GATE_DELAY_H
#define USHER_INGEST_GATE_DELAY_H

#include "ingest/request/request.h"

#define HOLD_MOST 1024

struct hold *hold_new(void);
/* Nothing may be held any more. */
void hold_free(struct hold *h);
/* The answer stands in r->answer; from then on (monotonic) it goes out. False: no room, r is still the
 * caller's. */
bool hold_add(struct hold *h, struct request *r, int64_t until_us);
/* Finishes those whose time has come; all: whatever their time. */
void hold_tick(struct hold *h, int64_t now_us, bool all);

#endif
