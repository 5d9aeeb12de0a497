/* Inside of the emitter: its state, shared by emitter.c (the thread, and who calls from others),
 * transaction.c (one Kafka transaction), producer.c and table.c (what it asks PostgreSQL). */
#ifndef USHER_WORKERS_EMIT_EMITTER_IMPL_H
#define USHER_WORKERS_EMIT_EMITTER_IMPL_H

#include "sql/db.h"
#include "workers/emit/emitter.h"
#include "workers/emit/lanes.h"

#include <pthread.h>
#include <stdatomic.h>

struct emitter {
    const struct config *config;
    struct slot *slot;
    bool exactly_once;
    int64_t hold_us;
    /* The emit thread's alone. */
    rd_kafka_t *producer;
    struct db *db;
    bool in_doubt; /* a transaction of which nobody knows how it ended: Kafka is to be asked */
    bool troubled; /* said so */
    int attempts;  /* that failed, one after the other */
    int64_t retry_at_us, marks_at_us;
    pthread_t thread;
    bool clean;

    _Atomic(rd_kafka_t *) consumer;
    atomic_bool doubtful;  /* a transport error was seen while a transaction was open */
    atomic_bool some_lost; /* some of lost is true */
    atomic_bool dropping;  /* the partitions are lost: whatever is under way is to end at once */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock. */
    struct lanes lanes;
    rd_kafka_consumer_group_metadata_t *group; /* of the assignment: fences whoever has lost it */
    bool *lost; /* by partition: what is known of it is worth nothing any more */
    bool busy, stopping;
    bool settling; /* what is under way is to end soon … */
    bool halted;   /* … and nothing new begins */
};

/* emitter.c */
bool emitter_wait_until(struct emitter *e, int64_t until_us); /* under the lock; false: the time has come */
void emitter_show(struct emitter *e);                         /* the metrics; under the lock */
void emitter_lose(struct emitter *e, int32_t partition);      /* it is to be taken anew; under the lock */

/* transaction.c: emits what waits, within the bounds of one transaction. Sets when to try again where that
 * failed. */
void emitter_transact(struct emitter *e);

/* producer.c */
bool emitter_open_producer(struct emitter *e);
void emitter_close_producer(struct emitter *e);
void emitter_report(struct emitter *e, const char *step, rd_kafka_error_t *error);
/* A transport error while a transaction was open, or an end that took longer than a request may: a late
 * request of it could hit the next transaction of the same instance, so there must not be one. */
bool emitter_doubts(struct emitter *e, int64_t started_us);
/* Asks Kafka which rows are emitted, and goes on behind them. False: it cannot be asked now. */
bool emitter_look_up(struct emitter *e);

/* table.c: rows that are not in memory; false where PostgreSQL does not give them. And how far all is
 * emitted. */
bool emitter_fetch_rows(struct emitter *e);
void emitter_write_marks(struct emitter *e);

#endif
