/* A handler says what is done with a request, in steps. No thread waits between two steps: a handler does one
 * step and says what comes next, and the gate (gate/) and the log (log/) take the request there and bring it
 * back. SCIM, the Management API, the admin API and OAuth use the same machine. */
#ifndef USHER_INGEST_REQUEST_HANDLER_H
#define USHER_INGEST_REQUEST_HANDLER_H

#include "ops/runtime/err.h"

#include <stdbool.h>

struct admit_verdict;
struct content_limits;
struct db;
struct request;

enum step {
    STEP_ANSWERED, /* the answer stands in r->answer */
    STEP_READ,     /* r->read says which resources to read; then on_read */
    STEP_QUERY,    /* r->db_query says what to ask the database; then on_rows */
    STEP_ASK,      /* r->question is asked in a round trip of its own; then on_rows */
    STEP_CLAIM,    /* not of a handler: an Idempotency-Key is claimed, then the request begins */
    STEP_PUBLISH,  /* r->command and r->resource_id are set; then on_reply */
    STEP_GONE,     /* another thread has the request; the caller must not touch it */
};

/* A question with a round trip of its own. `ask` must not look at the request: a stand-in may answer the
 * request meanwhile (request_abandon). The memory of the request stays until `ask` is back. */
struct question {
    enum err_code (*ask)(struct question *q, struct db *db, struct err *err);
    bool durable; /* it writes, so it needs a connection that commits durably */
    bool is_long; /* it only reads, and may take long: it is asked on a list thread (gate/lists.h) */
};

/* How clients identify themselves, if not by a bearer token. */
struct identification {
    /* Fills r->credential. ERR_UNAUTHORIZED: the client may be guessing. */
    enum err_code (*read)(struct request *r, struct err *err);
    /* Must something be asked before it is known who the client is? True: the request was given to the gate
     * for that; on_rows gives it there again, to be admitted. The caller no longer owns it. NULL: never. */
    bool (*asks)(struct request *r);
    /* Is the credential that was found the one that the client has named? */
    bool (*agrees)(const struct request *r, const struct admit_verdict *v);
    const char *unknown; /* the sentence of the refusal, if not */
};

struct handler {
    /* The request is admitted. On a public route this runs on the HTTP thread and must be STEP_ANSWERED. */
    enum step (*begin)(struct request *r);
    /* After STEP_READ: r->read has its rows, unless code says that the round trip failed. After the command
     * was published the next step must be STEP_ANSWERED. */
    enum step (*on_read)(struct request *r, enum err_code code);
    /* After STEP_QUERY or STEP_ASK, if the round trip succeeded. */
    enum step (*on_rows)(struct request *r);
    /* After STEP_PUBLISH: the command was applied, and r->command->reply says how. (A refusal is answered
     * without the handler.) */
    enum step (*on_reply)(struct request *r);
    /* After STEP_PUBLISH of a request that need not wait for the outcome (r->async): the log has the command.
     * Makes the answer 202. */
    void (*on_accepted)(struct request *r);
    /* After the first one, the request was granted all rate units that it needs (r->operations). */
    enum step (*on_units)(struct request *r);

    const struct identification *identification; /* NULL: a bearer token */
    const struct content_limits *content;        /* limits of the body; NULL: those of one document */
    bool forgets;                                /* of the JSON only command->resource is needed later */
    bool long_deadline;                          /* the deadline is bulk-deadline-ms, not deadline-ms */
};

#endif
