/* How the Management API does what SCIM has no endpoint for: in steps, between which no thread waits. A
 * handler says what comes next; the gate brings the request there and back. */
#ifndef USHER_INGEST_API_API_H
#define USHER_INGEST_API_API_H

#include "ingest/request/request.h"

enum api_step {
    API_ANSWERED, /* the answer stands in r->answer */
    API_QUERY,    /* r->db_query says what to ask the database */
    API_REVOKE,   /* r->revocation says what is to be dead at once; then `looked` is called */
    API_PUBLISH,  /* r->command, r->resource_id and what the command carries are set */
};

struct api_handler {
    /* Admitted. For a route without credentials: it must be API_ANSWERED, by way of answer_* alone. */
    enum api_step (*begin)(struct request *r);
    /* r->db_query has its rows, or r->revocation its outcome. NULL where there never is a query. */
    enum api_step (*looked)(struct request *r);
    /* The command was applied: r->reply. NULL where nothing is published. (A refusal is answered as it is.)
     */
    enum api_step (*replied)(struct request *r);
};

/* The first step of an admitted request, and those after it. A query after the command was published shows
 * what it did. */
enum api_step api_begin(struct request *r);
enum api_step api_looked(struct request *r, enum err_code code); /* of the round trip */
enum api_step api_replied(struct request *r);

/* May this credential enter? ERR_INSUFFICIENT_SCOPE, ERR_FORBIDDEN. */
enum err_code api_permit(const struct request *r, struct err *err);
/* Names of scopes with blanks between them; NULL for none. */
const char *api_scope_names(unsigned scopes, struct arena *a);

/* ---- for handlers ---- */

/* The body as an object; of requests whose body may be left out: *body NULL. */
enum err_code api_body(struct request *r, bool optional, json_t **body, struct err *err);
/* A 200 (or other) of JSON whose body is the caller's to write. */
struct jbuf *api_answer(struct request *r, int status);
enum api_step api_refuse(struct request *r, const struct err *err);
enum api_step api_not_found(struct request *r, const char *what, const char *id);
/* Prepares a query of this kind in the request's own workspace. */
struct db_query *api_query(struct request *r, int kind);
/* limit (1..200, default 100) and cursor of a list that is ordered by one text: *after NULL = from its
 * beginning. what: names the list, and with its ids binds the cursor to it. */
enum err_code api_page(struct request *r, const char *what, int *limit, const char **after, struct err *err);
/* "next": the cursor behind `last`, or null. */
void api_put_next(struct request *r, const char *what, bool more, const char *last);
void api_put_time(struct jbuf *b, const char *name, int64_t us); /* 0: null */

#endif
