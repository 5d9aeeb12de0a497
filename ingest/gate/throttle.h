/* Makes guessing tokens slow: the more wrong tokens came from a source within the last minute, the longer the
 * answer to the next one is delayed. Memory is bounded; instances share nothing; no thread waits. */
#ifndef USHER_INGEST_GATE_THROTTLE_H
#define USHER_INGEST_GATE_THROTTLE_H

#include "ops/runtime/net_range.h"

#include <stdint.h>

#define THROTTLE_FREE 5             /* this many wrong tokens in a minute are answered at once */
#define THROTTLE_FIRST_US 100000    /* the next one waits this long, and each further one … */
#define THROTTLE_MOST_US 2000000    /* … twice as long, up to this */
#define THROTTLE_WINDOW_US 60000000 /* a source without a wrong token for this long starts at zero again */

struct throttle;

struct throttle *throttle_new(void);
void throttle_free(struct throttle *t);
/* Counts a wrong token. Gives how long its answer must be delayed, in microseconds. Thread-safe. */
int64_t throttle_failed(struct throttle *t, const struct net_address *source, int64_t now_us);

#endif
