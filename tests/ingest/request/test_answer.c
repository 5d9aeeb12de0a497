/* Answers in a form of the test's own: what the form writes, and what is the same in every form. */
#include "ingest/request/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct ingest ingest;
static struct request *r;

static void test_error(struct request *q, const char *detail, const char *path) {
    jb_printf(&q->answer.body, "%d/%s/%s/%s", q->answer.status, err_name(q->answer.code), detail,
              path != NULL ? path : "-");
}

static const char *test_challenge(struct request *q, enum err_code code) {
    (void)q;
    return code == ERR_UNAUTHORIZED ? "Test" : NULL;
}

static void test_resource(struct request *q, const struct resource_row *row) {
    q->answer.location = row->id;
    jb_printf(&q->answer.body, "%d/%s", q->answer.status, q->answer.etag);
}

static const struct form form = {
    .type = "text/test", .error = test_error, .challenge = test_challenge, .resource = test_resource};

static void errors(void **state) {
    (void)state;
    struct err err = {0};
    (void)err_set_path(&err, ERR_INVALID_VALUE, "name", "It is no name");
    answer_err(r, &err);
    assert_string_equal(r->answer.body.p, "400/INVALID_VALUE/It is no name/name");
    assert_string_equal(r->answer.content_type, "text/test");
    assert_null(r->answer.authenticate);
    answer_error(r, ERR_UNAUTHORIZED, NULL);
    assert_string_equal(r->answer.body.p, "401/UNAUTHORIZED/A valid bearer token is required/-");
    assert_string_equal(r->answer.authenticate, "Test");
}

/* What the form need not care for. */
static void what_each_error_has(void **state) {
    (void)state;
    answer_error(r, ERR_DB_LOST, "relation \"users\"");
    assert_string_equal(r->answer.body.p, "503/UNAVAILABLE/The service is not available now/-");
    assert_int_equal(r->answer.retry_after_s, 1);
    r->verdict.retry_after_s = 17;
    answer_error(r, ERR_RATE_LIMITED, NULL);
    assert_int_equal(r->answer.retry_after_s, 17);
    r->route.allow = "GET";
    answer_error(r, ERR_METHOD, NULL);
    assert_string_equal(r->answer.allow, "GET");
    assert_int_equal(r->answer.retry_after_s, 0);
    answer_error(r, ERR_NOT_FOUND, NULL);
    assert_null(r->answer.allow);
}

/* "Nothing was changed" would be untrue. */
static void what_was_done_already_is_said(void **state) {
    (void)state;
    r->done_already = "The credential is revoked from now on";
    answer_error(r, ERR_DEADLINE, NULL);
    assert_non_null(strstr(r->answer.body.p, "503/UNAVAILABLE/The credential is revoked from now on"));
    answer_error(r, ERR_CONFLICT, "So it is");
    assert_string_equal(r->answer.body.p, "409/CONFLICT/So it is/-");
}

static void resources(void **state) {
    (void)state;
    static const struct resource_row row = {.id = "x", .version = 3};
    r->route.rt = resource_type_of(RESOURCE_USER);
    answer_resource(r, 201, &row);
    assert_string_equal(r->answer.body.p, "201/W/\"3\"");
    assert_string_equal(r->answer.location, "x");
    assert_string_equal(r->answer.content_type, "text/test");
    answer_not_modified(r, &row);
    assert_int_equal(r->answer.status, 304);
    assert_string_equal(r->answer.etag, "W/\"3\"");
    assert_null(r->answer.content_type);
}

static void an_answer_replaces_the_one_before(void **state) {
    (void)state;
    r->answer.close = true;
    r->answer.location = "x";
    answer_error(r, ERR_UNAVAILABLE, NULL);
    assert_null(r->answer.location);
    assert_true(r->answer.close); /* the connection's fate stays */
    answer_no_content(r, 4);
    assert_int_equal(r->answer.code, ERR_OK);
    assert_int_equal(r->answer.body.n, 0);
    assert_string_equal(r->answer.etag, "W/\"4\"");
    answer_json(r, 200, "{}");
    assert_string_equal(r->answer.body.p, "{}");
    assert_string_equal(r->answer.etag, "");
}

static void bearer_challenges(void **state) {
    (void)state;
    assert_string_equal(answer_bearer_challenge(r, ERR_UNAUTHORIZED), "Bearer realm=\"usher\"");
    r->head.token = "x";
    assert_string_equal(answer_bearer_challenge(r, ERR_UNAUTHORIZED),
                        "Bearer realm=\"usher\", error=\"invalid_token\"");
    assert_null(answer_bearer_challenge(r, ERR_SEATS));
}

static int setup(void **state) {
    (void)state;
    r = request_new(&ingest);
    r->form = &form;
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
        CASE(errors),
        CASE(what_each_error_has),
        CASE(resources),
        CASE(what_was_done_already_is_said),
        CASE(an_answer_replaces_the_one_before),
        CASE(bearer_challenges),
    };
    return cmocka_run_group_tests_name("ingest/answer", tests, NULL, end);
}
