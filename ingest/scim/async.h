/* Outcomes of asynchronous requests (RFC 9967 section 2.5.1, rules Q4 to Q6): addresses that only we can
 * make, and what stands there. The outcome itself is what a worker has stored under the command's txn: the
 * claims of its event. */
#ifndef USHER_INGEST_SCIM_ASYNC_H
#define USHER_INGEST_SCIM_ASYNC_H

#include "ingest/request/request.h"
#include "sql/db.h"

/* Where the outcome of a request, or of a Bulk of so many operations, will be: its base, "/AsyncResults/",
 * its txn, and a seal over that and the workspace. In the request's arena; NULL while the secret that it is
 * sealed with is not there. */
char *async_handle(const struct request *r, int operations);

/* A look at outcomes, in three steps, the second of which is the round trip and looks at no request. */
struct async_question;
/* ERR_OK: r->question says what to ask for. Otherwise err is the answer: ERR_NOT_FOUND for what was not
 * sealed for this workspace, ERR_INSUFFICIENT_SCOPE for a key that could not have written. */
enum err_code async_prepare(struct request *r, struct err *err);
enum err_code async_ask(struct async_question *q, struct db *db, struct err *err);
/* 202 while not all of it is done; 200: the token (application/secevent+jwt), of a Bulk its response; 410
 * when it is known no more. */
void async_answer(struct request *r, enum err_code asked);

#endif
