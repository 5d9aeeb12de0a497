/* Array parameters: what a client writes never leaves its element. */
#include "sql/pg_array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void texts_are_quoted_and_escaped(void **state) {
    (void)state;
    struct jbuf b = {0};
    pg_array_begin(&b);
    pg_array_text(&b, "plain");
    pg_array_text(&b, "a\"b\\c");
    pg_array_text(&b, "");
    pg_array_text(&b, "},{NULL");
    pg_array_text(&b, NULL);
    pg_array_end(&b);
    assert_string_equal(b.p, "{\"plain\",\"a\\\"b\\\\c\",\"\",\"},{NULL\",NULL}");
    jb_free(&b);
}

static void words_and_numbers_stand_bare(void **state) {
    (void)state;
    struct jbuf b = {0};
    pg_array_begin(&b);
    pg_array_int(&b, -7);
    pg_array_int(&b, INT64_MAX);
    pg_array_bool(&b, true);
    pg_array_bool(&b, false);
    pg_array_word(&b, NULL);
    pg_array_end(&b);
    assert_string_equal(b.p, "{-7,9223372036854775807,t,f,NULL}");
    jb_free(&b);
}

static void a_buffer_is_used_again(void **state) {
    (void)state;
    struct jbuf b = {0};
    for (int i = 0; i < 2; i++) {
        pg_array_begin(&b);
        pg_array_end(&b);
        assert_string_equal(b.p, "{}");
    }
    jb_free(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_quoted_and_escaped),
        cmocka_unit_test(words_and_numbers_stand_bare),
        cmocka_unit_test(a_buffer_is_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
