#include "ingest/api_routes.h"

#include "sql/admit.h"

#define PATCH_OP(value)                                                                                      \
    "{\"schemas\":[\"" MESSAGE_PATCH "\"],\"Operations\":[{\"op\":\"replace\",\"path\":\"active\","          \
    "\"value\":" value "}]}"

#define USERS(scope) ACCESS_KEY, SCOPE_API_USERS_##scope, ABOUT_USERS
#define ROOMS(scope) ACCESS_KEY, SCOPE_API_ROOMS_##scope, ABOUT_ROOMS

const struct api_route api_routes[] = {
    {HTTP_GET, "/users", USERS(READ), ROUTE_COLLECTION, HTTP_GET, NULL, NULL},
    {HTTP_POST, "/users", USERS(WRITE), ROUTE_COLLECTION, HTTP_POST, NULL, NULL},
    {HTTP_GET, "/users/{id}", USERS(READ), ROUTE_RESOURCE, HTTP_GET, NULL, NULL},
    {HTTP_PATCH, "/users/{id}", USERS(WRITE), ROUTE_RESOURCE, HTTP_PATCH, NULL, NULL},
    {HTTP_DELETE, "/users/{id}", USERS(WRITE), ROUTE_RESOURCE, HTTP_DELETE, NULL, NULL},
    {HTTP_POST, "/users/{id}/deactivate", USERS(WRITE), ROUTE_RESOURCE, HTTP_PATCH, PATCH_OP("false"), NULL},
    {HTTP_POST, "/users/{id}/reactivate", USERS(WRITE), ROUTE_RESOURCE, HTTP_PATCH, PATCH_OP("true"), NULL},

    {HTTP_GET, "/rooms", ROOMS(READ), ROUTE_COLLECTION, HTTP_GET, NULL, NULL},
    {HTTP_POST, "/rooms", ROOMS(WRITE), ROUTE_COLLECTION, HTTP_POST, NULL, NULL},
    {HTTP_GET, "/rooms/{id}", ROOMS(READ), ROUTE_RESOURCE, HTTP_GET, NULL, NULL},
    {HTTP_PATCH, "/rooms/{id}", ROOMS(WRITE), ROUTE_RESOURCE, HTTP_PATCH, NULL, NULL},
    {HTTP_DELETE, "/rooms/{id}", ROOMS(WRITE), ROUTE_RESOURCE, HTTP_DELETE, NULL, NULL},
};
const size_t api_route_count = sizeof api_routes / sizeof *api_routes;
