/* The table of requests whose command is published and whose outcome is awaited: found by txn, and listed by
 * deadline. Reply, deadline and failed delivery compete for a request; whoever takes it owns it. Commands
 * with one deadline that can only be promised together form a group: the one of a single request, or those of
 * a Bulk. */
#ifndef USHER_INGEST_LOG_PENDING_H
#define USHER_INGEST_LOG_PENDING_H

#include "ingest/request/request.h"

struct pending_group {
    int64_t deadline_us;
    int64_t wait_until_us; /* how long the outcome is waited for before 202; 0 = not, or no longer */
    bool async;            /* the answer may be 202 */

    /* Only for the table. */
    struct pending_group *prev, *next;
    struct request *first, **end; /* members, in the order in which they joined */
    size_t open;                  /* members that nobody has taken */
    size_t unacked;               /* open members whose command the log has not acknowledged */
    bool listed;
};

/* The part of a request that the table needs. It lives in the arena of the request. */
struct pending_entry {
    struct pending_group *group;
    struct request *sibling; /* the next member of the group */
    struct request *chain;   /* the next request of the bucket */
    bool acked;              /* the log has the command */
    bool sent_again;         /* after a producer instance was replaced */
};

struct pending *pending_new(void);
void pending_free(struct pending *p);

/* A group without members. The arena must live longer than all members. */
struct pending_group *pending_group_new(struct arena *a, int64_t deadline_us);
/* r becomes a member. It has a command. */
void pending_join(struct pending_group *g, struct request *r);
/* All members become PENDING. From now on any thread may take each of them: the caller no longer owns them. A
 * group without members is ignored. */
void pending_add(struct pending *p, struct pending_group *g);

/* PENDING -> CLAIMED. NULL: no such request, or another thread has taken it. */
struct request *pending_take(struct pending *p, const char *txn);

/* The log has not taken the command. Like pending_take, but NULL also if an earlier copy of the command may
 * be in the log. If the group is asynchronous, its other members cannot be promised any more and are due at
 * once. */
struct request *pending_take_refused(struct pending *p, const char *txn);

/* Takes the open members of a group that is due, linked by r->next; NULL if no group is. *accepted: the
 * answer is 202, because the log has all of an asynchronous group. Else the deadline has passed. */
struct request *pending_take_expired(struct pending *p, int64_t now_us, bool *accepted);
/* The log has the command of an asynchronous request. If the log now has all of its group and the wait is
 * over, takes the open members, linked by r->next; they are answered 202. Else NULL. */
struct request *pending_acknowledge(struct pending *p, const char *txn);
/* The reply has come, perhaps before the acknowledgement. Where nobody waits for the outcome (any more), the
 * reply says what an acknowledgement says: *accepted is true, and the result is that of pending_acknowledge.
 * Else it is that of pending_take. */
struct request *pending_take_replied(struct pending *p, const char *txn, bool *accepted);
/* Calls fn for each PENDING request, in the order of deadlines, under the lock: fn must neither block nor
 * keep the request. */
void pending_each(struct pending *p, void (*fn)(struct request *r, void *ctx), void *ctx);
/* Is the request PENDING? Another thread may take it at any moment. */
bool pending_waits(struct pending *p, const char *txn);
size_t pending_count(struct pending *p);

#endif
