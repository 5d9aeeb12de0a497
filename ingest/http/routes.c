#include "ingest/http/routes.h"

#include "ingest/api/admin.h"
#include "ingest/api/docs.h"
#include "ingest/api/form.h"
#include "ingest/api/handlers.h"
#include "ingest/api/oauth.h"
#include "ingest/api/oauth_metadata.h"
#include "ingest/api/ssf.h"
#include "ingest/http/health.h"
#include "ingest/portal/changes.h"
#include "ingest/portal/files.h"
#include "ingest/portal/handlers.h"
#include "ingest/portal/oidc_page.h"
#include "ingest/request/handle.h"
#include "ingest/scim/async.h"
#include "ingest/scim/bulk.h"
#include "ingest/scim/discovery.h"
#include "ingest/scim/form.h"
#include "ingest/scim/jwks.h"
#include "ingest/scim/read.h"
#include "ingest/scim/write.h"
#include "sql/ask/admit.h"

/* ---- SCIM (RFC 7644 section 3.2), also below /w/{workspace} ---- */

#define SCIM_ROW(m, where, what, needs)                                                                      \
    .method = HTTP_##m, .path = "(/w/{workspace})" where, .handler = &what, .form = &scim_form,              \
    .access = ACCESS_SCIM, .scopes = needs, .acts = HTTP_##m, .loose = true
/* A type of resource, or one resource. Of `needs` only the scopes for the type count. */
#define READ (SCOPE_SCIM_USERS_READ | SCOPE_SCIM_ROOMS_READ)
#define WRITE (SCOPE_SCIM_USERS_WRITE | SCOPE_SCIM_ROOMS_WRITE)
#define TYPE(m, path, what, needs)                                                                           \
    { SCIM_ROW(m, SCIM_PREFIX "/{type}" path, what, needs) }
/* For any valid key. */
#define SCIM(m, path, what)                                                                                  \
    { SCIM_ROW(m, SCIM_PREFIX path, what, 0) }
#define SCIM_NOTHING(path, why)                                                                              \
    { SCIM_ROW(ANY, path, options_handler, 0), .code = why }

/* ---- the Management API and the admin API ---- */

#define API_ROW(m, where, may, what, like)                                                                   \
    .method = HTTP_##m, .path = API_PREFIX where, .handler = &what, .form = &api_form, .access = may,        \
    .acts = HTTP_##like, .by_txn = HTTP_##m != HTTP_GET
#define ANY_SCOPE                                                                                            \
    (SCOPE_API_USERS_READ | SCOPE_API_USERS_WRITE | SCOPE_API_ROOMS_READ | SCOPE_API_ROOMS_WRITE)
#define API(m, path, what)                                                                                   \
    { API_ROW(m, path, ACCESS_API, what, m), .scopes = ANY_SCOPE }
#define USERS(m, path, needs, what)                                                                          \
    { API_ROW(m, path, ACCESS_API, what, m), .scopes = SCOPE_API_USERS_##needs, .about = ABOUT_USERS }
#define ROOMS(m, path, needs, what)                                                                          \
    { API_ROW(m, path, ACCESS_API, what, m), .scopes = SCOPE_API_ROOMS_##needs, .about = ABOUT_ROOMS }
/* A POST that does a PATCH of one attribute. */
#define SWITCH(value)                                                                                        \
    "{\"schemas\":[\"" MESSAGE_PATCH "\"],\"Operations\":[{\"op\":\"replace\","                              \
    "\"path\":\"active\",\"value\":" value "}]}"
#define ACTIVATE(path, value)                                                                                \
    {                                                                                                        \
        API_ROW(POST, path, ACCESS_API, api_write, PATCH), .scopes = SCOPE_API_USERS_WRITE,                  \
                                                           .about = ABOUT_USERS, .patch = SWITCH(value)      \
    }
/* Owners and administrators have no scopes: the kind of the credential decides. */
#define ADMIN(m, path, may, what)                                                                            \
    { API_ROW(m, "/admin" path, ACCESS_##may, what, m) }
/* What the Management API shows of people and rooms. */
#define ADMIN_ABOUT(path, what, type)                                                                        \
    { API_ROW(GET, "/admin" path, ACCESS_ADMINISTRATOR, what, GET), .about = ABOUT_##type }
#define DOCUMENT(path, what)                                                                                 \
    { API_ROW(GET, path, ACCESS_PUBLIC, what, GET) }
#define API_NOTHING(where, may)                                                                              \
    {                                                                                                        \
        .method = HTTP_ANY, .path = where, .handler = &options_handler, .form = &api_form, .access = may,    \
        .code = ERR_NOT_FOUND                                                                                \
    }

/* ---- the portal: what its page calls before and beside the admin API ---- */

#define PORTAL(m, where, may, what)                                                                          \
    {                                                                                                        \
        .method = HTTP_##m, .path = "/portal" where, .handler = &what, .form = &portal_form, .access = may,  \
        .acts = HTTP_##m                                                                                     \
    }
#define PORTAL_OTHERS(where, may)                                                                            \
    {                                                                                                        \
        .method = HTTP_ANY, .path = "/portal" where, .handler = &options_handler, .form = &portal_form,      \
        .access = may, .code = ERR_METHOD                                                                    \
    }

/* ---- the signals API (SSF 1.0), also below /w/{workspace} ---- */

/* Its events are about users, so it needs the scopes of the Management API for users: `write` to make a
 * stream and to change it, because from then on data goes out; either of them to read a stream and to poll
 * it. */
#define SSF(m, where, needs, what)                                                                           \
    {                                                                                                        \
        .method = HTTP_##m, .path = "(/w/{workspace})" SSF_PREFIX where, .handler = &what,                   \
        .form = &ssf_form, .access = ACCESS_API, .scopes = needs, .acts = HTTP_##m                           \
    }
#define SSF_READS (SCOPE_API_USERS_READ | SCOPE_API_USERS_WRITE)
#define SSF_MANAGES SCOPE_API_USERS_WRITE

/* ---- paths with one method and without OPTIONS ---- */

#define ALONE(m, where, what, spoken, may, refused)                                                          \
    {.method = HTTP_##m, .path = where, .handler = &what, .form = &spoken, .access = may, .acts = HTTP_##m}, \
    {                                                                                                        \
        .method = HTTP_ANY, .path = where, .handler = &options_handler, .form = &spoken, .access = refused,  \
        .code = ERR_METHOD                                                                                   \
    }
#define PUBLIC(path, what) ALONE(GET, path, what, scim_form, ACCESS_PUBLIC, ACCESS_PUBLIC)
#define PAGE(path, what) ALONE(GET, "/portal" path, what, scim_form, ACCESS_PUBLIC, ACCESS_PUBLIC)

static const struct route_row rows[] = {
    TYPE(GET, "/", scim_list, READ),
    TYPE(POST, "/", scim_write, WRITE),
    TYPE(POST, "/.search", scim_search, READ),
    TYPE(GET, "/{id}", scim_read, READ),
    TYPE(PUT, "/{id}", scim_write, WRITE),
    TYPE(PATCH, "/{id}", scim_write, WRITE),
    TYPE(DELETE, "/{id}", scim_write, WRITE),
    SCIM(GET, "/", scim_list),
    SCIM(POST, "/.search/", scim_search),
    SCIM(GET, "/ServiceProviderConfig/", discovery_config_get),
    SCIM(GET, "/ResourceTypes/", discovery_types_get),
    SCIM(GET, "/ResourceTypes/{name}", discovery_type_get),
    SCIM(GET, "/Schemas/", discovery_schemas_get),
    SCIM(GET, "/Schemas/{urn}", discovery_schema_get),
    SCIM(GET, "/AsyncResults/{handle}", async_result),
    SCIM(POST, "/Bulk/", scim_bulk),
    SCIM_NOTHING(SCIM_PREFIX "/Me/", ERR_NOT_IMPLEMENTED), /* whatever the method (rule W1) */
    SCIM_NOTHING(SCIM_PREFIX "/*", ERR_NOT_FOUND),
    SCIM_NOTHING("/scim/{version}/*", ERR_INVALID_VERS),
    SCIM_NOTHING("/scim/*", ERR_NOT_FOUND),

    USERS(GET, "/users", READ, api_list),
    USERS(POST, "/users", WRITE, api_write),
    USERS(POST, "/users/import", WRITE, api_import),
    USERS(GET, "/users/{id}", READ, api_read),
    USERS(PATCH, "/users/{id}", WRITE, api_write),
    USERS(DELETE, "/users/{id}", WRITE, api_write),
    ACTIVATE("/users/{id}/deactivate", "false"),
    ACTIVATE("/users/{id}/reactivate", "true"),
    ROOMS(GET, "/users/{id}/rooms", READ, api_room_list),
    USERS(POST, "/logins", WRITE, api_login),
    USERS(GET, "/seats", READ, api_seats),

    ROOMS(GET, "/rooms", READ, api_list),
    ROOMS(POST, "/rooms", WRITE, api_write),
    ROOMS(GET, "/rooms/{id}", READ, api_read),
    ROOMS(PATCH, "/rooms/{id}", WRITE, api_write),
    ROOMS(DELETE, "/rooms/{id}", WRITE, api_write),
    ROOMS(GET, "/rooms/{room}/members", READ, api_member_list),
    ROOMS(PUT, "/rooms/{room}/members/{user}", WRITE, api_member_put),
    ROOMS(DELETE, "/rooms/{room}/members/{user}", WRITE, api_member_delete),
    ROOMS(GET, "/rooms/{room}/members/{user}/why", READ, api_member_why),
    /* It changes nothing here, but lets somebody in under a member's name: who may only read may not do that.
     */
    ROOMS(POST, "/rooms/{room}/voice-token", WRITE, api_voice_token),

    API(GET, "/operations/{txn}", api_operation),
    API(GET, "/workspace", api_workspace),
    API(GET, "/activity", api_activity),

    ADMIN(GET, "/workspace", ADMINISTRATOR, api_workspace),
    ADMIN(PATCH, "/workspace", ADMINISTRATOR, admin_workspace_patch),
    ADMIN(GET, "/keys", ADMINISTRATOR, admin_key_list),
    ADMIN(POST, "/keys", ADMINISTRATOR, admin_key_create),
    ADMIN(GET, "/keys/{id}", ADMINISTRATOR, admin_key_get),
    ADMIN(PATCH, "/keys/{id}", ADMINISTRATOR, admin_key_set),
    ADMIN(DELETE, "/keys/{id}", ADMINISTRATOR, admin_key_revoke),
    ADMIN(POST, "/keys/{id}/rotate", ADMINISTRATOR, admin_key_rotate),
    ADMIN(GET, "/keys/{id}/setup", ADMINISTRATOR, portal_setup),
    ADMIN(GET, "/keys/{id}/dry-run", ADMINISTRATOR, admin_key_dry_run),
    ADMIN(GET, "/owners", OWNER, admin_owner_list),
    ADMIN(POST, "/owners", OWNER, admin_owner_create),
    ADMIN(GET, "/owners/{id}", OWNER, admin_owner_get),
    ADMIN(DELETE, "/owners/{id}", OWNER, admin_owner_revoke),
    ADMIN(GET, "/seats", ADMINISTRATOR, api_seats),
    ADMIN(GET, "/activity", ADMINISTRATOR, admin_activity),
    ADMIN(GET, "/changes", OWNER, admin_changes),
    ADMIN(GET, "/audit", OWNER, admin_audit_list),
    ADMIN(GET, "/audit/follow", OWNER, admin_audit_follow),
    ADMIN(GET, "/audit/export", OWNER, admin_audit_export),
    ADMIN(GET, "/audit/proof/{workspace}/audit/{seq}", OWNER, admin_proof_change),
    ADMIN(GET, "/audit/proof/{instance}/{n}", OWNER, admin_proof_request),
    ADMIN(GET, "/audit/proof/{txn}", OWNER, admin_proof_txn),
    ADMIN(GET, "/checkpoints", ADMINISTRATOR, admin_checkpoints),
    {API_ROW(POST, "/admin/users/{id}/deactivate", ACCESS_OWNER, api_write, PATCH), .about = ABOUT_USERS,
     .patch = SWITCH("false")},
    ADMIN_ABOUT("/users", api_list, USERS),
    ADMIN_ABOUT("/users/{id}", api_read, USERS),
    ADMIN_ABOUT("/users/{id}/rooms", api_room_list, ROOMS),
    ADMIN_ABOUT("/rooms", api_list, ROOMS),
    ADMIN_ABOUT("/rooms/{id}", api_read, ROOMS),
    ADMIN_ABOUT("/rooms/{room}/members", api_member_list, ROOMS),
    ADMIN_ABOUT("/rooms/{room}/members/{user}/why", api_member_why, ROOMS),
    ADMIN(GET, "/sessions", ADMINISTRATOR, admin_session_list),
    ADMIN(POST, "/sessions/end-others", ADMINISTRATOR, admin_session_end_others),
    ADMIN(DELETE, "/sessions/{id}", ADMINISTRATOR, admin_session_end),
    ADMIN(POST, "/setup-links", ADMINISTRATOR, admin_setup_link),
    ADMIN(GET, "/sign-in", OWNER, admin_sign_in_get),
    ADMIN(PATCH, "/sign-in", OWNER, admin_sign_in_set),
    ADMIN(DELETE, "/sign-in", OWNER, admin_sign_in_end),
    ADMIN(GET, "/guards", ADMINISTRATOR, admin_guard_list),
    ADMIN(POST, "/guards/{key}/release", ADMINISTRATOR, admin_guard_release),
    ADMIN(GET, "/deliveries", ADMINISTRATOR, admin_delivery_list),
    ADMIN(POST, "/deliveries", ADMINISTRATOR, admin_delivery_create),
    ADMIN(GET, "/deliveries/{id}", ADMINISTRATOR, admin_delivery_get),
    ADMIN(PATCH, "/deliveries/{id}", ADMINISTRATOR, admin_delivery_set),
    ADMIN(DELETE, "/deliveries/{id}", ADMINISTRATOR, admin_delivery_delete),
    ADMIN(POST, "/deliveries/{id}/rotate", ADMINISTRATOR, admin_delivery_rotate),
    ADMIN(POST, "/deliveries/{id}/test", ADMINISTRATOR, admin_delivery_test),
    ADMIN(POST, "/deliveries/{id}/replay", ADMINISTRATOR, admin_delivery_replay),
    ADMIN(GET, "/deliveries/{id}/attempts", ADMINISTRATOR, admin_delivery_attempts),
    API_NOTHING(API_PREFIX "/admin/*", ACCESS_ADMINISTRATOR),

    DOCUMENT("/openapi.json", docs_json),
    DOCUMENT("/docs", portal_docs_get),
    API_NOTHING("/api/*", ACCESS_API),

    SSF(GET, "/streams", SSF_READS, ssf_read_streams),
    SSF(POST, "/streams", SSF_MANAGES, ssf_create),
    SSF(PATCH, "/streams", SSF_MANAGES, ssf_update),
    SSF(PUT, "/streams", SSF_MANAGES, ssf_replace),
    SSF(DELETE, "/streams", SSF_MANAGES, ssf_delete),
    SSF(GET, "/status", SSF_READS, ssf_status),
    SSF(POST, "/status", SSF_MANAGES, ssf_set_status),
    SSF(POST, "/verify", SSF_MANAGES, ssf_verify),
    SSF(POST, "/subjects/add", SSF_MANAGES, ssf_add_subject),
    SSF(POST, "/subjects/remove", SSF_MANAGES, ssf_remove_subject),
    SSF(POST, "/poll/{stream}", SSF_READS, ssf_poll),
    {.method = HTTP_ANY,
     .path = "(/w/{workspace})" SSF_PREFIX "/*",
     .handler = &options_handler,
     .form = &ssf_form,
     .access = ACCESS_API,
     .code = ERR_NOT_FOUND},

    PORTAL(POST, "/session", ACCESS_SIGN_IN, portal_sign_in),
    PORTAL(GET, "/session", ACCESS_SESSION, portal_session),
    PORTAL(DELETE, "/session", ACCESS_SESSION, portal_sign_out),
    PORTAL_OTHERS("/session", ACCESS_ANYBODY),
    PORTAL(GET, "/setup", ACCESS_SETUP, portal_setup),
    PORTAL_OTHERS("/setup", ACCESS_ANYBODY),
    PORTAL(POST, "/setup/token", ACCESS_SETUP, portal_setup_token),
    PORTAL_OTHERS("/setup/token", ACCESS_ANYBODY),
    PORTAL(GET, "/sign-in", ACCESS_PUBLIC, portal_ways),
    PORTAL_OTHERS("/sign-in", ACCESS_ANYBODY),
    /* A browser goes there by itself, so what it gets is a page in any case. */
    {.method = HTTP_GET,
     .path = "/portal/oidc/start",
     .handler = &portal_oidc_start,
     .form = &oidc_form,
     .access = ACCESS_SIGN_IN,
     .acts = HTTP_GET},
    PORTAL_OTHERS("/oidc/start", ACCESS_ANYBODY),
    {.method = HTTP_GET,
     .path = "/portal/oidc/callback",
     .handler = &portal_oidc_callback,
     .form = &oidc_form,
     .access = ACCESS_SIGN_IN,
     .acts = HTTP_GET},
    PORTAL_OTHERS("/oidc/callback", ACCESS_ANYBODY),
    PAGE("", portal_page_get),
    PAGE("/assets/{name}", portal_file_get),
    PAGE("/{page}", portal_page_get),
    PAGE("/{page}/{id}", portal_page_get),
    PAGE("/{page}/{id}/{more}", portal_page_get),

    ALONE(POST, "/oauth2/token", oauth_token, oauth_form, ACCESS_KEY, ACCESS_ANYBODY),
    PUBLIC("/.well-known/jwks.json", jwks_get),
    PUBLIC("/.well-known/oauth-authorization-server", oauth_server_metadata),
    PUBLIC("/.well-known/oauth-authorization-server/w/{workspace}", oauth_server_metadata),
    PUBLIC("/.well-known/oauth-protected-resource", oauth_resource_metadata),
    PUBLIC("/.well-known/oauth-protected-resource" SCIM_PREFIX, oauth_resource_metadata),
    PUBLIC("/.well-known/oauth-protected-resource/w/{workspace}" SCIM_PREFIX, oauth_resource_metadata),
    PUBLIC("/.well-known/oauth-protected-resource" API_PREFIX, oauth_resource_metadata),
    PUBLIC("/.well-known/oauth-protected-resource" SSF_PREFIX, oauth_resource_metadata),
    PUBLIC("/.well-known/oauth-protected-resource/w/{workspace}" SSF_PREFIX, oauth_resource_metadata),
    PUBLIC(SSF_CONFIGURATION, ssf_metadata),
    PUBLIC(SSF_CONFIGURATION "/w/{workspace}", ssf_metadata),
    PUBLIC("/healthz", health_alive),
    PUBLIC("/readyz", health_readiness),
    PUBLIC("/metrics", health_metrics),
    {.method = HTTP_ANY,
     .path = "/*",
     .handler = &options_handler,
     .form = &scim_form,
     .access = ACCESS_ANYBODY,
     .code = ERR_NOT_FOUND},
};

const struct route_table routes = {rows, sizeof rows / sizeof *rows};
