/* What waits of a partition: rows by number, in memory or not, and the offset beside them. */
#include "workers/emit/lanes.h"

#include "ops/runtime/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct row *row(int32_t partition, int64_t number, size_t bytes) {
    struct row *r = xcalloc(1, sizeof *r);
    r->partition = partition;
    r->number = number;
    r->bytes = xcalloc(1, bytes);
    r->n = bytes;
    r->since_us = number;
    return r;
}

static void send_all(struct lane *p, int64_t from, int64_t to) {
    for (int64_t n = from; n <= to; n++) {
        assert_non_null(lane_next(p));
        assert_int_equal(lane_next(p)->number, n);
        lane_sent(p);
    }
}

static void rows_go_by_number_and_come_again_after_an_abort(void **state) {
    (void)state;
    struct lanes l;
    lanes_init(&l, 3, 1000);
    struct lane *p = &l.lane[1];
    lane_take(&l, 1, 5, 5, 5, 100);
    assert_false(lanes_wait(&l));
    for (int64_t n = 6; n <= 8; n++)
        lane_push(&l, row(1, n, 100));
    assert_true(lanes_wait(&l));
    assert_int_equal(lanes_waiting(&l), 3);
    assert_int_equal(lanes_since_us(&l), 6);
    send_all(p, 6, 7);
    lane_abort(p);
    send_all(p, 6, 7);
    p->ending = p->offset;
    lane_commit(&l, p);
    assert_int_equal(p->done, 7);
    assert_int_equal(l.bytes, 100);
    assert_true(lanes_unmarked(&l));
    send_all(p, 8, 8);
    assert_null(lane_next(p));
    lane_commit(&l, p);
    assert_int_equal(l.bytes, 0);
    assert_int_equal(lanes_waiting(&l), 0);
    assert_int_equal(lanes_since_us(&l), 0);
    assert_false(lanes_wait(&l));
    lanes_free(&l);
}

/* Memory has what there is room for, and the table has all: rows that are missing come from there, each in
 * its place. */
static void what_memory_has_no_room_for_is_fetched(void **state) {
    (void)state;
    struct lanes l;
    int64_t last;
    lanes_init(&l, 2, 250);
    struct lane *p = &l.lane[0];
    lane_take(&l, 0, 0, 2, 0, 0); /* two that another worker has left */
    assert_true(lane_lacks(p, &last));
    assert_int_equal(last, 2);
    lane_push(&l, row(0, 3, 100));
    lane_push(&l, row(0, 4, 100));
    lane_push(&l, row(0, 5, 100)); /* no room */
    assert_int_equal(l.bytes, 200);
    assert_true(lane_lacks(p, &last));
    assert_int_equal(last, 2);
    lane_insert(&l, p, row(0, 1, 10));
    assert_non_null(lane_next(p));
    lane_insert(&l, p, row(0, 2, 10));
    assert_false(lane_lacks(p, &last));
    send_all(p, 1, 4);
    assert_true(lane_lacks(p, &last));
    assert_int_equal(last, 5);
    lane_insert(&l, p, row(0, 5, 100));
    lane_push(&l, row(0, 6, 1000)); /* no room either, but it is known */
    send_all(p, 5, 5);
    lane_commit(&l, p);
    assert_int_equal(l.bytes, 0);
    assert_true(lane_lacks(p, &last));
    assert_int_equal(last, 6);
    assert_true(lanes_wait(&l));
    lanes_free(&l);
}

static void what_is_pushed_while_rows_are_fetched_stays_behind_them(void **state) {
    (void)state;
    struct lanes l;
    lanes_init(&l, 1, 1000);
    struct lane *p = &l.lane[0];
    lane_take(&l, 0, 0, 2, 0, 0);
    lane_insert(&l, p, row(0, 1, 10));
    lane_push(&l, row(0, 3, 10));
    lane_insert(&l, p, row(0, 2, 10));
    lane_push(&l, row(0, 4, 10));
    send_all(p, 1, 4);
    lane_commit(&l, p);
    lane_push(&l, row(0, 5, 10));
    send_all(p, 5, 5);
    lanes_free(&l);
}

static void an_offset_moves_without_rows(void **state) {
    (void)state;
    struct lanes l;
    lanes_init(&l, 1, 1000);
    struct lane *p = &l.lane[0];
    lane_take(&l, 0, 3, 3, 3, 10);
    p->offset = 12;
    assert_true(lanes_wait(&l));
    assert_int_equal(lanes_waiting(&l), 0);
    p->ending = p->offset;
    p->offset = 13; /* while the transaction ends */
    lane_commit(&l, p);
    assert_int_equal(p->committed, 12);
    assert_true(lanes_wait(&l));
    assert_false(lanes_unmarked(&l));
    lanes_free(&l);
}

static void kafka_knows_what_a_doubtful_end_has_done(void **state) {
    (void)state;
    struct lanes l;
    lanes_init(&l, 1, 1000);
    struct lane *p = &l.lane[0];
    lane_take(&l, 0, 0, 0, 0, 7);
    for (int64_t n = 1; n <= 4; n++)
        lane_push(&l, row(0, n, 10));
    send_all(p, 1, 3);
    p->open_positions[LANE_AUDIT] = 9;
    lane_abort(p);
    lane_settle(&l, p, 3, 8);
    assert_int_equal(p->positions[LANE_AUDIT], 0);
    assert_int_equal(p->committed, 8);
    assert_int_equal(l.bytes, 10);
    send_all(p, 4, 4);
    p->open_positions[LANE_AUDIT] = 12;
    lane_commit(&l, p);
    assert_int_equal(p->positions[LANE_AUDIT], 12);
    assert_int_equal(p->done, 4);
    lanes_free(&l);
}

static void nothing_is_kept_of_a_partition_that_is_not_ours(void **state) {
    (void)state;
    struct lanes l;
    lanes_init(&l, 1, 1000);
    lane_push(&l, row(0, 1, 10));
    assert_int_equal(l.bytes, 0);
    lane_take(&l, 0, 0, 0, 0, 0);
    lane_push(&l, row(0, 1, 10));
    lane_release(&l, 0);
    assert_int_equal(l.bytes, 0);
    assert_false(lanes_wait(&l));
    lanes_free(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_go_by_number_and_come_again_after_an_abort),
        cmocka_unit_test(what_memory_has_no_room_for_is_fetched),
        cmocka_unit_test(what_is_pushed_while_rows_are_fetched_stays_behind_them),
        cmocka_unit_test(an_offset_moves_without_rows),
        cmocka_unit_test(kafka_knows_what_a_doubtful_end_has_done),
        cmocka_unit_test(nothing_is_kept_of_a_partition_that_is_not_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
