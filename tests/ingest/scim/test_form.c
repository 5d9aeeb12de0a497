/* The form of SCIM: error bodies (E1), headers that go with a status, resources (T6). */
#include "ingest/http/routes.h"
#include "ingest/request/answer.h"
#include "ingest/scim/form.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct ingest ingest;
static struct request *r;

static json_t *body(void) {
    json_t *tree = json_loadb(r->answer.body.p, r->answer.body.n, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(tree);
    return tree;
}

static const char *text(const json_t *tree, const char *name) {
    return json_string_value(json_object_get(tree, name));
}

static void e1_error_bodies(void **state) {
    (void)state;
    answer_error(r, ERR_INVALID_FILTER, "Position 3: \"x\" is no operator");
    json_t *b = body();
    assert_int_equal(r->answer.status, 400);
    assert_string_equal(json_string_value(json_array_get(json_object_get(b, "schemas"), 0)), MESSAGE_ERROR);
    assert_string_equal(text(b, "status"), "400"); /* a string */
    assert_string_equal(text(b, "scimType"), "invalidFilter");
    assert_string_equal(text(b, "detail"), "Position 3: \"x\" is no operator");
    assert_string_equal(r->answer.content_type, "application/scim+json");
    json_decref(b);
}

static void e1_scim_type_only_where_there_is_one(void **state) {
    (void)state;
    answer_error(r, ERR_NOT_FOUND, NULL);
    json_t *b = body();
    assert_null(json_object_get(b, "scimType"));
    assert_string_equal(text(b, "detail"), "Resource not found");
    json_decref(b);
}

static void each_error_of_the_table_is_an_answer(void **state) {
    (void)state;
    for (int code = 1; code < ERR_COUNT; code++) {
        answer_error(r, (enum err_code)code, "x");
        json_t *b = body();
        char status[8];
        snprintf(status, sizeof status, "%d", r->answer.status);
        assert_string_equal(text(b, "status"), status);
        assert_true(r->answer.status >= 400 && r->answer.status < 600);
        if (r->answer.status == 503 || r->answer.status == 429)
            assert_true(r->answer.retry_after_s >= 1);
        json_decref(b);
    }
}

static void what_goes_wrong_inside_is_not_told(void **state) {
    (void)state;
    static const enum err_code inner[] = {ERR_DB_LOST, ERR_DB_BUG, ERR_DB_DATA, ERR_KAFKA, ERR_DECODE};
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) {
        answer_error(r, inner[i], "relation \"users\" does not exist");
        assert_null(strstr(r->answer.body.p, "relation"));
    }
}

static void t5_challenges(void **state) {
    (void)state;
    r->head.token = NULL;
    answer_error(r, ERR_UNAUTHORIZED, NULL);
    assert_string_equal(r->answer.authenticate, "Bearer realm=\"usher\"");
    r->head.token = "x";
    answer_error(r, ERR_UNAUTHORIZED, NULL);
    assert_string_equal(r->answer.authenticate, "Bearer realm=\"usher\", error=\"invalid_token\"");
    route_parse(&routes, "POST", "/scim/v2/Groups", 15, r->arena, &r->route);
    answer_error(r, ERR_INSUFFICIENT_SCOPE, NULL);
    assert_string_equal(r->answer.authenticate,
                        "Bearer realm=\"usher\", error=\"insufficient_scope\", scope=\"scim:rooms:write\"");
    answer_error(r, ERR_SEATS, NULL);
    assert_null(r->answer.authenticate);
    assert_int_equal(r->answer.status, 403);
}

static void tells_when_to_come_back(void **state) {
    (void)state;
    r->verdict.retry_after_s = 17;
    answer_error(r, ERR_RATE_LIMITED, NULL);
    assert_int_equal(r->answer.status, 429);
    assert_int_equal(r->answer.retry_after_s, 17);
    answer_error(r, ERR_UNIQUENESS, NULL);
    assert_int_equal(r->answer.retry_after_s, 0);
}

static void allows_methods(void **state) {
    (void)state;
    route_parse(&routes, "PUT", "/scim/v2/Users", 14, r->arena, &r->route);
    answer_error(r, r->route.code, NULL);
    assert_int_equal(r->answer.status, 405);
    assert_string_equal(r->answer.allow, "GET, HEAD, POST, OPTIONS");
}

static const struct resource_row row = {
    .id = "01930000-0000-7000-8000-000000000001",
    .doc = "{\"schemas\":[\"" SCHEMA_USER "\"],\"userName\":\"ana\"}",
    .version = 3,
    .created_us = 1700000000000000,
    .modified_us = 1700000001000000,
};

static void t6_location_and_version_agree_with_meta(void **state) {
    (void)state;
    route_parse(&routes, "POST", "/scim/v2/Users", 14, r->arena, &r->route);
    r->base = arena_strdup(r->arena, "http://usher.example/scim/v2");
    answer_resource(r, 201, &row);
    json_t *b = body(), *meta = json_object_get(b, "meta");
    assert_string_equal(text(b, "userName"), "ana");
    assert_string_equal(r->answer.location, text(meta, "location"));
    assert_string_equal(r->answer.etag, text(meta, "version"));
    assert_string_equal(r->answer.location,
                        "http://usher.example/scim/v2/Users/01930000-0000-7000-8000-000000000001");
    json_decref(b);
    answer_resource(r, 200, &row);
    assert_null(r->answer.location);
    assert_string_equal(r->answer.content_location,
                        "http://usher.example/scim/v2/Users/01930000-0000-7000-8000-000000000001");
}

/* V2: a 304 carries the tag and nothing else. */
static void v2_not_modified(void **state) {
    (void)state;
    route_parse(&routes, "GET", "/scim/v2/Users/1", 16, r->arena, &r->route);
    r->base = arena_strdup(r->arena, "http://usher.example/scim/v2");
    answer_resource(r, 200, &row);
    size_t length = r->answer.body.n;
    answer_not_modified(r, &row);
    assert_int_equal(r->answer.status, 304);
    assert_string_equal(r->answer.etag, "W/\"3\"");
    assert_int_equal(r->answer.body.n, length); /* what Content-Length says; it is not sent */
    assert_null(r->answer.content_type);
}

static void an_answer_replaces_the_one_before(void **state) {
    (void)state;
    route_parse(&routes, "POST", "/scim/v2/Users", 14, r->arena, &r->route);
    r->base = arena_strdup(r->arena, "http://usher.example/scim/v2");
    answer_resource(r, 201, &row);
    r->answer.close = true;
    answer_error(r, ERR_UNAVAILABLE, NULL);
    assert_int_equal(r->answer.status, 503);
    assert_null(r->answer.location);
    assert_string_equal(r->answer.etag, "");
    assert_true(r->answer.close); /* the connection's fate stays */
    json_t *b = body();
    assert_null(json_object_get(b, "userName"));
    json_decref(b);
    answer_no_content(r, 4);
    assert_int_equal(r->answer.body.n, 0);
    assert_string_equal(r->answer.etag, "W/\"4\"");
}

static int setup(void **state) {
    (void)state;
    r = request_new(&ingest);
    route_unreadable(&routes, "/scim/v2", &r->route);
    request_take_route(r);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    request_release(r);
    return 0;
}

static int end(void **state) {
    (void)state;
    request_pool_free();
    return 0;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(e1_error_bodies),
        CASE(e1_scim_type_only_where_there_is_one),
        CASE(each_error_of_the_table_is_an_answer),
        CASE(what_goes_wrong_inside_is_not_told),
        CASE(t5_challenges),
        CASE(tells_when_to_come_back),
        CASE(allows_methods),
        CASE(t6_location_and_version_agree_with_meta),
        CASE(v2_not_modified),
        CASE(an_answer_replaces_the_one_before),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
