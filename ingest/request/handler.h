/* What is done with a request, in steps between which no thread waits. A handler does one step and says what
 * comes next; the gate (gate/) and the log (log/) bring the request there and back. One machine for SCIM, the
 * Management API, the admin API and OAuth. */
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
    STEP_ASK,      /* r->question asks it in a round trip of its own; then on_rows */
    STEP_PUBLISH,  /* r->command, r->resource_id and what the command carries are set; then on_reply */
    STEP_GONE,     /* another thread has the request: nobody here touches it any more */
};

/* What is asked in a round trip of its own. The function looks at no request: the request may be answered by
 * another one meanwhile, but its memory stays. */
struct question {
    enum err_code (*ask)(struct question *q, struct db *db, struct err *err);
    bool durable; /* it writes: its connection commits durably */
};

/* How callers say who they are, where a bearer token does not say it. */
struct identification {
    /* Fills r->token_hash and r->token_scopes. ERR_UNAUTHORIZED: perhaps a guess. */
    enum err_code (*read)(struct request *r, struct err *err);
    /* Is the credential that was found the one that the caller named? */
    bool (*agrees)(const struct request *r, const struct admit_verdict *v);
    const char *unknown; /* what is said where none was found, or another one */
};

struct handler {
    /* The request is admitted. Of a public route: STEP_ANSWERED, on the HTTP thread. */
    enum step (*begin)(struct request *r);
    /* After STEP_READ: r->read has its rows. code: of the round trip. Once the command was published it is
     * always STEP_ANSWERED. */
    enum step (*on_read)(struct request *r, enum err_code code);
    /* After STEP_QUERY or STEP_ASK, which have succeeded. */
    enum step (*on_rows)(struct request *r);
    /* After STEP_PUBLISH: the command was applied, and r->reply says how. A refusal is answered as it is. */
    enum step (*on_reply)(struct request *r);
    /* The same, for a request that need not wait for the outcome (r->async): the log has the command. Makes
     * the answer. */
    void (*on_accepted)(struct request *r);
    /* The rate units that the request needs beyond its first are granted. */
    enum step (*on_units)(struct request *r);

    const struct identification *identification; /* NULL: a bearer token */
    const struct content_limits *content;        /* of its body; NULL: those of one document */
    bool long_deadline;                          /* bulk-deadline-ms counts, not deadline-ms */
};

#endif
