/* Requests: their pool, who owns them, and what becomes of one whose gate thread hangs. */
#include "ingest/request/request.h"
#include "ingest/stats.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct ingest ingest;

static void only_one_move_succeeds(void **state) {
    (void)state;
    struct request *r = request_new(&ingest);
    request_enter(r, REQUEST_GATE);
    request_enter(r, REQUEST_PENDING);
    assert_true(request_move(r, REQUEST_PENDING, REQUEST_CLAIMED));
    assert_false(request_move(r, REQUEST_PENDING, REQUEST_CLAIMED));
    assert_int_equal(atomic_load(&r->state), REQUEST_CLAIMED);
    request_release(r);
}

static void the_ways_that_there_are(void **state) {
    (void)state;
    static const enum request_state ways[][7] = {
        {REQUEST_AUDIT, REQUEST_DONE},               /* refused at its headers */
        {REQUEST_GATE, REQUEST_AUDIT, REQUEST_DONE}, /* a read */
        {REQUEST_GATE, REQUEST_READING, REQUEST_GATE, REQUEST_AUDIT, REQUEST_DONE}, /* a large body */
        {REQUEST_GATE, REQUEST_GATE, REQUEST_AUDIT, REQUEST_DONE}, /* its answer is kept first */
        {REQUEST_GATE, REQUEST_PENDING, REQUEST_CLAIMED, REQUEST_AUDIT, REQUEST_DONE},
        {REQUEST_GATE, REQUEST_PENDING, REQUEST_CLAIMED, REQUEST_GATE, REQUEST_AUDIT, REQUEST_DONE},
        {REQUEST_GATE, REQUEST_BULK, REQUEST_GATE, REQUEST_BULK, REQUEST_AUDIT, REQUEST_DONE},
        {REQUEST_PENDING, REQUEST_CLAIMED, REQUEST_AUDIT, REQUEST_DONE}, /* an operation */
        {REQUEST_GATE, REQUEST_DONE},                                    /* another one answers */
        {REQUEST_GATE, REQUEST_PENDING, REQUEST_CLAIMED, REQUEST_DONE},  /* the same */
    };
    int64_t wrong = metric_value(stats.wrong_moves);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct request *r = request_new(&ingest);
        for (size_t n = 0; n < 7 && atomic_load(&r->state) != REQUEST_DONE; n++)
            request_enter(r, ways[i][n]);
        assert_int_equal(atomic_load(&r->state), REQUEST_DONE);
        request_release(r);
    }
    assert_int_equal(metric_value(stats.wrong_moves), wrong);
}

/* In a process of its own: with sanitizers it ends there, without them it is counted. */
static void wrong_move(enum request_state from, enum request_state to, bool compete) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        struct request *r = request_new(&ingest);
        atomic_store(&r->state, from);
        signal(SIGABRT, SIG_DFL);
        if (compete)
            (void)request_move(r, from, to);
        else
            request_enter(r, to);
        _exit(metric_value(stats.wrong_moves) == 1 && atomic_load(&r->state) == to ? 7 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
#else
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
#endif
}

static void all_other_moves_are_mistakes(void **state) {
    (void)state;
    wrong_move(REQUEST_READING, REQUEST_CLAIMED, false);
    wrong_move(REQUEST_PENDING, REQUEST_AUDIT, false);
    wrong_move(REQUEST_PENDING, REQUEST_GATE, true);
    wrong_move(REQUEST_CLAIMED, REQUEST_PENDING, false);
    wrong_move(REQUEST_AUDIT, REQUEST_GATE, false);
    wrong_move(REQUEST_DONE, REQUEST_AUDIT, true);
    wrong_move(REQUEST_DONE, REQUEST_DONE, false);
}

static void a_request_used_again_is_as_new(void **state) {
    (void)state;
    struct request *r = request_new(&ingest);
    struct uuid txn = r->txn;
    r->head.token = "x";
    r->answer.close = true;
    jb_raw(&r->body, "body");
    request_release(r);
    struct request *again = request_new(&ingest);
    assert_ptr_equal(again, r); /* the pool's */
    assert_false(uuid_eq(&again->txn, &txn));
    assert_null(again->head.token);
    assert_false(again->answer.close);
    assert_int_equal(again->body.n, 0);
    assert_int_equal(atomic_load(&again->state), REQUEST_READING);
    request_release(again);
}

/* The move itself, without the table's lock around it. */
struct moves {
    struct request *r;
    pthread_barrier_t start, end;
    atomic_uint wins;
};

static void *move_thread(void *arg) {
    struct moves *m = arg;
    for (int i = 0; i < 2000; i++) {
        pthread_barrier_wait(&m->start);
        if (request_move(m->r, REQUEST_AUDIT, REQUEST_DONE))
            atomic_fetch_add(&m->wins, 1);
        pthread_barrier_wait(&m->end);
    }
    return NULL;
}

static void acknowledgement_and_time_out_never_both_win(void **state) {
    (void)state;
    struct moves m = {.r = request_new(&ingest)};
    pthread_t threads[2];
    pthread_barrier_init(&m.start, NULL, 3);
    pthread_barrier_init(&m.end, NULL, 3);
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, move_thread, &m);
    for (unsigned i = 0; i < 2000; i++) {
        atomic_store(&m.r->state, REQUEST_AUDIT); /* (as no request comes back to it) */
        pthread_barrier_wait(&m.start);
        pthread_barrier_wait(&m.end);
        assert_int_equal(atomic_load(&m.wins), i + 1);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&m.start);
    pthread_barrier_destroy(&m.end);
    request_release(m.r);
}

/* ---- a request whose gate thread hangs ---- */

static struct request *abandoned(void) {
    struct request *r = request_new(&ingest);
    r->head.path = arena_strdup(r->arena, "/scim/v2/Users");
    r->head.query_text = "count=5";
    strcpy(r->head.method, "GET");
    request_enter(r, REQUEST_GATE);
    return r;
}

static void a_stand_in_answers_for_it(void **state) {
    (void)state;
    struct request *r = abandoned(), *s = request_abandon(r);
    assert_true(request_is_abandoned(r));
    assert_ptr_equal(request_answering(r), s);
    assert_ptr_equal(request_answering(s), s);
    assert_int_equal(atomic_load(&r->state), REQUEST_DONE);
    assert_true(uuid_eq(&s->txn, &r->txn));
    assert_string_equal(s->head.path, "/scim/v2/Users");
    assert_ptr_not_equal(s->head.path, r->head.path); /* nothing of the old one's arena */
    assert_string_equal(query_get(&s->query, "count"), "5");
    request_let_go(r);
    request_release(r);
}

/* Whoever lets go last gives the memory back: until then it is not used again. */
static void its_memory_stays_until_both_let_go(void **state) {
    (void)state;
    for (int connection_first = 0; connection_first < 2; connection_first++) {
        request_pool_free();
        struct request *r = abandoned();
        request_abandon(r);
        if (connection_first) {
            request_release(r);
            assert_string_equal(r->head.path, "/scim/v2/Users");
            struct request *other = request_new(&ingest); /* the stand-in's memory at most */
            assert_ptr_not_equal(other, r);
            request_release(other);
            request_let_go(r);
        } else {
            request_let_go(r);
            assert_string_equal(r->head.path, "/scim/v2/Users");
            request_release(r);
        }
        struct request *again = request_new(&ingest);
        assert_ptr_equal(again, r);
        request_release(again);
    }
}

static int end(void **state) {
    (void)state;
    request_pool_free();
    return 0;
}

static int begin(void **state) {
    (void)state;
    stats_init();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_one_move_succeeds),
        cmocka_unit_test(the_ways_that_there_are),
        cmocka_unit_test(all_other_moves_are_mistakes),
        cmocka_unit_test(a_request_used_again_is_as_new),
        cmocka_unit_test(acknowledgement_and_time_out_never_both_win),
        cmocka_unit_test(a_stand_in_answers_for_it),
        cmocka_unit_test(its_memory_stays_until_both_let_go),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
