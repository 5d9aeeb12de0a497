/* Bodies of .search (RFC 7644 section 3.4.3, rules J5, G9). */
#ifndef USHER_INGEST_SCIM_SEARCH_H
#define USHER_INGEST_SCIM_SEARCH_H

#include "ingest/request/query.h"

#include <jansson.h>

/* The query that says the same as the body of a SearchRequest, in the arena: what is done with one, also its
 * masked form for the audit stream, is then done with the other. Names in any letter case; unknown members
 * are ignored, null says nothing. ERR_INVALID_SYNTAX: no SearchRequest, or lists and texts that are none;
 * ERR_INVALID_VALUE: numbers that are none. */
enum err_code search_query(const json_t *body, struct arena *a, struct query *out, struct err *err);

#endif
