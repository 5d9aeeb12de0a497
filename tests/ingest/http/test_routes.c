/* The table of routes: method and path of SCIM, and of what stands alone -> handler, scope, refusal (rules
 * D1, D9, T7, C9, N1). The Management API has tests of its own (test_routes_api.c). */
#include "ingest/api/oauth.h"
#include "ingest/api/oauth_metadata.h"
#include "ingest/http/health.h"
#include "ingest/http/routes.h"
#include "ingest/request/handle.h"
#include "ingest/scim/async.h"
#include "ingest/scim/bulk.h"
#include "ingest/scim/discovery.h"
#include "ingest/scim/form.h"
#include "ingest/scim/jwks.h"
#include "ingest/scim/read.h"
#include "ingest/scim/write.h"
#include "sql/ask/admit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;

static struct route route(const char *method, const char *path) {
    struct route r;
    route_parse(&routes, method, path, strlen(path), arena, &r);
    return r;
}

static void finds_endpoints(void **state) {
    (void)state;
    static const struct {
        const char *method, *path;
        const struct handler *handler;
        unsigned scope;
    } rows[] = {
        {"GET", "/scim/v2/Users", &scim_list, SCOPE_SCIM_USERS_READ},
        {"HEAD", "/scim/v2/Users", &scim_list, SCOPE_SCIM_USERS_READ},
        {"POST", "/scim/v2/Users", &scim_write, SCOPE_SCIM_USERS_WRITE},
        {"POST", "/scim/v2/Users/", &scim_write, SCOPE_SCIM_USERS_WRITE},
        {"GET", "/scim/v2/Groups/", &scim_list, SCOPE_SCIM_ROOMS_READ},
        {"GET", "/scim/v2/Groups/1", &scim_read, SCOPE_SCIM_ROOMS_READ},
        {"PUT", "/scim/v2/Groups/1", &scim_write, SCOPE_SCIM_ROOMS_WRITE},
        {"PATCH", "/scim/v2/Users/1", &scim_write, SCOPE_SCIM_USERS_WRITE},
        {"DELETE", "/scim/v2/Users/1", &scim_write, SCOPE_SCIM_USERS_WRITE},
        {"GET", "/w/acme/scim/v2/Users", &scim_list, SCOPE_SCIM_USERS_READ},
        {"GET", "/scim/v2/ServiceProviderConfig", &discovery_config_get, 0},
        {"GET", "/scim/v2/ServiceProviderConfig/", &discovery_config_get, 0},
        {"GET", "/scim/v2/ResourceTypes", &discovery_types_get, 0},
        {"GET", "/scim/v2/ResourceTypes/User", &discovery_type_get, 0},
        {"GET", "/scim/v2/Schemas", &discovery_schemas_get, 0},
        {"GET", "/scim/v2/Schemas/urn:x", &discovery_schema_get, 0},
        {"GET", "/healthz", &health_alive, 0},
        {"HEAD", "/readyz", &health_readiness, 0},
        {"GET", "/scim/v2", &scim_list, 0},
        {"GET", "/w/acme/scim/v2/", &scim_list, 0},
        {"POST", "/scim/v2/.search", &scim_search, 0},
        {"POST", "/scim/v2/Users/.search", &scim_search, SCOPE_SCIM_USERS_READ},
        {"POST", "/w/a/scim/v2/Groups/.search", &scim_search, SCOPE_SCIM_ROOMS_READ},
        {"POST", "/scim/v2/Bulk", &scim_bulk, 0},
        {"GET", "/scim/v2/AsyncResults/x", &async_result, 0},
        {"OPTIONS", "/scim/v2/Users/1", &options_handler, 0},
        {"GET", "/scim/v2/%55sers/1", &scim_read, SCOPE_SCIM_USERS_READ},
        {"GET", "/scim/v2/%53chemas", &discovery_schemas_get, 0},
        /* the names of collections in any letter case */
        {"GET", "/scim/v2/users", &scim_list, SCOPE_SCIM_USERS_READ},
        {"GET", "/w/acme/scim/v2/GROUPS/1", &scim_read, SCOPE_SCIM_ROOMS_READ},
        {"GET", "/scim/v2/serviceproviderconfig", &discovery_config_get, 0},
        {"GET", "/w/acme/scim/v2/serviceProviderConfig/", &discovery_config_get, 0},
        {"GET", "/scim/v2/resourcetypes", &discovery_types_get, 0},
        {"GET", "/scim/v2/RESOURCETYPES/User", &discovery_type_get, 0},
        {"GET", "/scim/v2/schemas/", &discovery_schemas_get, 0},
        {"GET", "/w/acme/scim/v2/SCHEMAS/urn:x", &discovery_schema_get, 0},
        {"GET", "/scim/v2/s%43hemas", &discovery_schemas_get, 0},
        {"POST", "/scim/v2/bulk", &scim_bulk, 0},
        {"POST", "/w/acme/scim/v2/BULK/", &scim_bulk, 0},
        {"POST", "/scim/v2/.Search", &scim_search, 0},
        {"POST", "/scim/v2/users/.SEARCH", &scim_search, SCOPE_SCIM_USERS_READ},
        {"GET", "/scim/v2/asyncresults/x", &async_result, 0},
        {"GET", "/metrics", &health_metrics, 0},
        {"GET", "/.well-known/jwks.json", &jwks_get, 0},
        {"GET", "/.well-known/oauth-authorization-server", &oauth_server_metadata, 0},
        {"GET", "/.well-known/oauth-authorization-server/w/acme", &oauth_server_metadata, 0},
        {"GET", "/.well-known/oauth-protected-resource", &oauth_resource_metadata, 0},
        {"GET", "/.well-known/oauth-protected-resource/scim/v2", &oauth_resource_metadata, 0},
        {"GET", "/.well-known/oauth-protected-resource/w/acme/scim/v2", &oauth_resource_metadata, 0},
        {"GET", "/.well-known/oauth-protected-resource/api/v1", &oauth_resource_metadata, 0},
        {"POST", "/oauth2/token", &oauth_token, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct route r = route(rows[i].method, rows[i].path);
        assert_int_equal(r.code, ERR_OK);
        assert_ptr_equal(r.row->handler, rows[i].handler);
        assert_int_equal(route_scopes(&r), rows[i].scope);
    }
}

static void takes_prefix_workspace_and_segment(void **state) {
    (void)state;
    struct route r = route("GET", "/w/caf%C3%A9%20x/scim/v2/Schemas/urn%3Aa");
    assert_string_equal(r.workspace, "caf\xc3\xa9 x");
    assert_string_equal(r.prefix, "/w/caf%C3%A9%20x/scim/v2"); /* as sent: meta.location repeats it */
    assert_string_equal(r.segment, "urn:a");
    assert_ptr_equal(r.row->form, &scim_form);
    r = route("GET", "/scim/v2/Users/abc");
    assert_null(r.workspace);
    assert_string_equal(r.prefix, "/scim/v2");
    assert_string_equal(r.segment, "abc");
}

static void knows_nothing_else(void **state) {
    (void)state;
    static const struct {
        const char *path;
        bool scim;
    } rows[] = {
        {"/", false},
        {"/scim", true},
        {"/scim/v2//", true},
        {"/scim/v2/AsyncResults", true},
        {"/scim/v2/.search/x", true},
        {"/.well-known", false},
        {"/scim/v2/Users//", true},
        {"/scim/v2/Users/1/", true},
        {"/scim/v2/Users/1/members", true},
        {"/scim/v2/Rooms", true},
        {"/scim/v2/ServiceProviderConfig/x", true},
        {"/scim/v22x/Users", true},
        {"/scimx/v2/Users", false},
        {"/w/acme", false},
        {"/w//scim/v2/Users", false},
        {"/w/acme/api/v1", false},
        {"/healthz/", false},
        {"/x", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct route r = route("GET", rows[i].path);
        assert_int_equal(r.code, ERR_NOT_FOUND);
        assert_null(r.place);
        assert_int_equal(r.row->access, rows[i].scim ? ACCESS_SCIM : ACCESS_ANYBODY);
        assert_ptr_equal(r.row->form, &scim_form);
    }
}

static void refuses_methods(void **state) {
    (void)state;
    static const char *const rows[][3] = {
        {"PUT", "/scim/v2/Users", "GET, HEAD, POST, OPTIONS"},
        {"PATCH", "/scim/v2/Groups/", "GET, HEAD, POST, OPTIONS"},
        {"DELETE", "/scim/v2/Users", "GET, HEAD, POST, OPTIONS"},
        {"POST", "/scim/v2/Users/1", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"},
        {"POST", "/scim/v2/Schemas", "GET, HEAD, OPTIONS"},
        {"DELETE", "/scim/v2/ResourceTypes/User", "GET, HEAD, OPTIONS"},
        {"PUT", "/scim/v2/ServiceProviderConfig", "GET, HEAD, OPTIONS"},
        {"POST", "/scim/v2", "GET, HEAD, OPTIONS"},
        {"GET", "/scim/v2/.search", "POST, OPTIONS"},
        {"GET", "/scim/v2/Users/.search", "POST, OPTIONS"},
        {"GET", "/scim/v2/Bulk", "POST, OPTIONS"},
        {"DELETE", "/scim/v2/AsyncResults/x", "GET, HEAD, OPTIONS"},
        {"get", "/scim/v2/Users", "GET, HEAD, POST, OPTIONS"}, /* methods are case-sensitive */
        {"TRACE", "/scim/v2/Users", "GET, HEAD, POST, OPTIONS"},
        {"POST", "/metrics", "GET, HEAD"},
        {"OPTIONS", "/.well-known/jwks.json", "GET, HEAD"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct route r = route(rows[i][0], rows[i][1]);
        assert_int_equal(r.code, ERR_METHOD);
        assert_string_equal(r.allow, rows[i][2]);
    }
}

static void w1_offers_no_me(void **state) {
    (void)state;
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        assert_int_equal(route(methods[i], "/scim/v2/Me").code, ERR_NOT_IMPLEMENTED);
}

static void d1_refuses_other_versions(void **state) {
    (void)state;
    assert_int_equal(route("GET", "/scim/v1/Users").code, ERR_INVALID_VERS);
    assert_int_equal(route("GET", "/scim/v2.1/Users").code, ERR_INVALID_VERS);
    assert_int_equal(route("GET", "/w/a/scim/v3").code, ERR_INVALID_VERS);
    assert_int_equal(route("GET", "/scim/Users").code, ERR_NOT_FOUND);
}

static void refuses_segments_that_are_not_utf8(void **state) {
    (void)state;
    assert_int_equal(route("GET", "/scim/v2/Users/%ff").code, ERR_NOT_FOUND);
    assert_int_equal(route("GET", "/w/%ff/scim/v2/Users").code, ERR_NOT_FOUND);
}

/* Whose answers need no credentials, and whose are on record all the same. */
static void what_anybody_may_know(void **state) {
    (void)state;
    static const struct {
        const char *method, *path;
        enum route_access access;
    } rows[] = {
        {"GET", "/healthz", ACCESS_PUBLIC},          {"POST", "/healthz", ACCESS_PUBLIC},
        {"GET", "/api/v1/docs", ACCESS_PUBLIC},      {"POST", "/api/v1/docs", ACCESS_API},
        {"POST", "/oauth2/token", ACCESS_KEY},       {"GET", "/oauth2/token", ACCESS_ANYBODY},
        {"GET", "/oauth2/other", ACCESS_ANYBODY},    {"GET", "/", ACCESS_ANYBODY},
        {"OPTIONS", "/scim/v2/Users", ACCESS_SCIM},  {"GET", "/portal", ACCESS_PUBLIC},
        {"GET", "/portal/keys", ACCESS_PUBLIC},      {"POST", "/portal", ACCESS_PUBLIC},
        {"POST", "/portal/session", ACCESS_SIGN_IN}, {"PUT", "/portal/session", ACCESS_ANYBODY},
        {"GET", "/portal/session", ACCESS_SESSION},  {"GET", "/portal/sign-in", ACCESS_PUBLIC},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(route(rows[i].method, rows[i].path).row->access, rows[i].access);
    assert_ptr_equal(route("GET", "/oauth2/token").row->form, &oauth_form);
}

/* What is about one type asks for that type's scope; types of one's own go with users. */
static void every_typed_row_asks_for_one_scope(void **state) {
    (void)state;
    for (size_t i = 0; i < routes.n; i++) {
        const struct route_row *row = &routes.rows[i];
        if (strstr(row->path, "{type}") == NULL)
            continue;
        for (size_t k = 0; resource_type_at(k) != NULL; k++) {
            struct route r = {.row = row, .rt = resource_type_at(k)};
            unsigned scopes = route_scopes(&r);
            assert_true(scopes != 0 && (scopes & (scopes - 1)) == 0);
        }
    }
}

/* A body may be refused before its method is: the limits are those of the path. */
static void limits_go_with_the_path(void **state) {
    (void)state;
    assert_ptr_equal(route("PUT", "/scim/v2/Bulk").place->handler, &scim_bulk);
    assert_ptr_equal(route("GET", "/oauth2/token").place->handler, &oauth_token);
    assert_ptr_equal(route("GET", "/oauth2/token").row->handler, &options_handler);
}

static int setup(void **state) {
    (void)state;
    arena = arena_new();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_free(arena);
    return 0;
}

#define ROOM_ID "01917d2e-0a1b-7c2d-8e3f-405162738495"
#define USER_ID "01905c4b-1122-7334-9556-778899aabbcc"

/* For the record of the request, which says what it was about. */
static void names_the_room_and_the_user(void **state) {
    (void)state;
    static const struct {
        const char *method, *path, *room, *user;
    } rows[] = {
        {"GET", "/scim/v2/Users/" USER_ID, NULL, USER_ID},
        {"DELETE", "/w/acme/scim/v2/groups/" ROOM_ID, ROOM_ID, NULL},
        {"PATCH", "/scim/v2/Groups/01917D2E-0a1b-7c2d-8e3f-405162738495", ROOM_ID, NULL},
        {"POST", "/scim/v2/Users/" USER_ID, NULL, USER_ID}, /* not allowed there; it is named all the same */
        {"GET", "/api/v1/users/" USER_ID "/rooms", NULL, USER_ID},
        {"POST", "/api/v1/users/" USER_ID "/deactivate", NULL, USER_ID},
        {"GET", "/api/v1/rooms/" ROOM_ID "/members", ROOM_ID, NULL},
        {"PUT", "/api/v1/rooms/" ROOM_ID "/members/" USER_ID, ROOM_ID, USER_ID},
        {"GET", "/scim/v2/Users", NULL, NULL},
        {"GET", "/scim/v2/Users/7", NULL, NULL},
        {"GET", "/scim/v2/Schemas/" USER_ID, NULL, NULL},
        {"GET", "/api/v1/operations/" USER_ID, NULL, NULL},
        {"DELETE", "/api/v1/admin/keys/" USER_ID, NULL, NULL},
        {"GET", "/nowhere/" USER_ID, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct route r = route(rows[i].method, rows[i].path);
        const char *room = r.room != NULL ? r.room : "", *user = r.user != NULL ? r.user : "";
        if (strcmp(room, rows[i].room != NULL ? rows[i].room : "") != 0 ||
            strcmp(user, rows[i].user != NULL ? rows[i].user : "") != 0)
            fail_msg("%s %s: room \"%s\", user \"%s\"", rows[i].method, rows[i].path, room, user);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_endpoints),
        cmocka_unit_test(takes_prefix_workspace_and_segment),
        cmocka_unit_test(knows_nothing_else),
        cmocka_unit_test(refuses_methods),
        cmocka_unit_test(w1_offers_no_me),
        cmocka_unit_test(d1_refuses_other_versions),
        cmocka_unit_test(refuses_segments_that_are_not_utf8),
        cmocka_unit_test(what_anybody_may_know),
        cmocka_unit_test(every_typed_row_asks_for_one_scope),
        cmocka_unit_test(limits_go_with_the_path),
        cmocka_unit_test(names_the_room_and_the_user),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
