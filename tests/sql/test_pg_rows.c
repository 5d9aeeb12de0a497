/* Rows as arrays in binary form: each cell as PostgreSQL wants it, and what does not fit as something that it
 * refuses. That PostgreSQL takes them is shown by every suite that stores something. */
#include "sql/pg_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define ID "018f3b6e-7c11-7a2b-9d3e-5a1b2c3d4e5f"
#define HEAD 20

/* What stands in a column behind the place `at`, which moves on. */
static void expect(const struct pg_rows *r, int column, size_t *at, const void *bytes, size_t n) {
    const struct jbuf *b = &r->column[column];
    assert_true(b->n >= *at + n);
    assert_memory_equal(b->p + *at, bytes, n);
    *at += n;
}
#define EXPECT(r, column, at, text) expect(r, column, at, text, sizeof(text) - 1)

/* $1 uuid[], $2 smallint[], $3 integer[], $4 bigint[], $5 text[], $6 bytea[] */
static void row(struct pg_rows *r, const char *id, int64_t n, const char *text) {
    pg_rows_next(r);
    pg_cell_text(r, id);
    pg_cell_int(r, n);
    pg_cell_int(r, n);
    pg_cell_int(r, n);
    pg_cell_text(r, text);
    pg_cell_bytes(r, "\x00\xff", 2);
}

static void each_type_has_its_form(void **state) {
    (void)state;
    struct pg_rows r = {.statement = SQL_ARCHIVE_ASIDE};
    row(&r, ID, -2, "a\"b");
    row(&r, NULL, 258, NULL);
    assert_int_equal(r.n, 2);
    assert_int_equal(r.ncolumns, 6);
    size_t at = HEAD;
    EXPECT(&r, 0, &at,
           "\0\0\0\x10\x01\x8f\x3b\x6e\x7c\x11\x7a\x2b\x9d\x3e\x5a\x1b\x2c\x3d\x4e\x5f\xff\xff\xff\xff");
    at = HEAD;
    EXPECT(&r, 1, &at, "\0\0\0\x02\xff\xfe\0\0\0\x02\x01\x02");
    at = HEAD;
    EXPECT(&r, 2, &at, "\0\0\0\x04\xff\xff\xff\xfe\0\0\0\x04\0\0\x01\x02");
    at = HEAD;
    EXPECT(&r, 3, &at, "\0\0\0\x08\xff\xff\xff\xff\xff\xff\xff\xfe\0\0\0\x08\0\0\0\0\0\0\x01\x02");
    at = HEAD;
    EXPECT(&r, 4, &at,
           "\0\0\0\x03"
           "a\"b\xff\xff\xff\xff");
    at = HEAD;
    EXPECT(&r, 5, &at, "\0\0\0\x02\x00\xff\0\0\0\x02\x00\xff");
    pg_rows_free(&r);
}

static void what_does_not_fit_is_too_long_to_be_taken(void **state) {
    (void)state;
    struct pg_rows r = {.statement = SQL_ARCHIVE_ASIDE};
    row(&r, "018f3b6e-7c11-7a2b-9d3e", 32768, "");
    row(&r, "", -32769, "");
    size_t at = HEAD;
    EXPECT(&r, 0, &at, "\0\0\0\x11"); /* 17 bytes, where 16 are due */
    at = HEAD;
    EXPECT(&r, 1, &at, "\0\0\0\x09"); /* 9 bytes, where 2 are due */
    at += 9;
    EXPECT(&r, 1, &at, "\0\0\0\x09");
    at = HEAD;
    EXPECT(&r, 2, &at, "\0\0\0\x04\0\0\x80\0\0\0\0\x04\xff\xff\x7f\xff");
    pg_rows_free(&r);
}

static void bounds_fit(void **state) {
    (void)state;
    struct pg_rows r = {.statement = SQL_ARCHIVE_ASIDE};
    row(&r, ID, INT16_MAX, "");
    row(&r, ID, INT16_MIN, "");
    size_t at = HEAD;
    EXPECT(&r, 1, &at, "\0\0\0\x02\x7f\xff\0\0\0\x02\x80\0");
    pg_rows_free(&r);
}

static void parameters_behind_the_arrays_are_no_columns(void **state) {
    (void)state;
    struct pg_rows r = {.statement = SQL_UNIT_STORE_ROOM_TOUCH};
    pg_rows_next(&r);
    assert_int_equal(r.ncolumns, 2);
    pg_cell_text(&r, ID);
    pg_cell_text(&r, ID);
    pg_rows_free(&r);
    assert_int_equal(r.n, 0);
    assert_null(r.column[0].p);
}

static void no_rows_queue_nothing(void **state) {
    (void)state;
    struct pg_rows r = {.statement = SQL_ARCHIVE_ASIDE};
    assert_false(pg_rows_queue(&r, NULL, NULL));
}

/* So that a statement with a column of another type is found here, and not when it is used. */
static void every_statement_that_is_sent_so_has_types_that_are_known(void **state) {
    (void)state;
    static const enum statement sent[] = {SQL_ARCHIVE_CHANGES,
                                          SQL_ARCHIVE_REQUESTS,
                                          SQL_ARCHIVE_HASHES,
                                          SQL_ARCHIVE_TREES,
                                          SQL_ARCHIVE_GAPS,
                                          SQL_ARCHIVE_ACTIVITY_MINUTE,
                                          SQL_ARCHIVE_SOURCES,
                                          SQL_ARCHIVE_MOVE,
                                          SQL_UNIT_STORE_USER_INSERT,
                                          SQL_UNIT_STORE_ROOM_INSERT,
                                          SQL_UNIT_STORE_CLAIMS,
                                          SQL_UNIT_STORE_BULK,
                                          SQL_UNIT_CONTROL_STORE_KEYS,
                                          SQL_UNIT_CONTROL_STORE_OWNERS,
                                          SQL_UNIT_CONTROL_STORE_GUARDS};
    for (size_t i = 0; i < sizeof sent / sizeof *sent; i++) {
        struct pg_rows r = {.statement = sent[i]};
        pg_rows_next(&r);
        assert_int_equal(r.ncolumns, statement_texts[sent[i]].nparams);
        for (int c = 0; c < r.ncolumns; c++)
            pg_cell_null(&r);
        pg_rows_free(&r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_has_its_form),
        cmocka_unit_test(what_does_not_fit_is_too_long_to_be_taken),
        cmocka_unit_test(bounds_fit),
        cmocka_unit_test(parameters_behind_the_arrays_are_no_columns),
        cmocka_unit_test(no_rows_queue_nothing),
        cmocka_unit_test(every_statement_that_is_sent_so_has_types_that_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
