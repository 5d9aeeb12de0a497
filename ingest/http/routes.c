#include "ingest/http/routes.h"

#include "ingest/api/admin.h"
#include "ingest/api/docs.h"
#include "ingest/api/handlers.h"
#include "sql/ask/admit.h"

#define PATCH_OP(value)                                                                                      \
    "{\"schemas\":[\"" MESSAGE_PATCH "\"],\"Operations\":[{\"op\":\"replace\",\"path\":\"active\","          \
    "\"value\":" value "}]}"

#define ANY_SCOPE                                                                                            \
    (SCOPE_API_USERS_READ | SCOPE_API_USERS_WRITE | SCOPE_API_ROOMS_READ | SCOPE_API_ROOMS_WRITE)
#define ANY ACCESS_KEY, ANY_SCOPE, ABOUT_NONE
#define USERS(scope) ACCESS_KEY, SCOPE_API_USERS_##scope, ABOUT_USERS
#define ROOMS(scope) ACCESS_KEY, SCOPE_API_ROOMS_##scope, ABOUT_ROOMS

/* (The scopes of owners and administrators are none: their kind opens the door.) */
#define ADMIN(method, path, may, handler)                                                                    \
    { HTTP_##method, "/admin" path, ACCESS_##may, 0, ABOUT_NONE, ROUTE_STEPS, HTTP_##method, NULL, &handler }
#define ALL(path, handler)                                                                                   \
    { HTTP_GET, path, ACCESS_NONE, 0, ABOUT_NONE, ROUTE_STEPS, HTTP_GET, NULL, &handler }

const struct api_route api_routes[] = {
    {HTTP_GET, "/users", USERS(READ), ROUTE_COLLECTION, HTTP_GET, NULL, NULL},
    {HTTP_POST, "/users", USERS(WRITE), ROUTE_COLLECTION, HTTP_POST, NULL, NULL},
    {HTTP_POST, "/users/import", USERS(WRITE), ROUTE_BULK, HTTP_POST, NULL, NULL},
    {HTTP_GET, "/users/{id}", USERS(READ), ROUTE_RESOURCE, HTTP_GET, NULL, NULL},
    {HTTP_PATCH, "/users/{id}", USERS(WRITE), ROUTE_RESOURCE, HTTP_PATCH, NULL, NULL},
    {HTTP_DELETE, "/users/{id}", USERS(WRITE), ROUTE_RESOURCE, HTTP_DELETE, NULL, NULL},
    {HTTP_POST, "/users/{id}/deactivate", USERS(WRITE), ROUTE_RESOURCE, HTTP_PATCH, PATCH_OP("false"), NULL},
    {HTTP_POST, "/users/{id}/reactivate", USERS(WRITE), ROUTE_RESOURCE, HTTP_PATCH, PATCH_OP("true"), NULL},
    {HTTP_GET, "/users/{id}/rooms", ROOMS(READ), ROUTE_STEPS, HTTP_GET, NULL, &api_room_list},
    {HTTP_POST, "/logins", USERS(WRITE), ROUTE_STEPS, HTTP_POST, NULL, &api_login},
    {HTTP_GET, "/seats", USERS(READ), ROUTE_STEPS, HTTP_GET, NULL, &api_seats},

    {HTTP_GET, "/rooms", ROOMS(READ), ROUTE_COLLECTION, HTTP_GET, NULL, NULL},
    {HTTP_POST, "/rooms", ROOMS(WRITE), ROUTE_COLLECTION, HTTP_POST, NULL, NULL},
    {HTTP_GET, "/rooms/{id}", ROOMS(READ), ROUTE_RESOURCE, HTTP_GET, NULL, NULL},
    {HTTP_PATCH, "/rooms/{id}", ROOMS(WRITE), ROUTE_RESOURCE, HTTP_PATCH, NULL, NULL},
    {HTTP_DELETE, "/rooms/{id}", ROOMS(WRITE), ROUTE_RESOURCE, HTTP_DELETE, NULL, NULL},
    {HTTP_GET, "/rooms/{room}/members", ROOMS(READ), ROUTE_STEPS, HTTP_GET, NULL, &api_member_list},
    {HTTP_PUT, "/rooms/{room}/members/{user}", ROOMS(WRITE), ROUTE_STEPS, HTTP_PUT, NULL, &api_member_put},
    {HTTP_DELETE, "/rooms/{room}/members/{user}", ROOMS(WRITE), ROUTE_STEPS, HTTP_DELETE, NULL,
     &api_member_delete},

    {HTTP_GET, "/operations/{txn}", ANY, ROUTE_STEPS, HTTP_GET, NULL, &api_operation},
    {HTTP_GET, "/workspace", ANY, ROUTE_STEPS, HTTP_GET, NULL, &api_workspace},
    {HTTP_GET, "/activity", ANY, ROUTE_STEPS, HTTP_GET, NULL, &api_activity},

    ADMIN(GET, "/workspace", ADMINISTRATOR, api_workspace),
    ADMIN(PATCH, "/workspace", ADMINISTRATOR, admin_workspace_patch),
    ADMIN(GET, "/keys", ADMINISTRATOR, admin_key_list),
    ADMIN(POST, "/keys", ADMINISTRATOR, admin_key_create),
    ADMIN(GET, "/keys/{id}", ADMINISTRATOR, admin_key_get),
    ADMIN(DELETE, "/keys/{id}", ADMINISTRATOR, admin_key_revoke),
    ADMIN(POST, "/keys/{id}/rotate", ADMINISTRATOR, admin_key_rotate),
    ADMIN(GET, "/owners", OWNER, admin_owner_list),
    ADMIN(POST, "/owners", OWNER, admin_owner_create),
    ADMIN(GET, "/owners/{id}", OWNER, admin_owner_get),
    ADMIN(DELETE, "/owners/{id}", OWNER, admin_owner_revoke),
    ADMIN(GET, "/seats", ADMINISTRATOR, api_seats),
    ADMIN(GET, "/guards", ADMINISTRATOR, admin_guard_list),
    ADMIN(POST, "/guards/{key}/release", ADMINISTRATOR, admin_guard_release),

    ALL("/openapi.json", docs_json),
    ALL("/docs", docs_html),
};
const size_t api_route_count = sizeof api_routes / sizeof *api_routes;
