/* What each source has sent without a good credential. Two things follow: the more wrong tokens came from it
 * within the last minute, the longer the answer to the next one is delayed; and beyond a limit within ten
 * seconds its requests are refused together, on record as a group. Who has a good credential is not slowed
 * down, from whatever source.
 *
 * A source is an address of IPv4, or a /64 of IPv6, because one customer has all of that. Memory is bounded:
 * a table of sets. A source stays in its set until it was silent for a minute, so nobody gets rid of his own
 * count by coming from many sources; those that find no place in their set are counted as one. Instances
 * share nothing; no thread waits. */
#ifndef USHER_INGEST_GATE_THROTTLE_H
#define USHER_INGEST_GATE_THROTTLE_H

#include "ops/runtime/net_range.h"
#include "ops/runtime/token.h"

#include <stdint.h>

#define THROTTLE_FREE 5             /* this many wrong tokens in a minute are answered at once */
#define THROTTLE_FIRST_US 100000    /* the next one waits this long, and each further one … */
#define THROTTLE_MOST_US 2000000    /* … twice as long, up to this */
#define THROTTLE_WINDOW_US 60000000 /* a source without a wrong token for this long starts at zero again */
/* Of a source that is over its limit so many unknown tokens are still looked up in a period: a good one that
 * was never seen here may come from there too. */
#define THROTTLE_ASKS 20
#define THROTTLE_PERIOD_US 10000000 /* the limit is on so long a time, and a group is of so long a one */

struct throttle;

/* Requests of one source that were refused over the limit. */
struct throttle_group {
    bool many;                  /* of the sources that found no place */
    struct net_address network; /* the source, unless many: of IPv6 the first address of its /64 */
    int64_t requests;
    int64_t first_us, last_us; /* monotonic */
};

/* limit: requests without a good credential of one source in THROTTLE_PERIOD_US. */
struct throttle *throttle_new(int limit);
void throttle_free(struct throttle *t);
/* A token of that source is to be looked up. False: its source is over the limit, the token was not good here
 * before, and enough others were looked up in this period. */
bool throttle_lets_ask(struct throttle *t, const struct net_address *source,
                       const unsigned char token_hash[TOKEN_HASH_SIZE], int64_t now_us);
/* A good one: it is looked up whatever else its source sends. Some thousands are remembered. */
void throttle_good(struct throttle *t, const unsigned char token_hash[TOKEN_HASH_SIZE]);
/* Counts a wrong token. Gives how long its answer must be delayed, in microseconds; 0 for a source that is
 * over its limit, whose requests are refused at once. */
int64_t throttle_failed(struct throttle *t, const struct net_address *source, int64_t now_us);
/* Counts a request without a good credential. 0: within the limit. Else the request is refused and counts for
 * its group; gives after how many seconds the source may try again. */
int throttle_count(struct throttle *t, const struct net_address *source, int64_t now_us);
/* Tells of the groups whose period is over; all: of every group. tell gives false to be told again later. */
void throttle_groups(struct throttle *t, int64_t now_us, bool all,
                     bool (*tell)(void *ctx, const struct throttle_group *g), void *ctx);

#endif
