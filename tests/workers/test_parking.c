/* Who waits for whose slices, and in which order they come out. */
#include "workers/parking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define A "0190d6a0-0000-7000-8000-00000000000a"
#define B "0190d6a0-0000-7000-8000-00000000000b"
#define C "0190d6a0-0000-7000-8000-00000000000c"

static void park(struct parking *p, int32_t partition, int64_t offset, const char *workspace, size_t bytes) {
    char value[64] = "{}";
    struct delivery d = {.partition = partition, .offset = offset, .key = workspace, .value = value};
    d.key_len = strlen(workspace);
    d.value_len = bytes < sizeof value ? bytes : 2;
    snprintf(d.command.workspace.s, sizeof d.command.workspace.s, "%s", workspace);
    parking_add(p, &d);
}

/* The same for one that is decided in steps. */
static void park_stepwise(struct parking *p, int32_t partition, int64_t offset, const char *workspace) {
    struct delivery d = {.offset = offset};
    snprintf(d.command.workspace.s, sizeof d.command.workspace.s, "%s", workspace);
    park(p, partition, offset, workspace, 2);
    parking_step_by_step(p, &d);
}

/* The offsets of what comes out, as a text. */
static const char *taken(struct parking *p, size_t max, char *text, size_t size) {
    struct batch *b = parking_take(p, max);
    text[0] = '\0';
    for (size_t i = 0; b != NULL && i < b->n; i++)
        snprintf(text + strlen(text), size - strlen(text), "%lld ", (long long)b->deliveries[i].offset);
    batch_free(b);
    return text;
}

static void they_wait_for_the_last_slice_and_keep_their_order(void **state) {
    char text[200];
    (void)state;
    struct parking *p = parking_new();
    assert_false(parking_holds(p, A));
    parking_begin(p, 3, A, NULL);
    assert_true(parking_holds(p, A));
    park(p, 3, 10, A, 2);
    park(p, 3, 12, A, 2);
    assert_string_equal(taken(p, 100, text, sizeof text), "");
    assert_int_equal(parking_first(p, 3), 10);
    assert_true(parking_first(p, 4) == INT64_MAX);
    assert_null(parking_end(p, A));
    assert_true(parking_holds(p, A)); /* so that a later one does not overtake them */
    assert_string_equal(taken(p, 1, text, sizeof text), "10 ");
    assert_int_equal(parking_first(p, 3), 12);
    park(p, 3, 14, A, 2);
    assert_string_equal(taken(p, 100, text, sizeof text), "12 14 ");
    assert_false(parking_holds(p, A));
    assert_int_equal(parking_waiting(p), 0);
    parking_free(p);
}

static void each_workspace_has_its_turn(void **state) {
    (void)state;
    struct parking *p = parking_new();
    assert_null(parking_turn(p).workspace);
    parking_begin(p, 1, A, NULL);
    parking_begin(p, 2, B, NULL);
    parking_begin(p, 2, B, NULL); /* said twice */
    assert_int_equal(parking_slices(p), 2);
    struct parking_turn turn = parking_turn(p);
    assert_string_equal(turn.workspace, A);
    assert_int_equal(turn.partition, 1);
    assert_null(turn.steps);
    assert_string_equal(parking_turn(p).workspace, B);
    assert_string_equal(parking_turn(p).workspace, A);
    assert_null(parking_end(p, A));
    assert_string_equal(parking_turn(p).workspace, B);
    assert_string_equal(parking_turn(p).workspace, B);
    parking_free(p);
}

static void the_reply_waits_too(void **state) {
    struct delivery d = {.partition = 1};
    (void)state;
    struct parking *p = parking_new();
    d.command.reply_partition = 7;
    d.reply.version = 4;
    d.reply.doc = "{}";
    parking_begin(p, 1, A, &d);
    struct delivery *reply = parking_end(p, A);
    assert_non_null(reply);
    assert_true(reply->reply_due);
    assert_int_equal(reply->command.reply_partition, 7);
    assert_int_equal(reply->reply.version, 4);
    assert_string_equal(reply->reply.doc, "{}");
    parking_reply_free(reply);
    parking_free(p);
}

static void a_lost_partition_takes_its_own_along(void **state) {
    char text[200];
    (void)state;
    struct parking *p = parking_new();
    struct delivery d = {.partition = 1};
    parking_begin(p, 1, A, &d);
    park(p, 1, 5, A, 2);
    park_stepwise(p, 1, 5, "0190d6a0-0000-7000-8000-00000000000d");
    assert_non_null(parking_turn(p).workspace);
    parking_begin(p, 2, B, NULL);
    park(p, 2, 6, B, 2);
    park(p, 2, 7, C, 2); /* its slices have ended */
    parking_drop(p, 1);
    assert_int_equal(parking_slices(p), 1);
    assert_int_equal(parking_waiting(p), 2);
    assert_false(parking_holds(p, A));
    assert_string_equal(parking_turn(p).workspace, B);
    assert_string_equal(taken(p, 100, text, sizeof text), "7 ");
    parking_free(p);
}

static void what_must_wait_again_comes_first(void **state) {
    char text[200];
    (void)state;
    struct parking *p = parking_new();
    for (int64_t i = 1; i < 6; i++)
        park(p, 3, i, A, 2);
    assert_string_equal(taken(p, 3, text, sizeof text), "1 2 3 ");
    parking_begin(p, 3, A, NULL); /* the first was large */
    park(p, 3, 2, A, 2);
    park(p, 3, 3, A, 2);
    park(p, 3, 6, A, 2);
    assert_int_equal(parking_first(p, 3), 2);
    assert_null(parking_end(p, A));
    assert_string_equal(taken(p, 9, text, sizeof text), "2 3 4 5 6 ");
    parking_free(p);
}

static void a_command_has_steps_until_it_is_decided(void **state) {
    char text[200];
    (void)state;
    struct parking *p = parking_new();
    park_stepwise(p, 3, 10, A);
    park(p, 3, 11, A, 2);
    park(p, 3, 12, B, 2);
    assert_int_equal(parking_steps(p), 1);
    assert_int_equal(parking_slices(p), 0);
    assert_string_equal(taken(p, 9, text, sizeof text), "12 "); /* others go on */
    struct parking_turn turn = parking_turn(p);
    assert_string_equal(turn.workspace, A);
    assert_int_equal(turn.partition, 3);
    assert_true(turn.steps->stepwise);
    assert_int_equal(turn.steps->n, 1);
    assert_int_equal(turn.steps->deliveries[0].offset, 10);
    assert_ptr_equal(parking_turn(p).steps, turn.steps);
    assert_int_equal(parking_first(p, 3), 10); /* the offset does not pass it */
    struct batch *b = parking_decided(p, A);
    assert_ptr_equal(b, turn.steps);
    batch_free(b);
    assert_null(parking_turn(p).workspace);
    assert_int_equal(parking_steps(p), 0);
    assert_int_equal(parking_first(p, 3), 11);
    assert_string_equal(taken(p, 9, text, sizeof text), "11 ");
    assert_false(parking_holds(p, A));
    parking_free(p);
}

/* Another worker, which has taken the partition for a moment, has decided a large command. */
static void steps_give_way_to_slices(void **state) {
    char text[200];
    (void)state;
    struct parking *p = parking_new();
    park_stepwise(p, 3, 10, A);
    assert_non_null(parking_turn(p).steps);
    parking_not_decided(p, A);
    parking_begin(p, 3, A, NULL);
    assert_null(parking_turn(p).steps);
    assert_string_equal(parking_turn(p).workspace, A);
    assert_string_equal(taken(p, 9, text, sizeof text), "");
    assert_null(parking_end(p, A));
    assert_string_equal(taken(p, 9, text, sizeof text), "10 ");
    parking_free(p);
}

static void full_is_full_until_half_of_it_is_empty(void **state) {
    (void)state;
    struct parking *p = parking_new();
    for (int i = 0; i < PARKING_COMMANDS; i++) {
        assert_false(parking_full(p));
        park(p, 1, i, C, 2);
    }
    assert_true(parking_full(p));
    batch_free(parking_take(p, PARKING_COMMANDS / 2 - 1));
    assert_true(parking_full(p));
    batch_free(parking_take(p, 1));
    assert_false(parking_full(p));
    parking_free(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_wait_for_the_last_slice_and_keep_their_order),
        cmocka_unit_test(each_workspace_has_its_turn),
        cmocka_unit_test(the_reply_waits_too),
        cmocka_unit_test(a_command_has_steps_until_it_is_decided),
        cmocka_unit_test(steps_give_way_to_slices),
        cmocka_unit_test(a_lost_partition_takes_its_own_along),
        cmocka_unit_test(what_must_wait_again_comes_first),
        cmocka_unit_test(full_is_full_until_half_of_it_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
