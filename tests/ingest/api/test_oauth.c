/* The token endpoint: who the client says it is, and errors as RFC 6749 section 5.2 has them. What follows
 * the database stands in tests/integration/test_oauth.py. */
#include "ingest/api/oauth.h"
#include "ingest/request/answer.h"

#include <jansson.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEY "0188e9d0-5566-7778-899a-abbccddeeff0"

static struct ingest ingest;
static struct request *r;
static char secret[TOKEN_TEXT_SIZE];

static int begin(void **state) {
    (void)state;
    r = request_new(&ingest);
    r->form = &oauth_form;
    r->handler = &oauth_token;
    r->route = (struct route){.method = HTTP_POST, .allow = "POST"};
    r->head.content_type = "application/x-www-form-urlencoded";
    token_new(TOKEN_KEY, secret);
    return 0;
}

static int end(void **state) {
    (void)state;
    request_release(r);
    request_pool_free();
    return 0;
}

static void form(const char *text) {
    jb_reset(&r->body);
    jb_raw(&r->body, text);
}

static void basic(const char *id, const char *password) {
    static char encoded[400];
    char text[300];
    int n = snprintf(text, sizeof text, "%s:%s", id, password);
    sodium_bin2base64(encoded, sizeof encoded, (const unsigned char *)text, (size_t)n,
                      sodium_base64_VARIANT_ORIGINAL);
    r->head.basic = encoded;
}

static bool is_key(void) {
    struct admit_verdict v = {0};
    assert_true(uuid_parse(KEY, &v.key));
    return oauth_token.identification->agrees(r, &v);
}

static void assert_reads(void) {
    struct err err = {0};
    unsigned char hash[TOKEN_HASH_SIZE];
    assert_int_equal(oauth_token.identification->read(r, &err), ERR_OK);
    token_hash(secret, strlen(secret), hash);
    assert_memory_equal(r->credential.token_hash, hash, sizeof hash);
    assert_true(is_key());
}

static void assert_fails(enum err_code code) {
    struct err err = {0};
    assert_int_equal(oauth_token.identification->read(r, &err), code);
    assert_string_not_equal(err.detail, "");
    assert_null(strstr(err.detail, secret));
}

static void secret_in_the_form(void **state) {
    (void)state;
    char text[300];
    snprintf(text, sizeof text, "grant_type=client_credentials&client_id=%s&client_secret=%s", KEY, secret);
    form(text);
    assert_reads();
    r->head.content_type = "Application/X-WWW-Form-Urlencoded; charset=utf-8";
    assert_reads();
}

static void secret_in_the_header(void **state) {
    (void)state;
    form("grant_type=client_credentials");
    basic(KEY, secret);
    assert_reads();
    basic("0188e9d0%2D5566-7778-899a-ABBCCDDEEFF0", secret); /* form-encoded, and any letter case */
    assert_reads();
    form("grant_type=client_credentials&client_id=" KEY);
    basic(KEY, secret);
    assert_reads();
}

static void another_client_s_secret(void **state) {
    (void)state;
    struct err err = {0};
    basic("0188e9d0-5566-7778-899a-abbccddeeff1", secret);
    assert_int_equal(oauth_token.identification->read(r, &err), ERR_OK);
    assert_false(is_key());
}

static void malformed_forms(void **state) {
    (void)state;
    static const char *const forms[] = {"a=1&a=2", "a=%zz", "a=%00", "client_id=x&client_id=x"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        form(forms[i]);
        assert_fails(ERR_BAD_REQUEST);
    }
    jb_reset(&r->body);
    jb_mem(&r->body, "a=1\0b=2", 7);
    assert_fails(ERR_BAD_REQUEST);
    form("");
    r->head.content_type = "application/json";
    assert_fails(ERR_BAD_REQUEST);
    r->head.content_type = "application/x-www-form-urlencodedx";
    assert_fails(ERR_BAD_REQUEST);
    r->head.content_type = NULL;
    assert_fails(ERR_BAD_REQUEST);
}

static void two_ways_at_once(void **state) {
    (void)state;
    char text[200];
    snprintf(text, sizeof text, "client_secret=%s", secret);
    form(text);
    basic(KEY, secret);
    assert_fails(ERR_BAD_REQUEST);
    form("client_id=somebody");
    assert_fails(ERR_BAD_REQUEST);
}

static void no_or_wrong_secrets(void **state) {
    (void)state;
    static const char *const headers[] = {"", "!!!", "bm9jb2xvbg==", "Onguest", "JXp6Ong="};
    form("");
    assert_fails(ERR_UNAUTHORIZED);
    form("client_id=" KEY);
    assert_fails(ERR_UNAUTHORIZED);
    form("client_id=" KEY "&client_secret="); /* without a value it is not there */
    assert_fails(ERR_UNAUTHORIZED);
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        r->head.basic = headers[i];
        form("");
        assert_fails(ERR_UNAUTHORIZED);
    }
    char owner[TOKEN_TEXT_SIZE];
    token_new(TOKEN_OWNER, owner);
    basic(KEY, owner);
    assert_fails(ERR_UNAUTHORIZED);
    secret[10] = secret[10] == 'a' ? 'b' : 'a';
    basic(KEY, secret);
    assert_fails(ERR_UNAUTHORIZED);
}

static const struct {
    enum err_code code;
    int status;
    const char *name;
} errors[] = {
    {ERR_UNAUTHORIZED, 401, "invalid_client"},     {ERR_BAD_REQUEST, 400, "invalid_request"},
    {ERR_FORBIDDEN, 400, "unauthorized_client"},   {ERR_METHOD, 405, "invalid_request"},
    {ERR_TOO_LARGE, 413, "invalid_request"},       {ERR_RATE_LIMITED, 429, "temporarily_unavailable"},
    {ERR_DB_LOST, 503, "temporarily_unavailable"}, {ERR_DB_BUG, 500, "server_error"}};

static void errors_as_the_rfc_has_them(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        answer_error(r, errors[i].code, "it is \"so\" \\ caf\xc3\xa9");
        const struct answer *a = &r->answer;
        json_t *body = json_loadb(a->body.p, a->body.n, 0, NULL);
        assert_int_equal(a->status, errors[i].status);
        assert_string_equal(json_string_value(json_object_get(body, "error")), errors[i].name);
        for (const char *p = json_string_value(json_object_get(body, "error_description")); *p != '\0'; p++)
            assert_true(*p >= 0x20 && *p < 0x7f && *p != '"' && *p != '\\');
        assert_string_equal(a->content_type, "application/json");
        assert_true(a->no_store);
        assert_int_equal(a->status == 401,
                         a->authenticate != NULL && strncmp(a->authenticate, "Basic ", 6) == 0);
        assert_int_equal(a->status == 429 || a->status == 503, a->retry_after_s > 0);
        assert_int_equal(a->status == 405, a->allow != NULL);
        json_decref(body);
    }
}

static void grants_and_scopes(void **state) {
    (void)state;
    static const struct {
        const char *form, *error;
    } rows[] = {{"x=1", "invalid_request"},
                {"grant_type=", "invalid_request"},
                {"grant_type=authorization_code", "unsupported_grant_type"},
                {"grant_type=CLIENT_CREDENTIALS", "unsupported_grant_type"},
                /* the secret that seals has not been fetched yet */
                {"grant_type=client_credentials", "temporarily_unavailable"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err err = {0};
        form(rows[i].form);
        basic(KEY, secret);
        assert_int_equal(oauth_token.identification->read(r, &err), ERR_OK);
        assert_int_equal(oauth_token.begin(r), STEP_ANSWERED);
        json_t *body = json_loadb(r->answer.body.p, r->answer.body.n, 0, NULL);
        assert_string_equal(json_string_value(json_object_get(body, "error")), rows[i].error);
        json_decref(body);
    }
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(secret_in_the_form),         TEST(secret_in_the_header),
        TEST(another_client_s_secret),    TEST(malformed_forms),
        TEST(two_ways_at_once),           TEST(no_or_wrong_secrets),
        TEST(errors_as_the_rfc_has_them), TEST(grants_and_scopes),
    };
    return cmocka_run_group_tests_name("ingest/oauth", tests, NULL, NULL);
}
