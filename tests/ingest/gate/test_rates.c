/* Leases of rate units, as the ingest keeps them: who gets one, what is taken from it, and what goes back.
 * How PostgreSQL counts them is shown in tests/integration/test_rates.py. */
#include "ingest/gate/rates.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define START INT64_C(5000000000)
#define MS INT64_C(1000)
#define ENDS (ADMIT_LEASE_US + RATES_GRACE_US)

static struct admit_ask ask_of(int token, int units) {
    struct admit_ask a = {.units = units};
    memcpy(a.token_hash, &token, sizeof token);
    return a;
}

/* One round trip, in which PostgreSQL leases `lease` units if any are wanted. Gives what it was asked. */
static struct admit_ask trip(struct rates *r, int token, int units, int lease, int64_t now_us) {
    struct admit_ask a = ask_of(token, units);
    assert_int_equal(rates_take(r, &a, now_us), 0);
    struct admit_verdict v = {.state = ADMIT_OK, .granted = a.units};
    if (a.want > 0)
        v.lease = (struct admit_lease){.size = lease, .left = lease, .bucket = 77};
    assert_int_equal(rates_settle(r, &a, &v, now_us), v.lease.size);
    return a;
}

static int take(struct rates *r, int token, int units, int64_t now_us) {
    struct admit_ask a = ask_of(token, units);
    int taken = rates_take(r, &a, now_us);
    assert_int_equal(a.units + taken, units);
    return taken;
}

static void who_comes_once_in_a_while_gets_none(void **state) {
    (void)state;
    struct rates *r = rates_new();
    for (int i = 0; i < 10; i++)
        assert_int_equal(trip(r, 1, 1, 0, START + i * (ENDS + 1)).want, 0);
    assert_false(rates_due(r, START + 9 * (ENDS + 1) + ENDS - 1));
    rates_free(r);
}

static void who_is_busy_gets_twice_what_was_used(void **state) {
    (void)state;
    struct rates *r = rates_new();
    assert_int_equal(trip(r, 1, 1, 0, START).want, 0);
    assert_int_equal(trip(r, 1, 2, 8, START + 1 * MS).want, 8); /* the least */
    assert_int_equal(take(r, 1, 5, START + 2 * MS), 5);
    assert_int_equal(take(r, 1, 3, START + 3 * MS), 3); /* to the last */
    struct admit_ask a = trip(r, 1, 4, 28, START + 4 * MS);
    assert_int_equal(a.want, 2 * (2 + 5 + 3 + 4));
    assert_int_equal(a.units, 4);
    assert_int_equal(a.ended.size, 8);
    assert_int_equal(a.ended.left, 0);
    assert_int_equal(a.ended.bucket, 77);
    rates_free(r);
}

static void what_does_not_suffice_goes_back_whole(void **state) {
    (void)state;
    struct rates *r = rates_new();
    (void)trip(r, 1, 1, 0, START);
    (void)trip(r, 1, 1, 10, START);
    assert_int_equal(take(r, 1, 7, START), 7);
    struct admit_ask a = trip(r, 1, 4, 0, START);
    assert_int_equal(a.units, 4);
    assert_int_equal(a.ended.size, 10);
    assert_int_equal(a.ended.left, 3);
    assert_int_equal(take(r, 1, 1, START), 0); /* and is gone here */
    rates_free(r);
}

static void nothing_is_given_out_after_its_time(void **state) {
    (void)state;
    struct rates *r = rates_new();
    (void)trip(r, 1, 1, 0, START);
    (void)trip(r, 1, 1, 10, START);
    assert_int_equal(take(r, 1, 1, START + ADMIT_LEASE_US - 1), 1);
    struct admit_ask a = trip(r, 1, 1, 10, START + ADMIT_LEASE_US);
    assert_int_equal(a.ended.left, 9);
    rates_free(r);
}

static void a_lease_that_nobody_uses_goes_back_by_itself(void **state) {
    (void)state;
    struct rates *r = rates_new();
    struct admit_back back[2];
    (void)trip(r, 1, 1, 0, START);
    (void)trip(r, 1, 1, 10, START);
    assert_false(rates_due(r, START + ENDS - 1));
    assert_int_equal(rates_take_due(r, START + ENDS - 1, false, back, 2), 0);
    assert_true(rates_due(r, START + ENDS));
    assert_int_equal(rates_take_due(r, START + ENDS, false, back, 2), 1);
    assert_int_equal(back[0].lease.size, 10);
    assert_int_equal(back[0].lease.left, 10);
    assert_int_equal(back[0].lease.bucket, 77);
    assert_false(rates_due(r, START + 100 * ENDS)); /* and is forgotten */
    assert_int_equal(trip(r, 1, 1, 10, START + ENDS).want, 0);
    rates_free(r);
}

static void at_the_end_all_go_back(void **state) {
    (void)state;
    struct rates *r = rates_new();
    struct admit_back back[4];
    for (int token = 1; token <= 5; token++) {
        (void)trip(r, token, 1, 0, START);
        (void)trip(r, token, 1, 10 + token, START);
    }
    assert_int_equal(rates_take_due(r, START, true, back, 4), 4);
    assert_int_equal(rates_take_due(r, START, true, back, 4), 1);
    assert_int_equal(back[0].lease.left, 15);
    assert_int_equal(rates_take_due(r, START, true, back, 4), 0);
    rates_free(r);
}

/* Two gate threads: while one asks, the other counts in PostgreSQL and asks for no lease. */
static void one_lease_for_each_token(void **state) {
    (void)state;
    struct rates *r = rates_new();
    struct admit_back back[2];
    (void)trip(r, 1, 1, 0, START);
    struct admit_ask first = ask_of(1, 3), second = ask_of(1, 5);
    assert_int_equal(rates_take(r, &first, START), 0);
    assert_int_equal(first.want, 8);
    assert_int_equal(rates_take(r, &second, START), 0);
    assert_int_equal(second.want, 0);
    assert_int_equal(second.ended.size, 0);
    assert_int_equal(rates_take_due(r, START + 2 * ENDS, false, back, 2), 0); /* it is not lost meanwhile */
    struct admit_verdict v = {.state = ADMIT_OK, .granted = 5};
    assert_int_equal(rates_settle(r, &second, &v, START), 0);
    v.lease = (struct admit_lease){.size = 8, .left = 8, .bucket = 78};
    assert_int_equal(rates_settle(r, &first, &v, START), 8);
    assert_int_equal(take(r, 1, 8, START), 8);
    rates_free(r);
}

static void a_trip_that_fails_leaves_no_lease(void **state) {
    (void)state;
    struct rates *r = rates_new();
    (void)trip(r, 1, 1, 0, START);
    struct admit_ask a = ask_of(1, 3);
    assert_int_equal(rates_take(r, &a, START), 0);
    assert_int_equal(rates_settle(r, &a, NULL, START), 0);
    assert_int_equal(take(r, 1, 1, START), 0);
    rates_free(r);
}

static void unknown_tokens_take_no_room(void **state) {
    (void)state;
    struct rates *r = rates_new();
    for (int token = 0; token < 2 * RATES_MAX; token++) {
        struct admit_ask a = ask_of(token, 1);
        struct admit_verdict v = {.state = token % 2 ? ADMIT_UNKNOWN : ADMIT_REVOKED};
        assert_int_equal(rates_take(r, &a, START), 0);
        assert_int_equal(rates_settle(r, &a, &v, START), 0);
    }
    (void)trip(r, -1, 1, 0, START);
    assert_true(trip(r, -1, 1, 8, START).want > 0);
    rates_free(r);
}

static void no_more_than_there_is_room_for(void **state) {
    (void)state;
    struct rates *r = rates_new();
    for (int token = 0; token <= RATES_MAX; token++)
        (void)trip(r, token, 1, 0, START);
    assert_true(trip(r, RATES_MAX - 1, 1, 8, START).want > 0);
    assert_int_equal(trip(r, RATES_MAX, 1, 8, START).want, 0);
    assert_int_equal(trip(r, RATES_MAX, 1, 8, START).want, 0);
    rates_free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_comes_once_in_a_while_gets_none),
        cmocka_unit_test(who_is_busy_gets_twice_what_was_used),
        cmocka_unit_test(what_does_not_suffice_goes_back_whole),
        cmocka_unit_test(nothing_is_given_out_after_its_time),
        cmocka_unit_test(a_lease_that_nobody_uses_goes_back_by_itself),
        cmocka_unit_test(at_the_end_all_go_back),
        cmocka_unit_test(one_lease_for_each_token),
        cmocka_unit_test(a_trip_that_fails_leaves_no_lease),
        cmocka_unit_test(unknown_tokens_take_no_room),
        cmocka_unit_test(no_more_than_there_is_room_for),
    };
    return cmocka_run_group_tests_name("ingest/rates", tests, NULL, NULL);
}
