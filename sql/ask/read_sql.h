/* The statements of read.c. */
#ifndef USHER_SQL_ASK_READ_SQL_H
#define USHER_SQL_ASK_READ_SQL_H

#include "sql/ask/read_query.h"
#include "sql/filter/sql_params.h"
#include "sql/statement.h"

/* Columns of a row, in this order. A list has two more. */
enum read_column {
    READ_ID,
    READ_DOC,
    READ_VERSION,
    READ_CREATED,
    READ_MODIFIED,
    READ_MANAGED,
    READ_SEAT,
    READ_REFS,
    READ_KEY,
    READ_PART
};

/* $1 workspace, $2 base URL as the inside of a JSON string, $3 ids; of a custom type $4 its name. */
enum statement read_sql_get(const struct resource_type *rt, enum refs_wanted refs);
/* The same of users by their folded names; READ_KEY is the name. */
enum statement read_sql_named(enum refs_wanted refs);

/* Are its rows found along an index in the list's order, and no further than the page goes? */
bool read_sql_walks(const struct read_query *q);
/* The page: up to count + 1 rows, in the list's order; the one too many is the first one where it is read
 * backward, else the last. base: as above, lives as long as params is used. */
enum err_code read_sql_page(const struct read_query *q, const char *base, struct jbuf *sql,
                            struct sql_params *params, struct err *err);
/* Is the number of all that the list has known without counting? */
bool read_sql_total_is_cheap(const struct read_query *q);
/* That number: one row, one column. */
enum err_code read_sql_total(const struct read_query *q, struct jbuf *sql, struct sql_params *params,
                             struct err *err);

#endif
