#include "ingest/gate/throttle.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define START INT64_C(5000000000)

static struct net_address address(const char *text) {
    struct net_address a;
    assert_true(net_address_parse(text, strlen(text), &a));
    return a;
}

static void the_sixth_wrong_token_waits_and_each_after_it_longer(void **state) {
    (void)state;
    static const int64_t due[] = {0, 0, 0, 0, 0, 100000, 200000, 400000, 800000, 1600000, 2000000, 2000000};
    struct throttle *t = throttle_new();
    struct net_address a = address("192.0.2.1");
    for (size_t i = 0; i < sizeof due / sizeof *due; i++)
        assert_int_equal(throttle_failed(t, &a, START + (int64_t)i), due[i]);
    throttle_free(t);
}

static void a_minute_of_silence_makes_it_good(void **state) {
    (void)state;
    struct throttle *t = throttle_new();
    struct net_address a = address("192.0.2.1");
    for (int i = 0; i < 9; i++)
        (void)throttle_failed(t, &a, START);
    assert_int_equal(throttle_failed(t, &a, START + THROTTLE_WINDOW_US), 1600000);
    assert_int_equal(throttle_failed(t, &a, START + 2 * THROTTLE_WINDOW_US + 1), 0);
    throttle_free(t);
}

static void sources_do_not_pay_for_each_other(void **state) {
    (void)state;
    struct throttle *t = throttle_new();
    struct net_address bad = address("192.0.2.1"), good = address("192.0.2.2");
    for (int i = 0; i < 50; i++)
        (void)throttle_failed(t, &bad, START);
    assert_int_equal(throttle_failed(t, &good, START), 0);
    throttle_free(t);
}

static void a_network_of_ipv6_is_one_source(void **state) {
    (void)state;
    struct throttle *t = throttle_new();
    char text[NET_TEXT_SIZE];
    int64_t us = 0;
    for (int i = 1; i <= 6; i++) {
        snprintf(text, sizeof text, "2001:db8::%d", i);
        struct net_address a = address(text);
        us = throttle_failed(t, &a, START);
    }
    assert_int_equal(us, THROTTLE_FIRST_US);
    struct net_address other = address("2001:db8:0:1::1");
    assert_int_equal(throttle_failed(t, &other, START), 0);
    throttle_free(t);
}

static void many_sources_need_no_more_memory(void **state) {
    (void)state;
    struct throttle *t = throttle_new();
    char text[NET_TEXT_SIZE];
    for (int i = 0; i < 100000; i++) {
        snprintf(text, sizeof text, "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
        struct net_address a = address(text);
        assert_int_equal(throttle_failed(t, &a, START + i), 0);
    }
    throttle_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sixth_wrong_token_waits_and_each_after_it_longer),
        cmocka_unit_test(a_minute_of_silence_makes_it_good),
        cmocka_unit_test(sources_do_not_pay_for_each_other),
        cmocka_unit_test(a_network_of_ipv6_is_one_source),
        cmocka_unit_test(many_sources_need_no_more_memory),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
