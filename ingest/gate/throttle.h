/* Guessing tokens is slow: answers to wrong ones are held back, the longer the more of them came from one
 * source within the last minute. Bounded memory, nothing shared between instances, no thread waits. */
#ifndef USHER_INGEST_GATE_THROTTLE_H
#define USHER_INGEST_GATE_THROTTLE_H

#include "ops/runtime/net_range.h"

#include <stdint.h>

#define THROTTLE_FREE 5             /* wrong tokens in a minute that are answered at once */
#define THROTTLE_FIRST_US 100000    /* the next one waits so long, and each one after it … */
#define THROTTLE_MOST_US 2000000    /* … twice as long, up to this */
#define THROTTLE_WINDOW_US 60000000 /* a source without a wrong token for so long starts anew */

struct throttle;

struct throttle *throttle_new(void);
void throttle_free(struct throttle *t);
/* A wrong token came from that source; how long its answer is to be held back, in microseconds. Thread-safe.
 */
int64_t throttle_failed(struct throttle *t, const struct net_address *source, int64_t now_us);

#endif
