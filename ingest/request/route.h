/* Method and path -> what is asked for. Of SCIM one table of endpoints (RFC 7644 section 3.2), under two
 * prefixes: /scim/v2 and /w/{workspace}/scim/v2. Of the Management API the table of api_routes.h. */
#ifndef USHER_INGEST_REQUEST_ROUTE_H
#define USHER_INGEST_REQUEST_ROUTE_H

#include "ops/runtime/arena.h"
#include "ops/runtime/err.h"
#include "schemas/types/schema.h"

#include <stdbool.h>

enum http_method {
    HTTP_GET,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_OTHER
}; /* HEAD is GET: rule of HTTP */

/* Whose forms a request and its answer have. */
enum api {
    API_NONE,   /* health, metrics, keys, and paths where there is nothing */
    API_SCIM,   /* below one of the prefixes */
    API_MANAGE, /* /api/v1, by keys */
    API_ADMIN,  /* /api/v1/admin, by owners and administrators */
    API_OAUTH,  /* /oauth2 */
};

enum route_kind {
    ROUTE_NONE,
    ROUTE_COLLECTION, /* /Users, /Groups */
    ROUTE_RESOURCE,   /* /Users/{id} */
    ROUTE_ROOT,       /* the base URL: a query over all types */
    ROUTE_SEARCH,     /* /.search (rt NULL), /Users/.search */
    ROUTE_CONFIG,     /* /ServiceProviderConfig */
    ROUTE_TYPES,
    ROUTE_TYPE,
    ROUTE_SCHEMAS,
    ROUTE_SCHEMA,
    ROUTE_BULK,         /* /Bulk */
    ROUTE_ASYNC_RESULT, /* /AsyncResults/{handle} */
    ROUTE_ME,           /* not offered, whatever the method (rule W1) */
    ROUTE_HEALTHZ,
    ROUTE_READYZ,
    ROUTE_METRICS,
    ROUTE_JWKS,  /* /.well-known/jwks.json */
    ROUTE_TOKEN, /* /oauth2/token: its credentials are a client's (RFC 6749 section 2.3) */
    ROUTE_STEPS, /* of the Management API: what its handler does (api.h) */
};

struct api_route;

struct route {
    enum route_kind kind;
    enum http_method method; /* of the Management API: the one of SCIM that does the same */
    enum err_code code;      /* ERR_OK, or what the answer is once the caller is known: NOT_FOUND, METHOD,
                                NOT_IMPLEMENTED… */
    const char *allow;       /* the methods that are allowed here, as the Allow header says it */
    enum api api;
    const struct resource_type *rt; /* NULL where the path names no type */
    const char *segment;            /* the last part, decoded: id, type name, schema URN; NULL if none. Of the
                                       Management API the first {id} of the path … */
    const char *second;             /* … and the second */
    const char *workspace;          /* decoded, id or name; NULL under /scim/v2 */
    const char *prefix;             /* as sent, without trailing slash: "/scim/v2", "/api/v1" */
    const struct api_route *row;    /* of the Management API: its row; NULL where nothing fits */
};

/* path[0..len) is raw and has passed the guard. Texts live in the arena. */
void route_parse(const char *method, const char *path, size_t len, struct arena *a, struct route *out);
/* Whose a request target is, before it has been read: for what is refused then. */
enum api route_api(const char *target);
/* Nobody need say who he is. */
bool route_is_public(const struct route *r);
/* The scope that a route of SCIM asks for (one bit of enum scope). 0 where any valid key may ask, and where
 * it depends on more than the route: discovery, queries over all types, Bulk, outcomes. */
unsigned route_scope(const struct route *r);
/* Resources of an operator's own types go with users. */
unsigned route_type_scope(const struct resource_type *rt, bool write);
/* Lists and single resources, however they are asked for: nothing is written. */
bool route_reads(const struct route *r);

#endif
