/* The worker's metrics, registered once before any thread starts. */
#ifndef USHER_WORKERS_STATS_H
#define USHER_WORKERS_STATS_H

#include "ops/runtime/metrics.h"

/* X(member of struct worker_stats, kind, name, labels or NULL, help): one row a series. ops/metrics.md
 * explains each name. */
#define WORKER_STATS(X)                                                                                      \
    X(batches, counter, "usher_worker_batches_total", NULL, "Batches taken from usher.commands.")            \
    X(commands, counter, "usher_worker_commands_total", NULL, "Commands taken from usher.commands.")         \
    X(rebalances, counter, "usher_worker_rebalances_total", NULL,                                            \
      "Assignments and revocations of partitions.")                                                          \
    X(out_of_range, counter, "usher_worker_out_of_range_total", NULL,                                        \
      "Times that the log did not hold a partition's place any more.")                                       \
    X(commands_gone, counter, "usher_worker_commands_gone_total", NULL,                                      \
      "Commands that were gone from the log before they were taken.")                                        \
    X(accepted_lost, counter, "usher_worker_accepted_lost_total", NULL,                                      \
      "Accepted requests that the log has lost, told as failed.")                                            \
    X(apply, histogram, "usher_worker_apply_seconds", NULL, "Time of a batch's PostgreSQL transaction.")     \
    X(retries, counter, "usher_worker_retries_total", NULL, "Batches that had to be tried again.")           \
    X(poisoned, counter, "usher_worker_poison_total", NULL, "Commands that went to usher.deadletter.")       \
    X(replies, counter, "usher_worker_replies_total", NULL, "Replies produced.")                             \
    X(replies_lost, counter, "usher_worker_replies_lost_total", NULL,                                        \
      "Replies that did not reach the log; the ingest asks at its deadline.")                                \
    X(sliced, counter, "usher_worker_sliced_total", NULL,                                                    \
      "Large commands that were decided, to be done in slices.")                                             \
    X(slices, counter, "usher_worker_slices_total", NULL, "Slices of large commands that were done.")        \
    X(steps, counter, "usher_worker_steps_total", NULL, "Steps in which large commands were decided.")       \
    X(slices_open, gauge, "usher_worker_sliced_commands", NULL,                                              \
      "Large commands whose slices are under way.")                                                          \
    X(slice_time, histogram, "usher_worker_slice_seconds", NULL,                                             \
      "Time of a slice's PostgreSQL transaction, or a step's.")                                              \
    X(parked, gauge, "usher_worker_waiting_commands", NULL,                                                  \
      "Commands that wait for a large one of their workspace.")                                              \
    X(emit_transactions, counter, "usher_emit_transactions_total", NULL, "Kafka transactions committed.")    \
    X(emit_records, counter, "usher_emit_records_total", NULL, "Records emitted in them.")                   \
    X(emit_aborted, counter, "usher_emit_aborted_total", NULL, "Kafka transactions that did not commit.")    \
    X(emit_age, gauge, "usher_emit_oldest_seconds", NULL,                                                    \
      "How long the oldest row of the outbox has waited for its Kafka transaction.")                         \
    X(emit_bytes, gauge, "usher_emit_queue_bytes", NULL,                                                     \
      "Bytes of the rows in memory that wait for theirs.")                                                   \
    X(lag, gauge, "usher_worker_lag", NULL, "Commands that wait in this worker's partitions.")               \
    X(lag_most, gauge, "usher_worker_lag_max", NULL, "Commands that wait in the partition where most do.")   \
    X(dead_slots, gauge, "usher_worker_dead_slots", NULL,                                                    \
      "Slots of workers that died and that nobody has cleared up.")                                          \
    X(skew, gauge, "usher_worker_clock_skew_milliseconds", NULL,                                             \
      "Clock of PostgreSQL minus that of this machine.")                                                     \
    X(emit_refused, counter, "usher_emit_refused_total", NULL,                                               \
      "Records that Kafka refuses for ever: a stub stands in their place.")                                  \
    X(emit_end, histogram, "usher_emit_end_seconds", NULL, "Time that ending a Kafka transaction takes.")    \
    X(emit_waiting, gauge, "usher_emit_waiting_batches", NULL,                                               \
      "Rows of the outbox that wait for their Kafka transaction: one a batch and partition.")                \
    X(seats_used, gauge, "usher_seats_used", NULL,                                                           \
      "Seats that are taken, in all workspaces that have a limit.")                                          \
    X(seats_limit, gauge, "usher_seats_limit", NULL, "Seats that there may be, in all of these workspaces.") \
    X(seats_full, gauge, "usher_seats_full_workspaces", NULL,                                                \
      "Workspaces with more than 95 in 100 of their seats taken.")                                           \
    X(keys_expire, gauge, "usher_expiring_credentials", "kind=\"key\"", EXPIRING)                            \
    X(owners_expire, gauge, "usher_expiring_credentials", "kind=\"owner\"", EXPIRING)                        \
    X(short_expire, gauge, "usher_expiring_credentials", "kind=\"short\"", EXPIRING)                         \
    X(keys_expire_at, gauge, "usher_expiring_timestamp_seconds", "kind=\"key\"", EXPIRES_FIRST)              \
    X(owners_expire_at, gauge, "usher_expiring_timestamp_seconds", "kind=\"owner\"", EXPIRES_FIRST)          \
    X(short_expire_at, gauge, "usher_expiring_timestamp_seconds", "kind=\"short\"", EXPIRES_FIRST)           \
    X(archive_records, counter, "usher_archive_records_total", NULL, "Records of usher.audit archived.")     \
    X(archive_repeated, counter, "usher_archive_repeated_total", NULL,                                       \
      "Records that came again and were there already.")                                                     \
    X(archive_aside, counter, "usher_archive_aside_total", NULL,                                             \
      "Records that were put aside: nobody can read them, or their tree has stopped.")                       \
    X(archive_time, histogram, "usher_archive_seconds", NULL, "Time of an archived batch's transaction.")    \
    X(archive_lag, gauge, "usher_archive_lag", NULL, "Records that wait in this archive's partitions.")      \
    X(archive_signed, counter, "usher_archive_checkpoints_total", NULL, "Heads of trees signed.")            \
    X(archive_stopped, gauge, "usher_archive_stopped_trees", NULL,                                           \
      "Trees to which nothing is added any more.")                                                           \
    X(archive_refused, gauge, "usher_archive_refused_trees", NULL,                                           \
      "Trees of which no head is signed any more.")                                                          \
    X(deliver_taken, counter, "usher_deliver_taken_total", NULL,                                             \
      "Records that were kept as messages for endpoints.")                                                   \
    X(deliver_sent, counter, "usher_deliver_attempts_total", "result=\"good\"",                              \
      "Messages that were posted to endpoints.")                                                             \
    X(deliver_failed, counter, "usher_deliver_attempts_total", "result=\"failed\"",                          \
      "Messages that were posted to endpoints.")                                                             \
    X(deliver_lost, counter, "usher_deliver_lost_total", NULL,                                               \
      "Messages that the log had forgotten before they were delivered.")                                     \
    X(deliver_time, histogram, "usher_deliver_seconds", NULL,                                                \
      "Time from a change to the answer of an endpoint that has taken its message.")                         \
    X(deliver_held, gauge, "usher_deliver_held_endpoints", NULL,                                             \
      "Endpoints that this process delivers to just now.")                                                   \
    X(deliver_failing, gauge, "usher_deliver_failing_endpoints", NULL,                                       \
      "Endpoints whose last attempt has failed, of all workspaces.")                                         \
    X(deliver_disabled, gauge, "usher_deliver_disabled_endpoints", NULL,                                     \
      "Endpoints that are disabled, of all workspaces.")                                                     \
    X(deliver_late, gauge, "usher_deliver_late_endpoints", NULL,                                             \
      "Endpoints whose next message is older than half of deliver-days, of all workspaces.")                 \
    X(deliver_waiting, gauge, "usher_deliver_waiting_messages", NULL,                                        \
      "Messages that wait for endpoints, of all workspaces; each counts for each of them.")

#define EXPIRING "Credentials of all workspaces that expire within 20 days."
#define EXPIRES_FIRST "When the first of these credentials expires, in seconds since 1970; 0: there is none."

/* Y(member, name, help): the fullest workspaces, with their id and name as labels. */
#define WORKER_TABLES(Y)                                                                                     \
    Y(workspace_used, "usher_workspace_seats_used", "Seats that are taken, of the fullest workspaces.")      \
    Y(workspace_limit, "usher_workspace_seats_limit", "Seats that there may be, of the fullest workspaces.")

struct worker_stats {
#define WORKER_TABLES_MEMBER(member, name, help) struct metric_table *member;
    WORKER_TABLES(WORKER_TABLES_MEMBER)
#undef WORKER_TABLES_MEMBER
#define WORKER_STATS_MEMBER(member, kind, name, labels, help) struct metric *member;
    WORKER_STATS(WORKER_STATS_MEMBER)
#undef WORKER_STATS_MEMBER
};

extern struct worker_stats worker_stats;
void worker_stats_init(void);

#endif
