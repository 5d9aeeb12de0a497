/* All that usher serves, one row each: the one table that routing, admission, Bulks, the OpenAPI document and
 * their tests go by. What a row says stands in request/route.h. */
#ifndef USHER_INGEST_HTTP_ROUTES_H
#define USHER_INGEST_HTTP_ROUTES_H

#include "ingest/request/route.h"

extern const struct route_table routes;

#endif
