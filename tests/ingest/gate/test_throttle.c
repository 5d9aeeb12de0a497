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
#define LIMIT 60
#define SECOND INT64_C(1000000)

static struct net_address address(const char *text) {
    struct net_address a;
    assert_true(net_address_parse(text, strlen(text), &a));
    return a;
}

static void the_sixth_wrong_token_waits_and_each_after_it_longer(void **state) {
    (void)state;
    static const int64_t due[] = {0, 0, 0, 0, 0, 100000, 200000, 400000, 800000, 1600000, 2000000, 2000000};
    struct throttle *t = throttle_new(LIMIT);
    struct net_address a = address("192.0.2.1");
    for (size_t i = 0; i < sizeof due / sizeof *due; i++)
        assert_int_equal(throttle_failed(t, &a, START + (int64_t)i), due[i]);
    throttle_free(t);
}

static void a_minute_of_silence_makes_it_good(void **state) {
    (void)state;
    struct throttle *t = throttle_new(LIMIT);
    struct net_address a = address("192.0.2.1");
    for (int i = 0; i < 9; i++)
        (void)throttle_failed(t, &a, START);
    assert_int_equal(throttle_failed(t, &a, START + THROTTLE_WINDOW_US), 1600000);
    assert_int_equal(throttle_failed(t, &a, START + 2 * THROTTLE_WINDOW_US + 1), 0);
    throttle_free(t);
}

static void sources_do_not_pay_for_each_other(void **state) {
    (void)state;
    struct throttle *t = throttle_new(LIMIT);
    struct net_address bad = address("192.0.2.1"), good = address("192.0.2.2");
    for (int i = 0; i < 50; i++)
        (void)throttle_failed(t, &bad, START);
    assert_int_equal(throttle_failed(t, &good, START), 0);
    throttle_free(t);
}

static void a_network_of_ipv6_is_one_source(void **state) {
    (void)state;
    struct throttle *t = throttle_new(LIMIT);
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

static struct net_address numbered(int i) {
    char text[NET_TEXT_SIZE];
    snprintf(text, sizeof text, "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
    return address(text);
}

/* 100,000 sources find no place in a table of 8,192. Those that find none wait for each other; whoever was
 * there before still is. */
static void many_sources_need_no_more_memory_and_push_nobody_out(void **state) {
    (void)state;
    struct throttle *t = throttle_new(LIMIT);
    struct net_address first = address("192.0.2.1");
    for (int i = 0; i < LIMIT; i++)
        assert_int_equal(throttle_count(t, &first, START), 0);
    for (int i = 0; i < 100000; i++) {
        struct net_address a = numbered(i);
        (void)throttle_count(t, &a, START + 1);
    }
    assert_int_equal(throttle_count(t, &first, START + 2), 10);
    throttle_free(t);
}

/* So nobody gets rid of his count by coming from many sources in turn. */
static void what_many_sources_get_is_bounded(void **state) {
    (void)state;
    struct throttle *t = throttle_new(LIMIT);
    int within = 0;
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 100000; i++) {
            struct net_address a = numbered(i);
            within += throttle_count(t, &a, START + round) == 0;
        }
    }
    assert_in_range(within, 8192 * 20, 9 * 1024 * LIMIT); /* of 2,000,000 */
    throttle_free(t);
}

static void the_61st_in_ten_seconds_is_refused(void **state) {
    (void)state;
    struct throttle *t = throttle_new(LIMIT);
    struct net_address a = address("192.0.2.1"), other = address("192.0.2.2");
    for (int i = 0; i < LIMIT; i++)
        assert_int_equal(throttle_count(t, &a, START + i), 0);
    assert_int_equal(throttle_count(t, &a, START + SECOND), 9);
    assert_int_equal(throttle_count(t, &a, START + 9 * SECOND + 1), 1);
    assert_int_equal(throttle_count(t, &other, START + 9 * SECOND), 0);
    assert_int_equal(throttle_failed(t, &a, START + 9 * SECOND), 0); /* refused at once */
    assert_int_equal(throttle_count(t, &a, START + 10 * SECOND), 0);
    throttle_free(t);
}

static unsigned char *hash_of(int n) {
    static unsigned char hash[TOKEN_HASH_SIZE];
    char text[16];
    snprintf(text, sizeof text, "%d", n);
    token_hash(text, strlen(text), hash);
    return hash;
}

static void over_the_limit_few_unknown_tokens_are_looked_up(void **state) {
    (void)state;
    struct throttle *t = throttle_new(LIMIT);
    struct net_address a = address("192.0.2.1"), other = address("192.0.2.2");
    throttle_good(t, hash_of(7));
    for (int i = 0; i < 3 * LIMIT; i++) /* nobody is over a limit yet */
        assert_true(throttle_lets_ask(t, &a, hash_of(100 + i), START));
    for (int i = 0; i < LIMIT; i++)
        assert_int_equal(throttle_count(t, &a, START + i), 0);
    for (int i = 0; i < THROTTLE_ASKS; i++)
        assert_true(throttle_lets_ask(t, &a, hash_of(100 + i), START + SECOND));
    for (int i = 0; i < 3; i++)
        assert_false(throttle_lets_ask(t, &a, hash_of(100 + i), START + 9 * SECOND));
    assert_true(throttle_lets_ask(t, &a, hash_of(7), START + 9 * SECOND)); /* a good one always */
    assert_true(throttle_lets_ask(t, &other, hash_of(100), START + 9 * SECOND));
    assert_true(throttle_lets_ask(t, &a, hash_of(100), START + 10 * SECOND));
    throttle_free(t);
}

struct told {
    struct throttle_group groups[4];
    int n;
    bool room;
};

static bool tell(void *ctx, const struct throttle_group *g) {
    struct told *told = ctx;
    assert_true(told->n < 4);
    if (told->room)
        told->groups[told->n++] = *g;
    return told->room;
}

static void groups_are_told_of_once(void **state) {
    (void)state;
    struct throttle *t = throttle_new(1);
    struct told told = {.room = false};
    struct net_address a = address("192.0.2.1"), b = address("2001:db8:1:2:3::4");
    char text[NET_TEXT_SIZE];
    for (int i = 0; i < 5; i++)
        (void)throttle_count(t, &a, START + i * SECOND);
    (void)throttle_count(t, &b, START + 4 * SECOND);
    (void)throttle_count(t, &b, START + 5 * SECOND);
    throttle_groups(t, START + 11 * SECOND, false, tell, &told);
    told.room = true; /* nothing is lost while nobody listens */
    throttle_groups(t, START + 11 * SECOND - 1, false, tell, &told);
    assert_int_equal(told.n, 0);
    throttle_groups(t, START + 11 * SECOND, false, tell, &told);
    assert_int_equal(told.n, 1);
    assert_string_equal(net_address_text(&told.groups[0].network, text), "192.0.2.1");
    assert_int_equal(told.groups[0].requests, 4);
    assert_int_equal(told.groups[0].first_us, START + SECOND);
    assert_int_equal(told.groups[0].last_us, START + 4 * SECOND);
    throttle_groups(t, START + 12 * SECOND, true, tell, &told);
    assert_int_equal(told.n, 2);
    assert_string_equal(net_address_text(&told.groups[1].network, text), "2001:db8:1:2::");
    assert_int_equal(told.groups[1].requests, 1);
    assert_false(told.groups[1].many);
    throttle_groups(t, START + 60 * SECOND, true, tell, &told);
    assert_int_equal(told.n, 2);
    throttle_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sixth_wrong_token_waits_and_each_after_it_longer),
        cmocka_unit_test(a_minute_of_silence_makes_it_good),
        cmocka_unit_test(sources_do_not_pay_for_each_other),
        cmocka_unit_test(a_network_of_ipv6_is_one_source),
        cmocka_unit_test(many_sources_need_no_more_memory_and_push_nobody_out),
        cmocka_unit_test(what_many_sources_get_is_bounded),
        cmocka_unit_test(the_61st_in_ten_seconds_is_refused),
        cmocka_unit_test(over_the_limit_few_unknown_tokens_are_looked_up),
        cmocka_unit_test(groups_are_told_of_once),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
