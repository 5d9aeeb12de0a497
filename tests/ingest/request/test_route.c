/* The matcher of routes, on a table of the test's own: templates, what is in their places, what is not there.
 */
#include "ingest/request/route.h"
#include "sql/ask/admit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;

static const struct form plain = {.prefix = NULL}, prefixed = {.prefix = "/a/v1"};
static const struct handler handlers[12];

#define ROW(i, m, where, spoken) .method = HTTP_##m, .path = where, .handler = &handlers[i], .form = &spoken

static const struct route_row rows[] = {
    {ROW(0, GET, "(/w/{workspace})/a/v1/{type}/", prefixed),
     .scopes = SCOPE_SCIM_USERS_READ | SCOPE_SCIM_ROOMS_READ},
    {ROW(1, POST, "(/w/{workspace})/a/v1/{type}/", prefixed)},
    {ROW(2, GET, "(/w/{workspace})/a/v1/Things/{thing}/parts/{part}", prefixed), .loose = true},
    {ROW(3, ANY, "(/w/{workspace})/a/v1/Never", prefixed), .code = ERR_NOT_IMPLEMENTED},
    {ROW(4, ANY, "(/w/{workspace})/a/v1/*", prefixed), .code = ERR_NOT_FOUND},
    {ROW(5, ANY, "/a/{version}/*", plain), .code = ERR_INVALID_VERS},
    {ROW(6, GET, "/b/word", plain), .scopes = SCOPE_API_ROOMS_READ},
    {ROW(7, POST, "/b/{any}", plain), .about = ABOUT_ROOMS, .acts = HTTP_PATCH},
    {ROW(8, DELETE, "/b/{any}", plain)},
    {ROW(9, GET, "/alone", plain)},
    {ROW(10, ANY, "/alone", plain), .code = ERR_METHOD},
    {ROW(11, ANY, "/*", plain), .code = ERR_NOT_FOUND},
};
static const struct route_table table = {rows, sizeof rows / sizeof *rows};

static struct route route(const char *method, const char *path) {
    struct route r;
    route_parse(&table, method, path, strlen(path), arena, &r);
    return r;
}

static size_t found(const struct route *r) {
    return (size_t)(r->row - rows);
}

static void finds_rows(void **state) {
    (void)state;
    static const struct {
        const char *method, *path;
        size_t row;
        enum err_code code;
    } cases[] = {
        {"GET", "/a/v1/Users", 0, ERR_OK},
        {"HEAD", "/a/v1/users", 0, ERR_OK},
        {"GET", "/a/v1/Users/", 0, ERR_OK},
        {"POST", "/w/acme/a/v1/%55sers", 1, ERR_OK},
        {"GET", "/a/v1/Users//", 4, ERR_NOT_FOUND},
        {"GET", "/a/v1/Nobodies", 4, ERR_NOT_FOUND},
        {"PUT", "/a/v1/Users", 4, ERR_METHOD},
        {"OPTIONS", "/a/v1/Users", 4, ERR_OK},
        {"GET", "/a/v1/Things/1/parts/2", 2, ERR_OK},
        {"GET", "/a/v1/%54hings/1/p%61rts/2", 2, ERR_OK},       /* escaped */
        {"GET", "/%61/v1/Things/1/parts/2", 11, ERR_NOT_FOUND}, /* never the prefix */
        {"GET", "/a/v1/things/1/PARTS/2", 2, ERR_OK},           /* in any letter case */
        {"GET", "/w/acme/a/v1/THINGS/1/p%41rts/2", 2, ERR_OK},
        {"GET", "/a/V1/Things/1/parts/2", 11, ERR_NOT_FOUND}, /* but for the prefix */
        {"GET", "/a/v1/Thing/1/parts/2", 4, ERR_NOT_FOUND},
        {"GET", "/a/v1/never", 4, ERR_NOT_FOUND}, /* the row is not loose */
        {"GET", "/B/word", 11, ERR_NOT_FOUND},
        {"GET", "/a/v1/Things/1/parts/2/", 4, ERR_NOT_FOUND},
        {"GET", "/a/v1/Things//parts/2", 4, ERR_NOT_FOUND},
        {"GET", "/a/v1/Things/%ff/parts/2", 4, ERR_NOT_FOUND},
        {"PATCH", "/a/v1/Never", 3, ERR_NOT_IMPLEMENTED},
        {"GET", "/a/v1", 4, ERR_NOT_FOUND},
        {"GET", "/a/v2.1/Users", 5, ERR_INVALID_VERS},
        {"GET", "/a/vx/Users", 11, ERR_NOT_FOUND},
        {"GET", "/b/word", 6, ERR_OK},
        {"POST", "/b/word", 11, ERR_METHOD}, /* the first path that fits counts */
        {"POST", "/b/other", 7, ERR_OK},
        {"DELETE", "/b/other", 8, ERR_OK},
        {"GET", "/b/%6fther", 11, ERR_METHOD},
        {"GET", "/b/w%6frd", 11, ERR_METHOD}, /* not escaped: it is some text */
        {"GET", "/alone", 9, ERR_OK},
        {"OPTIONS", "/alone", 10, ERR_METHOD},
        {"GET", "/", 11, ERR_NOT_FOUND},
        {"GET", "/w/acme", 11, ERR_NOT_FOUND},
        {"GET", "/w/acme/b/word", 11, ERR_NOT_FOUND},
        {"GET", "/w//a/v1/Users", 11, ERR_NOT_FOUND},
        {"GET", "/a/v1/1/2/3/4/5/6/7/8/9/10/11/12/13/14", 4, ERR_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct route r = route(cases[i].method, cases[i].path);
        if (found(&r) != cases[i].row || r.code != cases[i].code)
            fail_msg("%s %s: row %zu, %s", cases[i].method, cases[i].path, found(&r), err_name(r.code));
    }
}

static void takes_what_stands_in_the_places(void **state) {
    (void)state;
    struct route r = route("GET", "/w/caf%C3%A9%20x/a/v1/Things/urn%3Aa/parts/2");
    assert_string_equal(r.workspace, "caf\xc3\xa9 x");
    assert_string_equal(r.prefix, "/w/caf%C3%A9%20x/a/v1"); /* as sent */
    assert_string_equal(r.segment, "urn:a");
    assert_string_equal(r.second, "2");
    r = route("GET", "/a/v1/Groups");
    assert_null(r.workspace);
    assert_null(r.segment);
    assert_string_equal(r.prefix, "/a/v1");
    assert_int_equal(r.rt->kind, RESOURCE_ROOM);
    assert_int_equal(route_scopes(&r), SCOPE_SCIM_ROOMS_READ); /* of its scopes those for the type */
    r = route("POST", "/b/x");
    assert_int_equal(r.rt->kind, RESOURCE_ROOM);
    assert_int_equal(r.method, HTTP_PATCH); /* as it acts */
    assert_null(r.prefix);
}

/* What is known of the path stays where only the method is wrong. */
static void the_place_is_known(void **state) {
    (void)state;
    struct route r = route("PUT", "/a/v1/Users");
    assert_ptr_equal(r.place, &rows[0]);
    assert_string_equal(r.allow, "GET, HEAD, POST, OPTIONS");
    assert_int_equal(r.rt->kind, RESOURCE_USER);
    assert_int_equal(r.method, HTTP_PUT);
    r = route("PUT", "/alone");
    assert_ptr_equal(r.place, &rows[9]);
    assert_string_equal(r.allow, "GET, HEAD");
    assert_null(route("GET", "/a/v1/nothing").place);
}

static void scopes_are_asked_for(void **state) {
    (void)state;
    struct err err = {0};
    struct route r = route("GET", "/b/word");
    assert_int_equal(route_permit(&r, SCOPE_API_ROOMS_READ | SCOPE_API_USERS_READ, arena, &err), ERR_OK);
    assert_int_equal(route_permit(&r, SCOPE_API_ROOMS_WRITE, arena, &err), ERR_INSUFFICIENT_SCOPE);
    assert_string_equal(err.detail, "The key lacks the scope api:rooms:read");
    r = route("POST", "/b/x"); /* any key */
    assert_int_equal(route_permit(&r, 0, arena, &err), ERR_OK);
    assert_null(route_scope_names(0, arena));
    assert_string_equal(route_scope_names(SCOPE_SCIM_USERS_READ | SCOPE_API_ROOMS_WRITE, arena),
                        "scim:users:read api:rooms:write");
}

static void a_target_that_cannot_be_read(void **state) {
    (void)state;
    struct route r;
    route_unreadable(&table, "/b/\x01", &r);
    assert_ptr_equal(r.row, &rows[11]);
    assert_int_equal(r.method, HTTP_OTHER);
    route_unreadable(&table, "/alone?x=\x01", &r);
    assert_ptr_equal(r.row, &rows[9]);
    route_unreadable(&table, "/aloner", &r);
    assert_ptr_equal(r.row, &rows[11]);
    route_unreadable(&table, NULL, &r);
    assert_ptr_equal(r.row, &rows[11]);
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
        cmocka_unit_test(finds_rows),
        cmocka_unit_test(takes_what_stands_in_the_places),
        cmocka_unit_test(the_place_is_known),
        cmocka_unit_test(scopes_are_asked_for),
        cmocka_unit_test(a_target_that_cannot_be_read),
    };
    return cmocka_run_group_tests_name("ingest/route", tests, setup, teardown);
}
