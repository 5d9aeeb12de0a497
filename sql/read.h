/* Reads of SCIM resources for the ingest, many in one round trip, each under the row-level security context
 * of its own workspace. */
#ifndef USHER_SQL_READ_H
#define USHER_SQL_READ_H

#include "ops/runtime/arena.h"
#include "ops/runtime/id.h"
#include "schemas/filter.h"
#include "schemas/resource.h"
#include "sql/db.h"

struct read_query {
    /* in */
    const char *workspace; /* id */
    const struct resource_type *rt;
    const char *id; /* not NULL: get that one resource (a well-formed lower-case UUID); else list */
    const struct filter *filter; /* list: NULL = all */
    int64_t start_index;         /* list: >= 1 */
    int count;                   /* list: 0 … 200; 0 = only the total */
    bool refs;                   /* load groups (users) or members (rooms) */
    const char *base;            /* absolute URL for $ref */
    struct arena *arena;         /* rows live there */
    /* out */
    struct resource_row *rows;
    size_t nrows;       /* get: 0 = not found */
    int64_t total;      /* list */
    enum err_code code; /* this query's own error (e.g. a filter that the store cannot do:
                           ERR_INVALID_FILTER), else ERR_OK */
    struct err err;
};

/* Runs all; one round trip for any number. The function's own result is the connection's: on error no query
 * has an answer. */
enum err_code read_batch(struct db *db, struct read_query *const *queries, size_t n, struct err *err);

#endif
