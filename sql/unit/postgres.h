/* A unit's rows in PostgreSQL: shared by postgres*.c. */
#ifndef USHER_SQL_UNIT_POSTGRES_H
#define USHER_SQL_UNIT_POSTGRES_H

#include "ops/runtime/jbuf.h"
#include "sql/db.h"
#include "sql/unit/unit_private.h"

/* Arrays of one statement's parameters, column by column. Begins as {.ncolumns = n}; the arrays begin with
 * the first row. */
#define POSTGRES_MAX_COLUMNS 15
struct postgres_rows {
    struct jbuf column[POSTGRES_MAX_COLUMNS];
    int ncolumns;
    size_t n;
};
/* A row's first two columns; the caller adds the others. */
void postgres_rows_add(struct postgres_rows *r, const char *workspace, const char *id);
/* Sends the statement and frees the arrays; nothing where there are no rows. Counts sent statements. */
void postgres_rows_send(struct postgres_rows *r, struct unit *u, const char *sql, size_t *sent);
/* The same in parts, for statements with further parameters. There must be rows. */
void postgres_rows_end(struct postgres_rows *r, const char *params[]);
void postgres_rows_free(struct postgres_rows *r);

/* For loads and stores: a bigint of microseconds since 1970 from a timestamptz, and back. */
#define POSTGRES_MICROS(column) "(extract(epoch FROM " column ") * 1000000)::bigint"
#define POSTGRES_TIME(micros) "CASE WHEN " micros " > 0 THEN to_timestamp(" micros " / 1000000.0) END"
/* For each row of `a` the rows of a table that match, found through an index of all the columns named. OFFSET
 * 0 keeps the planner from turning the join round: on a young table, which it takes for empty, it would read
 * all of a workspace's rows to find these few, and keep that plan. */
#define POSTGRES_EACH(table, condition)                                                                      \
    " CROSS JOIN LATERAL (SELECT * FROM " table " t WHERE t.workspace_id = a.w AND " condition " OFFSET 0) "

/* Columns of a result. NULL for NULL. */
const char *postgres_text(const struct db_result *r, size_t row, int col);
void postgres_id(const struct db_result *r, size_t row, int col, char out[37]);
struct unit_workspace *postgres_workspace_of(struct unit *u, const struct db_result *r, size_t row, int col);

/* postgres_control.c: credentials, logins, guards. */
extern const char postgres_keys_sql[], postgres_owners_sql[], postgres_logins_sql[], postgres_guards_sql[];
void postgres_take_control(struct unit *u, enum unit_kind kind, const struct db_result *r, size_t row);
void postgres_store_control(struct unit *u, size_t *sent);
/* postgres_workspace.c */
const char *postgres_workspace_sql(void);
void postgres_take_workspace(struct unit *u, const struct db_result *r, size_t row);
void postgres_store_workspaces(struct unit *u, size_t *sent);
enum err_code postgres_name_free(struct unit *u, const char *name, bool *is_free, struct err *err);
enum err_code postgres_count(struct unit *u, const struct unit_workspace *w, enum guard_kind kind, int64_t *n,
                             struct err *err);
enum err_code postgres_recount_seats(struct unit *u, const struct unit_workspace *w, bool on_login,
                                     int64_t *n, struct err *err);
/* postgres_store.c */
enum err_code postgres_commit(struct unit *u, struct err *err);

#endif
