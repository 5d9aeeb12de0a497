/* The part of a request that becomes a command: what it carries, its bytes, and the worker's reply. A handler
 * makes it before STEP_PUBLISH; it lives in the request's arena. */
#ifndef USHER_INGEST_REQUEST_COMMAND_H
#define USHER_INGEST_REQUEST_COMMAND_H

#include "ingest/request/request.h"
#include "schemas/stream/command.h"

struct request_command {
    enum command_type type;
    json_t *resource, *ops, *members, *cleared;  /* they live in the arena, like those below */
    json_t *must_match, *must_not_match, *needs; /* ifMatch, ifNoneMatch, needs */
    const struct command_async *async;           /* NULL: the client waits for the outcome */
    /* Of a Bulk's operation. */
    struct uuid bulk;      /* with fail_on: the Bulk's txn */
    int fail_on;           /* so many refusals stop the Bulk; 0 = never */
    enum err_code refusal; /* with COMMAND_REQUEST_REFUSED, and why */
    const char *refusal_detail;

    char *encoded; /* its bytes, to send them again; NULL before it is published */
    size_t encoded_len;
    struct reply reply;
};

/* The request becomes a command of that type; what its command carries already stays. */
struct request_command *request_make_command(struct request *r, enum command_type type);
/* It was handed to the log, so that it may be done. */
bool request_is_published(const struct request *r);

#endif
