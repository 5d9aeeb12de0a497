/* The eight scopes: names and bits go both ways, and none stands for another. */
#include "sql/ask/admit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void eight_names_eight_bits(void **state) {
    (void)state;
    static const char *const names[] = {"scim:users:read",  "scim:users:write", "scim:rooms:read",
                                        "scim:rooms:write", "api:users:read",   "api:users:write",
                                        "api:rooms:read",   "api:rooms:write"};
    unsigned all = 0;
    for (size_t i = 0; i < 8; i++) {
        unsigned bit = scope_parse(names[i]);
        assert_int_equal(__builtin_popcount(bit), 1);
        assert_int_equal(all & bit, 0);
        assert_string_equal(scope_name(bit), names[i]);
        all |= bit;
    }
    assert_int_equal(all, 0xff);
}

static void nothing_else_is_a_scope(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "", "scim", "scim:users", "scim:users:reads", "SCIM:USERS:READ", " scim:users:read", "all"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(scope_parse(wrong[i]), 0);
    assert_string_equal(scope_name(0), "");
    assert_string_equal(scope_name(3), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_names_eight_bits),
        cmocka_unit_test(nothing_else_is_a_scope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
