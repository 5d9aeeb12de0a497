/* Answers that are delayed: a bounded number of them. When they go out is shown in
 * tests/integration/test_throttle.py. */
#include "ingest/gate/delay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct ingest ingest;

static void no_more_than_there_is_room_for(void **state) {
    (void)state;
    static struct request *requests[DELAYED_MAX + 1];
    struct delay *d = delay_new(NULL);
    for (size_t i = 0; i <= DELAYED_MAX; i++)
        requests[i] = request_new(&ingest);
    for (size_t i = 0; i < DELAYED_MAX; i++)
        assert_true(delay_add(d, requests[i], 1000));
    assert_false(delay_add(d, requests[DELAYED_MAX], 1000));
    delay_tick(d, 999, false); /* nobody's time has come: nobody is touched */
    assert_false(delay_add(d, requests[DELAYED_MAX], 1000));
    for (size_t i = 0; i <= DELAYED_MAX; i++)
        request_release(requests[i]);
    request_pool_free();
    delay_free(d);
}

static int finished;

static void owner_answered(struct request *r) {
    (void)r;
    finished++;
}

static const struct owner owner = {.answered = owner_answered};

static void those_whose_time_has_come_go_out(void **state) {
    (void)state;
    struct request *requests[3];
    struct delay *d = delay_new(NULL);
    for (size_t i = 0; i < 3; i++) {
        requests[i] = request_new(&ingest);
        requests[i]->owner = &owner;
        assert_true(delay_add(d, requests[i], 1000 * (int64_t)(i + 1)));
    }
    delay_tick(d, 1000, false);
    assert_int_equal(finished, 1);
    delay_tick(d, 1999, false);
    assert_int_equal(finished, 1);
    delay_tick(d, 0, true); /* the service stops */
    assert_int_equal(finished, 3);
    for (size_t i = 0; i < 3; i++)
        request_release(requests[i]);
    request_pool_free();
    delay_free(d);
}

static int tried;

static void try_again(struct request *r) {
    (void)r;
    tried++;
}

static void those_that_try_again_are_not_answered_and_take_nobodys_room(void **state) {
    (void)state;
    static struct request *requests[DELAYED_MAX + 1];
    struct delay *d = delay_new(try_again);
    finished = 0;
    for (size_t i = 0; i <= DELAYED_MAX; i++) {
        requests[i] = request_new(&ingest);
        requests[i]->owner = &owner;
        delay_again(d, requests[i], 1000);
    }
    struct request *answered = request_new(&ingest);
    answered->owner = &owner;
    assert_true(delay_add(d, answered, 1000));
    delay_tick(d, 999, false);
    assert_int_equal(tried, 0);
    delay_tick(d, 1000, false);
    assert_int_equal(tried, DELAYED_MAX + 1);
    assert_int_equal(finished, 1);
    for (size_t i = 0; i <= DELAYED_MAX; i++)
        request_release(requests[i]);
    request_release(answered);
    request_pool_free();
    delay_free(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_more_than_there_is_room_for),
        cmocka_unit_test(those_whose_time_has_come_go_out),
        cmocka_unit_test(those_that_try_again_are_not_answered_and_take_nobodys_room),
    };
    return cmocka_run_group_tests_name("ingest/delay", tests, NULL, NULL);
}
