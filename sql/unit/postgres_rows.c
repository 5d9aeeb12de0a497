/* Rows of a unit on their way to PostgreSQL. */
#include "sql/unit/postgres.h"

void postgres_row_of(struct pg_rows *r, const char *workspace) {
    pg_rows_next(r);
    pg_cell_text(r, workspace);
}

void postgres_row(struct pg_rows *r, const char *workspace, const char *id) {
    postgres_row_of(r, workspace);
    pg_cell_text(r, id);
}

void postgres_rows_send(struct pg_rows *r, struct unit *u, size_t *sent) {
    *sent += pg_rows_queue(r, u->store.at, NULL);
}
