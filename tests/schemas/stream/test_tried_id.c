/* Ids of a dry run say so themselves, and nobody else has one. */
#include "schemas/stream/tried_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void ids_say_where_they_come_from(void **state) {
    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct uuid tried = tried_id_new(), other = uuid_v7(), parsed;
        assert_true(is_tried_id(tried.s));
        assert_true(uuid_parse(tried.s, &parsed));
        assert_string_equal(parsed.s, tried.s);
        assert_false(is_tried_id(other.s));
    }
}

static void what_is_no_id_is_none(void **state) {
    (void)state;
    static const char *const none[] = {"",
                                       "8",
                                       "0197a6c2-51d4-8c3e-9f0a-2b1d6c1e7a1",
                                       "0197a6c2-51d4-8c3e-9f0a-2b1d6c1e7a1x",
                                       "0197a6c2-51d4-7c3e-8f0a-2b1d6c1e7a10",
                                       "0197a6c2-51d4-8c3e-9f0a-2b1d6c1e7a100"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_false(is_tried_id(none[i]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_say_where_they_come_from),
        cmocka_unit_test(what_is_no_id_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
