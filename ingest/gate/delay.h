/* Requests that wait for some time: answers to wrong tokens, so that guessing is slow (throttle.h), those
 * that would come too early (admission.c), and requests that ask for rate units once more. They stand in a
 * list and their connections are suspended; no thread waits. */
#ifndef USHER_INGEST_GATE_DELAY_H
#define USHER_INGEST_GATE_DELAY_H

#include "ingest/request/request.h"

#define DELAYED_MAX 1024 /* answers */

/* again: takes a request that has waited for its next try. */
struct delay *delay_new(void (*again)(struct request *r));
/* The list must be empty. */
void delay_free(struct delay *d);
/* The answer stands in r->answer and goes out at until_us (monotonic). False: the list is full, and r stays
 * the caller's. */
bool delay_add(struct delay *d, struct request *r, int64_t until_us);
/* r is given to `again` at until_us. They are no more than the requests in flight. */
void delay_again(struct delay *d, struct request *r, int64_t until_us);
/* Lets the requests go whose time has come; all: every request. */
void delay_tick(struct delay *d, int64_t now_us, bool all);

#endif
