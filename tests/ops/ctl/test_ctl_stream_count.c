/* Numbers of streams: what is missing, what comes again, and where a new epoch goes on. */
#include "ops/ctl/ctl_stream_count.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void whole_is_whole(void **state) {
    (void)state;
    struct stream_run r = {0};
    for (int64_t seq = 1; seq <= 500; seq++)
        stream_run_add(&r, 1, seq);
    stream_run_add(&r, 2, 900); /* a new epoch goes on beyond */
    stream_run_end(&r, 2, 900, true);
    assert_int_equal(r.missing + r.again, 0);
    assert_int_equal(r.first_seq, 1);
    assert_int_equal(r.epoch * 1000 + r.seq, 2900);
}

static void what_is_missing_is_named(void **state) {
    (void)state;
    struct stream_run r = {0};
    const int64_t seqs[] = {3, 4, 7, 8, 12};
    for (size_t i = 0; i < 5; i++)
        stream_run_add(&r, 1, seqs[i]);
    stream_run_end(&r, 1, 14, true);
    const struct stream_gap wanted[] = {{1, 5, 6}, {1, 9, 11}, {1, 1, 2}, {1, 13, 14}};
    assert_int_equal(r.ngaps, 4);
    assert_memory_equal(r.gaps, wanted, sizeof wanted);
    assert_int_equal(r.missing, 2 + 3 + 2 + 2);
}

static void a_topic_that_has_forgotten_is_no_gap(void **state) {
    (void)state;
    struct stream_run r = {0}, none = {0};
    stream_run_add(&r, 1, 100);
    stream_run_end(&r, 1, 100, false);
    stream_run_end(&none, 1, 50, false);
    assert_int_equal(r.missing + none.missing, 0);
    stream_run_end(&none, 1, 50, true);
    assert_int_equal(none.missing, 50);
}

static void twice_and_back_are_told(void **state) {
    (void)state;
    struct stream_run r = {0};
    stream_run_add(&r, 2, 1);
    stream_run_add(&r, 2, 2);
    stream_run_add(&r, 2, 2);
    stream_run_add(&r, 1, 9);
    stream_run_add(&r, 2, 3);
    assert_int_equal(r.again, 2);
    assert_int_equal(r.missing, 0);
}

static void requests_come_in_any_order(void **state) {
    (void)state;
    struct stream_marks m = {0};
    struct stream_gap gaps[STREAM_GAPS_SHOWN];
    size_t ngaps;
    for (int64_t n = 2000; n >= 1; n--)
        assert_true(stream_marks_add(&m, n));
    assert_int_equal(stream_marks_missing(&m, true, gaps, &ngaps), 0);
    assert_true(stream_marks_add(&m, 2005));
    assert_true(stream_marks_add(&m, 7));
    assert_int_equal(m.again, 1);
    assert_int_equal(stream_marks_missing(&m, true, gaps, &ngaps), 4);
    assert_int_equal(ngaps, 1);
    assert_int_equal(gaps[0].from * 10000 + gaps[0].to, 20012004);
    assert_false(stream_marks_add(&m, 0));
    stream_marks_clear(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_is_whole),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(a_topic_that_has_forgotten_is_no_gap),
        cmocka_unit_test(twice_and_back_are_told),
        cmocka_unit_test(requests_come_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
