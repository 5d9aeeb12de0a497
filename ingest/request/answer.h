/* Answers, and the headers that go with them. What depends on the form (form.h) the request's form writes.
 * Each function replaces whatever answer the request had. The caller owns the request. */
#ifndef USHER_INGEST_REQUEST_ANSWER_H
#define USHER_INGEST_REQUEST_ANSWER_H

#include "ingest/request/request.h"

#define PLAIN_JSON "application/json"

/* Begins an answer with that status, the form's content type and an empty body, which is the caller's to
 * write. */
struct jbuf *answer_begin(struct request *r, int status);
/* detail NULL: the table's text. What went wrong inside (database, log) is not told to clients. */
void answer_error(struct request *r, enum err_code code, const char *detail);
void answer_err(struct request *r, const struct err *err);
/* Nobody can say now whether the command was applied. */
void answer_unknown(struct request *r);
/* With the resource's ETag, and the headers that its form gives it. */
void answer_resource(struct request *r, int status, const struct resource_row *row);
/* 304. The body is there for its length, which Content-Length says (RFC 9110 section 8.6); it is not sent. */
void answer_not_modified(struct request *r, const struct resource_row *row);
void answer_no_content(struct request *r, int64_t version); /* 204; version 0 = no ETag */
void answer_options(struct request *r);                     /* 204 with Allow */
void answer_json(struct request *r, int status, const char *json);
void answer_plain(struct request *r, int status, const char *type); /* body already in r->answer.body */

/* WWW-Authenticate of an error, for forms whose callers have bearer tokens (RFC 6750 section 3). */
const char *answer_bearer_challenge(struct request *r, enum err_code code);

#endif
