/* The table of everything that usher serves, one row for each method and path. Routing, admission, Bulks, the
 * OpenAPI document and the tests use it. request/route.h describes a row. */
#ifndef USHER_INGEST_HTTP_ROUTES_H
#define USHER_INGEST_HTTP_ROUTES_H

#include "ingest/request/route.h"

extern const struct route_table routes;

#endif
