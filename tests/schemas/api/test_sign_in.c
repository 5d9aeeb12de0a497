/* How a workspace lets people sign in by an OpenID provider: its settings, what providers say, and who is let
 * in. */
#include "schemas/api/sign_in.h"

#include "ops/runtime/jbuf.h"

#include <sodium.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define OWNER "0188e9d0-5566-7778-899a-abbccddeeff0"
#define ISSUER "https://idp.example"
#define NOW 1800000000

static const unsigned char service[SIGN_IN_SERVICE_SECRET] = "the secret of a service, of 32 b";

static int open_arena(void **state) {
    *state = arena_new();
    return sodium_init() < 0 ? -1 : 0;
}

static int close_arena(void **state) {
    arena_free(*state);
    return 0;
}

static json_t *json(const char *text) {
    json_t *v = json_loads(text, 0, NULL);
    assert_non_null(v);
    return v;
}

/* ---- settings ---- */

static void what_may_be_set(void **state) {
    static const struct {
        const char *text, *path; /* NULL: it is good */
    } cases[] = {
        {"{}", NULL},
        {"{\"issuer\":\"" ISSUER "\",\"clientId\":\"c\",\"people\":[]}", NULL},
        {"{\"issuer\":\"" ISSUER "/tenant/v2.0\"}", NULL},
        {"{\"issuer\":\"http://idp.example\"}", "issuer"},
        {"{\"issuer\":\"" ISSUER "?x=1\"}", "issuer"},
        {"{\"issuer\":\"https://a@idp.example\"}", "issuer"},
        {"{\"issuer\":5}", "issuer"},
        {"{\"clientId\":\"\"}", "clientId"},
        {"{\"clientId\":\"a b\"}", "clientId"},
        {"{\"clientId\":null}", "clientId"},
        {"{\"people\":{}}", "people"},
        {"{\"people\":[{\"email\":\"a@b.c\",\"owner\":\"" OWNER "\"}]}", NULL},
        {"{\"people\":[{\"subject\":\"a@b.c\",\"owner\":\"" OWNER "\"}]}", NULL},
        {"{\"people\":[{\"email\":\"a@b.c\",\"owner\":\"Olga\"}]}", "people"},
        {"{\"people\":[{\"email\":\"a@b.c\"}]}", "people"},
        {"{\"people\":[{\"owner\":\"" OWNER "\"}]}", "people"},
        {"{\"people\":[{\"email\":\"a@b.c\",\"subject\":\"x\",\"owner\":\"" OWNER "\"}]}", "people"},
        {"{\"people\":[{\"email\":\"a\",\"owner\":\"" OWNER "\"}]}", "people"},
        {"{\"people\":[{\"email\":\"@b\",\"owner\":\"" OWNER "\"}]}", "people"},
        {"{\"people\":[{\"email\":\"a@b@c\",\"owner\":\"" OWNER "\"}]}", "people"},
        {"{\"people\":[{\"email\":\"a b@c\",\"owner\":\"" OWNER "\"}]}", "people"},
        {"{\"people\":[{\"subject\":\"\",\"owner\":\"" OWNER "\"}]}", "people"},
        {"{\"people\":[{\"email\":\"a@b.c\",\"owner\":\"" OWNER "\"},{\"email\":\"A@B.c\",\"owner\":\"" OWNER
         "\"}]}",
         "people"},
        {"{\"people\":[{\"email\":\"a@b.c\",\"owner\":\"" OWNER
         "\"},{\"subject\":\"a@b.c\",\"owner\":\"" OWNER "\"}]}",
         NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *given = json(cases[i].text);
        struct err err = {0};
        enum err_code code = sign_in_check(given, &err);
        if ((cases[i].path == NULL) != (code == ERR_OK))
            fail_msg("%s: %s", cases[i].text, err.detail);
        if (cases[i].path != NULL)
            assert_string_equal(err.path, cases[i].path);
        json_decref(given);
    }
}

static void too_many_people(void **state) {
    json_t *given = json_object(), *people = json_array();
    struct err err = {0};
    json_object_set_new(given, "people", people);
    for (int i = 0; i <= SIGN_IN_PEOPLE; i++) {
        const char *subject = arena_printf(*state, "s%d", i);
        json_array_append_new(people, json_pack("{s:s, s:s}", "subject", subject, "owner", OWNER));
        assert_int_equal(sign_in_check(given, &err), i < SIGN_IN_PEOPLE ? ERR_OK : ERR_INVALID_VALUE);
    }
    json_decref(given);
}

/* ---- who is let in ---- */

static void people_on_the_list(void **state) {
    json_t *given = json("{\"people\":[{\"email\":\"Ana@Example.com\",\"owner\":\"one\"},{\"subject\":\"S1\","
                         "\"owner\":\"two\"}]}"),
           *doc = sign_in_normal(given);
    static const struct {
        struct identity who;
        const char *owner;
    } cases[] = {
        {{.subject = "x", .email = "ana@example.com"}, "one"},
        {{.subject = "x", .email = "ANA@EXAMPLE.COM"}, "one"},
        {{.subject = "S1"}, "two"},
        {{.subject = "s1"}, NULL},
        {{.subject = "ana@example.com"}, NULL},
        {{.subject = "x", .email = "S1"}, NULL},
        {{.subject = "x", .email = "ana@example.com.evil"}, NULL},
        {{.subject = "x", .unverified = true}, NULL},
    };
    (void)state;
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(json_object_get(doc, "people"), 0), "email")),
        "ana@example.com");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *owner = sign_in_find(doc, &cases[i].who);
        if (cases[i].owner == NULL)
            assert_null(owner);
        else
            assert_string_equal(owner, cases[i].owner);
    }
    json_decref(doc);
    json_decref(given);
}

static void secrets_are_sealed_for_a_workspace(void **state) {
    struct err err = {0};
    char longest[SIGN_IN_SECRET_MAX + 2];
    memset(longest, 'x', sizeof longest);
    longest[SIGN_IN_SECRET_MAX + 1] = '\0';
    assert_int_equal(sign_in_check_secret(longest, &err), ERR_INVALID_VALUE);
    longest[SIGN_IN_SECRET_MAX] = '\0';
    assert_int_equal(sign_in_check_secret(longest, &err), ERR_OK);
    const char *sealed = sign_in_seal(longest, service, "one", *state);
    assert_true(strlen(sealed) < SIGN_IN_SEALED_MAX);
    assert_string_equal(sign_in_open(sealed, service, "one", *state), longest);
    assert_null(sign_in_open(sealed, service, "two", *state));
    assert_null(sign_in_open("AAAA", service, "one", *state));
    assert_null(sign_in_open("?", service, "one", *state));
    assert_string_not_equal(sign_in_seal("x", service, "one", *state),
                            sign_in_seal("x", service, "one", *state));
}

/* ---- the provider ---- */

static const char *read_metadata(struct arena *a, const char *text, struct provider *p) {
    return provider_read(text, strlen(text), ISSUER, a, p);
}

#define ENDPOINTS                                                                                            \
    "\"authorization_endpoint\":\"https://idp.example/a?x=1\",\"token_endpoint\":\"https://idp.example/t\"," \
    "\"jwks_uri\":\"https://keys.example/k\""

static void metadata(void **state) {
    struct provider p;
    assert_null(read_metadata(*state, "{\"issuer\":\"" ISSUER "\"," ENDPOINTS "}", &p));
    assert_string_equal(p.authorization, "https://idp.example/a?x=1");
    assert_string_equal(p.token, "https://idp.example/t");
    assert_string_equal(p.jwks, "https://keys.example/k");
    assert_true(p.basic);
    assert_false(p.says_issuer);
    assert_null(read_metadata(*state,
                              "{\"issuer\":\"" ISSUER "\"," ENDPOINTS
                              ",\"token_endpoint_auth_methods_supported\":[\"client_secret_post\"],"
                              "\"authorization_response_iss_parameter_supported\":true}",
                              &p));
    assert_false(p.basic);
    assert_true(p.says_issuer);
    assert_non_null(read_metadata(*state, "[]", &p));
    assert_non_null(read_metadata(*state, "", &p));
    assert_non_null(read_metadata(*state, "{\"issuer\":\"https://idp.example/\"," ENDPOINTS "}", &p));
    assert_non_null(read_metadata(*state, "{\"issuer\":\"" ISSUER "\"}", &p));
    assert_non_null(read_metadata(*state,
                                  "{\"issuer\":\"" ISSUER "\",\"authorization_endpoint\":\"javascript:x\","
                                  "\"token_endpoint\":\"https://i/t\",\"jwks_uri\":\"https://i/k\"}",
                                  &p));
    assert_string_equal(provider_metadata_url(ISSUER, *state), ISSUER "/.well-known/openid-configuration");
    assert_string_equal(provider_metadata_url(ISSUER "/t/", *state),
                        ISSUER "/t/.well-known/openid-configuration");
}

static void answers_of_the_token_endpoint(void **state) {
    static const char good[] = "{\"id_token\":\"a.b.c\"}", none[] = "{\"access_token\":\"x\"}";
    assert_string_equal(provider_id_token(good, strlen(good), *state), "a.b.c");
    assert_null(provider_id_token(none, strlen(none), *state));
    assert_null(provider_id_token("<html>", 6, *state));
    assert_null(provider_id_token("{\"id_token\":5}", 14, *state));
}

/* ---- ID tokens ---- */

static char *base64url(struct arena *a, const char *text) {
    size_t n = sodium_base64_encoded_len(strlen(text), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *out = arena_alloc(a, n);
    return sodium_bin2base64(out, n, (const unsigned char *)text, strlen(text),
                             sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static enum err_code judge(struct arena *a, const char *claims, struct identity *who, struct err *err) {
    struct jwt t;
    const char *text = arena_printf(a, "%s.%s.AQID", base64url(a, "{\"alg\":\"RS256\",\"kid\":\"k\"}"),
                                    base64url(a, claims));
    assert_int_equal(jwt_read(text, "The ID token", a, &t, err), ERR_OK);
    return id_token_check(&t, ISSUER, "c", "n", NOW, who, err);
}

#define TOKEN(iss, aud, nonce, more)                                                                         \
    "{\"iss\":" iss ",\"aud\":" aud ",\"nonce\":" nonce ",\"sub\":\"s\"" more "}"
#define TIMES ",\"iat\":1800000000,\"exp\":1800000300"
#define GOOD(more) TOKEN("\"" ISSUER "\"", "\"c\"", "\"n\"", TIMES more)
#define AT(iat, exp) TOKEN("\"" ISSUER "\"", "\"c\"", "\"n\"", ",\"iat\":" iat ",\"exp\":" exp)

static void tokens_that_are_refused(void **state) {
    static const struct {
        const char *claims, *word;
    } cases[] = {
        {TOKEN("\"https://other\"", "\"c\"", "\"n\"", TIMES), "iss"},
        {TOKEN("5", "\"c\"", "\"n\"", TIMES), "iss"},
        {TOKEN("\"" ISSUER "\"", "\"d\"", "\"n\"", TIMES), "aud"},
        {TOKEN("\"" ISSUER "\"", "[]", "\"n\"", TIMES), "aud"},
        {TOKEN("\"" ISSUER "\"", "[\"c\",\"d\"]", "\"n\"", TIMES), "aud"},
        {TOKEN("\"" ISSUER "\"", "[\"c\",\"d\"]", "\"n\"", TIMES ",\"azp\":\"d\""), "aud"},
        {TOKEN("\"" ISSUER "\"", "\"c\"", "\"n\"", TIMES ",\"azp\":\"d\""), "azp"},
        {TOKEN("\"" ISSUER "\"", "\"c\"", "\"m\"", TIMES), "nonce"},
        {TOKEN("\"" ISSUER "\"", "\"c\"", "null", TIMES), "nonce"},
        {TOKEN("\"" ISSUER "\"", "\"c\"", "\"n\"", ",\"exp\":1800000300"), "iat"},
        {TOKEN("\"" ISSUER "\"", "\"c\"", "\"n\"", ",\"iat\":1800000000"), "exp"},
        {AT("1799999000", "1799999940"), "expired"},
        {AT("1800000061", "1800000300"), "not good yet"},
        {AT("1799999339", "1800000300"), "too long ago"},
        {GOOD(",\"nbf\":1800000061"), "not good yet"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct identity who;
        struct err err = {0};
        if (judge(*state, cases[i].claims, &who, &err) != ERR_UNAUTHORIZED ||
            strstr(err.detail, cases[i].word) == NULL || who.subject != NULL)
            fail_msg("%s: %s", cases[i].claims, err.detail);
    }
}

static void tokens_that_are_taken(void **state) {
    struct identity who;
    struct err err = {0};
    assert_int_equal(judge(*state, GOOD(""), &who, &err), ERR_OK);
    assert_string_equal(who.subject, "s");
    assert_null(who.email);
    assert_int_equal(judge(*state, GOOD(",\"email\":\"a@b\",\"email_verified\":true"), &who, &err), ERR_OK);
    assert_string_equal(who.email, "a@b");
    assert_int_equal(judge(*state, GOOD(",\"email\":\"a@b\",\"email_verified\":\"true\""), &who, &err),
                     ERR_OK);
    assert_string_equal(who.email, "a@b");
    static const char *const not_verified[] = {"false", "\"false\"", "1", "null", "\"yes\""};
    for (size_t i = 0; i < sizeof not_verified / sizeof *not_verified; i++) {
        const char *claims =
            arena_printf(*state, GOOD(",\"email\":\"a@b\",\"email_verified\":%s"), not_verified[i]);
        assert_int_equal(judge(*state, claims, &who, &err), ERR_OK);
        assert_true(who.unverified);
        assert_null(who.email);
    }
    /* clocks that differ by less than a minute */
    assert_int_equal(judge(*state, AT("1800000060", "1800000300"), &who, &err), ERR_OK);
    assert_int_equal(judge(*state, AT("1799999900", "1799999941"), &who, &err), ERR_OK);
    assert_int_equal(
        judge(*state, TOKEN("\"" ISSUER "\"", "[\"c\",\"d\"]", "\"n\"", TIMES ",\"azp\":\"c\""), &who, &err),
        ERR_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_be_set),
        cmocka_unit_test_setup_teardown(too_many_people, open_arena, close_arena),
        cmocka_unit_test(people_on_the_list),
        cmocka_unit_test_setup_teardown(secrets_are_sealed_for_a_workspace, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(metadata, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(answers_of_the_token_endpoint, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(tokens_that_are_refused, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(tokens_that_are_taken, open_arena, close_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
