/* The metrics of usher-livekit, registered once before any thread starts. */
#ifndef USHER_WORKERS_LIVEKIT_STATS_H
#define USHER_WORKERS_LIVEKIT_STATS_H

#include "ops/runtime/metrics.h"

/* X(member of struct livekit_stats, kind, name, labels or NULL, help): one row a series. ops/metrics.md
 * explains each name. */
#define LIVEKIT_STATS(X)                                                                                     \
    X(events, counter, "usher_livekit_events_total", NULL, "Events of usher.membership that were news.")     \
    X(repeated, counter, "usher_livekit_repeated_total", NULL,                                               \
      "Records of usher.membership that were known already.")                                                \
    X(reloads, counter, "usher_livekit_reloads_total", NULL,                                                 \
      "Workspaces read anew from usher.rooms: a gap, a new epoch, a stub, or an unknown event.")             \
    X(event_age, histogram, "usher_livekit_event_age_seconds", NULL,                                         \
      "From the time of a change to its event here, by the clocks of both machines.")                        \
    X(act, histogram, "usher_livekit_act_seconds", NULL,                                                     \
      "From the event, or the webhook, to LiveKit's acknowledgement of the call.")                           \
    X(removed, counter, "usher_livekit_calls_total", "call=\"remove\"",                                      \
      "Calls that LiveKit has acknowledged.")                                                                \
    X(permitted, counter, "usher_livekit_calls_total", "call=\"permission\"",                                \
      "Calls that LiveKit has acknowledged.")                                                                \
    X(created, counter, "usher_livekit_calls_total", "call=\"create\"",                                      \
      "Calls that LiveKit has acknowledged.")                                                                \
    X(deleted, counter, "usher_livekit_calls_total", "call=\"delete\"",                                      \
      "Calls that LiveKit has acknowledged.")                                                                \
    X(listed, counter, "usher_livekit_calls_total", "call=\"list\"", "Calls that LiveKit has acknowledged.") \
    X(absent, counter, "usher_livekit_absent_total", NULL,                                                   \
      "Acknowledged calls about a person or a room that was not there.")                                     \
    X(failed, counter, "usher_livekit_failed_total", NULL, "Calls that failed, and come again.")             \
    X(hooks, counter, "usher_livekit_webhooks_total", NULL, "Webhooks of LiveKit that were genuine.")        \
    X(hooks_refused, counter, "usher_livekit_webhooks_refused_total", NULL,                                  \
      "Webhooks that were not: no signature, a wrong one, another body, too old.")                           \
    X(guarded, counter, "usher_livekit_guard_total", "does=\"remove\"",                                      \
      "People who came in and had to be taken out, or got another permission.")                              \
    X(corrected, counter, "usher_livekit_guard_total", "does=\"permission\"",                                \
      "People who came in and had to be taken out, or got another permission.")                              \
    X(reconciled, counter, "usher_livekit_reconciled_total", NULL, "Comparisons of all rooms that ended.")   \
    X(differences, counter, "usher_livekit_differences_total", NULL,                                         \
      "Differences that comparing has found: rooms, people, permissions.")                                   \
    X(overflowed, counter, "usher_livekit_overflowed_total", NULL,                                           \
      "People for whom there was no place to wait; their rooms were compared instead.")                      \
    X(waiting, gauge, "usher_livekit_waiting", NULL, "People and rooms for which a call waits.")             \
    X(under_way, gauge, "usher_livekit_calls_under_way", NULL, "Calls that LiveKit has not answered yet.")   \
    X(rooms, gauge, "usher_livekit_rooms", NULL, "Rooms in the table.")                                      \
    X(away, gauge, "usher_livekit_away", NULL, "LiveKit servers that do not answer.")                        \
    X(lag, gauge, "usher_livekit_lag", NULL, "Records of usher.membership that are not read yet.")

struct livekit_stats {
#define LIVEKIT_STATS_MEMBER(member, kind, name, labels, help) struct metric *member;
    LIVEKIT_STATS(LIVEKIT_STATS_MEMBER)
#undef LIVEKIT_STATS_MEMBER
};

extern struct livekit_stats livekit_stats;
void livekit_stats_init(void);

#endif
