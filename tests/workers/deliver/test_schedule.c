/* When an endpoint that has failed is tried again. */
#include "workers/deliver/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MIDDLE 100000 /* the random number that changes nothing */

static struct schedule schedule(const char *text) {
    struct schedule s;
    assert_true(schedule_parse(text, &s));
    return s;
}

static void lists(void **state) {
    static const char *const bad[] = {
        "",
        ",",
        "5,",
        ",5",
        "5,,6",
        "-1",
        "5 ,6",
        "x",
        "5;6",
        "31536001",
        "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,"
        "30,31,32,33"};
    struct schedule s;
    (void)state;
    s = schedule("5,300,1800");
    assert_int_equal(s.n, 3);
    assert_int_equal(s.seconds[1], 300);
    assert_int_equal(schedule("0").n, 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(schedule_parse(bad[i], &s));
}

static void one_after_the_other_and_the_last_goes_on(void **state) {
    struct schedule s = schedule("5,300,1800");
    (void)state;
    assert_int_equal(schedule_wait_us(&s, 1, 500, -1, MIDDLE), 5000000);
    assert_int_equal(schedule_wait_us(&s, 2, 500, -1, MIDDLE), 300000000);
    assert_int_equal(schedule_wait_us(&s, 3, 0, -1, MIDDLE), 1800000000);
    assert_int_equal(schedule_wait_us(&s, 4000000000, 0, -1, MIDDLE), 1800000000);
}

static void a_tenth_more_or_less(void **state) {
    struct schedule s = schedule("100");
    (void)state;
    assert_int_equal(schedule_wait_us(&s, 1, 500, -1, 0), 90000000);
    assert_int_equal(schedule_wait_us(&s, 1, 500, -1, 200000), 110000000);
    assert_int_equal(schedule_wait_us(&s, 1, 500, -1, 200001), 90000000);
    assert_in_range(schedule_wait_us(&s, 1, 500, -1, UINT32_MAX), 90000000, 110000000);
}

static void who_asks_for_time_gets_it(void **state) {
    struct schedule s = schedule("5,300");
    (void)state;
    assert_int_equal(schedule_wait_us(&s, 2, 429, 7, MIDDLE), 7000000);
    assert_int_equal(schedule_wait_us(&s, 1, 503, 0, MIDDLE), 1000000);
    assert_int_equal(schedule_wait_us(&s, 1, 503, 10000000, MIDDLE),
                     (int64_t)SCHEDULE_RETRY_AFTER_MAX_S * 1000000);
    assert_int_equal(schedule_wait_us(&s, 1, 429, -1, MIDDLE), (int64_t)SCHEDULE_SLOW_S * 1000000);
    assert_int_equal(schedule_wait_us(&s, 1, 502, -1, MIDDLE), (int64_t)SCHEDULE_SLOW_S * 1000000);
    assert_int_equal(schedule_wait_us(&s, 2, 504, -1, MIDDLE), 300000000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists),
        cmocka_unit_test(one_after_the_other_and_the_last_goes_on),
        cmocka_unit_test(a_tenth_more_or_less),
        cmocka_unit_test(who_asks_for_time_gets_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
