#include "sql/ask/outbox.h"

#include "ops/runtime/mem.h"
#include "sql/pg_array.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define NUMBER 24 /* characters of one, and a NUL */

static const char *number_text(char out[NUMBER], int64_t v) {
    snprintf(out, NUMBER, "%" PRId64, v);
    return out;
}

enum err_code outbox_take(struct db *db, const int32_t *partitions, size_t n, struct outbox_taken *taken,
                          struct err *err) {
    struct jbuf list = {0};
    struct db_result *r = NULL;
    pg_array_begin(&list);
    for (size_t i = 0; i < n; i++)
        pg_array_int(&list, partitions[i]);
    pg_array_end(&list);
    const char *params[] = {list.p};
    enum err_code code = db_run(db, SQL_OUTBOX_TAKE, params, &r, err);
    jb_free(&list);
    if (code == ERR_OK && db_rows(r) != n)
        code = err_set(err, ERR_DB_BUG, "%zu of %zu partitions were taken", db_rows(r), n);
    for (size_t i = 0; code == ERR_OK && i < n; i++)
        taken[i] = (struct outbox_taken){.partition = (int32_t)db_int(r, i, 0),
                                         .epoch = db_int(r, i, 1),
                                         .from_offset = db_int(r, i, 2),
                                         .mark = db_int(r, i, 3),
                                         .positions = xstrdup(db_text(r, i, 4)),
                                         .last = db_int(r, i, 5)};
    db_results_free(&r, 1);
    return code;
}

enum err_code outbox_set_from_offset(struct db *db, int32_t partition, int64_t offset, struct err *err) {
    char partition_text[NUMBER], offset_text[NUMBER];
    const char *params[] = {number_text(partition_text, partition), number_text(offset_text, offset)};
    return db_run(db, SQL_OUTBOX_FROM_OFFSET, params, NULL, err);
}

enum err_code outbox_rows(struct db *db, int32_t partition, int64_t after, int64_t last, size_t bytes,
                          void (*fn)(void *arg, const struct outbox_row *row), void *arg, struct err *err) {
    char texts[4][NUMBER];
    const char *params[] = {number_text(texts[0], partition), number_text(texts[1], after),
                            number_text(texts[2], last), number_text(texts[3], (int64_t)bytes)};
    struct db_result *r;
    enum err_code code = db_run(db, SQL_OUTBOX_ROWS, params, &r, err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < db_rows(r); i++) {
        struct outbox_row row = {.number = db_int(r, i, 0), .waited_us = db_int(r, i, 1)};
        row.bytes = db_bytes(r, i, 2, &row.n);
        fn(arg, &row);
    }
    db_results_free(&r, 1);
    return ERR_OK;
}

enum err_code outbox_set_marks(struct db *db, const struct outbox_mark *marks, size_t n, struct err *err) {
    struct jbuf column[3] = {{0}};
    for (int c = 0; c < 3; c++)
        pg_array_begin(&column[c]);
    for (size_t i = 0; i < n; i++) {
        pg_array_int(&column[0], marks[i].partition);
        pg_array_int(&column[1], marks[i].number);
        pg_array_text(&column[2], marks[i].positions);
    }
    for (int c = 0; c < 3; c++)
        pg_array_end(&column[c]);
    const char *params[] = {column[0].p, column[1].p, column[2].p};
    enum err_code code = db_run(db, SQL_OUTBOX_MARK, params, NULL, err);
    for (int c = 0; c < 3; c++)
        jb_free(&column[c]);
    return code;
}

enum err_code outbox_turn_days(struct db *db, int *gone, struct err *err) {
    struct db_result *r;
    enum err_code code = db_run(db, SQL_OUTBOX_DAYS, NULL, &r, err);
    if (code != ERR_OK)
        return code;
    *gone = (int)db_int(r, 0, 0);
    db_results_free(&r, 1);
    return ERR_OK;
}
