/* Asynchronous requests (RFC 9967 section 2.5.1, rules Q4 to Q6): addresses of their outcomes that only we
 * can make, and what stands there. The outcome itself is what a worker has stored under the command's txn:
 * the claims of its event. */
#ifndef USHER_INGEST_SCIM_ASYNC_H
#define USHER_INGEST_SCIM_ASYNC_H

#include "ingest/request/request.h"

/* The client does not wait for the outcome of r's command: an event tells it, under this txn (rule Q5).
 * bulk_id: of a Bulk's operation, NULL = none. */
void async_promise(struct request *r, const char *txn, const char *bulk_id);

/* 202 with the address of the outcome: the log has the command, so it will be done (rule Q3). operations: of
 * a Bulk, how many it has; 0 = no Bulk. */
void async_accept(struct request *r, int operations);

/* What stands at such an address. 202 while not all of it is done; 200: the token
 * (application/secevent+jwt), of a Bulk its response; 410 when it is known no more; 404 for what was not
 * sealed for this workspace. */
extern const struct handler async_result;

#endif
