/* Spans of attempts to deliver a message, in the trace of the request that the message comes from. One
 * request can change a hundred thousand people and have fifty endpoints: so of one trace only the first
 * attempts have spans. */
#ifndef USHER_WORKERS_DELIVER_ATTEMPT_TRACE_H
#define USHER_WORKERS_DELIVER_ATTEMPT_TRACE_H

#include "workers/deliver/endpoint.h"

#include <stdbool.h>

#define ATTEMPT_SPANS 100 /* of one trace */
#define ATTEMPT_TRACES_KNOWN                                                                                 \
    1024 /* traces that are counted at a time; one that was forgotten begins anew                            \
          */

struct attempt_traces {
    struct {
        char id[33];
        unsigned spans;
    } known[ATTEMPT_TRACES_KNOWN];
};

/* Counts one more span of the trace that `traceparent` names. False: it has had as many as it may. */
USHER_MUST_CHECK bool attempt_trace_count(struct attempt_traces *t, const char *traceparent);
/* The attempt of e->now has ended, as `a` says. */
void attempt_trace(struct attempt_traces *t, const struct endpoint *e, const struct delivery_attempt *a);

#endif
