/* The ingest's metrics, registered once before any thread starts. */
#ifndef USHER_INGEST_STATS_H
#define USHER_INGEST_STATS_H

#include "ops/runtime/metrics.h"

#define STATS_METHODS 7 /* enum http_method */
#define STATS_CLASSES 6 /* status / 100 */

struct stats {
    struct metric *requests[STATS_METHODS][STATS_CLASSES];
    struct metric *duration[STATS_METHODS];
    struct metric *in_flight, *connections, *pending, *reaped, *guarded, *over_cap;
    struct metric *gate_batches, *gate_requests, *gate_admit, *gate_read;
    struct metric *rate_limited, *unauthorized;
    struct metric *published, *publish_failed, *producers_replaced;
    struct metric *replies, *unknown_replies;
    struct metric *deadline_won, *deadline_lost, *deadline_unknown;
    struct metric *audit_waiting, *audit_ack, *audit_late, *audit_dropped;
};

extern struct stats stats;
void stats_init(void);

#endif
