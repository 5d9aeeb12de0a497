#include "ops/runtime/token.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static void new_tokens_are_well_formed_and_differ(void **state) {
    (void)state;
    char a[TOKEN_TEXT_SIZE], b[TOKEN_TEXT_SIZE];
    for (int i = 0; i < 1000; i++) {
        token_new(TOKEN_KEY, a);
        token_new(TOKEN_KEY, b);
        assert_int_equal(strlen(a), 4 + 43 + 6);
        assert_memory_equal(a, "ush_", 4);
        assert_int_equal(strspn(a + 4, digits), 49);
        assert_true(token_well_formed(a, strlen(a), NULL));
        assert_string_not_equal(a, b);
    }
}

static void the_crc_refuses_every_changed_character(void **state) {
    (void)state;
    char text[TOKEN_TEXT_SIZE];
    token_new(TOKEN_KEY, text);
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        char kept = text[i];
        for (int c = 0; c < 256; c++) {
            text[i] = (char)c;
            assert_int_equal(token_well_formed(text, n, NULL), (char)c == kept);
        }
        text[i] = kept;
    }
}

static void swapped_neighbours_and_other_lengths_are_refused(void **state) {
    (void)state;
    char text[TOKEN_TEXT_SIZE];
    token_new(TOKEN_KEY, text);
    size_t n = strlen(text);
    for (size_t i = 4; i + 1 < n; i++) {
        char a = text[i], b = text[i + 1];
        if (a == b)
            continue;
        text[i] = b, text[i + 1] = a;
        assert_false(token_well_formed(text, n, NULL));
        text[i] = a, text[i + 1] = b;
    }
    for (size_t len = 0; len < n; len++)
        assert_false(token_well_formed(text, len, NULL));
    char longer[TOKEN_TEXT_SIZE + 1];
    strcpy(longer, text);
    strcat(longer, "0");
    assert_false(token_well_formed(longer, n + 1, NULL));
}

static void the_prefix_tells_the_kind(void **state) {
    (void)state;
    char text[TOKEN_TEXT_SIZE];
    enum token_kind kind = TOKEN_KEY;
    token_new(TOKEN_OWNER, text);
    assert_memory_equal(text, "uso_", 4);
    assert_true(token_well_formed(text, strlen(text), &kind));
    assert_int_equal(kind, TOKEN_OWNER);
    text[2] = 'h'; /* the other kind's prefix: the CRC covers it */
    assert_false(token_well_formed(text, strlen(text), &kind));
    for (int k = TOKEN_KEY; k <= TOKEN_LINK; k++) {
        token_new((enum token_kind)k, text);
        assert_true(token_well_formed(text, strlen(text), &kind));
        assert_int_equal(kind, k);
        char masked[TOKEN_TEXT_SIZE];
        strcpy(masked, text);
        token_mask(masked);
        assert_int_equal(strlen(masked), TOKEN_PREFIX_SIZE - 1);
    }
}

static void faults(void **state) {
    (void)state;
    char text[TOKEN_TEXT_SIZE], wrong[3 * TOKEN_TEXT_SIZE];
    token_new(TOKEN_KEY, text);
    assert_int_equal(strlen(text), TOKEN_LENGTH);
    assert_int_equal(token_fault(text, TOKEN_LENGTH), TOKEN_GOOD);
    for (size_t n = 0; n < TOKEN_LENGTH; n++)
        assert_int_equal(token_fault(text, n), n < 4 ? TOKEN_PREFIX : TOKEN_CUT);
    strcpy(wrong, text);
    strcat(wrong, "0");
    assert_int_equal(token_fault(wrong, TOKEN_LENGTH + 1), TOKEN_LONG);
    strcpy(wrong, text);
    strcat(wrong, text);
    assert_int_equal(token_fault(wrong, 2 * TOKEN_LENGTH), TOKEN_TWICE);
    strcpy(wrong, text);
    wrong[20] = wrong[20] != 'A' ? 'A' : 'B';
    assert_int_equal(token_fault(wrong, TOKEN_LENGTH), TOKEN_MISTYPED);
    wrong[20] = '.';
    assert_int_equal(token_fault(wrong, TOKEN_LENGTH), TOKEN_LETTERS);
    wrong[20] = '\0';
    assert_int_equal(token_fault(wrong, TOKEN_LENGTH), TOKEN_LETTERS);
    wrong[0] = 'U';
    assert_int_equal(token_fault(wrong, TOKEN_LENGTH), TOKEN_PREFIX);
}

/* FIPS 180-4's "abc". */
static void hash_is_sha256(void **state) {
    (void)state;
    static const unsigned char abc[TOKEN_HASH_SIZE] = {
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
        0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    unsigned char hash[TOKEN_HASH_SIZE];
    token_hash("abc", 3, hash);
    assert_memory_equal(hash, abc, sizeof abc);
}

static void lists_show_the_beginning_only(void **state) {
    (void)state;
    char text[TOKEN_TEXT_SIZE], shown[TOKEN_PREFIX_SIZE];
    token_new(TOKEN_KEY, text);
    token_show_prefix(text, shown);
    assert_int_equal(strlen(shown), 12);
    assert_memory_equal(shown, text, 12);
    token_show_prefix("ush_1", shown);
    assert_string_equal(shown, "ush_1");
}

/* Of what somebody sent as a token, not more is shown than of one that is known; and nothing of a text that
 * may be somebody else's secret. */
static void nothing_else_is_shown_of_a_foreign_text(void **state) {
    (void)state;
    static const struct {
        const char *text, *shown; /* NULL: nothing */
    } cases[] = {
        {"ush_7Gk2Qz9Bx", "ush_7Gk2Qz9B"},
        {"uso_7Gk2Qz9Bxxxxxxxxx", "uso_7Gk2Qz9B"},
        {"ush_7Gk2Qz9B", NULL},
        {"ush_7Gk2", NULL},
        {"ush_", NULL},
        {"", NULL},
        {"ust_7Gk2Qz9Bxxxxx", NULL},
        {"eyJhbGciOiJSUzI1NiJ9.e30.c2ln", NULL},
        {"ush_7Gk2-z9Bxxxxx", NULL},
        {"USH_7Gk2Qz9Bxxxxx", NULL},
        {"x ush_7Gk2Qz9Bxxxx", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char shown[TOKEN_PREFIX_SIZE] = "";
        bool any = token_show_foreign(cases[i].text, shown);
        if (any != (cases[i].shown != NULL) || (any && strcmp(shown, cases[i].shown) != 0))
            fail_msg("%s: %d, %s", cases[i].text, any, shown);
    }
}

static void tokens_in_a_text_are_cut(void **state) {
    (void)state;
    char token[TOKEN_TEXT_SIZE], text[256], due[256];
    token_new(TOKEN_OWNER, token);
    snprintf(text, sizeof text, "\"%s\" is no name, nor is ush_%s; ush_ alone is", token, token + 4);
    snprintf(due, sizeof due, "\"%.12s\" is no name, nor is ush_%.8s; ush_ alone is", token, token + 4);
    token_mask(text);
    assert_string_equal(text, due);
    token_mask(strcpy(text, "ust_AAAA-BBBB_CCCC.")); /* an access token */
    assert_string_equal(text, "ust_AAAA-BBB.");
    token_mask(strcpy(text, ""));
    assert_string_equal(text, "");
    token_mask(strcpy(text, "push_notifications are off")); /* a word is no token */
    assert_string_equal(text, "push_notifications are off");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_tokens_are_well_formed_and_differ),
        cmocka_unit_test(the_crc_refuses_every_changed_character),
        cmocka_unit_test(swapped_neighbours_and_other_lengths_are_refused),
        cmocka_unit_test(the_prefix_tells_the_kind),
        cmocka_unit_test(faults),
        cmocka_unit_test(hash_is_sha256),
        cmocka_unit_test(lists_show_the_beginning_only),
        cmocka_unit_test(nothing_else_is_shown_of_a_foreign_text),
        cmocka_unit_test(tokens_in_a_text_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
