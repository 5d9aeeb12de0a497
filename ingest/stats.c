#include "ingest/stats.h"

#include "ops/runtime/trace.h"

#include <stdio.h>

struct stats stats;

static struct metric *request_counter(const char *method, int class) {
    char labels[64];
    snprintf(labels, sizeof labels, "method=\"%s\",status=\"%dxx\"", method, class);
    return metric_counter("usher_http_requests_total", labels,
                          "Answered requests by method and class of status.");
}

static struct metric *request_duration(const char *method) {
    char labels[32];
    snprintf(labels, sizeof labels, "method=\"%s\"", method);
    return metric_histogram("usher_http_request_duration_seconds", labels,
                            "From the request line read to the answer queued.");
}

/* usher sends no status outside of 200 to 599. If it does, that is a fault of usher and counts as 5xx. */
static void init_requests(void) {
    static const char *const methods[STATS_METHODS] = {"GET",    "POST",    "PUT",  "PATCH",
                                                       "DELETE", "OPTIONS", "other"};
    for (int m = 0; m < STATS_METHODS; m++) {
        for (int c = 2; c < STATS_CLASSES; c++)
            stats.requests[m][c] = request_counter(methods[m], c);
        stats.requests[m][0] = stats.requests[m][1] = stats.requests[m][5];
        stats.duration[m] = request_duration(methods[m]);
    }
}

void stats_init(void) {
    init_requests();
#define STATS_REGISTER(member, kind, name, labels, help) stats.member = metric_##kind(name, labels, help);
    STATS(STATS_REGISTER)
#undef STATS_REGISTER
    trace_stats_init("ingest");
}
