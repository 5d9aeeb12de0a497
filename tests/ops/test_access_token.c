#include "ops/runtime/access_token.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const unsigned char secret[32] = "thirty-two bytes of a test's key";

static struct access_token example(void) {
    struct access_token t = {.scopes = 0x85, .expires_s = INT64_C(1795342530)};
    for (size_t i = 0; i < sizeof t.key_hash; i++)
        t.key_hash[i] = (unsigned char)(i * 7);
    return t;
}

static void what_was_sealed_is_read_again(void **state) {
    (void)state;
    struct access_token t = example(), u;
    char text[ACCESS_TOKEN_TEXT_SIZE];
    access_token_seal(&t, secret, sizeof secret, text);
    assert_true(access_token_is(text));
    assert_memory_equal(text, "ust_", 4);
    assert_true(access_token_open(text, secret, sizeof secret, &u));
    assert_memory_equal(u.key_hash, t.key_hash, sizeof t.key_hash);
    assert_int_equal(u.scopes, t.scopes);
    assert_int_equal(u.expires_s, t.expires_s);
}

static void any_other_text_is_refused(void **state) {
    (void)state;
    struct access_token t = example(), u;
    char text[ACCESS_TOKEN_TEXT_SIZE + 1];
    access_token_seal(&t, secret, sizeof secret, text);
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        char kept = text[i];
        for (int c = 1; c < 256; c++) {
            text[i] = (char)c;
            assert_int_equal(access_token_open(text, secret, sizeof secret, &u), (char)c == kept);
        }
        text[i] = kept;
    }
    for (size_t len = 0; len < n; len++) {
        char cut[ACCESS_TOKEN_TEXT_SIZE] = "";
        memcpy(cut, text, len);
        assert_false(access_token_open(cut, secret, sizeof secret, &u));
    }
    strcat(text, "A");
    assert_false(access_token_open(text, secret, sizeof secret, &u));
}

static void another_secret_opens_nothing(void **state) {
    (void)state;
    struct access_token t = example(), u;
    unsigned char other[32];
    char text[ACCESS_TOKEN_TEXT_SIZE];
    memcpy(other, secret, sizeof other);
    other[31] ^= 1;
    access_token_seal(&t, secret, sizeof secret, text);
    assert_false(access_token_open(text, other, sizeof other, &u));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_is_read_again),
        cmocka_unit_test(any_other_text_is_refused),
        cmocka_unit_test(another_secret_opens_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
