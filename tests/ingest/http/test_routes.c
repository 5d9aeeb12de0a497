/* The doors of the Management API: every row of the table is found, by its own path and method alone; who may
 * enter. */
#include "ingest/api/api.h"
#include "ingest/http/routes.h"
#include "sql/ask/admit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
static struct arena *arena;

static struct route route(const char *method, const char *path) {
    struct route r;
    route_parse(method, path, strlen(path), arena, &r);
    return r;
}

/* The path of a row with something in place of each {…}. */
static char *path_of(const struct api_route *row) {
    char *path = arena_printf(arena, "%s", API_PREFIX), part[200];
    for (const char *p = row->path; *p != '\0';) {
        size_t n = strcspn(p, "{");
        snprintf(part, sizeof part, "%.*s%s", (int)n, p, p[n] == '{' ? "some%20id" : "");
        path = arena_printf(arena, "%s%s", path, part);
        p += n;
        if (*p == '{')
            p += strcspn(p, "}") + 1;
    }
    return path;
}

static void every_row_is_found(void **state) {
    (void)state;
    for (size_t i = 0; i < api_route_count; i++) {
        const struct api_route *row = &api_routes[i];
        struct route r = route(methods[row->method], path_of(row));
        assert_int_equal(r.code, ERR_OK);
        assert_ptr_equal(r.row, row);
        assert_int_equal(r.kind, row->kind);
        assert_int_equal(r.method, row->acts);
        assert_int_equal(r.api, row->access > ACCESS_KEY ? API_ADMIN : API_MANAGE);
        assert_string_equal(r.prefix, API_PREFIX);
        const char *first = strchr(row->path, '{'), *second = first != NULL ? strchr(first + 1, '{') : NULL;
        assert_int_equal(r.segment != NULL, first != NULL);
        assert_int_equal(r.second != NULL, second != NULL);
        if (first != NULL)
            assert_string_equal(r.segment, "some id");
    }
}

static bool in_table(const char *path, enum http_method method) {
    for (size_t i = 0; i < api_route_count; i++)
        if (strcmp(api_routes[i].path, path) == 0 && api_routes[i].method == method)
            return true;
    return false;
}

static void other_methods_are_refused_and_the_others_named(void **state) {
    (void)state;
    for (size_t i = 0; i < api_route_count; i++) {
        char *path = path_of(&api_routes[i]);
        for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) {
            bool known = in_table(api_routes[i].path, (enum http_method)m);
            struct route r = route(methods[m], path);
            assert_int_equal(r.code, known ? ERR_OK : ERR_METHOD);
            assert_int_equal(strstr(r.allow, methods[m]) != NULL, known);
        }
        assert_int_equal(route("TRACE", path).code, ERR_METHOD);
        assert_int_equal(route("OPTIONS", path).code, ERR_OK);
    }
    assert_string_equal(route("PUT", "/api/v1/users").allow, "GET, HEAD, POST, OPTIONS");
}

static void rows_are_in_order_and_whole(void **state) {
    (void)state;
    for (size_t i = 0; i < api_route_count; i++) {
        const struct api_route *row = &api_routes[i];
        assert_int_equal(row->path[0], '/');
        assert_int_equal(row->access == ACCESS_KEY, row->scopes != 0);
        assert_int_equal(strncmp(row->path, "/admin", 6) == 0, row->access > ACCESS_KEY);
        assert_int_equal(row->kind == ROUTE_STEPS, row->handler != NULL);
        assert_int_equal(row->scopes & ~0xf0u, 0); /* no scope of SCIM opens anything here */
        assert_true(row->handler == NULL || row->handler->begin != NULL);
        assert_true(row->kind == ROUTE_STEPS || row->about != ABOUT_NONE);
        for (size_t k = 0; k < i; k++) /* none twice */
            assert_false(strcmp(api_routes[k].path, row->path) == 0 && api_routes[k].method == row->method);
    }
}

static void nothing_else_is_there(void **state) {
    (void)state;
    static const char *const paths[] = {
        "/api",           "/api/",          "/api/v1",           "/api/v1/",
        "/api/v2/users",  "/api/v1/nobody", "/api/v1/users/",    "/api/v1/users/a/b",
        "/api/v1//users", "/api/v1/Users",  "/api/v1/users/%ff", "/api/v1/rooms//members/x"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct route r = route("GET", paths[i]);
        assert_int_equal(r.code, ERR_NOT_FOUND);
        assert_int_equal(r.api, API_MANAGE);
        assert_null(r.row);
    }
    assert_int_equal(route("GET", "/api/v1/admin/nothing").api, API_ADMIN);
    assert_int_equal(route("GET", "/apix/v1/users").api, API_NONE);
    assert_int_equal(route("GET", "/w/acme/api/v1/users").api, API_NONE);
    assert_int_equal(route_api("/api/v1/users?x=%zz"), API_MANAGE);
    assert_int_equal(route_api("/scim/v2/Users"), API_NONE);
}

/* Eight keys of one scope each against every row. */
static void each_scope_opens_its_doors(void **state) {
    (void)state;
    for (size_t i = 0; i < api_route_count; i++) {
        const struct api_route *row = &api_routes[i];
        struct request r = {.arena = arena, .route = {.api = API_MANAGE, .row = row}};
        bool write = row->method != HTTP_GET;
        for (unsigned bit = 1; bit <= SCOPE_API_ROOMS_WRITE; bit <<= 1) {
            struct err err = {0};
            r.verdict.scopes = bit;
            bool in = api_permit(&r, &err) == ERR_OK;
            if (row->access != ACCESS_KEY)
                continue;
            assert_int_equal(in, (row->scopes & bit) != 0);
            if (!in)
                assert_non_null(strstr(err.detail, "api:"));
        }
        if (row->access == ACCESS_KEY && write)
            assert_true(row->scopes == SCOPE_API_USERS_WRITE || row->scopes == SCOPE_API_ROOMS_WRITE);
    }
}

static void some_doors_are_an_owners(void **state) {
    (void)state;
    static const struct api_route row = {.access = ACCESS_OWNER, .path = "/admin/x"};
    struct request r = {.arena = arena, .route = {.api = API_ADMIN, .row = &row}};
    r.verdict.kind = ADMIT_ADMINISTRATOR;
    assert_int_equal(api_permit(&r, NULL), ERR_FORBIDDEN);
    r.verdict.kind = ADMIT_OWNER;
    assert_int_equal(api_permit(&r, NULL), ERR_OK);
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
        cmocka_unit_test(every_row_is_found),
        cmocka_unit_test(other_methods_are_refused_and_the_others_named),
        cmocka_unit_test(rows_are_in_order_and_whole),
        cmocka_unit_test(nothing_else_is_there),
        cmocka_unit_test(each_scope_opens_its_doors),
        cmocka_unit_test(some_doors_are_an_owners),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
