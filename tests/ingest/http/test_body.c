/* Which bodies wait for their client's admission, and what becomes of the pieces of a body. */
#include "ingest/http/body.h"
#include "ingest/request/bodies.h"
#include "ingest/request/content.h"
#include "ingest/request/handler.h"
#include "ingest/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LIMIT (4 * BODY_LARGE)

static struct ingest ingest = {.settings.max_body_bytes = LIMIT};
static char piece[BODY_LARGE];

static bool waits(struct guard_facts facts) {
    struct request *r = request_new(&ingest);
    body_expect(r, &facts);
    bool it_does = r->body_waits;
    request_release(r);
    return it_does;
}

static void large_bodies_wait_and_small_ones_do_not(void **state) {
    (void)state;
    assert_false(waits((struct guard_facts){0}));
    assert_false(waits((struct guard_facts){.has_length = true}));
    assert_false(waits((struct guard_facts){.has_length = true, .length = BODY_LARGE}));
    assert_true(waits((struct guard_facts){.has_length = true, .length = BODY_LARGE + 1}));
    assert_false(waits((struct guard_facts){.chunked = true})); /* nobody knows yet how large it is */
}

/* "100 Continue" is an invitation; only who is admitted gets it. */
static void who_asks_first_waits(void **state) {
    (void)state;
    assert_true(waits((struct guard_facts){.has_length = true, .length = 1, .expects = true}));
    assert_true(waits((struct guard_facts){.chunked = true, .expects = true}));
    assert_false(waits((struct guard_facts){.expects = true})); /* there is no body */
}

static struct request *reading(bool admitted) {
    struct request *r = request_new(&ingest);
    r->route.method = HTTP_POST;
    r->counted = admitted;
    return r;
}

static void a_body_of_unknown_size_stops_at_the_bound(void **state) {
    (void)state;
    struct request *r = reading(false);
    assert_int_equal(body_take(r, piece, BODY_LARGE - 1), BODY_MORE);
    assert_int_equal(body_take(r, piece, 1), BODY_MORE);
    assert_false(r->body_waits);
    assert_int_equal(body_take(r, piece, 1), BODY_ASK);
    assert_true(r->body_waits);
    assert_int_equal(r->body.n, BODY_LARGE); /* the piece that asked was not taken */
    assert_int_equal(r->body_bytes, BODY_LARGE);
    r->counted = true; /* admitted: the same piece comes again */
    assert_int_equal(body_take(r, piece, 1), BODY_MORE);
    assert_int_equal(r->body.n, BODY_LARGE + 1);
    request_release(r);
}

static void what_is_beyond_the_limit_is_thrown_away_and_then_the_connection_closed(void **state) {
    (void)state;
    struct request *r = reading(true);
    for (size_t n = 0; n < LIMIT; n += sizeof piece)
        assert_int_equal(body_take(r, piece, sizeof piece), BODY_MORE);
    assert_false(r->too_large);
    assert_int_equal(body_take(r, piece, 1), BODY_MORE);
    assert_true(r->too_large);
    assert_int_equal(r->body.cap, 0);
    assert_int_equal(body_take(r, piece, LIMIT - 1), BODY_MORE);
    assert_int_equal(body_take(r, piece, 1), BODY_CLOSE);
    request_release(r);
}

static void after_a_refusal_nothing_is_kept(void **state) {
    (void)state;
    struct request *r = reading(false);
    assert_int_equal(body_take(r, piece, BODY_LARGE), BODY_MORE);
    atomic_store(&r->state, REQUEST_DONE);
    assert_int_equal(body_take(r, piece, sizeof piece), BODY_MORE);
    assert_int_equal(r->body.n, BODY_LARGE);
    r->body_bytes = 2 * (size_t)LIMIT;
    assert_int_equal(body_take(r, piece, 1), BODY_CLOSE);
    request_release(r);
}

static int begin(void **state) {
    (void)state;
    stats_init();
    ingest.bodies = bodies_new(64 * LIMIT, LIMIT);
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
        cmocka_unit_test(large_bodies_wait_and_small_ones_do_not),
        cmocka_unit_test(who_asks_first_waits),
        cmocka_unit_test(a_body_of_unknown_size_stops_at_the_bound),
        cmocka_unit_test(what_is_beyond_the_limit_is_thrown_away_and_then_the_connection_closed),
        cmocka_unit_test(after_a_refusal_nothing_is_kept),
    };
    return cmocka_run_group_tests_name("ingest/body", tests, begin, end);
}
