/* What handlers of the Management API and the admin API have in common: bodies, queries, pages. */
#ifndef USHER_INGEST_API_API_H
#define USHER_INGEST_API_API_H

#include "ingest/request/request.h"

/* The body as an object. optional: the body may be missing, and then *body is NULL. */
enum err_code api_body(struct request *r, bool optional, json_t **body, struct err *err);
enum step api_not_found(struct request *r, const char *what, const char *id);
/* Makes a query of this kind, in the workspace of the credential. */
struct db_query *api_query(struct request *r, int kind);
/* Reads limit (1..200, default 100) and cursor of a list that is ordered by an id. *after NULL: from the
 * beginning. what: the name of the list; the cursor is bound to it and to the ids in the path. */
enum err_code api_page(struct request *r, const char *what, int *limit, const char **after, struct err *err);
/* Writes "next": the cursor after `last`, or null. */
void api_put_next(struct request *r, const char *what, bool more, const char *last);
void api_put_time(struct jbuf *b, const char *name, int64_t us); /* 0: null */

#endif
