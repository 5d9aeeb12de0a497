/* One HTTP request from its first byte to its answer. Exactly one thread owns a request at any time, and the
 * state says which. Where several threads compete for a request (reply, deadline and failed delivery;
 * acknowledgement and time-out), request_move decides, an atomic compare-and-swap.
 *
 *     READING <-> GATE --> PENDING --> CLAIMED --> AUDIT --> DONE
 *        |          |                                ^
 *        +----------+---- answered without a command +
 *
 * A request whose body is large passes the gate twice: first for its admission, and then, when it is admitted
 * and the body was read, with the body. Then a thread for large bodies works on it (state LARGE) and gives it
 * back to the gate, or publishes its command itself.
 *
 * A Bulk is a request like any other up to its admission; then it is in the hands of the Bulk thread (state
 * BULK), which makes a request of each of its operations. Those go the same way, but from READING to PENDING
 * at once, and their owner is the Bulk and not a connection: the last of them brings the Bulk back to that
 * thread, once when all are answered and once when all are on record.
 *
 * READING  the HTTP thread reads it; the connection is not suspended
 * GATE     in the gate's queue, or in the hands of the gate thread that took it from there; or among the
 * lists LARGE    its body is large: in the queue or in the hands of a thread for such bodies PENDING  its
 * command is published and it stands in the pending table BULK     in the hands of the Bulk thread, or its
 * operations are under way CLAIMED  one thread has won it there and makes the answer (perhaps with another
 * visit to the gate) AUDIT    answered; its record waits for the acknowledgement DONE     its owner has it
 * again; or a stand-in answers for it (request_abandon)
 *
 * request.c has the table of legal moves. Any other move is a mistake in usher: with sanitizers built in it
 * ends the process, else it is logged and counted (usher_request_wrong_moves_total). */
#ifndef USHER_INGEST_REQUEST_REQUEST_H
#define USHER_INGEST_REQUEST_REQUEST_H

#include "ingest/ingest.h"
#include "ingest/request/bodies.h"
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
    REQUEST_LARGE,
    REQUEST_PENDING,
    REQUEST_BULK,
    REQUEST_CLAIMED,
    REQUEST_AUDIT,
    REQUEST_DONE,
    REQUEST_STATES
};

/* What the gate has to do with a request that is put into its queue. */
enum request_job {
    JOB_ADMIT,  /* a new request */
    JOB_READ,   /* read what the handler wants; for the answer, if the command was applied */
    JOB_CANCEL, /* the deadline has passed: claim the txn as cancelled */
    JOB_CLAIM,  /* its Idempotency-Key must be claimed before it begins */
    JOB_ASK,    /* ask the handler's question */
    JOB_QUERY,  /* the command was applied; ask the handler's query for the answer */
    JOB_KEEP,   /* the answer is made; store it before it is sent (idempotency.h) */
    JOB_UNITS,  /* a Bulk needs rate units for its other operations */
};

struct answer {
    int status;         /* 0 = none yet */
    enum err_code code; /* of an error */
    const char *detail; /* what it says; NULL = not an error */
    const char *scim_type;
    const char *content_type;
    struct jbuf body;
    struct stream *stream; /* instead of the body: made while it is sent (stream.h). NULL = there is none */
    const void *fixed;     /* instead of the body: a part of the program. NULL = there is none */
    size_t fixed_size;
    char etag[32];
    const char *location, *content_location, *allow, *authenticate; /* NULL = no such header */
    const char *preference_applied, *set_txn; /* NULL = no such header (RFC 7240, RFC 9967) */
    int retry_after_s;                        /* 0 = none */
    const char *accept, *accept_encoding;     /* of a 415: what would be taken; NULL = no such header */
    bool no_store;                /* it contains a secret: Cache-Control and Pragma forbid to store it */
    const char *policy;           /* of a page (Content-Security-Policy); NULL = no such header */
    const char *cookie, *cookie2; /* Set-Cookie; NULL = no such header */
    const char *disposition;      /* Content-Disposition; NULL = no such header */
    const char *coding, *cache;   /* Content-Encoding, Cache-Control; NULL = no such header */
    bool dry;                     /* of a dry run: the header Usher-Dry-Run says so */
    bool close;                   /* close the connection after this answer */
};

/* What the client has sent before the body. http/ fills it; everybody else only reads it. */
struct request_head {
    char method[16];
    const char *target;         /* raw, NULL if there was none */
    const char *path;           /* raw, without query; NULL before the guard has seen it */
    const char *query_text;     /* NULL = none */
    const char *scheme;         /* "http" or "https", if the target says it; NULL = it does not */
    const char *host;           /* of the target, else the Host header */
    const char *content_coding; /* of a body that is coded, "gzip" for example; NULL = it is not */
    const char *content_type, *user_agent;
    char traceparent[64];      /* of the request's own span, or as it came; "" if there is none */
    char trace_parent[17];     /* the parent of that span; "" if there is none */
    struct net_address source; /* the client, also behind trusted proxies; valid if source_ip is not NULL */
    const char *source_ip;     /* NULL = not known */
    const char *authorization; /* the header as it came; NULL = none */
    const char *token;         /* of "Authorization: Bearer"; NULL = none */
    const char *basic;         /* of "Authorization: Basic"; NULL = none */
    const char *cookie;        /* all of the Cookie header; NULL = none */
    const char *origin, *fetch_site;      /* Origin and Sec-Fetch-Site; NULL = none */
    const char *if_match, *if_none_match; /* several lines are joined; NULL = none */
    const char *accept_encoding;          /* the same */
    const char *dry_run;                  /* Usher-Dry-Run; NULL = none */
    const char *last_event_id;            /* Last-Event-ID; NULL = none */
    const char *idempotency_key;          /* the header as it came; NULL = none */
    struct prefer prefer;
};

/* How admission looks the client's credential up. */
struct credential {
    bool by_cookie; /* a browser sent it by itself, so that a write must be asked for by our own page */
    unsigned char token_hash[TOKEN_HASH_SIZE];
    unsigned scopes;  /* the request has at most these, whatever the key has */
    size_t ask;       /* index in the batch of admission */
    int64_t waits_us; /* since when it waits for rate units; 0: it does not */
};

struct request;

/* The owner of a request waits for its answer: a connection (http/server.c), or the Bulk that the request is
 * an operation of (scim/bulk.c). It is set where the request is made, and copied to a stand-in. */
struct owner {
    /* The answer stands in r->answer. The owner has the request again and must have its record produced. */
    void (*answered)(struct request *r);
    /* Kafka has acknowledged the record, or it was given up. r->drop: there is no record of the answer. */
    void (*recorded)(struct request *r);
    /* The client is admitted. The owner has the request again: it reads the body and gives the request to the
     * gate a second time. NULL where no request waits with its body. */
    void (*admitted)(struct request *r);
    /* Has the client closed its side of the connection? Asked while the owner waits, by the thread that has
     * the request. NULL: it cannot be known. */
    bool (*gone)(const struct request *r);
};

struct request {
    struct ingest *in;
    struct arena *arena; /* holds all texts and parts until the answer is sent */
    _Atomic(enum request_state) state;
    struct request *next; /* in the list or queue that the request stands in */

    /* who waits for it, what is done with it, how it is spoken to */
    const struct owner *owner;
    void *waiter; /* for the owner: the call of the HTTP library, or the Bulk */
    const struct handler *handler;
    const struct form *form;
    struct route route;

    /* as it came */
    struct uuid txn; /* also the command's id */
    int64_t wall_us, arrived_us, deadline_us, done_us;
    int64_t complete_us; /* its last byte was read. The deadline counts from here */
    struct request_head head;
    struct query query;
    struct jbuf body;
    size_t body_bytes;  /* including bytes that were thrown away */
    size_t body_length; /* as announced; 0 = not known before its end */
    bool body_waits;    /* the body is read when the client is admitted, and not before */
    struct body_room room;
    bool too_large, no_room;
    const struct err *query_fault; /* NULL = the query is in order */

    /* who it is */
    struct credential credential;
    bool admitted, rate_limited; /* admitted: verdict.key is known */
    bool grouped;                /* refused as one of many: without a record of its own (gate/limit.h) */
    bool counted;                /* its rate unit was taken; it passes the gate a second time */
    struct admit_verdict verdict;
    int operations; /* rate units: 1, or the number of operations of a Bulk */
    char *base;     /* of meta.location */

    /* what is done with it; the pointers are NULL until they are needed */
    enum request_job job;
    struct uuid resource_id;
    const char
        *membership; /* its id, where the request is about one; resource_id is its room's. NULL: it is not */
    void *work;      /* whatever the handler needs from one step to the next */
    struct read_query *read;         /* of STEP_READ */
    struct db_query *db_query;       /* of STEP_QUERY */
    struct question *question;       /* of STEP_ASK */
    struct request_command *command; /* of STEP_PUBLISH (request/command.h) */
    struct pending_entry *pending;   /* of the published command (log/pending.h) */
    struct repeat *repeat;           /* of an Idempotency-Key (gate/idempotency.h) */
    struct bulk *bulk;               /* of a Bulk (scim/bulk_impl.h) */
    struct kept *kept;               /* parsed JSON (request/content.h) */
    const struct projection *projection;
    bool async;     /* Prefer: respond-async. The answer may be 202 */
    bool dry;       /* its command is only tried (request/dry_run.h) … */
    bool dry_quiet; /* … and the answer is as if it had been done */
    bool again;     /* a repeated request: its command may have been applied already, under the same txn */
    /* not NULL: something was done and stays done, and a 503 must say this sentence */
    const char *done_already;

    /* what becomes of it */
    struct answer answer;
    const char *const
        *ignored;        /* members that nobody knows, NULL-terminated (schemas/patch/flat.h); NULL: none */
    int64_t audit_n;     /* number of the record */
    const char *part_of; /* of an operation: the txn of its Bulk, for the record */
    bool drop;           /* no record could be kept: the connection is closed without an answer */
    struct abandoned *abandoned; /* not NULL: a stand-in answers (request_abandon) */
};

/* Requests come from a pool and go back to it. */
struct request *request_new(struct ingest *in);
void request_release(struct request *r);
void request_pool_free(void);
/* Counts n more bytes for its body. False: there is no room for them, and r->no_room is set. */
bool request_take_room(struct request *r, size_t n);
/* The body is done: frees it, and gives its room back. */
void request_drop_body(struct request *r);
/* The last byte of the request has come: sets the deadline. */
void request_complete(struct request *r, int64_t now_us);

/* True if the state was `from` and is `to` now: then the caller owns the request. */
bool request_move(struct request *r, enum request_state from, enum request_state to);
/* For the owner of the request, with whom nobody competes. */
void request_enter(struct request *r, enum request_state to);

/* For a request whose gate thread hangs in the database: makes a new request, the stand-in, that answers in
 * its place. Nobody works on the old request any more, but its memory stays until both its owner and the gate
 * thread have let go of it. The caller holds the lock of the gate thread. */
struct request *request_abandon(struct request *r);
bool request_is_abandoned(const struct request *r);
/* The gate thread is back and leaves r alone from now on. The caller holds the lock of the gate thread. */
void request_let_go(struct request *r);
/* The request that has the answer: r, or its stand-in. */
struct request *request_answering(struct request *r);

/* r->route is known: takes handler and form from its row. */
void request_take_route(struct request *r);

/* The answer stands in r->answer: gives the request to its owner. The caller no longer owns it. */
void request_finish(struct request *r);
/* The record is acknowledged, or was given up: gives the request to its owner. The caller no longer owns it.
 */
void request_resume(struct request *r);
/* The client is admitted and its body waits: gives the request to its owner. The caller no longer owns it. */
void request_read_on(struct request *r);

#endif
