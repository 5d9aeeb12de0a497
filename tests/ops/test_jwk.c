#include "ops/runtime/jwk.h"

#include "ops/runtime/base64url.h"
#include "tests/support/signed_vectors.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct vector {
    enum jwk_alg alg;
    const char *n, *x, *y; /* n: RSA, else EC */
    const char *text, *signature;
} vectors[] = {
    {JWK_RS256, RS256_N, NULL, NULL, RS256_SIGNED, RS256_SIGNATURE},
    {JWK_PS256, PS256_N, NULL, NULL, PS256_SIGNED, PS256_SIGNATURE},
    {JWK_ES256, NULL, ES256_X, ES256_Y, ES256_SIGNED, ES256_SIGNATURE},
    {JWK_ES256, NULL, SHORT_X, SHORT_Y, SHORT_SIGNED, SHORT_SIGNATURE},
};
#define VECTORS (sizeof vectors / sizeof *vectors)

static struct jwk *key_of(const struct vector *v) {
    return v->n != NULL ? jwk_rsa(v->n, "AQAB") : jwk_ec(v->x, v->y);
}

static size_t signature_of(const struct vector *v, unsigned char out[512]) {
    size_t n;
    assert_true(base64url_decode(v->signature, strlen(v->signature), out, 512, &n));
    return n;
}

static void what_another_program_has_signed(void **state) {
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        unsigned char s[512];
        size_t n = signature_of(&vectors[i], s), len = strlen(vectors[i].text);
        struct jwk *k = key_of(&vectors[i]);
        assert_non_null(k);
        assert_true(jwk_signed(k, vectors[i].alg, vectors[i].text, len, s, n));
        assert_false(jwk_signed(k, vectors[i].alg, vectors[i].text, len - 1, s, n)); /* another text */
        assert_false(jwk_signed(k, vectors[i].alg, vectors[i].text, len, s, n - 1));
        assert_false(jwk_signed(k, vectors[i].alg, vectors[i].text, len, s, 0));
        for (size_t at = 0; at < n; at += n / 4) {
            s[at] ^= 1;
            assert_false(jwk_signed(k, vectors[i].alg, vectors[i].text, len, s, n));
            s[at] ^= 1;
        }
        jwk_free(k);
    }
}

/* Each key, each algorithm and each signature but those that belong together. */
static void no_other_key_and_no_other_algorithm(void **state) {
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        struct jwk *k = key_of(&vectors[i]);
        for (size_t j = 0; j < VECTORS; j++) {
            for (size_t alg = 0; alg < JWK_ALGS; alg++) {
                unsigned char s[512];
                size_t n = signature_of(&vectors[j], s);
                bool due = i == j && alg == (size_t)vectors[i].alg;
                assert_int_equal(
                    jwk_signed(k, (enum jwk_alg)alg, vectors[j].text, strlen(vectors[j].text), s, n), due);
            }
        }
        jwk_free(k);
    }
}

static void algorithms_have_names_and_others_are_none(void **state) {
    (void)state;
    static const char *const not [] = {"none", "None", "HS256", "rs256", "RS384", "ES384", "EdDSA", "", NULL};
    enum jwk_alg alg;
    for (size_t i = 0; i < JWK_ALGS; i++) {
        assert_true(jwk_alg_parse(jwk_alg_name((enum jwk_alg)i), &alg));
        assert_int_equal(alg, i);
    }
    for (size_t i = 0; i < sizeof not / sizeof *not ; i++)
        assert_false(jwk_alg_parse(not [i], &alg));
}

static void keys_that_are_none(void **state) {
    (void)state;
    static const struct {
        const char *n, *e;
    } rsa[] = {
        {SMALL_N, "AQAB"},       /* 1024 bits */
        {RS256_N, "AQ"},         /* 1 */
        {RS256_N, "AAAA"},       /* 0 */
        {RS256_N, "AQAA"},       /* even */
        {RS256_N, "AQABAQABAQ"}, /* of 7 bytes: too dear to check with */
        {RS256_N, ""},
        {RS256_N, "A=="},
        {RS256_N, NULL},
        {NULL, "AQAB"},
        {"", "AQAB"},
        {"n80Wu!", "AQAB"},
        {RS256_N RS256_N RS256_N, "AQAB"}, /* 6144 bits */
    };
    for (size_t i = 0; i < sizeof rsa / sizeof *rsa; i++)
        assert_null(jwk_rsa(rsa[i].n, rsa[i].e));
    assert_null(jwk_ec(ES256_X, ES256_X)); /* not on the curve */
    assert_null(jwk_ec(ES256_X, "AQAB"));
    assert_null(jwk_ec(NULL, ES256_Y));
    assert_null(jwk_ec(ES256_X, NULL));
    jwk_free(NULL);
}

static void base64url_has_one_spelling(void **state) {
    (void)state;
    static const char *const not [] = {"QQ==", "Q", "QR", "Q Q", "Q\nQ", "Q+", "Q/", "\xff\xff"};
    unsigned char out[8];
    size_t n;
    assert_true(base64url_decode("_-8", 3, out, sizeof out, &n));
    assert_int_equal(n, 2);
    assert_memory_equal(out, "\xff\xef", 2);
    assert_true(base64url_decode("", 0, out, sizeof out, &n));
    assert_int_equal(n, 0);
    for (size_t i = 0; i < sizeof not / sizeof *not ; i++)
        assert_false(base64url_decode(not [i], strlen(not [i]), out, sizeof out, &n));
    assert_false(base64url_decode("AAAAAAAAAAAA", 12, out, sizeof out, &n)); /* 9 bytes */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_another_program_has_signed),
        cmocka_unit_test(no_other_key_and_no_other_algorithm),
        cmocka_unit_test(algorithms_have_names_and_others_are_none),
        cmocka_unit_test(keys_that_are_none),
        cmocka_unit_test(base64url_has_one_spelling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
