/* The places of a workspace in the log: who has one, who waits, in which order, and that none is lost. */
#include "ingest/log/window.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PLACES 3
#define THREADS 4
#define EACH 5000

/* What the window has sent. */
static char sent[64][37];
static size_t nsent;
static struct window *w;
static bool refusing;

static void note(void *ctx, const struct window_command *c) {
    (void)ctx;
    assert_true(c->len >= strlen(c->txn));
    assert_memory_equal(c->bytes, c->txn, strlen(c->txn));
    snprintf(sent[nsent++], sizeof sent[0], "%s", c->txn);
    if (refusing)
        assert_true(window_leave(w, c->txn, 0));
}

static bool enter(const char *workspace, const char *txn, int64_t now_us) {
    struct window_command c = {.workspace = workspace, .txn = txn, .bytes = txn, .len = strlen(txn)};
    return window_enter(w, &c, now_us);
}

static bool enter_large(const char *workspace, const char *txn, size_t len, int64_t now_us) {
    char *bytes = calloc(1, len);
    assert_non_null(bytes);
    memcpy(bytes, txn, strlen(txn));
    struct window_command c = {.workspace = workspace, .txn = txn, .bytes = bytes, .len = len};
    bool enters = window_enter(w, &c, now_us);
    free(bytes);
    return enters;
}

static int setup(void **state) {
    (void)state;
    nsent = 0;
    refusing = false;
    w = window_new(PLACES, note, NULL);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    window_free(w);
    return 0;
}

/* Another workspace has sent something, so nobody is alone. */
static void with_company(void) {
    assert_true(enter("other", "o", 0));
}

static void what_finds_no_place_waits_in_order(void **state) {
    (void)state;
    with_company();
    assert_true(enter("a", "1", 0));
    assert_true(enter("a", "2", 0));
    assert_true(enter("a", "3", 0));
    assert_false(enter("a", "4", 0));
    assert_false(enter("a", "5", 0));
    assert_true(enter("b", "6", 0)); /* another workspace's places are its own */
    assert_int_equal(window_waiting(w), 2);
    assert_true(window_waits(w, "a", "5"));
    assert_false(window_waits(w, "a", "3"));
    assert_false(window_waits(w, "c", "5"));

    assert_true(window_leave(w, "2", 0));
    assert_int_equal(nsent, 1);
    assert_string_equal(sent[0], "4");
    assert_false(enter("a", "7", 0)); /* behind 5 */
    assert_true(window_leave(w, "4", 0));
    assert_true(window_leave(w, "1", 0));
    assert_int_equal(nsent, 3);
    assert_string_equal(sent[1], "5");
    assert_string_equal(sent[2], "7");
    assert_int_equal(window_waiting(w), 0);
    assert_false(window_leave(w, "2", 0)); /* it has left already */
    assert_false(window_leave(w, "unknown", 0));
}

static void alone_there_are_more_places(void **state) {
    (void)state;
    char txn[16];
    for (int i = 0; i < PLACES * WINDOW_ALONE; i++) {
        snprintf(txn, sizeof txn, "t%d", i);
        assert_true(enter("a", txn, 0));
    }
    assert_false(enter("a", "one more", 0));
    /* Somebody comes: nothing is sent until fewer than PLACES are under way. */
    assert_true(enter("b", "b", 10));
    for (int i = 0; i < PLACES * WINDOW_ALONE; i++) {
        assert_int_equal(nsent, i > PLACES * (WINDOW_ALONE - 1) ? 1 : 0);
        snprintf(txn, sizeof txn, "t%d", i);
        assert_true(window_leave(w, txn, 10));
    }
    /* A second of silence, and a is alone again. */
    for (int i = 0; i < PLACES * WINDOW_ALONE - 1; i++) {
        snprintf(txn, sizeof txn, "u%d", i);
        assert_true(enter("a", txn, 11 + WINDOW_ALONE_US));
    }
    assert_false(enter("a", "u", 11 + WINDOW_ALONE_US)); /* "one more" is under way still */
}

static void a_place_is_held_for_two_seconds_at_most(void **state) {
    (void)state;
    with_company();
    for (int i = 0; i < PLACES; i++)
        assert_true(enter("a", (const char *[]){"1", "2", "3"}[i], i));
    assert_false(enter("a", "4", 5));
    window_tick(w, WINDOW_PLACE_US - 1); /* o's place is over, and none of a's */
    assert_int_equal(nsent, 0);
    window_tick(w, WINDOW_PLACE_US);
    assert_int_equal(nsent, 1);
    assert_false(window_leave(w, "1", WINDOW_PLACE_US)); /* it comes after all */
    assert_true(window_leave(w, "2", WINDOW_PLACE_US));
}

/* The worker keeps in memory what waits for a large command: one workspace must not fill that. */
static void large_commands_are_bounded_by_their_bytes(void **state) {
    (void)state;
    assert_true(enter_large("a", "1", WINDOW_BYTES + 1, 0)); /* one goes, however large, and no second */
    assert_false(enter("a", "2", 0));
    assert_true(enter_large("b", "3", WINDOW_BYTES, 0));
    assert_true(window_leave(w, "1", 0));
    assert_int_equal(nsent, 1);
    assert_string_equal(sent[0], "2");
    assert_true(enter_large("a", "4", WINDOW_BYTES - 1, 0)); /* with "2", which has one byte, it fits */
    assert_false(enter_large("a", "5", 1, 0));
    assert_true(window_leave(w, "2", 0));
    assert_int_equal(nsent, 2);
}

static void a_large_command_keeps_its_place_for_longer(void **state) {
    (void)state;
    assert_true(enter_large("a", "1", WINDOW_BYTES, 0));
    assert_true(enter("b", "2", 1));
    assert_false(enter("a", "3", 2));
    window_tick(w, WINDOW_LARGE_US - 1); /* b's place is over, and a's is not */
    assert_false(window_leave(w, "2", WINDOW_LARGE_US - 1));
    assert_int_equal(nsent, 0);
    window_tick(w, WINDOW_LARGE_US);
    assert_int_equal(nsent, 1);
    assert_false(window_leave(w, "1", WINDOW_LARGE_US));
}

/* Whoever does not send what has waited gives the place back, and the next one has it. */
static void what_is_not_sent_takes_no_place(void **state) {
    (void)state;
    with_company();
    assert_true(enter("a", "1", 0));
    assert_true(enter("a", "2", 0));
    assert_true(enter("a", "3", 0));
    assert_false(enter("a", "4", 0));
    assert_false(enter("a", "5", 0));
    refusing = true;
    assert_true(window_leave(w, "1", 0));
    assert_int_equal(nsent, 2);
    assert_int_equal(window_waiting(w), 0);
    refusing = false;
    assert_true(enter("a", "6", 0));
    assert_false(enter("a", "7", 0));
}

/* ---- many threads: everything is sent once, in the order of each workspace ---- */

static atomic_int all_sent;
static _Atomic int last_of[THREADS];

static void count(void *ctx, const struct window_command *c) {
    (void)ctx;
    int thread, n;
    assert_int_equal(sscanf(c->txn, "%d-%d", &thread, &n), 2);
    assert_true(n > atomic_exchange(&last_of[thread], n));
    atomic_fetch_add(&all_sent, 1);
    (void)window_leave(w, c->txn, 0);
}

static void *send_many(void *arg) {
    int thread = (int)(intptr_t)arg;
    char workspace[8], txn[24];
    snprintf(workspace, sizeof workspace, "w%d", thread % 2); /* two threads share one */
    for (int i = 1; i <= EACH; i++) {
        snprintf(txn, sizeof txn, "%d-%d", thread, i);
        if (!enter(workspace, txn, 0))
            continue;
        atomic_store(&last_of[thread], i);
        atomic_fetch_add(&all_sent, 1);
        if (i % 3 != 0)
            assert_true(window_leave(w, txn, 0));
    }
    return NULL;
}

static void nothing_is_lost_between_threads(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    window_free(w);
    w = window_new(PLACES, count, NULL);
    for (intptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, send_many, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int64_t t = WINDOW_PLACE_US; window_waiting(w) > 0; t += WINDOW_PLACE_US)
        window_tick(w, t);
    assert_int_equal(atomic_load(&all_sent), THREADS * EACH);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_finds_no_place_waits_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(alone_there_are_more_places, setup, teardown),
        cmocka_unit_test_setup_teardown(a_place_is_held_for_two_seconds_at_most, setup, teardown),
        cmocka_unit_test_setup_teardown(large_commands_are_bounded_by_their_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_large_command_keeps_its_place_for_longer, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_sent_takes_no_place, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_lost_between_threads, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
