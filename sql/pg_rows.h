/* Rows as parameters of a set-based statement: an array a column, in binary form, which PostgreSQL takes in
 * for a fraction of what texts of arrays cost. The columns' types are those of the statement's comment. A set
 * that stays empty costs nothing: most of a commit's twenty-odd sets do. */
#ifndef USHER_SQL_PG_ROWS_H
#define USHER_SQL_PG_ROWS_H

#include "ops/runtime/jbuf.h"
#include "sql/db.h"

#define PG_ROWS_COLUMNS 24

/* Begins as {.statement = …}; its first parameters are arrays. Ends with pg_rows_queue, or pg_rows_free. */
struct pg_rows {
    enum statement statement;
    size_t n; /* rows */
    int ncolumns, at;
    unsigned char types[PG_ROWS_COLUMNS];
    struct jbuf column[PG_ROWS_COLUMNS];
};

/* The next row. Its cells follow, one for each column. */
void pg_rows_next(struct pg_rows *r);
/* What does not fit its column is refused by PostgreSQL (ERR_DB_DATA): a text that is no UUID in a column of
 * them, a number that is too large. NULL is SQL NULL. */
void pg_cell_text(struct pg_rows *r, const char *s); /* text, or uuid */
void pg_cell_int(struct pg_rows *r, int64_t v);      /* bigint, integer, smallint */
void pg_cell_bool(struct pg_rows *r, bool v);
void pg_cell_bytes(struct pg_rows *r, const void *p, size_t n); /* bytea */
void pg_cell_null(struct pg_rows *r);

/* Queues the statement where there are rows, and says whether it did. more: parameters behind the arrays, in
 * text form, as many as the statement has. Frees the rows. */
bool pg_rows_queue(struct pg_rows *r, struct db *db, const char *const *more);
void pg_rows_free(struct pg_rows *r);

#endif
