#include "schemas/text/text_set.h"
#include "tests/schemas/support.h"

static void test_adding(void **state) {
    (void)state;
    size_t at;
    struct text_set *set = text_set_new(0);
    assert_true(text_set_add(set, "a", 1, &at));
    assert_int_equal(at, 0);
    assert_true(text_set_add(set, "", 0, &at));
    assert_int_equal(at, 1);
    assert_true(text_set_add(set, "a\0b", 3, &at)); /* bytes, not a C string */
    assert_int_equal(at, 2);
    assert_false(text_set_add(set, "ab", 1, &at));
    assert_int_equal(at, 0);
    assert_false(text_set_add(set, "", 0, NULL));
    text_set_free(set);
    text_set_free(NULL);
}

/* Grows far beyond what was expected and forgets nothing; copies, so the caller's bytes may change. */
static void test_growing(void **state) {
    (void)state;
    struct text_set *set = text_set_new(3);
    char text[32];
    size_t at;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < 50000; i++) {
            int n = snprintf(text, sizeof(text), "%zu", i);
            assert_true(text_set_add(set, text, (size_t)n, &at) == (pass == 0));
            assert_int_equal(at, i);
        }
    text_set_free(set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adding),
        cmocka_unit_test(test_growing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
