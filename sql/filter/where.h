/* What a filter means as an SQL condition. The text holds nothing that a client wrote: every value is a
 * parameter. It must select what schemas/filter/filter_match.c selects. */
#ifndef USHER_SQL_FILTER_WHERE_H
#define USHER_SQL_FILTER_WHERE_H

#include "ops/runtime/err.h"
#include "ops/runtime/jbuf.h"
#include "schemas/filter/filter.h"
#include "schemas/types/schema.h"
#include "sql/filter/sql_params.h"

/* Appends a condition in parentheses on the row r of the type's table (users, rooms, resources), with further
 * parameters in params. $1 is the workspace's id, to which (and to its type) the caller restricts r.
 * ERR_INVALID_FILTER for what the store cannot say. */
enum err_code where_filter(const struct resource_type *rt, const struct filter *f, struct jbuf *out,
                           struct sql_params *params, struct err *err);

/* The filter in brackets of a room's `members` or a user's `groups` (filter_parse_element): a condition on
 * the row m of members. */
enum err_code where_element(const struct resource_type *rt, const struct filter *f, struct jbuf *out,
                            struct sql_params *params, struct err *err);

#endif
