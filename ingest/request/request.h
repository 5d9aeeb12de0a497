/* One HTTP request from its first byte to its answer. Exactly one thread owns a request at any time; the
 * state says who, and request_move, an atomic compare-and-swap, decides where several compete for it (reply,
 * deadline, failed delivery; acknowledgement, time-out).
 *
 *     READING --> GATE --> PENDING --> CLAIMED --> AUDIT --> DONE
 *        |          |                                ^
 *        +----------+---- answered without a command +
 *
 * A Bulk is a request like any other up to its admission; then it is in the hands of the Bulk thread (state
 * BULK), which makes a request of each of its operations. Those go the same way, but from READING to PENDING
 * at once, and their owner is the Bulk and not a connection: the last of them brings the Bulk back to that
 * thread, once when all are answered and once when all are on record.
 *
 * READING  the HTTP thread reads it; the connection is not suspended
 * GATE     in the gate's queue, or in the hands of the gate thread that took it from there
 * PENDING  its command is published and it stands in the pending table
 * BULK     in the hands of the Bulk thread, or its operations are under way
 * CLAIMED  one thread has won it there and makes the answer (perhaps by way of the gate again)
 * AUDIT    answered; its record waits for the acknowledgement
 * DONE     resumed: its owner's again; or another request answers in its place
 *
 * Which states may follow each other stands in request.c. Any other move is a mistake in this program: it
 * ends the process where sanitizers are built in, elsewhere it is logged and counted. */
#ifndef USHER_INGEST_REQUEST_REQUEST_H
#define USHER_INGEST_REQUEST_REQUEST_H

#include "ingest/ingest.h"
#include "ingest/request/form.h"
#include "ingest/request/prefer.h"
#include "ingest/request/query.h"
#include "ingest/request/route.h"
#include "ops/runtime/arena.h"
#include "ops/runtime/id.h"
#include "ops/runtime/jbuf.h"
#include "sql/ask/admit.h"

#include <stdatomic.h>
#include <stdbool.h>

enum request_state {
    REQUEST_READING,
    REQUEST_GATE,
    REQUEST_PENDING,
    REQUEST_BULK,
    REQUEST_CLAIMED,
    REQUEST_AUDIT,
    REQUEST_DONE,
    REQUEST_STATES
};

/* What the gate is to do with it. */
enum request_job {
    JOB_ADMIT,  /* a new request */
    JOB_READ,   /* the answer to a write shows the resource as it is now */
    JOB_LIST,   /* a list that has been admitted and waits for its turn */
    JOB_CANCEL, /* the deadline has passed: claim the txn */
    JOB_QUERY,  /* the same, by a query of its handler */
    JOB_KEEP,   /* the answer is made, and to be kept first (idempotency.h) */
    JOB_UNITS,  /* a Bulk: the rate units of its other operations */
};

struct answer {
    int status;         /* 0 = none yet */
    enum err_code code; /* of an error */
    const char *scim_type;
    const char *content_type;
    struct jbuf body;
    char etag[32];
    const char *location, *content_location, *allow, *authenticate; /* NULL = no such header */
    const char *preference_applied, *set_txn; /* NULL = no such header (RFC 7240, RFC 9967) */
    int retry_after_s;                        /* 0 = none */
    bool no_store;                            /* it holds a secret: Cache-Control and Pragma say so */
    const char *policy;                       /* of a page (Content-Security-Policy); NULL = no such header */
    bool close;                               /* the connection ends with this answer */
};

/* What the client sent before the body. http/ fills it while it reads, and everybody else only looks. */
struct request_head {
    char method[16];
    const char *target;     /* raw, NULL if there was none */
    const char *path;       /* raw, without query; NULL before the guard has seen it */
    const char *query_text; /* NULL = none */
    const char *host, *content_type, *user_agent;
    char traceparent[64];
    struct net_address source;            /* behind our proxies; only where source_ip says it */
    const char *source_ip;                /* NULL = not known */
    const char *token;                    /* of "Authorization: Bearer"; NULL = none */
    const char *basic;                    /* of "Authorization: Basic"; NULL = none */
    const char *if_match, *if_none_match; /* several lines as one list; NULL = none */
    const char *idempotency_key;          /* the header as it came; NULL = none */
    struct prefer prefer;
};

/* By what the database knows the caller's credential. */
struct credential {
    unsigned char token_hash[TOKEN_HASH_SIZE];
    unsigned scopes; /* no more than these, whatever the key has */
    size_t ask;      /* its place among those of the batch */
};

struct request;

/* Who waits for a request: a connection (http/server.c), or the Bulk that the request is an operation of
 * (scim/bulk.c). Set where the request is made, copied where another one answers in its place. */
struct owner {
    /* The answer stands in r->answer. The request is the owner's, who sees to its record. */
    void (*answered)(struct request *r);
    /* The record is acknowledged, or was given up (r->drop says whether none is kept). */
    void (*recorded)(struct request *r);
};

struct request {
    struct ingest *in;
    struct arena
        *arena; /* what lives until the answer is sent: all texts, and all parts that are pointed to */
    _Atomic(enum request_state) state;
    struct request *next; /* in the one list or queue that it stands in */

    /* who waits for it, what is done with it, how it is spoken to */
    const struct owner *owner;
    void *waiter; /* the owner's: a call of the HTTP library, a Bulk */
    const struct handler *handler;
    const struct form *form;
    struct route route;

    /* as it came */
    struct uuid txn; /* also the command's id */
    int64_t wall_us, arrived_us, deadline_us, done_us;
    struct request_head head;
    struct query query;
    struct jbuf body;
    size_t body_bytes; /* also those that were thrown away */
    bool too_large, query_broken;

    /* who it is */
    struct credential credential;
    bool admitted, rate_limited; /* admitted: the verdict's key is known */
    struct admit_verdict verdict;
    int operations; /* rate units: 1, or the operations of a Bulk */
    char *base;     /* of meta.location */

    /* what is done with it; what is NULL is not done */
    enum request_job job;
    struct uuid resource_id;
    void *work;                      /* the handler's own, from step to step */
    struct read_query *read;         /* of STEP_READ */
    struct db_query *db_query;       /* of STEP_QUERY */
    struct question *question;       /* of STEP_ASK */
    struct request_command *command; /* of STEP_PUBLISH (request/command.h) */
    struct pending_entry *pending;   /* of the published command (log/pending.h) */
    struct repeat *repeat;           /* of an Idempotency-Key (gate/idempotency.h) */
    struct bulk *bulk;               /* of a Bulk (scim/bulk_impl.h) */
    const struct projection *projection;
    bool async;               /* Prefer: respond-async: 202 is an answer too */
    bool again;               /* its command may have been applied already, under the same txn */
    const char *done_already; /* what cannot be undone any more, as a 503 must say it */

    /* what becomes of it */
    struct answer answer;
    int64_t audit_n;             /* number of its record */
    const char *part_of;         /* txn of the Bulk that it is an operation of, for its record */
    bool drop;                   /* no record of it could be kept: the connection ends without an answer */
    struct abandoned *abandoned; /* another request answers in its place (request_abandon) */
};

/* From a pool; its memory is used again. */
struct request *request_new(struct ingest *in);
void request_release(struct request *r);
void request_pool_free(void);

/* True if the state was `from` and now is `to`: the caller owns the request. */
bool request_move(struct request *r, enum request_state from, enum request_state to);
/* The caller owns the request: no competition. */
void request_enter(struct request *r, enum request_state to);

/* For a request in the hands of a gate thread that hangs in the database: gives a new request that answers in
 * its place. The old one is not looked at any more, but its memory stays until both its owner and the gate
 * thread have let go of it. Under the gate thread's lock. */
struct request *request_abandon(struct request *r);
bool request_is_abandoned(const struct request *r);
/* The gate thread has come back: it must not go on with r. Under its lock. */
void request_let_go(struct request *r);
/* The request that has the answer: r, or the one that answers in its place. */
struct request *request_answering(struct request *r);

/* Its route is known: handler and form are those of the row. */
void request_take_route(struct request *r);

/* The answer stands in r->answer: the request goes to its owner. The caller no longer owns it. */
void request_finish(struct request *r);
/* Its record is acknowledged, or was given up: back to its owner. The caller no longer owns it. */
void request_resume(struct request *r);

#endif
