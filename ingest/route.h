/* Method and path -> what is asked for. One table of endpoints (RFC 7644 section 3.2), under two prefixes:
 * /scim/v2 and /w/{workspace}/scim/v2. */
#ifndef USHER_INGEST_ROUTE_H
#define USHER_INGEST_ROUTE_H

#include "ops/runtime/arena.h"
#include "ops/runtime/err.h"
#include "schemas/schema.h"

#include <stdbool.h>

enum http_method {
    HTTP_GET,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OTHER
}; /* HEAD is GET: rule of HTTP */

enum route_kind {
    ROUTE_NONE,
    ROUTE_COLLECTION, /* /Users, /Groups */
    ROUTE_RESOURCE,   /* /Users/{id} */
    ROUTE_CONFIG,     /* /ServiceProviderConfig */
    ROUTE_TYPES,
    ROUTE_TYPE,
    ROUTE_SCHEMAS,
    ROUTE_SCHEMA,
    ROUTE_OTHER, /* known endpoints that are not offered: code says so */
    ROUTE_HEALTHZ,
    ROUTE_READYZ,
    ROUTE_METRICS,
};

struct route {
    enum route_kind kind;
    enum http_method method;
    enum err_code code; /* ERR_OK, or what the answer is once the caller is known: NOT_FOUND, METHOD,
                           NOT_IMPLEMENTED… */
    const char *allow;  /* with ERR_METHOD: the Allow header */
    bool scim;          /* below one of the prefixes: credentials are checked before anything else is said */
    const struct resource_type *rt;
    const char *segment;   /* the last part, decoded: id, type name, schema URN; NULL if none */
    const char *workspace; /* decoded, id or name; NULL under /scim/v2 */
    const char *prefix;    /* as sent, without trailing slash: "/scim/v2" */
};

/* path[0..len) is raw and has passed the guard. Texts live in the arena. */
void route_parse(const char *method, const char *path, size_t len, struct arena *a, struct route *out);
/* The scope that a route asks for (one bit of enum scope), 0 for discovery: any valid key. */
unsigned route_scope(const struct route *r);

#endif
