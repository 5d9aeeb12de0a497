/* The pending table: reply and deadline compete, exactly one wins. */
#include "ingest/log/pending.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RACES 20000

static struct ingest ingest;

/* Stands in the table, in a group of its own. */
static struct request *added(struct pending *p, int64_t deadline_us, int64_t wait_until_us, bool async) {
    struct request *r = request_new(&ingest);
    struct pending_group *g = pending_group_new(r->arena, deadline_us);
    g->wait_until_us = wait_until_us;
    g->async = async;
    r->deadline_us = deadline_us;
    pending_join(g, r);
    pending_add(p, g);
    return r;
}

static struct request *waiting(struct pending *p, int64_t deadline_us) {
    return added(p, deadline_us, 0, false);
}

/* One whose deadline has passed. */
static struct request *expired(struct pending *p, int64_t now_us) {
    bool accepted;
    struct request *r = pending_take_expired(p, now_us, &accepted);
    if (r != NULL)
        assert_false(accepted);
    return r;
}

static void expire_in_the_order_of_their_deadlines(void **state) {
    (void)state;
    struct pending *p = pending_new();
    static const int64_t deadlines[] = {30, 10, 20, 40, 5};
    struct request *r[5];
    for (size_t i = 0; i < 5; i++)
        r[i] = waiting(p, deadlines[i]);
    assert_int_equal(pending_count(p), 5);
    assert_null(expired(p, 4));
    assert_ptr_equal(expired(p, 20), r[4]);
    assert_ptr_equal(expired(p, 20), r[1]);
    assert_ptr_equal(expired(p, 20), r[2]);
    assert_null(expired(p, 20));
    assert_ptr_equal(pending_take(p, r[0]->txn.s), r[0]); /* from the front */
    assert_null(pending_take(p, r[0]->txn.s));
    assert_null(pending_take(p, UUID_NIL));
    assert_ptr_equal(expired(p, 40), r[3]);
    assert_int_equal(pending_count(p), 0);
    for (size_t i = 0; i < 5; i++)
        request_release(r[i]);
    pending_free(p);
}

static void count_one(struct request *r, void *ctx) {
    (void)r;
    ++*(int *)ctx;
}

static void each_sees_all(void **state) {
    (void)state;
    struct pending *p = pending_new();
    struct request *r[3];
    int n = 0;
    for (size_t i = 0; i < 3; i++)
        r[i] = waiting(p, (int64_t)i);
    pending_each(p, count_one, &n);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_ptr_equal(pending_take(p, r[i]->txn.s), r[i]);
        request_release(r[i]);
    }
    pending_free(p);
}

/* ---- asynchronous requests (rule Q3): promised only when the log has them ---- */

static struct request *async_waiting(struct pending *p, int64_t wait_until_us) {
    return added(p, 100, wait_until_us, true);
}

static void the_log_has_it(void **state) {
    (void)state;
    struct pending *p = pending_new();
    bool accepted;
    struct request *r = async_waiting(p, 0);
    assert_ptr_equal(pending_acknowledge(p, r->txn.s), r);
    assert_null(pending_acknowledge(p, r->txn.s));
    assert_null(pending_take_expired(p, 1000, &accepted));
    request_release(r);
    r = async_waiting(p, 0); /* not acknowledged: the deadline decides */
    assert_ptr_equal(expired(p, 100), r);
    assert_null(pending_acknowledge(p, r->txn.s));
    request_release(r);
    pending_free(p);
}

static void the_client_waits_a_while(void **state) {
    (void)state;
    struct pending *p = pending_new();
    bool accepted = false;
    struct request *r = async_waiting(p, 50), *late = async_waiting(p, 50), *never = async_waiting(p, 50);
    assert_null(pending_acknowledge(p, r->txn.s)); /* perhaps the outcome comes */
    assert_null(pending_take_expired(p, 49, &accepted));
    assert_ptr_equal(pending_take_expired(p, 50, &accepted), r);
    assert_true(accepted);
    assert_null(pending_take_expired(p, 99, &accepted)); /* the others wait for the log */
    assert_ptr_equal(pending_acknowledge(p, late->txn.s), late);
    assert_ptr_equal(expired(p, 100), never);
    struct request *answered = async_waiting(p, 50);
    assert_null(pending_acknowledge(p, answered->txn.s));
    assert_ptr_equal(pending_take(p, answered->txn.s), answered);
    assert_null(pending_take_expired(p, 1000, &accepted));
    request_release(r);
    request_release(late);
    request_release(never);
    request_release(answered);
    pending_free(p);
}

/* ---- a Bulk's operations: found one by one, their time is the Bulk's ---- */

#define OPERATIONS 4

struct bulk_of {
    struct request *bulk, *o[OPERATIONS];
    struct pending_group *group;
};

/* The last operation has no command. */
static void bulk_waiting(struct pending *p, struct bulk_of *b, bool async) {
    b->bulk = request_new(&ingest);
    b->group = pending_group_new(b->bulk->arena, 100);
    b->group->async = async;
    for (size_t i = 0; i < OPERATIONS; i++)
        b->o[i] = request_new(&ingest);
    for (size_t i = 0; i < OPERATIONS - 1; i++)
        pending_join(b->group, b->o[i]);
    pending_add(p, b->group);
    assert_int_equal(pending_count(p), OPERATIONS - 1);
}

static void bulk_over(struct pending *p, struct bulk_of *b) {
    bool accepted;
    assert_int_equal(pending_count(p), 0);
    assert_int_equal(b->group->open, 0);
    assert_false(b->group->listed);
    assert_null(pending_take_expired(p, INT64_MAX, &accepted));
    for (size_t i = 0; i < OPERATIONS; i++)
        request_release(b->o[i]);
    request_release(b->bulk);
}

static void operations_share_a_deadline(void **state) {
    (void)state;
    struct pending *p = pending_new();
    struct bulk_of b = {0};
    int n = 0;
    bulk_waiting(p, &b, false);
    struct request *single = waiting(p, 200);
    pending_each(p, count_one, &n);
    assert_int_equal(n, OPERATIONS); /* three and the single one */
    assert_ptr_equal(pending_take(p, b.o[1]->txn.s), b.o[1]);
    assert_null(pending_take(p, b.o[3]->txn.s));
    assert_null(pending_take(p, b.bulk->txn.s));
    assert_null(expired(p, 99));
    struct request *open = expired(p, 100);
    assert_ptr_equal(open, b.o[0]);
    assert_ptr_equal(open->next, b.o[2]);
    assert_null(open->next->next);
    assert_int_equal(atomic_load(&b.o[2]->state), REQUEST_CLAIMED);
    assert_null(expired(p, 199));
    assert_ptr_equal(expired(p, 200), single);
    request_release(single);
    bulk_over(p, &b);
    pending_free(p);
}

/* Where 202 is due, a reply that overtakes the acknowledgement is one, and not the outcome of a part. */
static void a_reply_may_come_before_the_acknowledgement(void **state) {
    (void)state;
    struct pending *p = pending_new();
    struct bulk_of b = {0};
    bool accepted = false;
    bulk_waiting(p, &b, true);
    assert_null(pending_take_replied(p, b.o[0]->txn.s, &accepted));
    assert_true(accepted);
    assert_null(pending_acknowledge(p, b.o[0]->txn.s)); /* counts once */
    assert_null(pending_acknowledge(p, b.o[2]->txn.s));
    struct request *all = pending_take_replied(p, b.o[1]->txn.s, &accepted);
    assert_true(accepted);
    assert_ptr_equal(all, b.o[0]);
    assert_ptr_equal(all->next->next, b.o[2]);
    bulk_over(p, &b);

    struct request *plain = waiting(p, 100), *waits = async_waiting(p, 50);
    assert_ptr_equal(pending_take_replied(p, plain->txn.s, &accepted), plain);
    assert_false(accepted);
    assert_ptr_equal(pending_take_replied(p, waits->txn.s, &accepted),
                     waits); /* the outcome that it waits for */
    assert_false(accepted);
    assert_null(pending_take_replied(p, UUID_NIL, &accepted));
    assert_false(accepted);
    request_release(plain);
    request_release(waits);
    pending_free(p);
}

static void a_bulk_that_is_through_has_no_deadline(void **state) {
    (void)state;
    struct pending *p = pending_new();
    struct bulk_of b = {0};
    bulk_waiting(p, &b, false);
    for (size_t i = 0; i < OPERATIONS - 1; i++)
        assert_non_null(pending_take(p, b.o[i]->txn.s));
    assert_null(expired(p, 1000)); /* nothing left to cancel */
    bulk_over(p, &b);
    pending_free(p);
}

/* Q3, Q6: all or nothing is promised. */
static void a_bulk_is_promised_whole(void **state) {
    (void)state;
    struct pending *p = pending_new();
    struct bulk_of b = {0};
    bulk_waiting(p, &b, true);
    assert_null(pending_acknowledge(p, b.o[0]->txn.s));
    assert_null(pending_acknowledge(p, b.o[0]->txn.s)); /* counts once */
    assert_null(pending_acknowledge(p, b.o[2]->txn.s));
    struct request *all = pending_acknowledge(p, b.o[1]->txn.s);
    assert_ptr_equal(all, b.o[0]);
    assert_ptr_equal(all->next, b.o[1]);
    assert_ptr_equal(all->next->next, b.o[2]);
    bulk_over(p, &b);
    pending_free(p);
}

static void a_bulk_of_which_the_log_refused_a_part(void **state) {
    (void)state;
    struct pending *p = pending_new();
    struct bulk_of b = {0};
    bulk_waiting(p, &b, true);
    assert_null(pending_acknowledge(p, b.o[0]->txn.s));
    assert_ptr_equal(pending_take_refused(p, b.o[1]->txn.s), b.o[1]);
    assert_null(pending_acknowledge(p, b.o[2]->txn.s)); /* the last one, but no promise any more */
    struct request *open = expired(p, 1);               /* at once, not at the deadline */
    assert_ptr_equal(open, b.o[0]);
    assert_ptr_equal(open->next, b.o[2]);
    bulk_over(p, &b);
    pending_free(p);
}

static void a_group_of_nothing_is_forgotten(void **state) {
    (void)state;
    struct pending *p = pending_new();
    struct request *bulk = request_new(&ingest);
    bool accepted;
    pending_add(p, pending_group_new(bulk->arena, 10));
    assert_null(pending_take_expired(p, INT64_MAX, &accepted));
    request_release(bulk);
    pending_free(p);
}

static void what_was_sent_again_cannot_be_refused(void **state) {
    (void)state;
    struct pending *p = pending_new();
    struct request *r = waiting(p, 10);
    r->pending->sent_again = true;
    assert_null(pending_take_refused(p, r->txn.s));
    assert_ptr_equal(expired(p, 10), r);
    request_release(r);
    pending_free(p);
}

/* ---- the race ---- */

struct race {
    struct pending *pending;
    struct uuid *txns;
    atomic_uint *wins; /* per request */
    pthread_barrier_t start;
    atomic_uint replies, deadlines;
};

static void won(struct race *race, struct request *r) {
    atomic_fetch_add(&race->wins[(size_t)r->deadline_us], 1);
    assert_int_equal(atomic_load(&r->state), REQUEST_CLAIMED);
}

static void *reply_thread(void *arg) {
    struct race *race = arg;
    pthread_barrier_wait(&race->start);
    for (size_t i = 0; i < RACES; i++) {
        struct request *r = pending_take(race->pending, race->txns[i].s);
        if (r == NULL)
            continue;
        won(race, r);
        atomic_fetch_add(&race->replies, 1);
    }
    return NULL;
}

static void *deadline_thread(void *arg) {
    struct race *race = arg;
    pthread_barrier_wait(&race->start);
    for (struct request *r; (r = expired(race->pending, INT64_MAX)) != NULL;) {
        won(race, r);
        atomic_fetch_add(&race->deadlines, 1);
    }
    return NULL;
}

static void reply_and_deadline_never_both_win(void **state) {
    (void)state;
    struct race race = {.pending = pending_new()};
    struct request **r = calloc(RACES, sizeof *r);
    race.txns = calloc(RACES, sizeof *race.txns);
    race.wins = calloc(RACES, sizeof *race.wins);
    pthread_barrier_init(&race.start, NULL, 3);
    for (size_t i = 0; i < RACES; i++) {
        r[i] = waiting(race.pending, (int64_t)i);
        race.txns[i] = r[i]->txn;
    }
    pthread_t threads[3];
    pthread_create(&threads[0], NULL, reply_thread, &race);
    pthread_create(&threads[1], NULL, reply_thread, &race); /* a reply that comes twice */
    pthread_create(&threads[2], NULL, deadline_thread, &race);
    for (size_t i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < RACES; i++) {
        assert_int_equal(atomic_load(&race.wins[i]), 1);
        request_release(r[i]);
    }
    assert_int_equal(atomic_load(&race.replies) + atomic_load(&race.deadlines), RACES);
    assert_int_equal(pending_count(race.pending), 0);
    pthread_barrier_destroy(&race.start);
    free(r);
    free(race.txns);
    free(race.wins);
    pending_free(race.pending);
}

static int end(void **state) {
    (void)state;
    request_pool_free();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expire_in_the_order_of_their_deadlines),
        cmocka_unit_test(each_sees_all),
        cmocka_unit_test(the_log_has_it),
        cmocka_unit_test(the_client_waits_a_while),
        cmocka_unit_test(operations_share_a_deadline),
        cmocka_unit_test(a_bulk_that_is_through_has_no_deadline),
        cmocka_unit_test(a_reply_may_come_before_the_acknowledgement),
        cmocka_unit_test(a_bulk_is_promised_whole),
        cmocka_unit_test(a_bulk_of_which_the_log_refused_a_part),
        cmocka_unit_test(a_group_of_nothing_is_forgotten),
        cmocka_unit_test(what_was_sent_again_cannot_be_refused),
        cmocka_unit_test(reply_and_deadline_never_both_win),
    };
    return cmocka_run_group_tests_name("ingest/pending", tests, NULL, end);
}
