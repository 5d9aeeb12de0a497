/* The producer that outlives its instances: a fatal error brings a new one, what was on its way comes back as
 * failed, and sending goes on. Each instance has a mock broker of its own. */
#include "ingest/log/producer.h"
#include "ingest/stats.h"
#include "ops/runtime/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TOPIC "usher.test"

static struct {
    atomic_int delivered, failed, replaced, disorder;
    atomic_int last_error;
    _Atomic(void *) last_opaque;
} seen;

static void on_report(void *ctx, const rd_kafka_message_t *m) {
    (void)ctx;
    if ((char *)m->_private < (char *)atomic_load(&seen.last_opaque))
        atomic_fetch_add(&seen.disorder, 1);
    atomic_store(&seen.last_opaque, m->_private);
    atomic_store(&seen.last_error, m->err);
    atomic_fetch_add(m->err == RD_KAFKA_RESP_ERR_NO_ERROR ? &seen.delivered : &seen.failed, 1);
}

static void on_replaced(void *ctx) {
    (void)ctx;
    atomic_fetch_add(&seen.replaced, 1);
}

static bool comes_to(atomic_int *counter, int n) {
    int64_t until = clock_mono_us() + 10000000;
    while (atomic_load(counter) < n && clock_mono_us() < until)
        usleep(1000);
    return atomic_load(counter) >= n;
}

static const struct producer_setting with_broker[] = {{"test.mock.num.brokers", "1"}};
static const struct producer_setting without_broker[] = {{"bootstrap.servers", "127.0.0.1:1"}};
static const struct producer_events events = {on_report, on_replaced, NULL};

static struct producer *open_with(const struct producer_setting *settings) {
    struct err err = {0};
    memset(&seen, 0, sizeof seen);
    struct producer *p = producer_new(TOPIC, 4, NULL, settings, 1, &events, &err);
    assert_non_null(p);
    return p;
}

static rd_kafka_resp_err_t send_one(struct producer *p, void *opaque) {
    struct headers h = {.row = {{"usher-txn", "x"}}, .n = 1};
    struct producer_message m = {.key = "key", .value = "value", .len = 5, .opaque = opaque};
    rd_kafka_headers_t *headers = producer_headers(&h);
    rd_kafka_resp_err_t code = producer_send(p, &m, headers);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_headers_destroy(headers);
    return code;
}

static void delivers_and_reports(void **state) {
    (void)state;
    int mark;
    struct producer *p = open_with(with_broker);
    assert_true(producer_warm_up(p, 5000));
    assert_int_equal(send_one(p, &mark), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_true(comes_to(&seen.delivered, 1));
    assert_ptr_equal(atomic_load(&seen.last_opaque), &mark);
    assert_int_equal(producer_queued(p), 0);
    producer_close(p, 1000);
}

static void a_fatal_error_brings_a_new_instance(void **state) {
    (void)state;
    struct producer *p = open_with(with_broker);
    producer_break(p);
    assert_true(comes_to(&seen.replaced, 1));
    assert_false(producer_fatal(p));
    assert_int_equal(send_one(p, NULL), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_true(comes_to(&seen.delivered, 1));
    producer_break(p); /* and again */
    assert_true(comes_to(&seen.replaced, 2));
    assert_int_equal(send_one(p, NULL), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_true(comes_to(&seen.delivered, 2));
    producer_close(p, 1000);
}

static void what_a_dead_instance_held_comes_back(void **state) {
    (void)state;
    int mark;
    struct producer *p = open_with(without_broker);
    assert_int_equal(send_one(p, &mark), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_true(producer_queued(p) >= 1);
    producer_break(p);
    assert_true(comes_to(&seen.replaced, 1));
    assert_true(comes_to(&seen.failed, 1));
    assert_ptr_equal(atomic_load(&seen.last_opaque), &mark);
    assert_int_equal(atomic_load(&seen.delivered), 0);
    producer_close(p, 0);
}

/* More than may be in flight at once: all are delivered, in order. */
static void many_go_through_in_order(void **state) {
    (void)state;
    static char marks[1000];
    struct producer *p = open_with(with_broker);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(send_one(p, &marks[i]), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_true(comes_to(&seen.delivered, 1000));
    assert_int_equal(atomic_load(&seen.disorder), 0);
    assert_int_equal(producer_queued(p), 0);
    producer_close(p, 1000);
}

/* Bursts, of which the first message waits for the others; and one message alone behind them. */
static void bursts_go_through_in_order(void **state) {
    (void)state;
    static char marks[301];
    struct producer *p = open_with(with_broker);
    assert_true(producer_warm_up(p, 5000));
    for (int i = 0; i < 300; i++) {
        assert_int_equal(send_one(p, &marks[i]), RD_KAFKA_RESP_ERR_NO_ERROR);
        if (i % 10 == 9)
            assert_true(comes_to(&seen.delivered, i + 1));
    }
    assert_int_equal(send_one(p, &marks[300]), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_true(comes_to(&seen.delivered, 301));
    assert_int_equal(atomic_load(&seen.disorder), 0);
    assert_int_equal(producer_queued(p), 0);
    producer_close(p, 1000);
}

/* A message that is gathered and given up leaves nothing to wait for. */
static void what_is_gathered_can_be_forgotten(void **state) {
    (void)state;
    struct producer *p = open_with(with_broker);
    assert_true(producer_warm_up(p, 5000));
    for (int i = 0; i < 10; i++)
        assert_int_equal(send_one(p, NULL), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_true(comes_to(&seen.delivered, 10));
    assert_int_equal(send_one(p, NULL), RD_KAFKA_RESP_ERR_NO_ERROR);
    producer_forget(p);
    assert_int_equal(send_one(p, NULL), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_true(comes_to(&seen.delivered, 11));
    producer_close(p, 1000);
}

/* What waits here survives the instance; what has expired meanwhile is dropped. */
static void what_waits_goes_on_with_the_next_instance(void **state) {
    (void)state;
    struct producer *p = open_with(without_broker);
    assert_int_equal(send_one(p, NULL),
                     RD_KAFKA_RESP_ERR_NO_ERROR); /* the library's: the others wait for it */
    struct headers h = {.row = {{"usher-txn", "x"}}, .n = 1};
    struct producer_message late = {.key = "k", .value = "v", .len = 1, .expires_us = 1};
    assert_int_equal(send_one(p, NULL), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(producer_send(p, &late, producer_headers(&h)), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_true(producer_queued(p) >= 3); /* the library may count its own events too */
    producer_break(p);
    assert_true(comes_to(&seen.replaced, 1));
    assert_true(comes_to(&seen.failed, 1)); /* what the library had; not what waited */
    assert_int_equal(atomic_load(&seen.failed), 1);
    assert_true(producer_queued(p) >= 1); /* the one that waited is with the next instance */
    producer_forget(p);
    producer_close(p, 0);
}

static void refuses_when_too_many_wait(void **state) {
    (void)state;
    struct producer *p = open_with(without_broker);
    int taken = 0;
    rd_kafka_resp_err_t code;
    while ((code = send_one(p, NULL)) == RD_KAFKA_RESP_ERR_NO_ERROR && taken < 100000)
        taken++;
    assert_int_equal(code, RD_KAFKA_RESP_ERR__QUEUE_FULL);
    assert_in_range(taken, 20000, 20010);
    struct headers h = {.row = {{"usher-txn", "x"}}, .n = 1};
    struct producer_message must = {.key = "k", .value = "v", .len = 1, .must = true};
    assert_int_equal(producer_send(p, &must, producer_headers(&h)), RD_KAFKA_RESP_ERR_NO_ERROR);
    producer_close(p, 0);
}

static void refuses_unknown_settings(void **state) {
    (void)state;
    static const struct producer_setting wrong[] = {{"no.such.setting", "1"}};
    struct err err = {0};
    assert_null(producer_new(TOPIC, 4, NULL, wrong, 1, &events, &err));
    assert_int_equal(err.code, ERR_CONFIG);
}

int main(void) {
    stats_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delivers_and_reports),
        cmocka_unit_test(a_fatal_error_brings_a_new_instance),
        cmocka_unit_test(what_a_dead_instance_held_comes_back),
        cmocka_unit_test(many_go_through_in_order),
        cmocka_unit_test(bursts_go_through_in_order),
        cmocka_unit_test(what_is_gathered_can_be_forgotten),
        cmocka_unit_test(what_waits_goes_on_with_the_next_instance),
        cmocka_unit_test(refuses_when_too_many_wait),
        cmocka_unit_test(refuses_unknown_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
