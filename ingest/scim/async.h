/* Asynchronous requests (RFC 9967 section 2.5.1, rules Q4 to Q6): the addresses of their outcomes, which only
 * usher can make, and the answers at these addresses. The outcome is what a worker has stored under the txn
 * of the command: the claims of an event. */
#ifndef USHER_INGEST_SCIM_ASYNC_H
#define USHER_INGEST_SCIM_ASYNC_H

#include "ingest/request/request.h"

/* The client does not wait for the outcome: the command of r will emit an event with this txn (rule Q5).
 * bulk_id: of an operation of a Bulk; NULL = none. */
void async_promise(struct request *r, const char *txn, const char *bulk_id);

/* Answers 202 with the address of the outcome. The log has the command, so it will be decided (rule Q3).
 * operations: the number of operations of a Bulk; 0 = no Bulk. */
void async_accept(struct request *r, int operations);

/* Answers at such an address. 202: not everything is decided. 200: the token (application/secevent+jwt), for
 * a Bulk its response. 410: the outcome was deleted. 404: the address was not made for this workspace. */
extern const struct handler async_result;

#endif
