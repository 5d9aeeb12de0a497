/* Inside of the lists: what lists.c (who is here, whose turn it is, the clock) and list_run.c (one list)
 * share. */
#ifndef USHER_INGEST_GATE_LISTS_IMPL_H
#define USHER_INGEST_GATE_LISTS_IMPL_H

#include "ingest/gate/lists.h"
#include "ingest/gate/turns.h"

#include <pthread.h>
#include <stdatomic.h>

/* How a list ends that has no rows. */
enum list_end {
    LIST_GOES_ON,   /* it does not */
    LIST_WAITED,    /* too long, or too many of its key wait: 429 */
    LIST_WORKED,    /* its time in PostgreSQL is over: 400 tooMany */
    LIST_TOO_LARGE, /* one answer would take too much memory: 400 tooMany */
    LIST_NO_MEMORY, /* all answers take too much memory: 503 */
    LIST_LATE,      /* the deadline came first: 503 */
    LIST_GONE,      /* the client has closed the connection */
    LIST_REVOKED,   /* the key was revoked or rotated, or has expired: 401 */
    LIST_ENDS
};

/* A list that waits or runs. It lives in the arena of its request. */
struct list {
    struct turn turn; /* the first member */
    struct lists *lists;
    struct request *r;
    struct list *prev, *next;   /* among all that are here; under the lock of lists */
    int64_t due_us;             /* its answer must be made by then */
    int64_t begin_by_us;        /* then it no longer waits */
    size_t bytes;               /* counted in lists->bytes */
    _Atomic(const char *) dead; /* why its credential is good for nothing any more; NULL = it is good */
};

struct list_thread {
    struct lists *lists;
    struct db *db;
    int64_t until_us;  /* then the list is cancelled … */
    bool whole_time;   /* … because it has had all its time, and not because its deadline came */
    enum list_end end; /* of the list */
    pthread_mutex_t lock;
    /* While the thread is blocked in the database the list does not change, and a stand-in may answer its
     * request (lists_tick). Under the lock. */
    bool blocked;
    struct list *list;
    pthread_t thread;
};

/* A workspace whose look-up was long lately. */
struct slow {
    struct uuid workspace;
    int64_t until_us;
};
#define SLOW_MAX 64
#define SLOW_US (10 * INT64_C(1000000))

struct lists {
    struct ingest *in;
    int64_t run_us; /* a list runs so long at most */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* under the lock */
    struct turns *turns;
    struct list *here;
    size_t nwaiting, nrunning;
    struct slow slow[SLOW_MAX];
    size_t nslow;
    bool stop;

    _Atomic int64_t slow_until_us; /* when the last of the slow ones is over */
    atomic_size_t bytes;           /* rows and answers that are kept */
    int nthreads;
    struct list_thread threads[];
};

/* With the lock: it waits and runs no longer. */
void lists_leave(struct lists *l, struct list *e);

/* The thread reads it and makes the answer. */
void list_run(struct list_thread *t, struct list *e);
/* Answers that it has ended so. It is no longer here, and its turn is over. */
void list_refuse(struct list *e, enum list_end end);
/* Asked while PostgreSQL works, on the thread (db_watch). */
bool list_is_unwanted(void *thread);

#endif
