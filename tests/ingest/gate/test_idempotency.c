/* The Idempotency-Key header, and which requests have one that counts. */
#include "ingest/gate/idempotency.h"

#include "ingest/api/form.h"
#include "ingest/http/routes.h"
#include "ingest/request/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct ingest ingest;
static struct request *r;

static void keys(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"\"8e03978e-40d5\"", "8e03978e-40d5"},
        {"8e03978e-40d5", "8e03978e-40d5"},
        {" \"a b\" ", "a b"},
        {"\"a\\\"\\\\b\"", "a\"\\b"},
        {"a.b_c~d:e+f/g=@", "a.b_c~d:e+f/g=@"},
        {"", NULL},
        {"\"\"", NULL},
        {"\"", NULL},
        {"\"a", NULL},
        {"\"a\\", NULL},
        {"\"a\\b\"", NULL},
        {"\"a\"b", NULL},
        {"\"a\";p", NULL},
        {"\"a\",\"b\"", NULL},
        {"a b", NULL},
        {"a,b", NULL},
        {"\"\xc3\xa9\"", NULL},
        {"\xc3\xa9", NULL},
        {"\"\t\"", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *key = idempotency_key(rows[i][0], r->arena);
        if (rows[i][1] == NULL)
            assert_null(key);
        else
            assert_string_equal(key, rows[i][1]);
    }
    char text[300];
    memset(text, 'x', sizeof text);
    text[255] = '\0';
    assert_non_null(idempotency_key(text, r->arena));
    text[255] = 'x';
    text[256] = '\0';
    assert_null(idempotency_key(text, r->arena));
}

static void ask(const char *method, const char *path) {
    route_parse(&routes, method, path, strlen(path), r->arena, &r->route);
    request_take_route(r);
    snprintf(r->head.method, sizeof r->head.method, "%s", method);
    r->head.path = path;
}

static void counts_for_writes_of_the_management_api(void **state) {
    (void)state;
    r->head.idempotency_key = "a";
    ask("POST", "/api/v1/users");
    assert_true(idempotency_is_asked(r));
    ask("POST", "/api/v1/users/x/deactivate");
    assert_true(idempotency_is_asked(r));
    static const char *const others[][2] = {{"GET", "/api/v1/users"},
                                            {"OPTIONS", "/api/v1/users"},
                                            {"POST", "/api/v1/nothing"},
                                            {"POST", "/scim/v2/Users"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        ask(others[i][0], others[i][1]);
        assert_false(idempotency_is_asked(r));
    }
    r->head.idempotency_key = NULL;
    ask("POST", "/api/v1/users");
    assert_false(idempotency_is_asked(r));
}

static void fingerprint_of(const char *method, const char *path, const char *query, const char *body,
                           unsigned char out[FINGERPRINT_SIZE]) {
    ask(method, path);
    r->head.query_text = query;
    jb_reset(&r->body);
    jb_raw(&r->body, body);
    r->head.idempotency_key = "k";
    assert_int_equal(idempotency_prepare(r, NULL), ERR_OK);
    memcpy(out, r->repeat->claim.fingerprint, FINGERPRINT_SIZE);
}

static void fingerprints(void **state) {
    (void)state;
    unsigned char prints[7][FINGERPRINT_SIZE], again[FINGERPRINT_SIZE];
    fingerprint_of("POST", "/api/v1/users", NULL, "{}", prints[0]);
    fingerprint_of("POST", "/api/v1/users", NULL, "{} ", prints[1]);
    fingerprint_of("POST", "/api/v1/users", "{}", "", prints[2]);
    fingerprint_of("POST", "/api/v1/rooms", NULL, "{}", prints[3]);
    fingerprint_of("PATCH", "/api/v1/users", NULL, "{}", prints[4]);
    fingerprint_of("POST", "/api/v1/users", "a", "{}", prints[5]);
    fingerprint_of("POST", "/api/v1/users", NULL, "", prints[6]);
    fingerprint_of("POST", "/api/v1/users", NULL, "{}", again);
    assert_memory_equal(again, prints[0], sizeof again);
    for (size_t i = 0; i < 7; i++)
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(prints[i], prints[k], sizeof *prints);
}

/* What a request is told, and whether it is done. */
static void verdicts(void **state) {
    (void)state;
    struct uuid mine = r->txn, other = uuid_v7();
    unsigned char print[FINGERPRINT_SIZE];
    fingerprint_of("POST", "/api/v1/users", NULL, "{}", print);
    r->repeat->claim.verdict = IDEMPOTENCY_RUNNING;
    assert_false(idempotency_on_claimed(r, ERR_OK));
    assert_int_equal(r->answer.status, 409);
    assert_true(r->answer.retry_after_s > 0);
    r->repeat->claim.verdict = IDEMPOTENCY_OTHER;
    assert_false(idempotency_on_claimed(r, ERR_OK));
    assert_int_equal(r->answer.status, 422);
    assert_false(idempotency_on_claimed(r, ERR_DB_LOST));
    assert_int_equal(r->answer.status, 503);
    assert_false(idempotency_take_answer(r));

    r->repeat->claim.verdict = IDEMPOTENCY_FRESH;
    assert_true(idempotency_on_claimed(r, ERR_OK));
    assert_true(uuid_eq(&r->txn, &mine) && !r->again);
    r->repeat->claim.verdict = IDEMPOTENCY_AGAIN;
    r->repeat->claim.txn = other;
    assert_true(idempotency_on_claimed(r, ERR_OK));
    assert_true(uuid_eq(&r->txn, &other) && r->again);
}

static void keeps(int status, enum err_code code, bool due, int stored) {
    r->repeat->keeps = true;
    answer_json(r, status, "{}");
    r->answer.code = code;
    assert_int_equal(idempotency_take_answer(r), due);
    if (due)
        assert_int_equal(r->repeat->claim.status, stored);
    assert_false(idempotency_take_answer(r)); /* once */
}

static void what_is_kept(void **state) {
    (void)state;
    unsigned char print[FINGERPRINT_SIZE];
    fingerprint_of("POST", "/api/v1/users", NULL, "{}", print);
    keeps(201, ERR_OK, true, 201);
    keeps(409, ERR_UNIQUENESS, true, 409);
    keeps(503, ERR_DEADLINE, true, 0); /* nothing was done: the key is free */
    keeps(500, ERR_INTERNAL, true, 0);
    keeps(401, ERR_UNAUTHORIZED, true, 0);
    keeps(503, ERR_OUTCOME_UNKNOWN, false, 0); /* the txn tells */
    r->repeat->keeps = true;
    answer_json(r, 201, "{\"token\":\"secret\"}");
    r->answer.no_store = true;
    assert_false(idempotency_take_answer(r));
}

static void the_same_answer(void **state) {
    (void)state;
    unsigned char print[FINGERPRINT_SIZE];
    fingerprint_of("POST", "/api/v1/users", NULL, "{}", print);
    struct idempotency *i = &r->repeat->claim;
    r->repeat->keeps = true;
    answer_json(r, 201, "{\"id\":1}");
    r->answer.location = "http://x/y";
    snprintf(r->answer.etag, sizeof r->answer.etag, "W/\"1\"");
    assert_true(idempotency_take_answer(r));
    i->content = arena_strdup(r->arena, i->content);
    i->verdict = IDEMPOTENCY_ANSWERED;
    answer_no_content(r, 0);
    assert_false(idempotency_on_claimed(r, ERR_OK));
    assert_int_equal(r->answer.status, 201);
    assert_string_equal(r->answer.body.p, "{\"id\":1}");
    assert_string_equal(r->answer.location, "http://x/y");
    assert_string_equal(r->answer.etag, "W/\"1\"");
    assert_string_equal(r->answer.content_type, "application/json");
    answer_json(r, 200, "{\"id\":2}"); /* somebody else was faster */
    idempotency_on_kept(r, ERR_OK);
    assert_string_equal(r->answer.body.p, "{\"id\":1}");
    i->verdict = IDEMPOTENCY_FRESH;
    idempotency_on_kept(r, ERR_DB_LOST);
    assert_int_equal(r->answer.code, ERR_OUTCOME_UNKNOWN);
}

static int setup(void **state) {
    (void)state;
    r = request_new(&ingest);
    r->form = &api_form;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    request_release(r);
    request_pool_free();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys, setup, teardown),
        cmocka_unit_test_setup_teardown(counts_for_writes_of_the_management_api, setup, teardown),
        cmocka_unit_test_setup_teardown(fingerprints, setup, teardown),
        cmocka_unit_test_setup_teardown(verdicts, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(the_same_answer, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
