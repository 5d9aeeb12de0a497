/* The producer that outlives its instances: a fatal error brings a new one, what was on its way comes back as
 * failed, and sending goes on (pitfalls section 4). Each instance has a mock broker of its own. */
#include "ingest/producer.h"
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
    atomic_int delivered, failed, replaced;
    atomic_int last_error;
    _Atomic(void *) last_opaque;
} seen;

static void on_report(void *ctx, const rd_kafka_message_t *m) {
    (void)ctx;
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
    struct producer *p = producer_new("test", NULL, settings, 1, &events, &err);
    assert_non_null(p);
    return p;
}

static rd_kafka_resp_err_t send_one(struct producer *p, void *opaque) {
    struct headers h = {.row = {{"usher-txn", "x"}}, .n = 1};
    struct producer_message m = {TOPIC, 0, "key", "value", 5, opaque};
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
    assert_true(producer_warm_up(p, TOPIC, 5000));
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

static void refuses_unknown_settings(void **state) {
    (void)state;
    static const struct producer_setting wrong[] = {{"no.such.setting", "1"}};
    struct err err = {0};
    assert_null(producer_new("test", NULL, wrong, 1, &events, &err));
    assert_int_equal(err.code, ERR_CONFIG);
}

int main(void) {
    stats_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delivers_and_reports),
        cmocka_unit_test(a_fatal_error_brings_a_new_instance),
        cmocka_unit_test(what_a_dead_instance_held_comes_back),
        cmocka_unit_test(refuses_unknown_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
