/* The doors of the Management API: every row of the table is found, by its own path and method alone; who may
 * enter. */
#include "ingest/api/form.h"
#include "ingest/api/ssf.h"
#include "ingest/http/routes.h"
#include "ingest/request/handle.h"
#include "ingest/scim/form.h"
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
    route_parse(&routes, method, path, strlen(path), arena, &r);
    return r;
}

/* Calls fn for the rows of the Management API that do something. */
static void each_row(void (*fn)(const struct route_row *row)) {
    size_t n = 0;
    for (size_t i = 0; i < routes.n; i++) {
        if (routes.rows[i].form != &api_form || routes.rows[i].method == HTTP_ANY)
            continue;
        fn(&routes.rows[i]);
        n++;
    }
    assert_true(n > 30);
}

/* The path of a row with something in place of each {…}. */
static char *path_of(const struct route_row *row) {
    char *path = arena_strdup(arena, ""), part[200];
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

static bool is_admin(const struct route_row *row) {
    return strncmp(row->path, API_PREFIX "/admin/", strlen(API_PREFIX "/admin/")) == 0;
}

static void check_found(const struct route_row *row) {
    struct route r = route(methods[row->method], path_of(row));
    assert_int_equal(r.code, ERR_OK);
    assert_ptr_equal(r.row, row);
    assert_int_equal(r.method, row->acts);
    assert_string_equal(r.prefix, API_PREFIX);
    const char *first = strchr(row->path, '{'), *second = first != NULL ? strchr(first + 1, '{') : NULL;
    assert_int_equal(r.segment != NULL, first != NULL);
    assert_int_equal(r.second != NULL, second != NULL);
    if (first != NULL)
        assert_string_equal(r.segment, "some id");
}

static void every_row_is_found(void **state) {
    (void)state;
    each_row(check_found);
}

static bool in_table(const char *path, enum http_method method) {
    for (size_t i = 0; i < routes.n; i++)
        if (strcmp(routes.rows[i].path, path) == 0 && routes.rows[i].method == method)
            return true;
    return false;
}

static void check_others(const struct route_row *row) {
    char *path = path_of(row);
    for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) {
        bool known = in_table(row->path, (enum http_method)m);
        struct route r = route(methods[m], path);
        assert_int_equal(r.code, known ? ERR_OK : ERR_METHOD);
        assert_int_equal(strstr(r.allow, methods[m]) != NULL, known);
    }
    assert_int_equal(route("TRACE", path).code, ERR_METHOD);
    struct route options = route("OPTIONS", path);
    assert_int_equal(options.code, ERR_OK);
    assert_ptr_equal(options.row->handler, &options_handler);
    assert_ptr_equal(options.row->form, &api_form);
    assert_int_equal(options.row->access, is_admin(row) ? ACCESS_ADMINISTRATOR : ACCESS_API);
}

static void other_methods_are_refused_and_the_others_named(void **state) {
    (void)state;
    each_row(check_others);
    assert_string_equal(route("PUT", "/api/v1/users").allow, "GET, HEAD, POST, OPTIONS");
}

static void check_whole(const struct route_row *row) {
    bool key = row->access == ACCESS_API;
    assert_int_equal(strncmp(row->path, API_PREFIX "/", strlen(API_PREFIX) + 1), 0);
    assert_int_equal(key, row->scopes != 0);
    assert_int_equal(is_admin(row), row->access >= ACCESS_ADMINISTRATOR);
    assert_int_equal(row->scopes & ~0xf0u, 0); /* no scope of SCIM opens anything here */
    assert_non_null(row->handler->begin);
    assert_int_equal(row->code, ERR_OK);
    assert_int_equal(row->by_txn, row->method != HTTP_GET);
    struct route r = route(methods[row->method], path_of(row));
    assert_int_equal(route_scopes(&r), row->scopes);            /* of a type: those that are for it */
    for (const struct route_row *k = routes.rows; k < row; k++) /* none twice */
        assert_false(strcmp(k->path, row->path) == 0 && k->method == row->method);
}

static void rows_are_in_order_and_whole(void **state) {
    (void)state;
    each_row(check_whole);
}

static void nothing_else_is_there(void **state) {
    (void)state;
    static const char *const paths[] = {
        "/api",           "/api/",          "/api/v1",           "/api/v1/",
        "/api/v2/users",  "/api/v1/nobody", "/api/v1/users/",    "/api/v1/users/a/b",
        "/api/v1//users", "/api/v1/Users",  "/api/v1/users/%ff", "/api/v1/rooms//members/x",
        "/api/v1/%75sers"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct route r = route("GET", paths[i]);
        assert_int_equal(r.code, ERR_NOT_FOUND);
        assert_int_equal(r.row->access, ACCESS_API);
        assert_ptr_equal(r.row->form, &api_form);
        assert_null(r.place);
    }
    assert_int_equal(route("GET", "/api/v1/admin/nothing").row->access, ACCESS_ADMINISTRATOR);
    assert_int_equal(route("GET", "/api/v1/admin").row->access, ACCESS_ADMINISTRATOR);
    assert_int_equal(route("GET", "/api/v1/administrators").row->access, ACCESS_API);
    assert_int_equal(route("GET", "/apix/v1/users").row->access, ACCESS_ANYBODY);
    assert_int_equal(route("GET", "/w/acme/api/v1/users").row->access, ACCESS_ANYBODY);
}

static const struct form *unreadable(const char *target) {
    struct route r;
    route_unreadable(&routes, target, &r);
    return r.row->form;
}

static void what_cannot_be_read_has_a_form(void **state) {
    (void)state;
    assert_ptr_equal(unreadable("/api/v1/users?x=%zz"), &api_form);
    assert_ptr_not_equal(unreadable("/scim/v2/Users"), &api_form);
    assert_ptr_equal(unreadable("/ssf/streams?x=%00"), &ssf_form);
    assert_ptr_equal(unreadable("/ssf/poll/%02"), &ssf_form);
    assert_ptr_equal(unreadable("/w/demo/ssf/poll/%02"), &ssf_form);
    assert_ptr_equal(unreadable("/w/demo/scim/v2/Users/%02"), &scim_form);
    assert_ptr_equal(unreadable("/w/ssf"), &scim_form);
    assert_ptr_not_equal(unreadable(""), &api_form);
    assert_ptr_not_equal(unreadable(NULL), &api_form);
}

/* Eight keys of one scope each against every row. */
static void check_scopes(const struct route_row *row) {
    struct route r = route(methods[row->method], path_of(row));
    bool write = row->method != HTTP_GET;
    for (unsigned bit = 1; bit <= SCOPE_API_ROOMS_WRITE; bit <<= 1) {
        struct err err = {0};
        bool in = route_permit(&r, bit, arena, &err) == ERR_OK;
        assert_int_equal(in, row->access != ACCESS_API || (row->scopes & bit) != 0);
        if (!in)
            assert_non_null(strstr(err.detail, "api:"));
    }
    if (row->access == ACCESS_API && write)
        assert_true(row->scopes == SCOPE_API_USERS_WRITE || row->scopes == SCOPE_API_ROOMS_WRITE);
}

static void each_scope_opens_its_doors(void **state) {
    (void)state;
    each_row(check_scopes);
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
        cmocka_unit_test(what_cannot_be_read_has_a_form),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
