#include "ops/runtime/jws.h"

#include "ops/runtime/base64url.h"
#include "ops/runtime/jwk.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* RFC 7515, appendix A.3: a key and what its owner signed. The thumbprint was computed by another program. */
#define RFC_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define RFC_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define RFC_KID "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"
static const char rfc_token[] =
    "eyJhbGciOiJFUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

static void the_rfc_example_verifies(void **state) {
    (void)state;
    struct jws_key *k = jws_key_public(RFC_X, RFC_Y);
    struct jbuf payload = {0};
    assert_non_null(k);
    assert_true(jws_verify(k, rfc_token, strlen(rfc_token), &payload));
    assert_string_equal(payload.p,
                        "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}");
    jb_free(&payload);
    jws_key_free(k);
}

static void a_key_is_named_by_its_thumbprint(void **state) {
    (void)state;
    struct jws_key *k = jws_key_public(RFC_X, RFC_Y);
    assert_string_equal(jws_kid(k), RFC_KID);
    assert_string_equal(jws_jwk(k), "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_X "\",\"y\":\"" RFC_Y
                                    "\",\"use\":\"sig\",\"alg\":\"ES256\",\"kid\":\"" RFC_KID "\"}");
    jws_key_free(k);
}

static void what_is_signed_verifies_and_nothing_else(void **state) {
    (void)state;
    struct jws_key *k = jws_key_new(), *other = jws_key_new();
    struct jbuf text = {0}, payload = {0};
    const char claims[] = "{\"iss\":\"urn:x\",\"name\":\"\xc3\xbc\"}";
    jb_raw(&text, "before ");
    for (int i = 0; i < 300; i++) { /* numbers with leading zeros come about once in 128 signatures */
        text.n = 7;
        jws_sign(k, "secevent+jwt", claims, strlen(claims), &text);
        jb_reset(&payload);
        assert_true(jws_verify(k, text.p + 7, text.n - 7, &payload));
        assert_string_equal(payload.p, claims);
    }
    assert_memory_equal(text.p, "before ey", 9);
    assert_false(jws_verify(other, text.p + 7, text.n - 7, NULL));
    for (size_t i = 7; i < text.n - 1;
         i++) { /* (the last character carries four bits of padding, which must be 0) */
        char kept = text.p[i];
        text.p[i] = kept == 'A' ? 'B' : 'A';
        assert_false(jws_verify(k, text.p + 7, text.n - 7, NULL));
        text.p[i] = kept;
    }
    for (size_t n = 0; n < text.n - 7; n++)
        assert_false(jws_verify(k, text.p + 7, n, NULL));
    jb_free(&text);
    jb_free(&payload);
    jws_key_free(k);
    jws_key_free(other);
}

/* RFC 8725: the algorithm is the verifier's to choose, never the token's. */
static void another_algorithm_does_not_verify(void **state) {
    (void)state;
    struct jws_key *k = jws_key_public(RFC_X, RFC_Y);
    static const char *const wrong[] = {
        "",
        ".",
        "..",
        "...",
        "eyJhbGciOiJub25lIn0.e30.",      /* {"alg":"none"} */
        "eyJhbGciOiJIUzI1NiJ9.e30.AAAA", /* {"alg":"HS256"} */
        "eyJhbGciOiJFUzI1NiJ9.e30.AAAA", /* too short a signature */
        "eyJhbGciOiJFUzI1NiJ9.e30.!",
        "eyJhbGciOiJFUzI1NiJ9",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(jws_verify(k, wrong[i], strlen(wrong[i]), NULL));
    jws_key_free(k);
}

static void every_length_of_payload(void **state) {
    (void)state;
    struct jws_key *k = jws_key_new();
    char payload[3000];
    memset(payload, 0xff, sizeof payload);
    for (size_t n = 0; n < sizeof payload; n += n < 1100 ? 1 : 97) {
        struct jbuf text = {0}, back = {0};
        jws_sign(k, "x", payload, n, &text);
        assert_true(jws_verify(k, text.p, text.n, &back));
        assert_int_equal(back.n, n);
        assert_memory_equal(back.p != NULL ? back.p : "", payload, n);
        jb_free(&text);
        jb_free(&back);
    }
    jws_key_free(k);
}

static void points_off_the_curve_are_no_keys(void **state) {
    (void)state;
    assert_null(jws_key_public(RFC_Y, RFC_X));
    assert_null(jws_key_public("", ""));
    assert_null(jws_key_public(RFC_X, "AAAA"));
    assert_null(jws_key_public(RFC_X, RFC_Y "="));
    assert_null(jws_key_public("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                               "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
}

/* Files made by `openssl genpkey` and `openssl pkey`; the thumbprint was computed by another program. */
static void keys_from_files(void **state) {
    (void)state;
    static const struct {
        const char *file, *says; /* NULL: it is a key */
    } files[] = {
        {"p8.pem", NULL},
        {"sec1.pem", NULL},
        {"p384.pem", "P-256"},
        {"ed.pem", "P-256"},
        {"enc.pem", "without password"},
        {"pub.pem", "no private key"},
        {"none.pem", "No such file"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[100];
        struct err err = {0};
        snprintf(path, sizeof path, "tests/cases/jws/%s", files[i].file);
        struct jws_key *k = jws_key_load(path, &err);
        if (files[i].says == NULL) {
            assert_non_null(k);
            assert_string_equal(jws_kid(k), "fAN6mPGic1L-2__BMNzJx4h4hzLkij4EmXPpknUkfPg");
        } else {
            assert_null(k);
            assert_int_equal(err.code, ERR_CONFIG);
            assert_non_null(strstr(err.detail, path));
            assert_non_null(strstr(err.detail, files[i].says));
        }
        jws_key_free(k);
    }
}

/* RS256: verified by the code for keys of others. The members of the JWK are found by what stands around
 * them. */
static void rs256(void **state) {
    (void)state;
    struct jws_key *k = jws_key_new_rsa();
    struct jbuf text = {0};
    char n[400] = "", e[20] = "";
    unsigned char signature[600];
    size_t size;
    jws_sign(k, "secevent+jwt", "{}", 2, &text);
    assert_int_equal(sscanf(jws_jwk(k), "{\"kty\":\"RSA\",\"n\":\"%399[^\"]\",\"e\":\"%19[^\"]\"", n, e), 2);
    struct jwk *other = jwk_rsa(n, e);
    assert_non_null(other);
    const char *last = strrchr(text.p, '.');
    assert_true(base64url_decode(last + 1, strlen(last + 1), signature, sizeof signature, &size));
    assert_true(jwk_signed(other, JWK_RS256, text.p, (size_t)(last - text.p), signature, size));
    assert_false(jwk_signed(other, JWK_RS256, text.p, (size_t)(last - text.p) - 1, signature, size));
    assert_int_equal(strlen(jws_kid(k)), 43);
    assert_non_null(strstr(jws_jwk(k), "\"alg\":\"RS256\""));
    assert_null(strstr(jws_jwk(k), "\"d\""));
    struct err err = {0};
    assert_null(jws_key_load_rsa("tests/cases/jws/p8.pem", &err));
    assert_non_null(strstr(err.detail, "not an RSA key"));
    jwk_free(other);
    jb_free(&text);
    jws_key_free(k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rs256),
        cmocka_unit_test(the_rfc_example_verifies),
        cmocka_unit_test(a_key_is_named_by_its_thumbprint),
        cmocka_unit_test(what_is_signed_verifies_and_nothing_else),
        cmocka_unit_test(another_algorithm_does_not_verify),
        cmocka_unit_test(every_length_of_payload),
        cmocka_unit_test(points_off_the_curve_are_no_keys),
        cmocka_unit_test(keys_from_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
