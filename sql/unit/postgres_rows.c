/* Parameters of set-based statements: one array a column. A set of rows that stays empty costs nothing: most
 * of a commit's twenty-odd sets do. */
#include "sql/pg_array.h"
#include "sql/unit/postgres.h"

#include <assert.h>

void postgres_rows_add(struct postgres_rows *r, const char *workspace, const char *id) {
    for (int i = 0; r->n == 0 && i < r->ncolumns; i++)
        pg_array_begin(&r->column[i]);
    pg_array_word(&r->column[0], workspace);
    if (id != NULL)
        pg_array_word(&r->column[1], id);
    r->n++;
}

void postgres_rows_end(struct postgres_rows *r, const char *params[]) {
    assert(r->n > 0);
    for (int i = 0; i < r->ncolumns; i++) {
        pg_array_end(&r->column[i]);
        params[i] = r->column[i].p;
    }
}

void postgres_rows_free(struct postgres_rows *r) {
    for (int i = 0; i < r->ncolumns; i++)
        jb_free(&r->column[i]);
}

void postgres_rows_send(struct postgres_rows *r, struct unit *u, enum statement statement, size_t *sent) {
    const char *params[POSTGRES_MAX_COLUMNS];
    if (r->n == 0)
        return;
    postgres_rows_end(r, params);
    db_queue(u->store.at, statement, params);
    (*sent)++;
    postgres_rows_free(r);
}
