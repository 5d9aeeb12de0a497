/* The memory for bodies: nobody gets more than there is, and no workspace takes it from all others. */
#include "ingest/request/request.h"
#include "ingest/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define MIB ((size_t)1024 * 1024)
#define BUDGET (16 * MIB)
#define LARGEST (3 * MIB)

static struct ingest ingest;
static struct uuid one, two;

static struct request *of(const struct uuid *workspace) {
    struct request *r = request_new(&ingest);
    r->verdict.workspace = *workspace;
    return r;
}

static void what_is_taken_is_given_back(void **state) {
    (void)state;
    struct request *r = of(&one);
    assert_true(request_take_room(r, 100));
    assert_true(request_take_room(r, 3 * MIB));
    assert_int_equal(metric_value(stats.body_bytes), 3 * MIB + 100);
    request_drop_body(r);
    assert_int_equal(metric_value(stats.body_bytes), 0);
    assert_true(request_take_room(r, 10));
    request_release(r);
    assert_int_equal(metric_value(stats.body_bytes), 0);
}

static void a_workspace_gets_its_share(void **state) {
    (void)state;
    struct request *r[4] = {of(&one), of(&one), of(&two), of(&one)};
    int64_t refused = metric_value(stats.body_refused_workspace);
    assert_true(request_take_room(r[0], 2 * MIB));
    assert_true(request_take_room(r[1], 2 * MIB));
    assert_true(request_take_room(r[2], 4 * MIB));    /* another one's */
    assert_true(request_take_room(r[3], BODY_LARGE)); /* is not large */
    assert_false(request_take_room(r[3], 1));
    assert_true(r[3]->no_room);
    assert_int_equal(metric_value(stats.body_refused_workspace), refused + 1);
    request_drop_body(r[0]);
    r[3]->no_room = false;
    assert_true(request_take_room(r[3], 2 * MIB - BODY_LARGE)); /* what it had before counts now too */
    assert_false(request_take_room(r[0], BODY_LARGE + 1));
    for (size_t i = 0; i < 4; i++)
        request_release(r[i]);
    assert_int_equal(metric_value(stats.body_bytes), 0);
}

/* However small the budget is. */
static void one_body_of_the_largest_size_fits(void **state) {
    (void)state;
    struct bodies *before = ingest.bodies;
    ingest.bodies = bodies_new(4 * MIB, LARGEST);
    struct request *r = of(&one), *other = of(&two);
    assert_true(request_take_room(r, LARGEST));
    assert_false(request_take_room(other, LARGEST));
    request_drop_body(r);
    assert_true(request_take_room(other, LARGEST));
    request_release(r);
    request_release(other);
    bodies_free(ingest.bodies);
    ingest.bodies = before;
}

static void beyond_the_budget_only_tiny_bodies_are_taken(void **state) {
    (void)state;
    struct request *large[BUDGET / (4 * MIB)], *r = of(&one);
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        struct uuid workspace = uuid_v7();
        large[i] = of(&workspace);
        assert_true(request_take_room(large[i], 4 * MIB));
    }
    assert_true(request_take_room(r, BODY_TINY));
    assert_false(request_take_room(r, 1));
    assert_true(metric_value(stats.body_refused_memory) > 0);
    request_release(r);
    for (size_t i = 0; i < sizeof large / sizeof *large; i++)
        request_release(large[i]);
    assert_int_equal(metric_value(stats.body_bytes), 0);
}

static int begin(void **state) {
    (void)state;
    stats_init();
    one = uuid_v7();
    two = uuid_v7();
    ingest.bodies = bodies_new(BUDGET, LARGEST);
    return 0;
}

static int end(void **state) {
    (void)state;
    request_pool_free();
    bodies_free(ingest.bodies);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken_is_given_back),
        cmocka_unit_test(a_workspace_gets_its_share),
        cmocka_unit_test(one_body_of_the_largest_size_fits),
        cmocka_unit_test(beyond_the_budget_only_tiny_bodies_are_taken),
    };
    return cmocka_run_group_tests_name("ingest/bodies", tests, begin, end);
}
