/* The ingest's metrics, registered once before any thread starts. */
#ifndef USHER_INGEST_STATS_H
#define USHER_INGEST_STATS_H

#include "ops/runtime/metrics.h"

#define STATS_METHODS 7 /* enum http_method */
#define STATS_CLASSES 6 /* status / 100 */

/* X(member of struct stats, kind, name, labels or NULL, help): one row a series. ops/metrics.md explains each
 * name. */
#define STATS(X)                                                                                             \
    X(in_flight, gauge, "usher_in_flight_requests", NULL, "Requests that wait for their answer.")            \
    X(connections, gauge, "usher_http_connections", NULL, "Open client connections.")                        \
    X(tls_expires, gauge, "usher_tls_expires_timestamp_seconds", NULL,                                       \
      "When the certificate expires, in seconds since 1970; 0 without one.")                                 \
    X(no_room, gauge, "usher_postgresql_disk_full", NULL,                                                    \
      "1 while PostgreSQL's disk is full and no change is taken, else 0.")                                   \
    X(closed_head, counter, "usher_http_closed_total", "reason=\"head\"", CLIENTS_CLOSED)                    \
    X(closed_body, counter, "usher_http_closed_total", "reason=\"body\"", CLIENTS_CLOSED)                    \
    X(closed_answer, counter, "usher_http_closed_total", "reason=\"answer\"", CLIENTS_CLOSED)                \
    X(closed_idle, counter, "usher_http_closed_total", "reason=\"idle\"", CLIENTS_CLOSED)                    \
    X(closed_source, counter, "usher_http_closed_total", "reason=\"source\"", CLIENTS_CLOSED)                \
    X(closed_full, counter, "usher_http_closed_total", "reason=\"full\"", CLIENTS_CLOSED)                    \
    X(guarded, counter, "usher_http_guarded_total", NULL, "Requests refused for malformed HTTP.")            \
    X(over_cap, counter, "usher_http_over_cap_total", NULL,                                                  \
      "Requests refused because too many were in flight.")                                                   \
    X(body_bytes, gauge, "usher_body_bytes", NULL, "Memory that bodies of requests take.")                   \
    X(body_refused_memory, counter, "usher_body_refused_total", "reason=\"memory\"", BODIES_REFUSED)         \
    X(body_refused_workspace, counter, "usher_body_refused_total", "reason=\"workspace\"", BODIES_REFUSED)   \
    X(body_refused_time, counter, "usher_body_refused_total", "reason=\"time\"", BODIES_REFUSED)             \
    X(body_waiting, gauge, "usher_body_waiting", NULL, "Requests with large bodies that wait for a thread.") \
    X(wrong_moves, counter, "usher_request_wrong_moves_total", NULL,                                         \
      "Requests that went from one state to one that cannot follow it.")                                     \
    X(gate_batches, counter, "usher_gate_batches_total", NULL, "Batches taken by the gate threads.")         \
    X(gate_requests, counter, "usher_gate_batch_requests_total", NULL, "Requests in those batches.")         \
    X(gate_admit, histogram, "usher_gate_admit_seconds", NULL, "Round trip of one admission batch.")         \
    X(gate_read, histogram, "usher_gate_read_seconds", NULL, "Round trip of one batch of reads.")            \
    X(lists_running, gauge, "usher_lists_running", NULL, "Lists that run.")                                  \
    X(lists_waiting, gauge, "usher_lists_waiting", NULL, "Lists that wait for their turn.")                  \
    X(list_bytes, gauge, "usher_list_bytes", NULL, "Bytes of the rows and answers of lists.")                \
    X(list_seconds, histogram, "usher_list_seconds", NULL, "From the begin of a list to its last row.")      \
    X(lists_waited, counter, "usher_lists_ended_total", "reason=\"waited\"", LISTS_ENDED)                    \
    X(lists_worked, counter, "usher_lists_ended_total", "reason=\"time\"", LISTS_ENDED)                      \
    X(lists_too_large, counter, "usher_lists_ended_total", "reason=\"size\"", LISTS_ENDED)                   \
    X(lists_no_memory, counter, "usher_lists_ended_total", "reason=\"memory\"", LISTS_ENDED)                 \
    X(lists_late, counter, "usher_lists_ended_total", "reason=\"deadline\"", LISTS_ENDED)                    \
    X(lists_gone, counter, "usher_lists_ended_total", "reason=\"gone\"", LISTS_ENDED)                        \
    X(lists_revoked, counter, "usher_lists_ended_total", "reason=\"revoked\"", LISTS_ENDED)                  \
    X(exports_open, gauge, "usher_exports_open", NULL, "Exports of the audit that are being sent.")          \
    X(rate_limited, counter, "usher_rate_limited_total", NULL, "Requests refused over their key's rate.")    \
    X(unauthorized, counter, "usher_unauthorized_total", NULL, "Requests without a valid credential.")       \
    X(unauthorized_over, counter, "usher_unauthorized_over_limit_total", NULL,                               \
      "Requests without a valid credential refused over the limit of their source.")                         \
    X(client_keys_fetched, counter, "usher_client_keys_fetches_total", "result=\"fetched\"", CLIENT_KEYS)    \
    X(client_keys_failed, counter, "usher_client_keys_fetches_total", "result=\"failed\"", CLIENT_KEYS)      \
    X(polls, gauge, "usher_polls", NULL, "Polls of streams that are under way, waiting ones too.")           \
    X(viewers, gauge, "usher_live_views", NULL, "Live views of changes that are open.")                      \
    X(viewers_refused, counter, "usher_live_views_refused_total", NULL,                                      \
      "Live views refused because there were too many.")                                                     \
    X(sign_ins, counter, "usher_portal_sign_ins_total", NULL, "Sessions of the portal that were opened.")    \
    X(provider_answers, counter, "usher_provider_requests_total", "result=\"answered\"", PROVIDERS)          \
    X(provider_failures, counter, "usher_provider_requests_total", "result=\"failed\"", PROVIDERS)           \
    X(assertions_repeated, counter, "usher_assertions_repeated_total", NULL,                                 \
      "Assertions of OAuth clients that were used before.")                                                  \
    X(pending, gauge, "usher_pending_commands", NULL, "Published commands without a reply yet.")             \
    X(window_waiting, gauge, "usher_commands_waiting", NULL,                                                 \
      "Commands that wait until others of their workspace have an outcome.")                                 \
    X(published, counter, "usher_commands_published_total", NULL, "Commands acknowledged by Kafka.")         \
    X(publish_failed, counter, "usher_commands_failed_total", NULL, "Commands that Kafka did not take.")     \
    X(producers_replaced, counter, "usher_producers_replaced_total", NULL,                                   \
      "Producers replaced after a fatal error.")                                                             \
    X(replies, counter, "usher_replies_total", NULL, "Replies that a request waited for.")                   \
    X(unknown_replies, counter, "usher_unknown_replies_total", NULL,                                         \
      "Replies that nobody here waited for (any more).")                                                     \
    X(deadline_won, counter, "usher_deadlines_total", "result=\"cancelled\"", DEADLINES)                     \
    X(deadline_lost, counter, "usher_deadlines_total", "result=\"applied\"", DEADLINES)                      \
    X(deadline_unknown, counter, "usher_deadlines_total", "result=\"unknown\"", DEADLINES)                   \
    X(audit_waiting, gauge, "usher_audit_unacknowledged", NULL,                                              \
      "Request records that Kafka has not acknowledged yet.")                                                \
    X(audit_ack, histogram, "usher_audit_ack_seconds", NULL,                                                 \
      "From a request record produced to its acknowledgement.")                                              \
    X(audit_late, counter, "usher_audit_late_total", NULL,                                                   \
      "Answers replaced by 503 because their record was not acknowledged in time.")                          \
    X(audit_dropped, counter, "usher_audit_dropped_total", NULL,                                             \
      "Requests left unanswered because no record of them could be kept.")

#define LISTS_ENDED "Lists refused, or cancelled in PostgreSQL, before they had all rows."
#define CLIENTS_CLOSED                                                                                       \
    "Connections ended: too slow with head, body or answer, idle, too many of a source, too many in all."
#define BODIES_REFUSED                                                                                       \
    "Requests refused for their bodies: no memory, no more for the workspace, or waited too long."
#define PROVIDERS "Requests to OpenID providers that people sign in to the portal by."
#define CLIENT_KEYS "Fetches of OAuth clients' public keys from their jwks_uri."
#define DEADLINES "Commands not answered in time: cancelled, applied after all, or not to be asked."

struct stats {
    struct metric *requests[STATS_METHODS][STATS_CLASSES];
    struct metric *duration[STATS_METHODS];
#define STATS_MEMBER(member, kind, name, labels, help) struct metric *member;
    STATS(STATS_MEMBER)
#undef STATS_MEMBER
};

extern struct stats stats;
void stats_init(void);

#endif
