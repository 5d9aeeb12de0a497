#include "workers/livekit/stats.h"
#include "workers/livekit/work.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define W "0190b3f2-0000-7000-8000-000000000001"
#define R1 "0190b3f2-0000-7000-8000-00000000000a"
#define R2 "0190b3f2-0000-7000-8000-00000000000b"

static int told;

static void moved(void *ctx) {
    (void)ctx;
    told++;
}

static struct work *make(size_t waiting_max, size_t per_room) {
    struct work_limits limits = {
        .waiting_max = waiting_max, .per_room = per_room, .retry_first_us = 100, .retry_most_us = 400};
    told = 0;
    return work_new(&limits, moved, NULL);
}

static bool take(struct work *w, int64_t now_us, struct work_job *job) {
    int64_t due_us;
    return work_take(w, now_us, job, &due_us);
}

static int64_t due(struct work *w, int64_t now_us) {
    struct work_job job;
    int64_t due_us;
    assert_false(work_take(w, now_us, &job, &due_us));
    return due_us;
}

static void marks_become_one(void **state) {
    (void)state;
    struct work *w = make(100, 4);
    struct work_job job;
    work_mark_person(w, W, R1, "a", 5);
    work_mark_person(w, W, R1, "a", 7);
    work_mark_room(w, W, R1, 9);
    work_mark_room(w, W, R1, 11);
    assert_int_equal(told, 4);
    assert_int_equal(work_waiting(w), 2);
    assert_true(take(w, 10, &job));
    assert_int_equal(job.kind, WORK_ROOM); /* before all others, and alone */
    assert_int_equal(job.since_us, 9);
    assert_int_equal(due(w, 10), INT64_MAX);
    work_done(w, &job, true, 10);
    assert_true(take(w, 10, &job));
    assert_int_equal(job.kind, WORK_PERSON);
    assert_string_equal(job.person, "a");
    assert_string_equal(job.workspace.s, W);
    assert_string_equal(job.room.s, R1);
    assert_int_equal(job.since_us, 5);
    work_done(w, &job, true, 10);
    assert_int_equal(due(w, 10), INT64_MAX);
    assert_int_equal(work_waiting(w), 0);
    work_free(w);
}

/* Who is marked while a call about him is under way gets another one after it, never beside it. */
static void one_call_of_a_person_at_once(void **state) {
    (void)state;
    struct work *w = make(100, 4);
    struct work_job first, second;
    work_mark_person(w, W, R1, "a", 1);
    assert_true(take(w, 0, &first));
    work_mark_person(w, W, R1, "a", 2);
    assert_int_equal(due(w, 0), INT64_MAX);
    work_done(w, &first, true, 0);
    assert_true(take(w, 0, &second));
    assert_string_equal(second.person, "a");
    work_done(w, &second, true, 0);
    assert_int_equal(due(w, 0), INT64_MAX);
    work_free(w);
}

static void few_calls_of_a_room_at_once(void **state) {
    (void)state;
    struct work *w = make(100, 2);
    struct work_job jobs[3], other;
    for (int i = 0; i < 3; i++) {
        char name[2] = {(char)('a' + i), '\0'};
        work_mark_person(w, W, R1, name, 1);
    }
    assert_true(take(w, 0, &jobs[0]));
    assert_true(take(w, 0, &jobs[1]));
    assert_int_equal(due(w, 0), INT64_MAX);
    work_mark_room(w, W, R1, 1); /* waits until no call about people is under way */
    assert_int_equal(due(w, 0), INT64_MAX);
    work_mark_person(w, W, R2, "x", 1);
    assert_true(take(w, 0, &other));
    assert_string_equal(other.room.s, R2);
    work_done(w, &jobs[0], true, 0);
    assert_int_equal(due(w, 0), INT64_MAX);
    work_done(w, &jobs[1], true, 0);
    assert_true(take(w, 0, &jobs[0]));
    assert_int_equal(jobs[0].kind, WORK_ROOM);
    work_done(w, &jobs[0], true, 0);
    assert_true(take(w, 0, &jobs[2]));
    assert_string_equal(jobs[2].person, "c");
    work_done(w, &jobs[2], true, 0);
    work_done(w, &other, true, 0);
    assert_int_equal(due(w, 0), INT64_MAX);
    work_free(w);
}

static void rooms_take_turns(void **state) {
    (void)state;
    struct work *w = make(100, 4);
    struct work_job job;
    char order[8] = "";
    for (int i = 0; i < 3; i++) {
        char name[2] = {(char)('a' + i), '\0'};
        work_mark_person(w, W, R1, name, 1);
    }
    work_mark_person(w, W, R2, "x", 1);
    for (int i = 0; i < 4; i++) {
        assert_true(take(w, 0, &job));
        strcat(order, job.person);
    }
    assert_string_equal(order, "axbc");
    work_free(w);
}

/* A failure comes again, later each time, and up to a bound; it delays no other room. */
static void failures_wait(void **state) {
    (void)state;
    static const int64_t waits[] = {100, 200, 400, 400};
    struct work *w = make(100, 4);
    struct work_job job, other;
    int64_t now_us = 1000;
    work_mark_person(w, W, R1, "a", 5);
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        assert_true(take(w, now_us, &job));
        assert_int_equal(job.since_us, 5);
        work_done(w, &job, false, now_us);
        assert_int_equal(due(w, now_us), now_us + waits[i]);
        work_mark_person(w, W, R1, "b", 1); /* of the same room: waits as well */
        assert_int_equal(due(w, now_us), now_us + waits[i]);
        work_mark_person(w, W, R2, "x", 1);
        assert_true(take(w, now_us, &other));
        assert_string_equal(other.room.s, R2);
        work_done(w, &other, true, now_us);
        now_us += waits[i];
    }
    assert_true(take(w, now_us, &job));
    work_done(w, &job, true, now_us);
    assert_true(take(w, now_us, &other)); /* what has succeeded once waits no more */
    work_done(w, &other, false, now_us);
    assert_int_equal(due(w, now_us), now_us + 100);
    work_free(w);
}

static void a_failed_room_or_comparison_comes_again(void **state) {
    (void)state;
    struct work *w = make(100, 4);
    struct work_job job;
    work_mark_room(w, W, R1, 3);
    work_mark_compare(w, W, R1, 0);
    assert_true(take(w, 0, &job));
    work_done(w, &job, false, 0);
    assert_true(take(w, 100, &job));
    assert_int_equal(job.kind, WORK_ROOM);
    assert_int_equal(job.since_us, 3);
    work_done(w, &job, true, 100);
    assert_true(take(w, 100, &job));
    assert_int_equal(job.kind, WORK_COMPARE);
    work_done(w, &job, false, 100);
    assert_int_equal(due(w, 100), 200);
    assert_true(take(w, 200, &job));
    assert_int_equal(job.kind, WORK_COMPARE);
    work_done(w, &job, true, 200);
    assert_int_equal(due(w, 200), INT64_MAX);
    work_free(w);
}

/* A comparison that is due later holds up nothing that is marked meanwhile. */
static void later_means_the_comparison_alone(void **state) {
    (void)state;
    struct work *w = make(100, 4);
    struct work_job job;
    work_mark_compare(w, W, R1, 1000);
    assert_int_equal(due(w, 0), 1000);
    work_mark_person(w, W, R1, "a", 1);
    assert_true(take(w, 10, &job));
    assert_int_equal(job.kind, WORK_PERSON);
    work_done(w, &job, true, 20);
    assert_int_equal(due(w, 20), 1000);
    work_mark_compare(w, W, R1, 500);
    assert_int_equal(due(w, 20), 500);
    work_mark_compare(w, W, R1, 2000);
    assert_true(take(w, 500, &job));
    assert_int_equal(job.kind, WORK_COMPARE);
    work_done(w, &job, true, 500);
    assert_int_equal(due(w, 500), INT64_MAX);
    assert_int_equal(work_waiting(w), 0);
    work_free(w);
}

/* What does not fit is not dropped: the room is compared, after those who wait. */
static void overflow(struct work *w, size_t people) {
    char name[16];
    struct work_job job;
    int64_t before = metric_value(livekit_stats.overflowed);
    for (size_t i = 0; i <= people; i++) {
        snprintf(name, sizeof name, "p%zu", i);
        work_mark_person(w, W, R1, name, 1);
    }
    assert_int_equal(metric_value(livekit_stats.overflowed) - before, 1);
    for (size_t i = 0; i < people; i++) {
        assert_true(take(w, 0, &job));
        assert_int_equal(job.kind, WORK_PERSON);
        work_done(w, &job, true, 0);
    }
    assert_true(take(w, 0, &job));
    assert_int_equal(job.kind, WORK_COMPARE);
    work_done(w, &job, true, 0);
    assert_int_equal(due(w, 0), INT64_MAX);
    work_free(w);
}

static void too_many_of_a_room(void **state) {
    (void)state;
    overflow(make(100000, 4), WORK_PEOPLE);
}

static void too_many_in_all(void **state) {
    (void)state;
    overflow(make(10, 4), 10);
}

static int register_stats(void **state) {
    (void)state;
    livekit_stats_init();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_become_one),
        cmocka_unit_test(one_call_of_a_person_at_once),
        cmocka_unit_test(few_calls_of_a_room_at_once),
        cmocka_unit_test(rooms_take_turns),
        cmocka_unit_test(failures_wait),
        cmocka_unit_test(a_failed_room_or_comparison_comes_again),
        cmocka_unit_test(later_means_the_comparison_alone),
        cmocka_unit_test(too_many_of_a_room),
        cmocka_unit_test(too_many_in_all),
    };
    return cmocka_run_group_tests(tests, register_stats, NULL);
}
