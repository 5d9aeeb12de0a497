/* Method and path -> endpoint, scope, refusal (rules D1, D9, T7, C9, N1). */
#include "ingest/request/route.h"
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
    route_parse(method, path, strlen(path), arena, &r);
    return r;
}

static void finds_endpoints(void **state) {
    (void)state;
    static const struct {
        const char *method, *path;
        enum route_kind kind;
        unsigned scope;
    } rows[] = {
        {"GET", "/scim/v2/Users", ROUTE_COLLECTION, SCOPE_SCIM_USERS_READ},
        {"HEAD", "/scim/v2/Users", ROUTE_COLLECTION, SCOPE_SCIM_USERS_READ},
        {"POST", "/scim/v2/Users", ROUTE_COLLECTION, SCOPE_SCIM_USERS_WRITE},
        {"POST", "/scim/v2/Users/", ROUTE_COLLECTION, SCOPE_SCIM_USERS_WRITE},
        {"GET", "/scim/v2/Groups/", ROUTE_COLLECTION, SCOPE_SCIM_ROOMS_READ},
        {"GET", "/scim/v2/Groups/1", ROUTE_RESOURCE, SCOPE_SCIM_ROOMS_READ},
        {"PUT", "/scim/v2/Groups/1", ROUTE_RESOURCE, SCOPE_SCIM_ROOMS_WRITE},
        {"PATCH", "/scim/v2/Users/1", ROUTE_RESOURCE, SCOPE_SCIM_USERS_WRITE},
        {"DELETE", "/scim/v2/Users/1", ROUTE_RESOURCE, SCOPE_SCIM_USERS_WRITE},
        {"GET", "/w/acme/scim/v2/Users", ROUTE_COLLECTION, SCOPE_SCIM_USERS_READ},
        {"GET", "/scim/v2/ServiceProviderConfig", ROUTE_CONFIG, 0},
        {"GET", "/scim/v2/ServiceProviderConfig/", ROUTE_CONFIG, 0},
        {"GET", "/scim/v2/ResourceTypes", ROUTE_TYPES, 0},
        {"GET", "/scim/v2/ResourceTypes/User", ROUTE_TYPE, 0},
        {"GET", "/scim/v2/Schemas", ROUTE_SCHEMAS, 0},
        {"GET", "/scim/v2/Schemas/urn:x", ROUTE_SCHEMA, 0},
        {"GET", "/healthz", ROUTE_HEALTHZ, 0},
        {"HEAD", "/readyz", ROUTE_READYZ, 0},
        {"GET", "/scim/v2", ROUTE_ROOT, 0},
        {"GET", "/w/acme/scim/v2/", ROUTE_ROOT, 0},
        {"POST", "/scim/v2/.search", ROUTE_SEARCH, 0},
        {"POST", "/scim/v2/Users/.search", ROUTE_SEARCH, SCOPE_SCIM_USERS_READ},
        {"POST", "/w/a/scim/v2/Groups/.search", ROUTE_SEARCH, SCOPE_SCIM_ROOMS_READ},
        {"POST", "/scim/v2/Bulk", ROUTE_BULK, 0},
        {"GET", "/scim/v2/AsyncResults/x", ROUTE_ASYNC_RESULT, 0},
        {"OPTIONS", "/scim/v2/Users/1", ROUTE_RESOURCE, 0},
        {"GET", "/scim/v2/%55sers/1", ROUTE_RESOURCE, SCOPE_SCIM_USERS_READ},
        {"GET", "/scim/v2/%53chemas", ROUTE_SCHEMAS, 0},
        {"GET", "/metrics", ROUTE_METRICS, 0},
        {"GET", "/.well-known/jwks.json", ROUTE_JWKS, 0},
        {"POST", "/oauth2/token", ROUTE_TOKEN, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct route r = route(rows[i].method, rows[i].path);
        assert_int_equal(r.code, ERR_OK);
        assert_int_equal(r.kind, rows[i].kind);
        assert_int_equal(route_scope(&r), rows[i].scope);
    }
}

static void takes_prefix_workspace_and_segment(void **state) {
    (void)state;
    struct route r = route("GET", "/w/caf%C3%A9%20x/scim/v2/Schemas/urn%3Aa");
    assert_string_equal(r.workspace, "caf\xc3\xa9 x");
    assert_string_equal(r.prefix, "/w/caf%C3%A9%20x/scim/v2"); /* as sent: meta.location repeats it */
    assert_string_equal(r.segment, "urn:a");
    assert_int_equal(r.api, API_SCIM);
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
        assert_int_equal(r.kind, ROUTE_NONE);
        assert_int_equal(r.api == API_SCIM, rows[i].scim);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_endpoints),
        cmocka_unit_test(takes_prefix_workspace_and_segment),
        cmocka_unit_test(knows_nothing_else),
        cmocka_unit_test(refuses_methods),
        cmocka_unit_test(w1_offers_no_me),
        cmocka_unit_test(d1_refuses_other_versions),
        cmocka_unit_test(refuses_segments_that_are_not_utf8),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
