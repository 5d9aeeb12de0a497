/* Rows of one transaction: their numbers, what they hold, and where one ends and the next begins. */
#include "workers/rows.h"

#include "tests/support/memory_unit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct row_source source = {"w", "t", "", 7};

static struct record record(const char *value) {
    return (struct record){
        .topic = RECORD_AUDIT, .key = "w", .value = value, .ce_id = "i", .ce_type = "x", .ce_subject = "s"};
}

/* Commits them to tables in memory; gives what the outbox has then. */
static size_t commit(struct rows *rows) {
    struct memory m;
    struct err err = {0};
    memory_init(&m, json_object());
    struct unit *u = unit_new(unit_memory(&m));
    (void)unit_want_workspace(u, UUID_NIL);
    assert_int_equal(unit_begin(u, &err), ERR_OK);
    rows_store(rows, u);
    assert_int_equal(unit_commit(u, &err), ERR_OK);
    unit_free(u);
    size_t n = json_object_size(json_object_get(m.tables, "outbox"));
    memory_clear(&m);
    return n;
}

static void free_rows(struct row *row) {
    for (struct row *next; row != NULL; row = next) {
        next = row->next;
        row_free(row);
    }
}

static void each_partition_has_its_numbers(void **state) {
    (void)state;
    struct place places[4] = {{.epoch = 1}, {.epoch = 1, .number = 41}, {.epoch = 1}, {.epoch = 1}};
    struct rows *rows = rows_new(places);
    struct record a = record("{}"), b[] = {record("{}"), record(NULL)};
    rows_carry(rows, 3);
    rows_add(rows, 1, &source, &a, 1);
    rows_add(rows, 0, &source, b, 2);
    rows_add(rows, 1, &source, b, 2);
    assert_int_equal(commit(rows), 2);
    assert_int_equal(places[1].number, 41); /* not before it is known to be committed */
    struct row *first = rows_take(rows);
    assert_int_equal(first->partition, 1);
    assert_int_equal(first->number, 42);
    assert_int_equal(first->records, 3);
    assert_int_equal(first->next->partition, 0);
    assert_int_equal(first->next->number, 1);
    assert_null(first->next->next);
    assert_int_equal(places[0].number, 1);
    assert_int_equal(places[1].number, 42);
    assert_int_equal(places[3].number, 0);
    assert_null(rows_take(rows));
    free_rows(first);
    rows_free(rows);
}

static void a_row_has_at_most_what_a_transaction_may_have(void **state) {
    (void)state;
    struct place places[1] = {{.epoch = 1}};
    struct rows *rows = rows_new(places);
    struct record r = record("{}");
    for (int i = 0; i < ROW_RECORDS + 1; i++)
        rows_add(rows, 0, &source, &r, 1);
    char *large = malloc(RECORD_MAX);
    memset(large, 'x', RECORD_MAX - 1);
    large[RECORD_MAX - 1] = '\0';
    struct record l = record(large);
    for (int i = 0; i < 9; i++)
        rows_add(rows, 0, &source, &l, 1);
    assert_int_equal(commit(rows), 3);
    struct row *row = rows_take(rows);
    size_t records = 0;
    int64_t number = 0;
    for (struct row *x = row; x != NULL; x = x->next) {
        struct row_items items = {0};
        struct err err = {0};
        assert_int_equal(row_decode(x->bytes, x->n, &items, &err), ERR_OK);
        assert_int_equal(items.n, x->records);
        assert_true(x->records <= ROW_RECORDS && x->n <= ROW_BYTES);
        assert_string_equal(items.items[0].source.txn, "t");
        assert_int_equal(x->number, ++number);
        records += items.n;
        row_items_free(&items);
    }
    assert_int_equal(records, ROW_RECORDS + 10);
    free_rows(row);
    free(large);
    rows_free(rows);
}

/* Whatever stands before them. A reader would take a change for told that usher.rooms does not have yet. */
static void event_and_state_stay_together(void **state) {
    (void)state;
    struct place places[1] = {{.epoch = 1}};
    struct rows *rows = rows_new(places);
    struct record pairs[64], first = record("{}");
    rows_add(rows, 0, &source, &first, 1);
    for (int64_t seq = 1; seq <= ROW_RECORDS / 2 + 32; seq += 32) {
        for (int i = 0; i < 64; i++) {
            pairs[i] = record(i % 2 == 0 ? "{}" : NULL);
            pairs[i].topic = i % 2 == 0 ? RECORD_MEMBERSHIP : RECORD_ROOMS;
            pairs[i].seq = seq + i / 2;
        }
        rows_add(rows, 0, &source, pairs, 64);
    }
    assert_int_equal(commit(rows), 2);
    struct row *row = rows_take(rows);
    assert_int_equal(row->records, ROW_RECORDS - 1);
    for (struct row *x = row; x != NULL; x = x->next) {
        struct row_items items = {0};
        struct err err = {0};
        assert_int_equal(row_decode(x->bytes, x->n, &items, &err), ERR_OK);
        assert_int_equal(items.n, x->records);
        assert_int_equal(items.items[items.n - 1].record.topic, RECORD_ROOMS);
        assert_int_equal(items.items[items.n - 1].record.seq, items.items[items.n - 2].record.seq);
        row_items_free(&items);
    }
    free_rows(row);
    rows_free(rows);
}

static void a_large_dead_letter_is_cut(void **state) {
    (void)state;
    struct place places[1] = {{.epoch = 1}};
    struct rows *rows = rows_new(places);
    struct row_items items = {0};
    struct err err = {0};
    size_t n = 3 * (size_t)RECORD_MAX;
    char *value = calloc(1, n);
    rows_add_letter(rows, 0,
                    &(struct row_letter){.why = ERR_DECODE, .detail = "x", .value = value, .value_len = n});
    assert_int_equal(commit(rows), 1);
    struct row *row = rows_take(rows);
    assert_int_equal(row_decode(row->bytes, row->n, &items, &err), ERR_OK);
    assert_int_equal(items.items[0].letter.value_len, RECORD_MAX);
    assert_int_equal(items.items[0].letter.bytes, n);
    assert_int_equal(strlen(items.items[0].letter.sha256), 64);
    row_items_free(&items);
    free_rows(row);
    free(value);
    rows_free(rows);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_partition_has_its_numbers),
        cmocka_unit_test(a_row_has_at_most_what_a_transaction_may_have),
        cmocka_unit_test(event_and_state_stay_together),
        cmocka_unit_test(a_large_dead_letter_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
