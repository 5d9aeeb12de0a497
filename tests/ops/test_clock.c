#include "ops/runtime/clock.h"

#include <stdlib.h>
#include <time.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void formats(void **state) {
    (void)state;
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000000Z"},
        {-1, "1969-12-31T23:59:59.999999Z"},
        {INT64_C(951782400000000), "2000-02-29T00:00:00.000000Z"},
        {INT64_C(1795342530123456), "2026-11-22T10:15:30.123456Z"},
        {INT64_C(253402300799999999), "9999-12-31T23:59:59.999999Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[RFC3339_SIZE];
        int64_t back = 1;
        assert_string_equal(rfc3339_us(cases[i].us, text), cases[i].text);
        assert_true(rfc3339_parse(cases[i].text, &back));
        assert_int_equal(back, cases[i].us);
    }
}

/* Every day of 400 years, against the C library. */
static void round_trip_and_agreement_with_gmtime(void **state) {
    (void)state;
    for (int64_t day = -25567; day < 120530; day++) {
        int64_t us = (day * 86400 + day % 86400) * 1000000 + llabs(day);
        char ours[RFC3339_SIZE], libc[RFC3339_SIZE];
        time_t t = (time_t)(day * 86400 + day % 86400);
        struct tm tm;
        gmtime_r(&t, &tm);
        strftime(libc, sizeof libc, "%Y-%m-%dT%H:%M:%S", &tm);
        rfc3339_us(us, ours);
        assert_memory_equal(ours, libc, 19);
        int64_t back;
        assert_true(rfc3339_parse(ours, &back));
        assert_int_equal(back, us);
    }
}

static void parses_what_the_rfcs_allow(void **state) {
    (void)state;
    static const struct {
        const char *text, *same;
    } cases[] = {
        {"2026-11-22T10:15:30Z", "2026-11-22T10:15:30.000000Z"},
        {"2026-11-22t10:15:30z", "2026-11-22T10:15:30.000000Z"},
        {"2026-11-22T10:15:30", "2026-11-22T10:15:30.000000Z"},
        {"2026-11-22T10:15:30.5+01:30", "2026-11-22T08:45:30.500000Z"},
        {"2026-11-22T23:15:30-02:00", "2026-11-23T01:15:30.000000Z"},
        {"2026-11-22T10:15:30.123456789Z", "2026-11-22T10:15:30.123456Z"},
        {"2026-12-31T24:00:00Z", "2027-01-01T00:00:00.000000Z"},
        {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z"},
        {"2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t us;
        char text[RFC3339_SIZE];
        assert_true(rfc3339_parse(cases[i].text, &us));
        assert_string_equal(rfc3339_us(us, text), cases[i].same);
    }
}

static void refuses_the_rest(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "2026",
        "2026-11-22",
        "2026-11-22T",
        "2026-11-22T10:15",
        "2026-11-22T10:15:30.",
        "2026-11-22T10:15:30.Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-11-22T25:00:00Z",
        "2026-11-22T24:00:01Z",
        "2026-11-22T10:60:00Z",
        "2026-11-22T10:15:61Z",
        "2026-11-22T10:15:30+1:00",
        "2026-11-22T10:15:30+24:00",
        "2026-11-22T10:15:30Zx",
        "2026-11-22T10:15:30 Z",
        "26-11-22T10:15:30Z",
        "next Tuesday",
        "+2026-11-22T10:15:30Z",
    };
    int64_t us = 42;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(rfc3339_parse(bad[i], &us));
    assert_false(rfc3339_parse(NULL, &us));
    assert_int_equal(us, 42);
}

static void clocks_run(void **state) {
    (void)state;
    assert_in_range(clock_wall_us() / 1000000, time(NULL) - 1, time(NULL) + 1);
    int64_t a = clock_mono_us(), b = clock_mono_us();
    assert_true(b >= a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats),
        cmocka_unit_test(round_trip_and_agreement_with_gmtime),
        cmocka_unit_test(parses_what_the_rfcs_allow),
        cmocka_unit_test(refuses_the_rest),
        cmocka_unit_test(clocks_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
