/* What handlers of the Management API and the admin API have in common: bodies, queries, pages. */
#ifndef USHER_INGEST_API_API_H
#define USHER_INGEST_API_API_H

#include "ingest/request/request.h"

/* The body as an object; of requests whose body may be left out: *body NULL. */
enum err_code api_body(struct request *r, bool optional, json_t **body, struct err *err);
enum step api_not_found(struct request *r, const char *what, const char *id);
/* Prepares a query of this kind in the request's own workspace. */
struct db_query *api_query(struct request *r, int kind);
/* limit (1..200, default 100) and cursor of a list that is ordered by one text: *after NULL = from its
 * beginning. what: names the list, and with its ids binds the cursor to it. */
enum err_code api_page(struct request *r, const char *what, int *limit, const char **after, struct err *err);
/* "next": the cursor behind `last`, or null. */
void api_put_next(struct request *r, const char *what, bool more, const char *last);
void api_put_time(struct jbuf *b, const char *name, int64_t us); /* 0: null */

#endif
