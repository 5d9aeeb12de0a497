#include "ops/runtime/err.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void sets_code_detail_and_path(void **state) {
    (void)state;
    struct err err = {0};
    assert_int_equal(err_set(&err, ERR_SEATS, "%d of %d seats are used", 10, 10), ERR_SEATS);
    assert_int_equal(err.code, ERR_SEATS);
    assert_string_equal(err.detail, "10 of 10 seats are used");
    assert_string_equal(err.path, "");
    assert_int_equal(err_set_path(&err, ERR_INVALID_VALUE, "emails.type", "no %s", "type"),
                     ERR_INVALID_VALUE);
    assert_string_equal(err.path, "emails.type");
    assert_int_equal(err_set(NULL, ERR_CONFLICT, "nobody listens"), ERR_CONFLICT);
    err_clear(&err);
    assert_int_equal(err.code, ERR_OK);
    assert_string_equal(err.detail, "");
    assert_string_equal(err.path, "");
    err_clear(NULL);
}

static void an_error_can_be_told_again_with_more_words(void **state) {
    (void)state;
    struct err err = {0};
    (void)err_set_path(&err, ERR_INVALID_PATH, "members", "unknown attribute");
    (void)err_set_path(&err, err.code, err.path, "operation %d: %s", 2, err.detail);
    assert_string_equal(err.detail, "operation 2: unknown attribute");
    assert_string_equal(err.path, "members");
}

static void long_texts_are_cut(void **state) {
    (void)state;
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    struct err err = {0};
    (void)err_set_path(&err, ERR_TOO_LARGE, text, "%s", text);
    assert_int_equal(strlen(err.detail), sizeof err.detail - 1);
    assert_int_equal(strlen(err.path), sizeof err.path - 1);
}

/* A text cut inside a character would break the JSON that it goes into. */
static void only_whole_characters_are_kept(void **state) {
    (void)state;
    struct err err;
    char text[600];
    memset(text, 'a', sizeof text);
    memcpy(text + sizeof err.detail - 2, "\xc3\xa9", 3); /* its second byte has no room */
    (void)err_set(&err, ERR_INVALID_VALUE, "%s", text);
    assert_int_equal(strlen(err.detail), sizeof err.detail - 1);
    assert_int_equal(err.detail[sizeof err.detail - 2], '?');
    (void)err_set(&err, ERR_INVALID_VALUE, "%.4s",
                  "stra\xc3\x9f"
                  "e");
    assert_string_equal(err.detail, "stra");
    (void)err_set(&err, ERR_INVALID_VALUE, "%.5s \xe2\x82\xac",
                  "stra\xc3\x9f"
                  "e");
    assert_string_equal(err.detail, "stra? \xe2\x82\xac");
}

static void the_table_answers(void **state) {
    (void)state;
    assert_int_equal(err_http_status(ERR_UNIQUENESS), 409);
    assert_string_equal(err_scim_type(ERR_UNIQUENESS), "uniqueness");
    assert_null(err_scim_type(ERR_SEATS));
    assert_int_equal(err_http_status(ERR_DEADLINE), 503);
    assert_int_equal(err_class(ERR_DB_LOST), ERR_CLASS_RETRY);
    assert_int_equal(err_class(ERR_SEATS), ERR_CLASS_REJECT);
    assert_int_equal(err_class(ERR_DB_BUG), ERR_CLASS_FATAL);
    assert_int_equal(err_class(ERR_OK), ERR_CLASS_OK);
    struct err err = {.code = ERR_NOT_FOUND};
    assert_string_equal(err_text(&err), "Resource not found");
    (void)err_set(&err, ERR_NOT_FOUND, "no such room");
    assert_string_equal(err_text(&err), "no such room");
}

static void names_lead_back_to_codes(void **state) {
    (void)state;
    for (int i = 0; i < ERR_COUNT; i++)
        assert_int_equal(err_from_name(err_name((enum err_code)i)), i);
    assert_int_equal(err_from_name("NO_SUCH_NAME"), ERR_INTERNAL);
    assert_int_equal(err_from_name(NULL), ERR_INTERNAL);
    assert_int_equal(err_http_status((enum err_code)9999), 500);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_code_detail_and_path),
        cmocka_unit_test(an_error_can_be_told_again_with_more_words),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(only_whole_characters_are_kept),
        cmocka_unit_test(the_table_answers),
        cmocka_unit_test(names_lead_back_to_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
