/* What waits for its Kafka transaction, partition by partition: rows of the outbox, strictly by number, and
 * the offset of usher.commands that may be committed. The table in PostgreSQL has all rows; memory has those
 * that there is room for. It knows neither Kafka nor threads: whoever uses it holds the emitter's lock,
 * except where it says otherwise. */
#ifndef USHER_WORKERS_EMIT_LANES_H
#define USHER_WORKERS_EMIT_LANES_H

#include "workers/rows.h"

enum { LANE_MEMBERSHIP, LANE_ROOMS, LANE_EVENTS, LANE_AUDIT, LANE_DEADLETTER, LANE_TOPICS };

struct lane {
    int32_t partition;
    bool held; /* the partition is ours */
    /* done <= sent <= last. done: its transaction was seen to commit; sent: in the open one; last: in
     * PostgreSQL */
    int64_t done, sent, last;
    int64_t marked;                    /* up to where the table marks says that rows are emitted */
    int64_t offset, committed, ending; /* of usher.commands: may be committed; is; in the open transaction */
    struct row *head, **tail, **next;  /* in memory, by number; next: the first that is not sent */
    int64_t since_us;                  /* how long the first that is not in memory has waited, at least */
    /* Behind the last record in each topic: of what is done, and of the open transaction; 0: none so far. */
    int64_t positions[LANE_TOPICS], open_positions[LANE_TOPICS];
};

struct lanes {
    struct lane *lane; /* by partition */
    int32_t n;
    size_t bytes, most_bytes; /* of the rows in memory */
};

void lanes_init(struct lanes *l, int32_t partitions, size_t most_bytes);
void lanes_free(struct lanes *l);

/* number: of the last row that is emitted. */
void lane_take(struct lanes *l, int32_t partition, int64_t number, int64_t last, int64_t mark,
               int64_t offset);
void lane_release(struct lanes *l, int32_t partition);
/* Takes the row, or drops it from memory where there is no room. */
void lane_push(struct lanes *l, struct row *row);

/* Has it something that is not in the open transaction? */
static inline bool lane_waits(const struct lane *p) {
    return p->held && (p->last > p->sent || p->offset != p->ending);
}
/* The next row to send, if it is in memory. It stays where it is: memory of a row does not move, and nobody
 * frees it until the transaction has ended, so it may be read without the lock. */
struct row *lane_next(const struct lane *p);
/* The next row is not in memory, and is one of those up to *last, which are to be read from the table. */
bool lane_lacks(const struct lane *p, int64_t *last);
/* A row from the table, in its place. */
void lane_insert(struct lanes *l, struct lane *p, struct row *row);
void lane_sent(struct lane *p); /* the next row is in the open transaction */

/* The open transaction has ended: everything of it is done, or nothing. */
void lane_commit(struct lanes *l, struct lane *p);
void lane_abort(struct lane *p);
/* Kafka says that rows up to this number are emitted, and which offset is committed. No transaction is open.
 */
void lane_settle(struct lanes *l, struct lane *p, int64_t number, int64_t offset);

/* Rows that wait, and since when the oldest does; 0: none. */
int64_t lanes_waiting(const struct lanes *l);
int64_t lanes_since_us(const struct lanes *l);
bool lanes_wait(const struct lanes *l);     /* is there something for a transaction? */
bool lanes_unmarked(const struct lanes *l); /* is something emitted that the table marks does not know of? */

#endif
