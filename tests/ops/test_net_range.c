#include "ops/runtime/net_range.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool holds(const char *range, const char *address) {
    struct net_range r;
    struct net_address a;
    assert_true(net_range_parse(range, strlen(range), &r));
    assert_true(net_address_parse(address, strlen(address), &a));
    return net_range_holds(&r, &a);
}

static void ranges_hold_what_they_say(void **state) {
    (void)state;
    assert_true(holds("203.0.113.0/24", "203.0.113.255"));
    assert_false(holds("203.0.113.0/24", "203.0.114.0"));
    assert_true(holds("10.0.0.0/8", "10.255.0.1"));
    assert_true(holds("10.128.0.0/9", "10.128.0.1"));
    assert_false(holds("10.128.0.0/9", "10.127.255.255"));
    assert_true(holds("192.0.2.7", "192.0.2.7"));
    assert_false(holds("192.0.2.7", "192.0.2.6"));
    assert_true(holds("0.0.0.0/0", "255.1.2.3"));
    assert_false(holds("0.0.0.0/0", "2001:db8::1"));
    assert_true(holds("2001:db8::/32", "2001:db8:ffff::1"));
    assert_false(holds("2001:db8::/32", "2001:db9::1"));
    assert_true(holds("::/0", "2001:db8::1"));
    assert_true(holds("192.0.2.0/24", "::ffff:192.0.2.9"));
}

static void nonsense_is_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "",          "10.0.0.0/33",  "10.0.0.1/8",   "10.0.0/8",    "2001:db8::/129", "::1/",
        "1.2.3.4/x", "1.2.3.4/-1",   "1.2.3.4/0008", "example.com", "1.2.3.4 ",       "01.2.3.4",
        "[::1]",     "fe80::1%eth0", "1.2.3.4:80",   "1.2.3.4/8/8"};
    struct net_range r;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (net_range_parse(wrong[i], strlen(wrong[i]), &r))
            fail_msg("\"%s\" was taken", wrong[i]);
}

static void lists_and_their_first_mistake(void **state) {
    (void)state;
    struct net_ranges r;
    struct net_address a;
    const char *bad = NULL, *text = "10.0.0.0/8, 192.0.2.1 2001:db8::/32";
    assert_true(net_ranges_parse(text, &r, &bad));
    assert_int_equal(r.n, 3);
    assert_true(net_address_parse("192.0.2.1", 9, &a) && net_ranges_hold(&r, &a));
    assert_true(net_address_parse("192.0.2.2", 9, &a) && !net_ranges_hold(&r, &a));
    net_ranges_free(&r);
    text = "10.0.0.0/8,nowhere";
    assert_false(net_ranges_parse(text, &r, &bad));
    assert_string_equal(bad, "nowhere");
    assert_true(net_ranges_parse(" , ", &r, NULL));
    assert_int_equal(r.n, 0);
    assert_false(net_ranges_hold(&r, &a));
    net_ranges_free(&r);
}

static void addresses_have_one_text(void **state) {
    (void)state;
    static const char *const pairs[][2] = {
        {"::ffff:192.0.2.9", "192.0.2.9"}, {"2001:DB8:0:0::1", "2001:db8::1"}, {"127.0.0.1", "127.0.0.1"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct net_address a;
        char text[NET_TEXT_SIZE];
        assert_true(net_address_parse(pairs[i][0], strlen(pairs[i][0]), &a));
        assert_string_equal(net_address_text(&a, text), pairs[i][1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_hold_what_they_say),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(lists_and_their_first_mistake),
        cmocka_unit_test(addresses_have_one_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
