/* Requests whose command is published and whose outcome is awaited, by txn and by deadline. Reply, deadline
 * and failed delivery compete for them; whoever takes one owns it. Commands that share a deadline and a
 * promise form a group: that of one request, or those of the operations of a Bulk. */
#ifndef USHER_INGEST_LOG_PENDING_H
#define USHER_INGEST_LOG_PENDING_H

#include "ingest/request/request.h"

struct pending_group {
    int64_t deadline_us;
    int64_t wait_until_us; /* until then the outcome is waited for; 0 = not, or no longer */
    bool async;            /* 202 is an answer too */

    /* The table's. */
    struct pending_group *prev, *next;
    struct request *first, **end; /* its members, in the order in which they joined */
    size_t open;                  /* of them, those that nobody has taken yet */
    size_t unacked;               /* of the open ones, those that the log has not acknowledged */
    bool listed;
};

/* The part of a request that the table needs; it lives in the request's arena. */
struct pending_entry {
    struct pending_group *group;
    struct request *sibling; /* in the group */
    struct request *chain;   /* in the bucket */
    bool acked;              /* the log has the command */
    bool sent_again;         /* by a producer's successor */
};

struct pending *pending_new(void);
void pending_free(struct pending *p);

/* A group without members, in the arena of whoever outlives them all. */
struct pending_group *pending_group_new(struct arena *a, int64_t deadline_us);
/* r has a command and will stand in the table with the group. */
void pending_join(struct pending_group *g, struct request *r);
/* All its members become PENDING. From now on each may be taken by any thread: the caller no longer owns
 * them. A group without members is forgotten. */
void pending_add(struct pending *p, struct pending_group *g);

/* PENDING -> CLAIMED; NULL if it is not there (any more). */
struct request *pending_take(struct pending *p, const char *txn);

/* The log did not take this command: the same, but NULL also where an earlier copy of it is perhaps in the
 * log. What is left of an asynchronous group cannot be promised then and is decided at once. */
struct request *pending_take_refused(struct pending *p, const char *txn);

/* Takes the open members of a group whose time is up, linked by `next`; NULL if there is none. *accepted: the
 * log has what was asked for asynchronously, so 202 is the answer; otherwise the deadline has passed. */
struct request *pending_take_expired(struct pending *p, int64_t now_us, bool *accepted);
/* The log has the command of an asynchronous request. Takes those to whom 202 can be said now, linked by
 * `next`: the open members of its group if the log has them all, and nothing else is waited for. */
struct request *pending_acknowledge(struct pending *p, const char *txn);
/* Calls fn for each that is open, in the order of their deadlines, under the lock: fn must neither block nor
 * keep the request. */
void pending_each(struct pending *p, void (*fn)(struct request *r, void *ctx), void *ctx);
size_t pending_count(struct pending *p);

#endif
