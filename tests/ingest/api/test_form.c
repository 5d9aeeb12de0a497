/* The form of the Management API: errors as problem details, resources with their address. */
#include "ingest/api/form.h"
#include "ingest/http/routes.h"
#include "ingest/request/answer.h"

#include <jansson.h>
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

static void each_error_is_a_problem_with_a_name_of_its_own(void **state) {
    (void)state;
    char names[ERR_COUNT][40];
    for (int code = 1; code < ERR_COUNT; code++) {
        problem_name((enum err_code)code, names[code]);
        assert_int_equal(strspn(names[code], "abcdefghijklmnopqrstuvwxyz-"), strlen(names[code]));
        for (int k = 1; k < code; k++)
            assert_string_not_equal(names[k], names[code]);
    }
    assert_string_equal(names[ERR_INVALID_VALUE], "invalid-value");
}

static void a_problem_as_it_is_sent(void **state) {
    (void)state;
    struct request r = {
        .arena = arena, .form = &api_form, .route = route("PUT", "/api/v1/rooms/a/members/b")};
    struct err err = {0};
    r.txn = uuid_v7();
    (void)err_set_path(&err, ERR_INVALID_VALUE, "transmit", "It is \"no\"");
    answer_err(&r, &err);
    assert_int_equal(r.answer.status, 400);
    assert_string_equal(r.answer.content_type, PROBLEM_JSON);
    assert_null(r.answer.scim_type);
    json_t *due =
        json_pack("{s:s, s:s, s:i, s:s, s:s+, s:[{s:s}]}", "type", "urn:usher:problem:invalid-value", "title",
                  "A value is missing or not allowed", "status", 400, "detail", "It is \"no\"", "instance",
                  "urn:uuid:", r.txn.s, "errors", "path", "transmit");
    json_t *got = json_loadb(r.answer.body.p, r.answer.body.n, JSON_REJECT_DUPLICATES, NULL);
    assert_true(json_equal(due, got));
    json_decref(due);
    json_decref(got);
    answer_error(&r, ERR_INSUFFICIENT_SCOPE, NULL);
    assert_string_equal(r.answer.authenticate,
                        "Bearer realm=\"usher\", error=\"insufficient_scope\", scope=\"api:rooms:write\"");
    answer_error(&r, ERR_DB_LOST, "relation \"users\"");
    assert_int_equal(r.answer.status, 503);
    assert_int_equal(r.answer.retry_after_s, 1);
    assert_null(strstr(r.answer.body.p, "relation"));
    jb_free(&r.answer.body);
}

static void a_resource_that_was_made_has_its_address(void **state) {
    (void)state;
    static const struct resource_row row = {.id = "1", .doc = "{\"displayName\":\"Lobby\"}", .version = 2};
    struct request r = {.arena = arena, .form = &api_form, .route = route("POST", "/api/v1/rooms")};
    r.base = arena_strdup(arena, "http://usher.example/api/v1");
    answer_resource(&r, 201, &row);
    assert_string_equal(r.answer.location, "http://usher.example/api/v1/rooms/1");
    assert_string_equal(r.answer.content_type, "application/json");
    assert_non_null(strstr(r.answer.body.p, "\"displayName\":\"Lobby\""));
    answer_resource(&r, 200, &row);
    assert_null(r.answer.location);
    jb_free(&r.answer.body);
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
        cmocka_unit_test(each_error_is_a_problem_with_a_name_of_its_own),
        cmocka_unit_test(a_problem_as_it_is_sent),
        cmocka_unit_test(a_resource_that_was_made_has_its_address),
    };
    return cmocka_run_group_tests_name("ingest/api/form", tests, setup, teardown);
}
