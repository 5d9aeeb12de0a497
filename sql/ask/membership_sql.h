/* The statements of lists of memberships. Their rows are those of members, in the order of room and user, and
 * are found along one of its two indexes. */
#ifndef USHER_SQL_ASK_MEMBERSHIP_SQL_H
#define USHER_SQL_ASK_MEMBERSHIP_SQL_H

#include "sql/ask/read_query.h"
#include "sql/filter/sql_params.h"

/* Is it a list of memberships? */
bool membership_sql_is_for(const struct read_query *q);
/* Does the filter name room and user, so that there is one row at most? */
bool membership_sql_finds_one(const struct read_query *q);
/* Does a page read no more rows than it shows, wherever it begins? */
bool membership_sql_walks(const struct read_query *q);
/* As read_sql_page and read_sql_total. */
enum err_code membership_sql_page(const struct read_query *q, const char *base, struct jbuf *sql,
                                  struct sql_params *params, struct err *err);
enum err_code membership_sql_total(const struct read_query *q, struct jbuf *sql, struct sql_params *params,
                                   struct err *err);

#endif
