/* What is wrong with an Authorization header: each mistake by its name, and no part of a token told. */
#include "ingest/request/bearer.h"
#include "ops/runtime/access_token.h"
#include "ops/runtime/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;
static char token[TOKEN_TEXT_SIZE];

static void takes_tokens(void **state) {
    (void)state;
    assert_string_equal(bearer_token("Bearer abc"), "abc");
    assert_string_equal(bearer_token("bEARER   abc"), "abc");
    assert_string_equal(bearer_token("Bearer Bearer abc"), "Bearer abc");
    assert_null(bearer_token(NULL));
    assert_null(bearer_token("Basic abc"));
    assert_null(bearer_token("Bearerabc"));
    assert_null(bearer_token("Bearer"));
    assert_null(bearer_token(""));
}

static void says_why_there_is_none(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {NULL, "no Authorization header"},
        {"Bearer", "no token behind"},
        {"bearer", "no token behind"},
        {"Bearer:x", "One blank"},
        {"Bearer\tx", "One blank"},
        {"Bearerush_x", "One blank"},
        {"Basic dTpw", "scheme Basic"},
        {"basic", "scheme Basic"},
        {"ush_abc", "before the token"},
        {"ust_abc", "before the token"},
        {"\"Bearer x\"", "without quotation marks"},
        {"Token abc", "does not begin with the word Bearer"},
        {"", "does not begin with the word Bearer"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *said = bearer_missing(rows[i][0]);
        if (strstr(said, rows[i][1]) == NULL)
            fail_msg("%s: %s", rows[i][0] != NULL ? rows[i][0] : "none", said);
    }
}

static void says(const char *sent, const char *due) {
    const char *said = bearer_fault(sent, arena);
    if (strstr(said, due) == NULL)
        fail_msg("%s: %s", sent, said);
    for (size_t i = 4; i + 6 <= strlen(token); i++) /* not even a part of it */
        if (strstr(said, arena_strndup(arena, token + i, 6)) != NULL)
            fail_msg("it tells a part of the token: %s", said);
}

/* The token, in front of it and behind it something, and so much of it. */
static const char *sent(const char *before, int n, const char *behind) {
    return arena_printf(arena, "%s%.*s%s", before, n, token, behind);
}

static void says_what_is_wrong_with_one(void **state) {
    (void)state;
    says(sent("", 0, ""), "empty");
    says(sent("Bearer ", TOKEN_LENGTH, ""), "twice before it");
    says(sent("bearer: ", TOKEN_LENGTH, ""), "twice before it");
    says(sent("Bearer=", TOKEN_LENGTH, ""), "twice before it");
    says(sent("\"", TOKEN_LENGTH, "\""), "quotation marks");
    says(sent("'", TOKEN_LENGTH, "'"), "quotation marks");
    says(sent("\"", TOKEN_LENGTH, ""), "quotation marks");
    says(sent("<", TOKEN_LENGTH, ">"), "quotation marks or brackets");
    says(sent("\xe2\x80\x9c", TOKEN_LENGTH, "\xe2\x80\x9d"), "quotation marks");
    says(sent("\xc2\xab", TOKEN_LENGTH, "\xc2\xbb"), "quotation marks");
    says(sent("", 20, sent(" ", TOKEN_LENGTH, "")), "blank");
    says(sent("", 52, "\t"), "blank");
    says(sent("", 47, ""), "cut: it has 47 characters of 53");
    says(sent("", 12, ""), "cut: it has 12 characters of 53"); /* what lists show of a key */
    says(sent("", 4, ""), "cut: it has 4 characters of 53");
    says(sent("", TOKEN_LENGTH, "x"), "too long: it has 54 characters instead of 53");
    says(sent("", TOKEN_LENGTH, sent("", TOKEN_LENGTH, "")), "twice, one behind the other");
    says(sent("", 12, "\xe2\x80\xa6"), "a character that no token has");
    says(sent("", TOKEN_LENGTH, ","), "a character that no token has");
    says(sent("", 52, "*"), "a character that no token has");
    says(sent("", 0, "eyJhbGciOiJIUzI1NiJ9.e30.x"), "begin with ush_");
    says(sent("", 0, "USH_"), "begin with ush_");
    says(sent("", 0, "ust_abc"), "cut: it has 7 characters of 80");
    char wrong[TOKEN_TEXT_SIZE];
    strcpy(wrong, token);
    wrong[30] = wrong[30] != 'A' ? 'A' : 'B';
    assert_non_null(strstr(bearer_fault(wrong, arena), "mistyped"));
}

static void access_tokens(void **state) {
    (void)state;
    char text[ACCESS_TOKEN_TEXT_SIZE + 1];
    unsigned char secret[32] = {7};
    access_token_seal(&(struct access_token){.scopes = 1}, secret, sizeof secret, text);
    assert_int_equal(strlen(text), ACCESS_TOKEN_LENGTH);
    assert_non_null(strstr(bearer_fault(text, arena), "none of ours")); /* of another secret */
    strcat(text, "A");
    assert_non_null(strstr(bearer_fault(text, arena), "too long: it has 81 characters instead of 80"));
}

static int setup(void **state) {
    (void)state;
    arena = arena_new();
    token_new(TOKEN_KEY, token);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_free(arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_tokens),
        cmocka_unit_test(says_why_there_is_none),
        cmocka_unit_test(says_what_is_wrong_with_one),
        cmocka_unit_test(access_tokens),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
