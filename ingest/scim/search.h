/* The body of .search (RFC 7644 section 3.4.3, rules J5, G9). */
#ifndef USHER_INGEST_SCIM_SEARCH_H
#define USHER_INGEST_SCIM_SEARCH_H

#include "ingest/request/query.h"

#include <jansson.h>

/* Makes a query that says the same as the body of a SearchRequest. So everything else, also the masked form
 * for the audit stream, is done with the query. Names may have any letter case; unknown members and null are
 * ignored; one text for a list, a list of one for a single value, and a text that is a number for a number
 * are taken, but not where the workspace is strict. ERR_INVALID_SYNTAX: it is no SearchRequest, or a member
 * is no list or text as it should be. ERR_INVALID_VALUE: a member is no number as it should be. The query
 * lives in the arena.
 */
enum err_code search_query(const json_t *body, bool strict, struct arena *a, struct query *out,
                           struct err *err);

#endif
