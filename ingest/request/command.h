/* The part of a request that becomes a command: what it carries, its bytes, and the worker's reply. A handler
 * makes it before STEP_PUBLISH; it lives in the request's arena. */
#ifndef USHER_INGEST_REQUEST_COMMAND_H
#define USHER_INGEST_REQUEST_COMMAND_H

#include "ingest/request/request.h"
#include "schemas/stream/command.h"

struct request_command {
    enum command_type type;
    json_t *resource, *ops, *members, *cleared;  /* the arena holds them, and those below */
    json_t *operations;                          /* of COMMAND_BULK_TRY */
    json_t *must_match, *must_not_match, *needs; /* ifMatch, ifNoneMatch, needs */
    const struct command_async *async;           /* NULL: the client waits for the outcome */
    /* Only of an operation of a Bulk. */
    struct uuid bulk;      /* txn of the Bulk, if fail_on > 0 */
    int fail_on;           /* this many refusals stop the Bulk; 0 = never */
    enum err_code refusal; /* of COMMAND_REQUEST_REFUSED: why */
    const char *refusal_detail;

    char *encoded; /* the bytes, kept to send them again; NULL before the command is published */
    size_t encoded_len;
    struct reply reply;
};

/* Gives the request a command of this type, or gives the command that it has this type. */
struct request_command *request_make_command(struct request *r, enum command_type type);
/* The bytes are made: drops all JSON of the request but c->resource, which an answer may show. */
void request_forget_json(struct request *r);
/* The command was handed to the log, so it may have been applied. */
bool request_is_published(const struct request *r);

#endif
