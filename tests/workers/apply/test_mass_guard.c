/* The guard's window: what one key has removed in the last so many seconds, in 16 parts. */
#include "workers/apply/mass_guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000)
#define WINDOW 160 /* seconds: a bucket is ten */
#define NOW (INT64_C(1795342530) * SECOND)

static void remove_at(struct unit_guard *g, int64_t second, int64_t n) {
    mass_guard_slide(g, NOW + second * SECOND, WINDOW);
    g->slots[g->head % GUARD_BUCKETS] += n;
}

static int64_t removed_at(struct unit_guard *g, int64_t second) {
    mass_guard_slide(g, NOW + second * SECOND, WINDOW);
    return mass_guard_removed(g);
}

static void what_is_old_leaves(void **state) {
    (void)state;
    struct unit_guard g = {0};
    remove_at(&g, 0, 3);
    remove_at(&g, 45, 4);
    remove_at(&g, 140, 5);
    assert_int_equal(removed_at(&g, 145), 12);
    assert_int_equal(removed_at(&g, 160), 9); /* never later than a window after it, a bucket early at most */
    assert_int_equal(removed_at(&g, 205), 5);
    assert_int_equal(removed_at(&g, 299), 5);
    assert_int_equal(removed_at(&g, 300), 0);
}

static void one_bucket_after_the_other(void **state) {
    (void)state;
    struct unit_guard g = {0};
    for (int64_t i = 0; i < 100; i++) { /* one in each bucket: sixteen in the window, always */
        remove_at(&g, i * 10, 1);
        assert_int_equal(mass_guard_removed(&g), i < GUARD_BUCKETS ? i + 1 : GUARD_BUCKETS);
    }
}

static void a_long_pause_empties_all(void **state) {
    (void)state;
    struct unit_guard g = {0};
    for (int64_t i = 0; i < GUARD_BUCKETS; i++)
        remove_at(&g, i * 10, 7);
    assert_int_equal(removed_at(&g, 1000000), 0);
}

/* A longer window has smaller numbers: nothing of before can be placed in it. */
static void another_length_begins_anew(void **state) {
    (void)state;
    struct unit_guard g = {0};
    remove_at(&g, 0, 9);
    mass_guard_slide(&g, NOW, WINDOW * 10);
    assert_int_equal(mass_guard_removed(&g), 0);
    g.slots[g.head % GUARD_BUCKETS] = 2;
    mass_guard_slide(&g, NOW, WINDOW);
    assert_int_equal(mass_guard_removed(&g), 0);
}

static void a_share_but_so_many_in_any_case(void **state) {
    (void)state;
    struct workspace_settings s = {.guard_share = 20, .guard_min = 10};
    assert_int_equal(mass_guard_allowed(1000, &s), 200);
    assert_int_equal(mass_guard_allowed(54, &s), 10);
    assert_int_equal(mass_guard_allowed(59, &s), 11); /* rounded down */
    assert_int_equal(mass_guard_allowed(0, &s), 10);
    s.guard_min = 0;
    assert_int_equal(mass_guard_allowed(4, &s), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_old_leaves), cmocka_unit_test(one_bucket_after_the_other),
        cmocka_unit_test(a_long_pause_empties_all), cmocka_unit_test(another_length_begins_anew),
        cmocka_unit_test(a_share_but_so_many_in_any_case)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
