/* A batch becomes rows: numbers that follow, and each way in which they do not. PostgreSQL is a few arrays
 * here, which do what sql/ask/archive.h promises; what it really does with them is tested in
 * tests/integration/test_archive.py. */
#include "ops/runtime/id.h"
#include "ops/runtime/mem.h"
#include "workers/archive/book.h"
#include "workers/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PARTITIONS 12
#define TREES 6
#define RECORDS 16
#define A "018f3b6e-7c11-7a2b-9d3e-5a1b2c3d4e5f"
#define TXN "0193a1c2-4d5e-7f60-8a9b-0c1d2e3f4051"

/* ---- PostgreSQL ---- */

static struct {
    struct archive_place places[PARTITIONS];
    struct archive_tree trees[TREES];
    struct jbuf hashes[TREES]; /* of each tree all that its leaves complete, in their order */
    size_t ntrees;
    const char *known; /* an event that is there already, if it is asked about */
    enum err_code fails;
    bool open;
    int stored, rolled_back;
    size_t asked_txns;
    /* Of the last batch. */
    size_t nleaves, ngaps, nasides;
    int64_t leaves[RECORDS], aside_offsets[RECORDS];
    char aside_workspace[37], gap_why[80];
    struct archive_gap gap;
    int64_t taken[RECORDS];
    size_t ntaken;
    bool goes_on;
} pg;

static size_t tree_at(const char *workspace, int tree) {
    size_t i = 0;
    while (i < pg.ntrees && (pg.trees[i].tree != tree || strcmp(pg.trees[i].workspace, workspace) != 0))
        i++;
    return i;
}

enum err_code archive_day(struct db *db, int64_t at_us, struct err *err) {
    (void)db;
    (void)err;
    assert_true(at_us > 0);
    return ERR_OK;
}

enum err_code archive_begin(struct db *db, const int32_t *partitions, size_t npartitions,
                            const char *const *workspaces, size_t nworkspaces, const char *const *txns,
                            size_t ntxns, struct archive_begun *out, struct err *err) {
    (void)db;
    (void)txns;
    (void)err;
    assert_false(pg.open);
    pg.open = true;
    pg.asked_txns = ntxns;
    *out = (struct archive_begun){.places = xcalloc(npartitions + 1, sizeof *out->places),
                                  .trees = xcalloc(TREES, sizeof *out->trees)};
    for (size_t i = 0; i < npartitions; i++)
        out->places[out->nplaces++] = pg.places[partitions[i]];
    for (size_t t = 0; t < pg.ntrees; t++)
        for (size_t w = 0; w < nworkspaces; w++)
            if (strcmp(pg.trees[t].workspace, workspaces[w]) == 0)
                out->trees[out->ntrees++] = pg.trees[t];
    if (ntxns > 0 && pg.known != NULL) {
        out->known = xcalloc(1, sizeof *out->known);
        out->known[out->nknown++] = xstrdup(pg.known);
    }
    return ERR_OK;
}

void archive_begun_free(struct archive_begun *b) {
    for (size_t i = 0; i < b->nknown; i++)
        free(b->known[i]);
    free(b->known);
    free(b->places);
    free(b->trees);
}

enum err_code archive_leaf_hash(struct db *db, const char *workspace, int tree, int64_t n,
                                struct tree_hash *out, bool *there, struct err *err) {
    (void)db;
    (void)err;
    size_t t = tree_at(workspace, tree), at = tree_hashes_before((uint64_t)n) * TREE_HASH_SIZE;
    *there = t < pg.ntrees && at + TREE_HASH_SIZE <= pg.hashes[t].n;
    if (*there)
        memcpy(out->bytes, pg.hashes[t].p + at, TREE_HASH_SIZE);
    return ERR_OK;
}

static void store_trees(const struct archive_batch *b) {
    for (size_t i = 0; i < b->ntrees; i++) {
        size_t t = tree_at(b->trees[i].workspace, b->trees[i].tree);
        assert_true(t < TREES);
        pg.trees[t] = b->trees[i];
        pg.trees[t].stops = pg.trees[t].refuses = NULL; /* the arena's */
        pg.ntrees = t == pg.ntrees ? t + 1 : pg.ntrees;
    }
    for (size_t i = 0; i < b->nruns; i++) {
        const struct archive_run *run = &b->runs[i];
        size_t t = tree_at(run->workspace, run->tree);
        /* It goes on exactly behind what is there. */
        assert_int_equal(tree_hashes_before((uint64_t)run->n) * TREE_HASH_SIZE, pg.hashes[t].n);
        jb_mem(&pg.hashes[t], run->hashes.p, run->hashes.n);
    }
}

enum err_code archive_store(struct db *db, const struct archive_batch *b, struct err *err) {
    (void)db;
    assert_true(pg.open);
    pg.open = false;
    if (pg.fails != ERR_OK)
        return err_set(err, pg.fails, "it fails");
    pg.stored++;
    pg.nleaves = b->nleaves;
    pg.ngaps = b->ngaps;
    pg.nasides = b->nasides;
    for (size_t i = 0; i < b->nleaves; i++)
        pg.leaves[i] = b->leaves[i].n;
    for (size_t i = 0; i < b->nasides; i++) {
        pg.aside_offsets[i] = b->asides[i].offset;
        snprintf(pg.aside_workspace, sizeof pg.aside_workspace, "%s", b->asides[i].workspace);
    }
    if (b->ngaps > 0) {
        pg.gap = b->gaps[0];
        snprintf(pg.gap_why, sizeof pg.gap_why, "%s", b->gaps[0].why);
    }
    store_trees(b);
    for (size_t i = 0; i < b->nplaces; i++)
        pg.places[b->places[i].partition].next = b->places[i].next;
    return ERR_OK;
}

enum err_code archive_take_asides(struct db *db, const struct archive_resumed *r, const int64_t *offsets,
                                  size_t n, bool goes_on, struct err *err) {
    (void)db;
    (void)r;
    (void)err;
    assert_true(pg.open);
    pg.ntaken = n;
    memcpy(pg.taken, offsets, n * sizeof *offsets);
    pg.goes_on = goes_on;
    return ERR_OK;
}

void db_rollback(struct db *db) {
    (void)db;
    assert_true(pg.open);
    pg.open = false;
    pg.rolled_back++;
}

/* ---- records ---- */

static struct book book;
static struct archive_place known_places[PARTITIONS]; /* as the book believes them */
static int32_t home;
static char texts[RECORDS][400];
static struct entry_source records[RECORDS];
static size_t nrecords;

static void put_record(const char *event) {
    static int64_t offset;
    struct archive_place *place = &known_places[home];
    offset = nrecords == 0 ? place->next : offset + 1;
    records[nrecords] = (struct entry_source){.partition = home,
                                              .offset = offset,
                                              .time_us = 1000000,
                                              .event = event,
                                              .value = texts[nrecords],
                                              .n = strlen(texts[nrecords])};
    nrecords++;
}

static void change(int64_t epoch, int64_t seq, const char *action) {
    snprintf(texts[nrecords], sizeof texts[nrecords],
             "{\"kind\":\"change\",\"workspace\":\"" A
             "\",\"epoch\":%lld,\"seq\":%lld,\"time\":\"2026-11-22T10:15:30Z\",\"action\":\"%s\"}",
             (long long)epoch, (long long)seq, action);
    put_record("change");
}

static void request(int64_t n, const char *event) {
    snprintf(texts[nrecords], sizeof texts[nrecords],
             "{\"kind\":\"request\",\"workspace\":\"" A "\",\"n\":%lld,\"txn\":\"" TXN
             "\",\"time\":\"2026-11-22T10:15:30Z\",\"operations\":1,\"status\":200}",
             (long long)n);
    put_record(event);
}

static enum err_code add(void) {
    struct err err = {0};
    enum err_code code = book_add(&book, records, nrecords, &err);
    nrecords = 0;
    assert_false(pg.open);
    return code;
}

static void changes(int64_t epoch, int64_t first, int64_t last) {
    for (int64_t seq = first; seq <= last; seq++)
        change(epoch, seq, "user.updated");
    assert_int_equal(add(), ERR_OK);
}

static const struct archive_tree *tree_of(int tree) {
    size_t t = tree_at(A, tree);
    assert_true(t < pg.ntrees);
    return &pg.trees[t];
}

static int set_up(void **state) {
    (void)state;
    memset(&pg, 0, sizeof pg);
    memset(known_places, 0, sizeof known_places);
    for (int32_t p = 0; p < PARTITIONS; p++)
        pg.places[p].partition = known_places[p].partition = p;
    home = workspace_partition(A, PARTITIONS);
    pg.places[home].next = known_places[home].next = 40;
    book = (struct book){.partitions = PARTITIONS, .places = known_places};
    nrecords = 0;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    for (size_t t = 0; t < TREES; t++)
        jb_free(&pg.hashes[t]);
    return 0;
}

/* ---- numbers that follow ---- */

/* The tree is the one that the records alone make, however they come in batches. */
static void changes_that_follow(void **state) {
    (void)state;
    struct tree_range whole = {0};
    struct tree_hash leaf, wanted, root;
    for (int64_t seq = 1; seq <= 11; seq++) {
        change(1, seq, "user.created");
        tree_leaf_hash(records[nrecords - 1].value, records[nrecords - 1].n, &leaf);
        tree_append(&whole, &leaf, NULL, NULL);
        if (seq == 1 || seq == 6 || seq == 11)
            assert_int_equal(add(), ERR_OK);
    }
    const struct archive_tree *t = tree_of(ARCHIVE_CHANGES);
    assert_int_equal(t->range.size, 11);
    assert_int_equal(t->first_seq, 1);
    assert_int_equal(t->seq, 11);
    tree_root(&whole, &wanted);
    tree_root(&t->range, &root);
    assert_true(tree_hash_equal(&wanted, &root));
    assert_int_equal(pg.hashes[tree_at(A, ARCHIVE_CHANGES)].n / TREE_HASH_SIZE, tree_hashes_before(11));
    assert_int_equal(pg.leaves[0], 6);
    assert_int_equal(pg.places[home].next, 51);
    assert_int_equal(known_places[home].next, 51);
    assert_int_equal(pg.nasides + pg.ngaps, 0);
}

/* Requests have numbers of their instance, so their leaves count in the order in which they come. */
static void requests_are_a_tree_of_their_own(void **state) {
    (void)state;
    request(7, "i/7");
    change(1, 1, "user.created");
    request(3, "j/3");
    assert_int_equal(add(), ERR_OK);
    assert_int_equal(tree_of(ARCHIVE_REQUESTS)->range.size, 2);
    assert_int_equal(tree_of(ARCHIVE_CHANGES)->range.size, 1);
    assert_int_equal(pg.nleaves, 3);
    assert_int_equal(pg.asked_txns, 0);
}

static void a_tree_may_begin_late(void **state) {
    (void)state;
    changes(2, 900, 901);
    assert_int_equal(tree_of(ARCHIVE_CHANGES)->first_seq, 900);
    assert_false(tree_of(ARCHIVE_CHANGES)->stopped);
}

/* ---- numbers that do not ---- */

static void what_comes_again_is_passed_over(void **state) {
    (void)state;
    changes(1, 1, 4);
    change(1, 2, "user.updated"); /* of the batch before */
    change(1, 5, "user.updated");
    change(1, 5, "user.updated"); /* of this one */
    change(1, 6, "user.updated");
    assert_int_equal(add(), ERR_OK);
    assert_int_equal(pg.nleaves, 2);
    assert_int_equal(pg.nasides, 0);
    assert_int_equal(tree_of(ARCHIVE_CHANGES)->range.size, 6);
    assert_int_equal(pg.places[home].next, 48);
}

/* Two histories: nothing is signed any more, and what came is kept aside. The tree itself goes on. */
static void another_record_of_that_number(void **state) {
    (void)state;
    changes(1, 1, 4);
    change(1, 3, "user.deleted");
    change(1, 5, "user.updated");
    assert_int_equal(add(), ERR_OK);
    assert_int_equal(pg.nasides, 1);
    assert_int_equal(pg.aside_offsets[0], 44);
    assert_string_equal(pg.aside_workspace, A);
    assert_int_equal(tree_of(ARCHIVE_CHANGES)->range.size, 5);
    assert_false(tree_of(ARCHIVE_CHANGES)->stopped);
}

/* The tree stops, and all of it from there on is aside; requests of the same workspace go on, and so does the
 * place. */
static void a_number_is_missing(void **state) {
    (void)state;
    changes(1, 1, 2);
    change(1, 4, "user.updated");
    change(1, 5, "user.updated");
    request(1, "i/1");
    assert_int_equal(add(), ERR_OK);
    assert_true(tree_of(ARCHIVE_CHANGES)->stopped);
    assert_int_equal(tree_of(ARCHIVE_CHANGES)->range.size, 2);
    assert_int_equal(pg.nasides, 2);
    assert_int_equal(tree_of(ARCHIVE_REQUESTS)->range.size, 1);
    assert_int_equal(pg.places[home].next, 45);
    changes(1, 3, 3); /* even what would follow: an operator decides */
    assert_int_equal(pg.nasides, 1);
    assert_int_equal(tree_of(ARCHIVE_CHANGES)->range.size, 2);
}

static void a_trial_broker_forgets(void **state) {
    (void)state;
    book.trial = true;
    changes(1, 1, 2);
    changes(1, 7, 7);
    assert_int_equal(pg.ngaps, 1);
    assert_string_equal(pg.gap_why, "a trial broker has forgotten them");
    assert_int_equal(pg.gap.n, 2);
    assert_int_equal(pg.gap.before_seq, 2);
    assert_int_equal(pg.gap.seq, 7);
    assert_int_equal(tree_of(ARCHIVE_CHANGES)->range.size, 3);
}

static void a_new_epoch_may_begin_anywhere(void **state) {
    (void)state;
    changes(1, 1, 2);
    changes(2, 50, 51);
    assert_int_equal(pg.ngaps, 1);
    assert_string_equal(pg.gap_why, "a new epoch");
    assert_int_equal(tree_of(ARCHIVE_CHANGES)->epoch, 2);
    changes(1, 3, 3); /* what is left of the epoch before is no new one */
    assert_true(tree_of(ARCHIVE_CHANGES)->stopped);
}

static void nobody_can_read_it(void **state) {
    (void)state;
    snprintf(texts[0], sizeof texts[0], "{\"kind\":\"cha");
    put_record("half");
    change(1, 1, "user.created");
    assert_int_equal(add(), ERR_OK);
    assert_int_equal(pg.nasides, 1);
    assert_string_equal(pg.aside_workspace, UUID_NIL);
    assert_int_equal(tree_of(ARCHIVE_CHANGES)->range.size, 1);
    assert_int_equal(pg.places[home].next, 42);
}

/* The log has begun anew: up to `recheck` requests may be there already, and are asked about. */
static void requests_that_may_be_there(void **state) {
    (void)state;
    pg.places[home].recheck = known_places[home].recheck = 42;
    pg.known = "i/1";
    request(1, "i/1");
    request(2, "i/2");
    request(1, "i/1"); /* behind it: nobody asks */
    assert_int_equal(add(), ERR_OK);
    assert_int_equal(pg.asked_txns, 2);
    assert_int_equal(pg.nleaves, 2);
    assert_int_equal(tree_of(ARCHIVE_REQUESTS)->range.size, 2);
}

/* ---- somebody else, and errors ---- */

static void another_archive_was_there(void **state) {
    (void)state;
    changes(1, 1, 2);
    int stored = pg.stored;
    pg.places[home].next++;
    change(1, 3, "user.updated");
    assert_int_equal(add(), ERR_DB_FENCED);
    assert_int_equal(pg.stored, stored);
    assert_int_equal(pg.rolled_back, 1);
    assert_int_equal(tree_of(ARCHIVE_CHANGES)->range.size, 2);
}

static void a_place_is_gone(void **state) {
    (void)state;
    known_places[home].recheck = 7; /* as good as another row */
    change(1, 1, "user.updated");
    assert_int_equal(add(), ERR_DB_FENCED);
    assert_int_equal(pg.stored, 0);
}

static void it_cannot_be_stored(void **state) {
    (void)state;
    pg.fails = ERR_DB_LOST;
    change(1, 1, "user.updated");
    assert_int_equal(add(), ERR_DB_LOST);
    assert_int_equal(known_places[home].next, 40);
    pg.fails = ERR_OK;
    changes(1, 1, 1);
    assert_int_equal(tree_of(ARCHIVE_CHANGES)->range.size, 1);
}

/* ---- the way on ---- */

static enum err_code resume(int64_t behind, bool last, bool *stopped) {
    struct archive_resumed r = {.tree = ARCHIVE_CHANGES, .partition = home, .why = "lost", .seq = behind};
    struct err err = {0};
    snprintf(r.workspace, sizeof r.workspace, A);
    for (size_t i = 0; i < nrecords; i++)
        records[i].offset = 42 + (int64_t)i; /* where they were put aside from */
    enum err_code code = book_resume(&book, &r, records, nrecords, last, stopped, &err);
    nrecords = 0;
    assert_false(pg.open);
    return code;
}

static void stop_behind_2(void) {
    changes(1, 1, 2);
    changes(1, 5, 6);
    assert_true(tree_of(ARCHIVE_CHANGES)->stopped);
}

static void one_gap_is_accepted(void **state) {
    (void)state;
    bool stopped;
    stop_behind_2();
    change(1, 5, "user.updated");
    change(1, 6, "user.updated");
    assert_int_equal(resume(2, true, &stopped), ERR_OK);
    assert_false(stopped);
    assert_true(pg.goes_on);
    assert_int_equal(pg.ntaken, 2);
    assert_string_equal(pg.gap_why, "lost");
    assert_int_equal(tree_of(ARCHIVE_CHANGES)->range.size, 4);
    assert_false(tree_of(ARCHIVE_CHANGES)->stopped);
    assert_int_equal(pg.places[home].next, 44); /* it stays where it was */
    changes(1, 7, 7);
    assert_int_equal(tree_of(ARCHIVE_CHANGES)->range.size, 5);
}

static void and_not_the_next_one(void **state) {
    (void)state;
    bool stopped;
    stop_behind_2();
    change(1, 5, "user.updated");
    change(1, 9, "user.updated");
    change(1, 10, "user.updated");
    assert_int_equal(resume(2, true, &stopped), ERR_OK);
    assert_true(stopped);
    assert_int_equal(pg.ntaken, 1);
    assert_int_equal(pg.taken[0], 42);
    assert_int_equal(tree_of(ARCHIVE_CHANGES)->range.size, 3);
    assert_true(tree_of(ARCHIVE_CHANGES)->stopped);
}

/* Somebody accepted a gap behind a number that is not the last one any more. */
static void a_decision_about_something_else(void **state) {
    (void)state;
    bool stopped;
    stop_behind_2();
    change(1, 5, "user.updated");
    assert_int_equal(resume(1, true, &stopped), ERR_OK);
    assert_true(stopped);
    assert_int_equal(pg.ntaken, 0);
    assert_int_equal(tree_of(ARCHIVE_CHANGES)->range.size, 2);
}

static void a_tree_that_is_not_there(void **state) {
    (void)state;
    bool stopped;
    change(1, 5, "user.updated");
    assert_int_equal(resume(2, true, &stopped), ERR_DB_FENCED);
    assert_int_equal(pg.rolled_back, 1);
}

static int make_stats(void **state) {
    (void)state;
    worker_stats_init();
    return 0;
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(changes_that_follow),
        TEST(requests_are_a_tree_of_their_own),
        TEST(a_tree_may_begin_late),
        TEST(what_comes_again_is_passed_over),
        TEST(another_record_of_that_number),
        TEST(a_number_is_missing),
        TEST(a_trial_broker_forgets),
        TEST(a_new_epoch_may_begin_anywhere),
        TEST(nobody_can_read_it),
        TEST(requests_that_may_be_there),
        TEST(another_archive_was_there),
        TEST(a_place_is_gone),
        TEST(it_cannot_be_stored),
        TEST(one_gap_is_accepted),
        TEST(and_not_the_next_one),
        TEST(a_decision_about_something_else),
        TEST(a_tree_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, make_stats, NULL);
}
