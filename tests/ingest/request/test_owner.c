/* The owner of a request: whoever waits for it hears of its answer and of its record, and nobody else does.
 */
#include "ingest/request/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct ingest ingest;
static struct request *heard[2];
static int answered, recorded, admitted;

static void on_answered(struct request *r) {
    heard[0] = r;
    answered++;
}

static void on_recorded(struct request *r) {
    heard[1] = r;
    recorded++;
}

static void on_admitted(struct request *r) {
    assert_int_equal(atomic_load(&r->state), REQUEST_READING);
    admitted++;
}

static const struct owner owner = {.answered = on_answered, .recorded = on_recorded, .admitted = on_admitted};

static void an_owner_hears_of_both(void **state) {
    (void)state;
    struct request *r = request_new(&ingest);
    r->owner = &owner;
    request_finish(r);
    assert_int_equal(answered, 1);
    assert_int_equal(recorded, 0);
    assert_ptr_equal(heard[0], r);
    assert_true(r->done_us >= r->arrived_us); /* when the answer was made stands in the record */
    request_resume(r);
    assert_int_equal(answered, 1);
    assert_int_equal(recorded, 1);
    assert_ptr_equal(heard[1], r);
    request_release(r);
}

/* It reads the body then, and the rate unit is not taken again. */
static void an_owner_hears_that_the_body_may_come(void **state) {
    (void)state;
    struct request *r = request_new(&ingest);
    r->owner = &owner;
    r->body_waits = true;
    request_enter(r, REQUEST_GATE);
    request_read_on(r);
    assert_int_equal(admitted, 1);
    assert_false(r->body_waits);
    assert_true(r->counted);
    request_release(r);
}

/* Whoever waited for the old request waits for the one that answers in its place. */
static void a_stand_in_has_the_owner(void **state) {
    (void)state;
    struct request *r = request_new(&ingest);
    r->owner = &owner;
    r->head.path = "/";
    request_enter(r, REQUEST_GATE);
    struct request *s = request_abandon(r);
    assert_ptr_equal(s->owner, &owner);
    request_let_go(r);
    request_release(r);
}

static void the_pool_forgets_the_owner(void **state) {
    (void)state;
    struct request *r = request_new(&ingest);
    r->owner = &owner;
    request_release(r);
    r = request_new(&ingest);
    assert_null(r->owner);
    request_release(r);
}

static int end(void **state) {
    (void)state;
    request_pool_free();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_owner_hears_of_both),
        cmocka_unit_test(an_owner_hears_that_the_body_may_come),
        cmocka_unit_test(a_stand_in_has_the_owner),
        cmocka_unit_test(the_pool_forgets_the_owner),
    };
    return cmocka_run_group_tests_name("ingest/owner", tests, NULL, end);
}
