/* The doors of the Management API, one row each: what stands at /api/v1, who may enter, and who answers. The
 * one table that routing, admission, the OpenAPI document and their tests go by. */
#ifndef USHER_INGEST_HTTP_ROUTES_H
#define USHER_INGEST_HTTP_ROUTES_H

#include "ingest/request/route.h"

#include <stddef.h>

#define API_PREFIX "/api/v1"

enum api_access {
    ACCESS_NONE,          /* no credentials: answered at once, without audit */
    ACCESS_KEY,           /* an API key with one of the row's scopes */
    ACCESS_ADMINISTRATOR, /* an owner's or administrator's credential */
    ACCESS_OWNER,         /* an owner's */
};

enum api_about { ABOUT_NONE, ABOUT_USERS, ABOUT_ROOMS };

struct api_route {
    enum http_method method;
    const char *path; /* below API_PREFIX: "/rooms/{room}/members/{user}". Those of one path stand together, a
                         path with a word before one that has {id} in its place */
    enum api_access access;
    unsigned scopes; /* of a key; any one of them will do */
    enum api_about about;
    enum route_kind kind;              /* COLLECTION and RESOURCE: as in SCIM, only in another form */
    enum http_method acts;             /* like this method of SCIM does there */
    const char *patch;                 /* a PatchOp, instead of a body */
    const struct api_handler *handler; /* of ROUTE_STEPS (api.h) */
};

extern const struct api_route api_routes[];
extern const size_t api_route_count;

#endif
