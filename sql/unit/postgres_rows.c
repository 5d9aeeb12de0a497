/* Parameters of set-based statements: one array a column. */
#include "sql/pg_array.h"
#include "sql/unit/postgres.h"

void postgres_rows_begin(struct postgres_rows *r, int ncolumns) {
    *r = (struct postgres_rows){.ncolumns = ncolumns};
    for (int i = 0; i < ncolumns; i++)
        pg_array_begin(&r->column[i]);
}

void postgres_rows_add(struct postgres_rows *r, const char *workspace, const char *id) {
    pg_array_word(&r->column[0], workspace);
    pg_array_word(&r->column[1], id);
    r->n++;
}

void postgres_rows_send(struct postgres_rows *r, struct unit *u, const char *sql, size_t *sent) {
    const char *params[POSTGRES_MAX_COLUMNS];
    for (int i = 0; i < r->ncolumns; i++) {
        pg_array_end(&r->column[i]);
        params[i] = r->column[i].p;
    }
    if (r->n) {
        db_send(u->store.at, sql, r->ncolumns, params);
        (*sent)++;
    }
    for (int i = 0; i < r->ncolumns; i++)
        jb_free(&r->column[i]);
}
