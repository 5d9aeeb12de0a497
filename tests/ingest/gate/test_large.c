/* Threads for large bodies: workspaces take turns, one body of each at a time, and nobody waits for ever. */
#include "ingest/gate/large.h"
#include "ingest/request/bodies.h"
#include "ingest/stats.h"
#include "ops/runtime/clock.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct ingest ingest = {.settings.deadline_us = 60000000};
static struct uuid one, two;
static sem_t begun, may_end, finished;
static struct request *order[8];
static atomic_int norder;

static enum step begin(struct request *r) {
    order[atomic_fetch_add(&norder, 1)] = r;
    sem_post(&begun);
    sem_wait(&may_end);
    r->answer.status = 400;
    return STEP_ANSWERED;
}

static const struct handler handler = {.begin = begin};

static void form_error(struct request *r, const char *detail, const char *path) {
    (void)path;
    jb_raw(&r->answer.body, detail);
}

static const char *form_challenge(struct request *r, enum err_code code) {
    (void)r, (void)code;
    return NULL;
}

static const struct form form = {.type = "text/test", .error = form_error, .challenge = form_challenge};

static void answered(struct request *r) {
    (void)r;
    sem_post(&finished);
}

static const struct owner owner = {.answered = answered};
static const struct route_row row;

static struct request *of(const struct uuid *workspace) {
    struct request *r = request_new(&ingest);
    r->owner = &owner;
    r->handler = &handler;
    r->form = &form;
    r->route.row = &row;
    r->verdict.workspace = *workspace;
    assert_true(request_take_room(r, 2 * (size_t)BODY_LARGE));
    jb_reserve(&r->body, 2 * (size_t)BODY_LARGE);
    request_enter(r, REQUEST_GATE);
    return r;
}

static void wait_for(sem_t *s, int n) {
    while (n-- > 0)
        assert_int_equal(sem_wait(s), 0);
}

static void let_end(int n) {
    while (n-- > 0)
        sem_post(&may_end);
}

static void open_with(int threads) {
    sem_init(&begun, 0, 0);
    sem_init(&may_end, 0, 0);
    sem_init(&finished, 0, 0);
    atomic_store(&norder, 0);
    ingest.settings.body_threads = threads;
    ingest.large = large_new(&ingest);
}

static void workspaces_take_turns(void **state) {
    (void)state;
    open_with(1);
    struct request *a[3] = {of(&one), of(&one), of(&one)}, *b = of(&two);
    large_push(ingest.large, a[0]);
    wait_for(&begun, 1);
    large_push(ingest.large, a[1]);
    large_push(ingest.large, a[2]);
    large_push(ingest.large, b);
    let_end(4);
    wait_for(&finished, 4);
    assert_ptr_equal(order[0], a[0]);
    assert_ptr_equal(order[1], b);
    assert_ptr_equal(order[2], a[1]);
    assert_ptr_equal(order[3], a[2]);
    large_close(ingest.large);
    for (size_t i = 0; i < 3; i++)
        request_release(a[i]);
    request_release(b);
}

/* The second thread stands by for somebody else. */
static void one_body_of_a_workspace_at_a_time(void **state) {
    (void)state;
    open_with(2);
    struct request *a[2] = {of(&one), of(&one)}, *b = of(&two);
    large_push(ingest.large, a[0]);
    wait_for(&begun, 1);
    large_push(ingest.large, a[1]);
    large_push(ingest.large, b);
    wait_for(&begun, 1);
    assert_ptr_equal(order[0], a[0]);
    assert_ptr_equal(order[1], b);
    assert_int_equal(atomic_load(&norder), 2);
    let_end(3);
    wait_for(&finished, 3);
    assert_ptr_equal(order[2], a[1]);
    large_close(ingest.large);
    assert_int_equal(metric_value(stats.body_bytes), 0); /* refused: nothing of them is kept */
    request_release(a[0]);
    request_release(a[1]);
    request_release(b);
}

static void who_waits_too_long_is_answered(void **state) {
    (void)state;
    open_with(1);
    struct request *first = of(&one), *late = of(&one), *other = of(&two);
    late->deadline_us = first->deadline_us - 10;
    large_push(ingest.large, first);
    wait_for(&begun, 1);
    large_push(ingest.large, late);
    large_push(ingest.large, other);
    large_tick(ingest.large, first->deadline_us - 1);
    wait_for(&finished, 1);
    assert_int_equal(late->answer.status, 503);
    assert_int_equal(late->answer.retry_after_s, 1);
    assert_int_equal(late->room.bytes, 0);
    assert_int_equal(metric_value(stats.body_refused_time), 1);
    assert_int_equal(metric_value(stats.body_waiting), 1);
    let_end(2);
    wait_for(&finished, 2);
    assert_int_equal(atomic_load(&norder), 2);
    assert_int_equal(metric_value(stats.body_waiting), 0);
    large_close(ingest.large);
    request_release(first);
    request_release(late);
    request_release(other);
}

static int open_all(void **state) {
    (void)state;
    stats_init();
    one = uuid_v7();
    two = uuid_v7();
    ingest.bodies = bodies_new((size_t)64 << 20, (size_t)8 << 20);
    return 0;
}

static int close_all(void **state) {
    (void)state;
    request_pool_free();
    bodies_free(ingest.bodies);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workspaces_take_turns),
        cmocka_unit_test(one_body_of_a_workspace_at_a_time),
        cmocka_unit_test(who_waits_too_long_is_answered),
    };
    return cmocka_run_group_tests_name("ingest/large", tests, open_all, close_all);
}
