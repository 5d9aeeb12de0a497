#include "ops/runtime/hs256.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CLAIMS "{\"iss\":\"key\",\"exp\":1800000060}"
#define SECRET "a secret of thirty-two characters"

/* Of PyJWT: jwt.encode({"iss": "key", "exp": 1800000060}, SECRET, "HS256"). */
static const char known[] =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJrZXkiLCJleHAiOjE4MDAwMDAwNjB9.pYzmMxooJdpGFOe-7k47GKMd-lYfRmWz-rZ-y7znAhg";

static void as_others_sign(void **state) {
    (void)state;
    struct jbuf token = {0};
    hs256_sign(SECRET, CLAIMS, strlen(CLAIMS), &token);
    assert_string_equal(token.p, known);
    jb_free(&token);
}

static bool verified(const char *secret, const char *text, size_t len) {
    struct jbuf claims = {0};
    bool good = hs256_verify(secret, text, len, &claims);
    if (good)
        assert_string_equal(claims.p, CLAIMS);
    else
        assert_int_equal(claims.n, 0);
    jb_free(&claims);
    return good;
}

static void only_with_the_secret(void **state) {
    (void)state;
    assert_true(verified(SECRET, known, strlen(known)));
    assert_false(verified("another secret", known, strlen(known)));
    assert_false(verified("", known, strlen(known)));
}

/* Whatever single byte is changed, cut or added: nothing of it is believed. */
static void no_other_byte(void **state) {
    (void)state;
    char text[sizeof known + 1];
    for (size_t i = 0; i < strlen(known); i++) {
        memcpy(text, known, sizeof known);
        text[i] = text[i] == 'A' ? 'B' : 'A';
        assert_false(verified(SECRET, text, strlen(known)));
        assert_false(verified(SECRET, known, i));
    }
    memcpy(text, known, sizeof known);
    strcat(text, "A");
    assert_false(verified(SECRET, text, strlen(text)));
}

/* {"alg":"none"} without a signature, {"alg":"none"} and {"alg":"HS512"} with the one that HS256 would have.
 */
static void no_other_algorithm(void **state) {
    (void)state;
    static const char *const tokens[] = {
        "eyJhbGciOiJub25lIn0.eyJpc3MiOiJrZXkiLCJleHAiOjE4MDAwMDAwNjB9.",
        "eyJhbGciOiJub25lIn0.eyJpc3MiOiJrZXkiLCJleHAiOjE4MDAwMDAwNjB9.-ihbhchkatUhzuEvMl8XGixouVPvnaKVWjlyFccn1lw",
        "eyJhbGciOiJIUzUxMiJ9.eyJpc3MiOiJrZXkiLCJleHAiOjE4MDAwMDAwNjB9.16fqr_hV5F2CoktxcnRaDfKKbOwpGQSTxHD7XDOktWg",
    };
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++)
        assert_false(verified(SECRET, tokens[i], strlen(tokens[i])));
}

static void a_look_inside(void **state) {
    (void)state;
    struct jbuf claims = {0};
    assert_true(hs256_peek(known, strlen(known), &claims));
    assert_string_equal(claims.p, CLAIMS);
    jb_reset(&claims);
    assert_false(hs256_peek("a.b", 3, &claims));
    assert_false(hs256_peek("", 0, &claims));
    assert_false(hs256_peek("a.***.c", 7, &claims));
    jb_free(&claims);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_others_sign), cmocka_unit_test(only_with_the_secret),
        cmocka_unit_test(no_other_byte),  cmocka_unit_test(no_other_algorithm),
        cmocka_unit_test(a_look_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
