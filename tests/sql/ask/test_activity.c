/* Histograms of latencies: what they tell of the times, and how they are added up. */
#include "sql/ask/activity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void nothing_tells_nothing(void **state) {
    (void)state;
    struct activity_sum s = {0};
    assert_int_equal(activity_percentile(s.latency, 50), -1);
}

static void a_percentile_lies_in_its_bucket(void **state) {
    (void)state;
    for (int i = 0; i < ACTIVITY_BUCKETS - 1; i++) {
        struct activity_sum s = {0};
        int64_t low = i > 0 ? activity_bound_us(i - 1) : 0;
        s.latency[i] = 1000;
        assert_in_range(activity_percentile(s.latency, 1), low + 1, activity_bound_us(i));
        assert_int_equal(activity_percentile(s.latency, 50), low + (activity_bound_us(i) - low) / 2);
        assert_int_equal(activity_percentile(s.latency, 100), activity_bound_us(i));
    }
    assert_int_equal(activity_bound_us(0), 128);
    assert_int_equal(activity_bound_us(ACTIVITY_BUCKETS - 1), 0);
}

/* The last bucket has no end: what is known is where it begins. */
static void the_last_bucket_is_told_by_its_beginning(void **state) {
    (void)state;
    struct activity_sum s = {.latency = {[ACTIVITY_BUCKETS - 1] = 3}};
    assert_int_equal(activity_percentile(s.latency, 99), activity_bound_us(ACTIVITY_BUCKETS - 2));
}

static void one_slow_of_a_hundred_is_the_last_percent(void **state) {
    (void)state;
    struct activity_sum s = {.latency = {[5] = 99, [12] = 1}};
    assert_in_range(activity_percentile(s.latency, 99), activity_bound_us(4), activity_bound_us(5));
    s.latency[12] = 2;
    assert_in_range(activity_percentile(s.latency, 99), activity_bound_us(11), activity_bound_us(12));
}

static void sums_are_added_up(void **state) {
    (void)state;
    struct activity_sum one = {.requests = 1,
                               .operations = 2,
                               .writes = 3,
                               .ok = 4,
                               .redirected = 5,
                               .refused = 6,
                               .limited = 7,
                               .failed = 8,
                               .bytes_in = 9,
                               .bytes_out = 10,
                               .latency = {[3] = 1}};
    struct activity_sum to = one;
    activity_add(&to, &one);
    const int64_t found[] = {to.requests, to.operations, to.writes, to.ok,       to.redirected,
                             to.refused,  to.limited,    to.failed, to.bytes_in, to.bytes_out};
    for (int i = 0; i < 10; i++)
        assert_int_equal(found[i], 2 * (i + 1));
    assert_int_equal(to.latency[3], 2);
}

static void steps_have_names(void **state) {
    (void)state;
    enum activity_step step;
    assert_true(activity_step_parse("day", &step));
    assert_int_equal(step, ACTIVITY_DAY);
    assert_false(activity_step_parse("week", &step));
    assert_int_equal(activity_step_us(ACTIVITY_MINUTE) * 60 * 24, activity_step_us(ACTIVITY_DAY));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_tells_nothing),
        cmocka_unit_test(a_percentile_lies_in_its_bucket),
        cmocka_unit_test(the_last_bucket_is_told_by_its_beginning),
        cmocka_unit_test(one_slow_of_a_hundred_is_the_last_percent),
        cmocka_unit_test(sums_are_added_up),
        cmocka_unit_test(steps_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
