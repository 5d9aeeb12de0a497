/* Answers and their headers. The request's form (form.h) writes what differs between SCIM, the Management API
 * and OAuth. Each function replaces the answer that the request had. The caller owns the request. */
#ifndef USHER_INGEST_REQUEST_ANSWER_H
#define USHER_INGEST_REQUEST_ANSWER_H

#include "ingest/request/request.h"

#define PLAIN_JSON "application/json"
/* Of a 503 while PostgreSQL's disk is full. */
#define ANSWER_NO_ROOM "The service has no room left; nothing was changed"

/* Begins an answer with this status, the form's content type and an empty body. The caller writes the body.
 */
struct jbuf *answer_begin(struct request *r, int status);
/* detail NULL: the text of the error table. Clients are not told about errors of the database or the log. */
void answer_error(struct request *r, enum err_code code, const char *detail);
void answer_err(struct request *r, const struct err *err);
/* 503: nobody knows now whether the command was applied. */
void answer_unknown(struct request *r);
/* The resource with its ETag, and the headers that the form adds. */
void answer_resource(struct request *r, int status, const struct resource_row *row);
/* 304. The body is made only because Content-Length states its length (RFC 9110 section 8.6); it is not sent.
 */
void answer_not_modified(struct request *r, const struct resource_row *row);
void answer_no_content(struct request *r, int64_t version); /* 204; version 0 = no ETag */
void answer_options(struct request *r);                     /* 204 with Allow */
void answer_json(struct request *r, int status, const char *json);
void answer_plain(struct request *r, int status,
                  const char *type); /* the body stands in r->answer.body already */

/* WWW-Authenticate of an error, for forms whose clients use bearer tokens (RFC 6750 section 3). */
const char *answer_bearer_challenge(struct request *r, enum err_code code);

#endif
