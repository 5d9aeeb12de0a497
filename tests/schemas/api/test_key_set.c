#include "schemas/api/key_set.h"

#include "ops/runtime/base64url.h"
#include "ops/runtime/jbuf.h"
#include "tests/support/signed_vectors.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define RSA(n, more) "{\"kty\":\"RSA\",\"n\":\"" n "\",\"e\":\"AQAB\"" more "}"
#define EC(more) "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" ES256_X "\",\"y\":\"" ES256_Y "\"" more "}"
#define SET(keys) "{\"keys\":[" keys "]}"

static json_t *json(const char *text) {
    json_t *j = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(j);
    return j;
}

static struct key_set *upload(const char *text, struct err *err) {
    json_t *j = json(text);
    struct key_set *s = key_set_upload(j, err);
    json_decref(j);
    return s;
}

static void what_is_uploaded_keeps_what_is_needed(void **state) {
    (void)state;
    struct err err = {0};
    struct key_set *s =
        upload(SET(RSA(RS256_N, ",\"kid\":\"a\",\"use\":\"sig\",\"alg\":\"RS256\",\"x5c\":[\"MII\"]") "," EC(
                   ",\"kid\":\"b\",\"key_ops\":[\"verify\"]")),
               &err);
    assert_non_null(s);
    json_t *kept = key_set_json(s),
           *due = json(SET(RSA(RS256_N, ",\"kid\":\"a\",\"alg\":\"RS256\"") "," EC(",\"kid\":\"b\"")));
    assert_true(json_equal(kept, due));
    struct key_set *again = key_set_upload(kept, &err);
    assert_non_null(again);
    key_set_free(again);
    key_set_free(s);
    json_decref(kept);
    json_decref(due);
}

static void what_cannot_be_used_is_refused_by_name(void **state) {
    (void)state;
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"{}", "JSON Web Key Set"},
        {"[]", "JSON Web Key Set"},
        {"null", "JSON Web Key Set"},
        {SET(""), "JSON Web Key Set"},
        {"{\"keys\":{}}", "JSON Web Key Set"},
        {SET("5"), "Key 1 of jwks: it has no kty"},
        {SET(EC("") "," EC(",\"d\":\"AQAB\"")), "Key 2 of jwks: it is a private"},
        {SET("{\"kty\":\"oct\",\"k\":\"AQAB\"}"), "a secret key"},
        {SET(RSA(SMALL_N, "")), "2048 to 4096 bits"},
        {SET("{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" ES256_X "\",\"y\":\"" ES256_Y "\"}"), "P-256"},
        {SET("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ES256_X "\"}"), "must be an RSA key"},
        {SET(EC(",\"alg\":\"RS256\"")), "does not suit"},
        {SET(EC(",\"alg\":\"HS256\"")), "alg must be"},
        {SET(EC(",\"alg\":5")), "alg must be"},
        {SET(EC(",\"use\":\"enc\"")), "not for signatures"},
        {SET(EC(",\"key_ops\":[\"sign\"]")), "not for signatures"},
        {SET(EC(",\"kid\":\"\"")), "kid"},
        {SET(EC(",\"kid\":7")), "kid"},
        {SET(EC(",\"kid\":\"a\"") "," RSA(RS256_N, ",\"kid\":\"a\"")),
         "Key 2 of jwks: another key has its kid"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = {0};
        assert_null(upload(bad[i].text, &err));
        assert_int_equal(err.code, ERR_INVALID_VALUE);
        assert_string_equal(err.path, "jwks");
        if (strstr(err.detail, bad[i].why) == NULL)
            fail_msg("%s: %s", bad[i].text, err.detail);
    }
}

static char *many(size_t n, const char *key) {
    struct jbuf b = {0};
    jb_raw(&b, "{\"keys\":[");
    for (size_t i = 0; i < n; i++) {
        jb_sep(&b);
        jb_raw(&b, key);
    }
    jb_raw(&b, "]}");
    return jb_take(&b);
}

static void there_are_bounds(void **state) {
    (void)state;
    struct err err = {0};
    char *most = many(KEY_SET_KEYS, EC("")), *over = many(KEY_SET_KEYS + 1, EC(""));
    struct key_set *s = upload(most, &err);
    assert_non_null(s);
    key_set_free(s);
    assert_null(upload(over, &err));
    s = key_set_parse(over, strlen(over)); /* one that was fetched: the first ones count */
    assert_non_null(s);
    json_t *kept = key_set_json(s);
    assert_int_equal(json_array_size(json_object_get(kept, "keys")), KEY_SET_KEYS);
    json_decref(kept);
    key_set_free(s);
    free(most);
    free(over);

    char *late = many(KEY_SET_LOOKED_AT, "{\"kty\":\"oct\"}");
    late = realloc(late, strlen(late) + 400);
    strcpy(late + strlen(late) - 2, "," EC("") "]}");
    assert_null(key_set_parse(late, strlen(late)));
    free(late);
    char *large = many(1, EC(""));
    size_t n = strlen(large);
    large = realloc(large, KEY_SET_BYTES + 2);
    memset(large + n, ' ', KEY_SET_BYTES + 1 - n);
    assert_null(key_set_parse(large, KEY_SET_BYTES + 1));
    s = key_set_parse(large, KEY_SET_BYTES);
    assert_non_null(s);
    key_set_free(s);
    free(large);
}

/* Others publish keys of other kinds beside those that are needed here. */
static void of_what_is_fetched_the_rest_is_left_out(void **state) {
    (void)state;
    static const char text[] =
        SET("{\"kty\":\"OKP\"}," RSA(RS256_N, ",\"use\":\"enc\"") ",5," EC(",\"kid\":\"b\""));
    struct key_set *s = key_set_parse(text, strlen(text));
    assert_non_null(s);
    json_t *kept = key_set_json(s), *due = json(SET(EC(",\"kid\":\"b\"")));
    assert_true(json_equal(kept, due));
    json_decref(kept);
    json_decref(due);
    key_set_free(s);
    static const char *const none[] = {
        "", "{", "[]", "{\"keys\":[]}", SET("{\"kty\":\"OKP\"}"), "{\"keys\":[],\"keys\":[" EC("") "]}"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_null(key_set_parse(none[i], strlen(none[i])));
}

static enum key_set_verdict check(const char *set, const char *kid, enum jwk_alg alg, const char *text,
                                  const char *signature) {
    unsigned char bytes[512];
    size_t n;
    struct key_set *s = key_set_parse(set, strlen(set));
    assert_non_null(s);
    assert_true(base64url_decode(signature, strlen(signature), bytes, sizeof bytes, &n));
    enum key_set_verdict v = key_set_check(s, kid, alg, text, strlen(text), bytes, n);
    key_set_free(s);
    return v;
}

static void the_key_is_found_by_kid_and_algorithm(void **state) {
    (void)state;
    static const char both[] =
        SET(RSA(PS256_N, ",\"kid\":\"p\"") "," RSA(RS256_N, ",\"kid\":\"r\"") "," EC(",\"kid\":\"e\"")),
                      bound[] = SET(RSA(RS256_N, ",\"kid\":\"r\",\"alg\":\"PS256\""));
#define RS JWK_RS256, RS256_SIGNED, RS256_SIGNATURE
    assert_int_equal(check(both, "r", RS), KEY_SET_SIGNED);
    assert_int_equal(check(both, NULL, RS), KEY_SET_SIGNED);
    assert_int_equal(check(both, "p", RS), KEY_SET_NOT_SIGNED);
    assert_int_equal(check(both, "e", RS), KEY_SET_NO_KEY); /* not of its kind */
    assert_int_equal(check(both, "R", RS), KEY_SET_NO_KEY); /* letter case counts */
    assert_int_equal(check(both, "", RS), KEY_SET_NO_KEY);
    assert_int_equal(check(bound, "r", RS), KEY_SET_NO_KEY); /* a key that names another algorithm */
    assert_int_equal(check(both, "e", JWK_ES256, ES256_SIGNED, ES256_SIGNATURE), KEY_SET_SIGNED);
    assert_int_equal(check(SET(EC("")), "e", JWK_ES256, ES256_SIGNED, ES256_SIGNATURE), KEY_SET_NO_KEY);
}

/* Without a kid a few keys are tried, so that a wrong signature costs little. */
static void without_kid_the_first_few_are_tried(void **state) {
    (void)state;
    static const char far[] = SET(RSA(PS256_N, "") "," RSA(PS256_N, "") "," RSA(PS256_N, "") "," RSA(
        PS256_N, "") "," RSA(RS256_N, ",\"kid\":\"r\""));
    assert_int_equal(check(far, NULL, RS), KEY_SET_NOT_SIGNED);
    assert_int_equal(check(far, "r", RS), KEY_SET_SIGNED);
}

static void addresses_of_key_sets(void **state) {
    (void)state;
    static const char *const good[] = {"https://idp.example.com", "https://idp.example.com/a/b?c=d",
                                       "https://idp.example.com:8443/", "https://[2001:db8::1]/x",
                                       "https://127.0.0.1/"};
    static const char *const bad[] = {"",
                                      "https://",
                                      "https:///x",
                                      "https://:443/",
                                      "http://idp.example.com/",
                                      "HTTPS://idp.example.com/",
                                      "file:///etc/passwd",
                                      "https://a@idp.example.com/",
                                      "https://a:b@idp.example.com",
                                      "https://idp.example.com/#x",
                                      "https://idp.example.com/a b",
                                      "https://idp.example.com/\"",
                                      "https://idp.example.com\\@x/",
                                      "https://idp.ex\xc3\xa4mple.com/",
                                      " https://idp.example.com/",
                                      "https://idp.example.com/\n"};
    struct err err = {0};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (key_set_check_uri(good[i], &err) != ERR_OK)
            fail_msg("%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (key_set_check_uri(bad[i], &err) != ERR_INVALID_VALUE)
            fail_msg("%s", bad[i]);
    char long_one[KEY_SET_URI + 2] = "https://a/";
    memset(long_one + 10, 'x', KEY_SET_URI - 10);
    assert_int_equal(key_set_check_uri(long_one, &err), ERR_OK);
    long_one[KEY_SET_URI] = 'x';
    assert_int_equal(key_set_check_uri(long_one, &err), ERR_INVALID_VALUE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_uploaded_keeps_what_is_needed),
        cmocka_unit_test(what_cannot_be_used_is_refused_by_name),
        cmocka_unit_test(there_are_bounds),
        cmocka_unit_test(of_what_is_fetched_the_rest_is_left_out),
        cmocka_unit_test(the_key_is_found_by_kid_and_algorithm),
        cmocka_unit_test(without_kid_the_first_few_are_tried),
        cmocka_unit_test(addresses_of_key_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
