/* What a list is sorted by, in SQL (RFC 7644 section 3.4.2.3, rule G1): one key per row, NULL where the
 * resource has no value. */
#ifndef USHER_SQL_FILTER_SORT_H
#define USHER_SQL_FILTER_SORT_H

#include "ops/runtime/err.h"
#include "ops/runtime/jbuf.h"
#include "schemas/types/attr_path.h"
#include "schemas/types/schema.h"
#include "sql/filter/sql_params.h"

#define SORT_KEY_CHARS 256 /* of a text that count; what differs later only is in the order of the ids */

/* Texts are sorted by code point, folded unless caseExact; everything else (numbers, times, false before
 * true) as numbers. */
bool sort_is_text(const struct attr_path *path);

/* Appends the key of the row r as an expression: of type text (in the collation "C") or numeric. path ends at
 * a simple attribute. Of a multi-valued one it is the primary value, else the first. as_text: numbers too,
 * for lists over types that have both. ERR_INVALID_VALUE for what the store cannot say. */
enum err_code sort_key(const struct resource_type *rt, const struct attr_path *path, bool as_text,
                       struct jbuf *out, struct sql_params *params, struct err *err);

#endif
