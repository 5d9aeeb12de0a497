/* Delays answers to wrong tokens, so that guessing is slow (throttle.h). The requests stand in a list of
 * bounded length and their connections are suspended; no thread waits. */
#ifndef USHER_INGEST_GATE_DELAY_H
#define USHER_INGEST_GATE_DELAY_H

#include "ingest/request/request.h"

#define DELAYED_MAX 1024

struct delay *delay_new(void);
/* The list must be empty. */
void delay_free(struct delay *d);
/* The answer stands in r->answer and goes out at until_us (monotonic). False: the list is full, and r stays
 * the caller's. */
bool delay_add(struct delay *d, struct request *r, int64_t until_us);
/* Finishes the requests whose time has come; all: every request. */
void delay_tick(struct delay *d, int64_t now_us, bool all);

#endif
