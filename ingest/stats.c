#include "ingest/stats.h"

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

static void init_http(void) {
    static const char *const methods[STATS_METHODS] = {"GET",    "POST",    "PUT",  "PATCH",
                                                       "DELETE", "OPTIONS", "other"};
    for (int m = 0; m < STATS_METHODS; m++) {
        for (int c = 2; c < STATS_CLASSES; c++)
            stats.requests[m][c] = request_counter(methods[m], c);
        stats.requests[m][0] = stats.requests[m][1] = stats.requests[m][5];
        stats.duration[m] = request_duration(methods[m]);
    }
    stats.in_flight = metric_gauge("usher_in_flight_requests", NULL, "Requests that wait for their answer.");
    stats.connections = metric_gauge("usher_http_connections", NULL, "Open client connections.");
    stats.reaped =
        metric_counter("usher_http_reaped_total", NULL, "Connections ended for sending too slowly.");
    stats.guarded = metric_counter("usher_http_guarded_total", NULL, "Requests refused for malformed HTTP.");
    stats.over_cap = metric_counter("usher_http_over_cap_total", NULL,
                                    "Requests refused because too many were in flight.");
}

static void init_gate(void) {
    stats.gate_batches =
        metric_counter("usher_gate_batches_total", NULL, "Batches taken by the gate threads.");
    stats.gate_requests =
        metric_counter("usher_gate_batch_requests_total", NULL, "Requests in those batches.");
    stats.gate_admit =
        metric_histogram("usher_gate_admit_seconds", NULL, "Round trip of one admission batch.");
    stats.gate_read = metric_histogram("usher_gate_read_seconds", NULL, "Round trip of one batch of reads.");
    stats.rate_limited =
        metric_counter("usher_rate_limited_total", NULL, "Requests refused over their key's rate.");
    stats.unauthorized =
        metric_counter("usher_unauthorized_total", NULL, "Requests without a valid credential.");
}

static struct metric *deadline(const char *result) {
    char labels[32];
    snprintf(labels, sizeof labels, "result=\"%s\"", result);
    return metric_counter("usher_deadlines_total", labels,
                          "Commands not answered in time: cancelled, applied after all, or not to be asked.");
}

static void init_log(void) {
    stats.pending = metric_gauge("usher_pending_commands", NULL, "Published commands without a reply yet.");
    stats.published =
        metric_counter("usher_commands_published_total", NULL, "Commands acknowledged by Kafka.");
    stats.publish_failed =
        metric_counter("usher_commands_failed_total", NULL, "Commands that Kafka did not take.");
    stats.producers_replaced =
        metric_counter("usher_producers_replaced_total", NULL, "Producers replaced after a fatal error.");
    stats.replies = metric_counter("usher_replies_total", NULL, "Replies that a request waited for.");
    stats.unknown_replies = metric_counter("usher_unknown_replies_total", NULL,
                                           "Replies that nobody here waited for (any more).");
    stats.deadline_won = deadline("cancelled");
    stats.deadline_lost = deadline("applied");
    stats.deadline_unknown = deadline("unknown");
    stats.audit_waiting = metric_gauge("usher_audit_unacknowledged", NULL,
                                       "Request records that Kafka has not acknowledged yet.");
    stats.audit_ack = metric_histogram("usher_audit_ack_seconds", NULL,
                                       "From a request record produced to its acknowledgement.");
    stats.audit_late =
        metric_counter("usher_audit_late_total", NULL,
                       "Answers replaced by 503 because their record was not acknowledged in time.");
    stats.audit_dropped = metric_counter("usher_audit_dropped_total", NULL,
                                         "Requests left unanswered because no record of them could be kept.");
}

void stats_init(void) {
    init_http();
    init_gate();
    init_log();
}
