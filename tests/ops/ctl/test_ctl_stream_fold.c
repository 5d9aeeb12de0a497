/* The snapshot beside the events: what agrees, and each way in which it does not. */
#include "ops/ctl/ctl_stream_fold.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define W "018f3b6e-7c11-7a2b-9d3e-5a1b2c3d4e5f"
#define OTHER "0190c5a4-0000-7000-8000-000000000001"

static struct fold *fold;

static int set_up(void **state) {
    (void)state;
    fold = fold_new();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    fold_free(fold);
    return 0;
}

static struct fold_record about(const char *subject, int64_t epoch, int64_t seq) {
    return (struct fold_record){W, subject, epoch, seq, false, true};
}

static void event(const char *subject, int64_t seq, bool gone) {
    struct fold_record r = about(subject, 1, seq);
    r.gone = gone;
    fold_event(fold, &r);
}

static void state_of(const char *subject, int64_t epoch, int64_t seq, bool gone) {
    struct fold_record r = about(subject, epoch, seq);
    r.gone = gone;
    fold_state(fold, &r);
}

static void find(void *ctx, const char *workspace, const struct fold_verdict *v) {
    if (strcmp(workspace, W) == 0)
        *(struct fold_verdict *)ctx = *v;
}

/* Judges, and expects that many of the one fault and none of the others; FOLD_FAULTS: none at all. */
static struct fold_verdict judged(bool whole, enum fold_fault what, int64_t n) {
    struct fold_verdict v = {0};
    fold_judge(fold, whole);
    fold_each(fold, find, &v);
    for (int f = 0; f < FOLD_FAULTS; f++)
        assert_int_equal(v.faults[f], f == (int)what ? n : 0);
    return v;
}

static void what_agrees(void **state) {
    (void)state;
    event("rooms/a", 1, false);
    event("rooms/a/members/x", 2, false);
    event("rooms/a/members/y", 3, false);
    event("rooms/a/members/y", 4, true);
    event("rooms/b", 5, false);
    event("rooms/b", 6, true);
    state_of("rooms/a", 1, 1, false);
    state_of("rooms/a/members/x", 1, 2, false);
    state_of("rooms/a/members/y", 1, 4, true); /* a tombstone; of b compaction has taken it away */
    struct fold_verdict v = judged(true, FOLD_FAULTS, 0);
    assert_int_equal(v.rooms, 1);
    assert_int_equal(v.members, 1);
    assert_int_equal(v.unproved, 0);
}

static void what_is_missing(void **state) {
    (void)state;
    event("rooms/a", 1, false);
    event("rooms/a/members/x", 2, false);
    event("rooms/a/members/y", 3, false);
    state_of("rooms/a", 1, 1, false);
    state_of("rooms/a/members/y", 1, 3, true); /* a tombstone that nothing tells */
    struct fold_verdict v = judged(true, FOLD_MISSING, 2);
    assert_int_equal(v.nfirst, 2);
    assert_int_equal(v.first[0].what, FOLD_MISSING);
    assert_true(strcmp(v.first[0].subject, "rooms/a/members/x") == 0 ||
                strcmp(v.first[1].subject, "rooms/a/members/x") == 0);
}

static void what_is_left_over(void **state) {
    (void)state;
    event("rooms/a", 1, false);
    event("rooms/a", 2, true);
    state_of("rooms/a", 1, 1, false);
    (void)judged(true, FOLD_LEFT, 1);
}

static void what_is_old(void **state) {
    (void)state;
    event("rooms/a", 1, false);
    event("rooms/a", 2, false); /* renamed */
    state_of("rooms/a", 1, 1, false);
    (void)judged(true, FOLD_OLD, 1);
}

static void what_no_event_tells(void **state) {
    (void)state;
    event("rooms/a", 1, false);
    event("rooms/b", 2, false);
    state_of("rooms/a", 1, 2, false);
    state_of("rooms/b", 1, 2, false);
    state_of("rooms/c", 1, 1, false);
    (void)judged(true, FOLD_UNTOLD, 2);
}

static void another_permission(void **state) {
    (void)state;
    event("rooms/a/members/x", 1, false);
    struct fold_record r = about("rooms/a/members/x", 1, 1);
    r.transmit = false;
    fold_state(fold, &r);
    (void)judged(true, FOLD_DIFFERENT, 1);
}

/* Whoever is judged while usher goes on finds states whose events he has not read. */
static void what_came_meanwhile(void **state) {
    (void)state;
    event("rooms/a", 1, false);
    event("rooms/b", 2, false);
    state_of("rooms/a", 1, 1, false);
    state_of("rooms/a", 1, 3, true);
    state_of("rooms/b", 1, 4, false);
    state_of("rooms/c", 2, 1, false);
    (void)judged(true, FOLD_FAULTS, 0);
}

/* The events of before may be forgotten; a state of later must have one. */
static void what_is_forgotten(void **state) {
    (void)state;
    event("rooms/b", 100, false);
    event("rooms/b", 101, true);
    state_of("rooms/a", 1, 99, false);
    assert_int_equal(judged(false, FOLD_FAULTS, 0).unproved, 1);
}

static void what_cannot_be_forgotten(void **state) {
    (void)state;
    event("rooms/b", 100, false);
    state_of("rooms/b", 1, 100, false);
    event("rooms/c", 101, true);
    state_of("rooms/a", 1, 100, false);
    (void)judged(false, FOLD_UNTOLD, 1);
}

static void nothing_but_states(void **state) {
    (void)state;
    state_of("rooms/a", 1, 99, false);
    assert_int_equal(judged(false, FOLD_FAULTS, 0).unproved, 1);
}

/* A new epoch tells all anew, and what it does not tell is gone. */
static void a_new_epoch(void **state) {
    (void)state;
    event("rooms/a", 1, false);
    event("rooms/b", 2, false); /* gone with the state that the database lost */
    event("rooms/c", 3, false);
    struct fold_record epoch = about("workspaces/" W, 2, 50);
    fold_epoch(fold, &epoch);
    state_of("rooms/a", 2, 49, false);
    state_of("rooms/c", 2, 50, false);
    state_of("rooms/b", 1, 2, false);
    assert_int_equal(judged(true, FOLD_LEFT, 1).rooms, 3);
}

static void behind_a_new_epoch(void **state) {
    (void)state;
    event("rooms/a", 1, false);
    struct fold_record epoch = about("workspaces/" W, 2, 50), later = about("rooms/a", 2, 51);
    fold_epoch(fold, &epoch);
    fold_event(fold, &later);
    state_of("rooms/a", 2, 49, false);
    state_of("rooms/b", 2, 51, false);
    struct fold_verdict v = {0};
    fold_judge(fold, true);
    fold_each(fold, find, &v);
    assert_int_equal(v.faults[FOLD_OLD], 1);
    assert_int_equal(v.faults[FOLD_UNTOLD], 1);
}

static void a_stub_says_nothing(void **state) {
    (void)state;
    event("rooms/a", 1, false);
    struct fold_record stub = about("rooms/a", 1, 2);
    fold_stub(fold, &stub);
    state_of("rooms/a", 1, 1, false);
    (void)judged(true, FOLD_FAULTS, 0);
}

/* Many of both: each workspace by itself, also where two have a room of the same id. */
static void many_of_two_workspaces(void **state) {
    (void)state;
    char subject[64];
    for (int64_t n = 1; n <= 5000; n++) {
        snprintf(subject, sizeof subject, "rooms/r/members/%lld", (long long)n);
        struct fold_record r = about(subject, 1, n), same = r;
        same.workspace = OTHER;
        fold_event(fold, &r);
        fold_event(fold, &same);
        fold_state(fold, &same);
        if (n % 1000 != 0)
            fold_state(fold, &r);
    }
    struct fold_verdict v = judged(true, FOLD_MISSING, 5);
    assert_int_equal(v.members, 4995);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_agrees),
        TEST(what_is_missing),
        TEST(what_is_left_over),
        TEST(what_is_old),
        TEST(what_no_event_tells),
        TEST(another_permission),
        TEST(what_came_meanwhile),
        TEST(what_is_forgotten),
        TEST(what_cannot_be_forgotten),
        TEST(nothing_but_states),
        TEST(a_new_epoch),
        TEST(behind_a_new_epoch),
        TEST(a_stub_says_nothing),
        TEST(many_of_two_workspaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
