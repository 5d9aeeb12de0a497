/* A unit's rows in PostgreSQL: shared by postgres*.c. */
#ifndef USHER_SQL_UNIT_POSTGRES_H
#define USHER_SQL_UNIT_POSTGRES_H

#include "sql/pg_rows.h"
#include "sql/unit/unit_private.h"

/* A row's first two cells, or its first; the caller adds the others. */
void postgres_row(struct pg_rows *r, const char *workspace, const char *id);
void postgres_row_of(struct pg_rows *r, const char *workspace);
/* Sends the statement where there are rows. Counts sent statements. */
void postgres_rows_send(struct pg_rows *r, struct unit *u, size_t *sent);

/* Columns of a result. NULL for NULL. */
const char *postgres_text(const struct db_result *r, size_t row, int col);
void postgres_id(const struct db_result *r, size_t row, int col, char out[37]);
struct unit_workspace *postgres_workspace_of(struct unit *u, const struct db_result *r, size_t row, int col);

/* postgres_control.c: credentials, logins, guards. */
void postgres_take_control(struct unit *u, enum unit_kind kind, const struct db_result *r, size_t row);
void postgres_store_control(struct unit *u, size_t *sent);
/* postgres_workspace.c */
const char *postgres_workspace_sql(void);
void postgres_take_workspace(struct unit *u, const struct db_result *r, size_t row);
void postgres_store_workspaces(struct unit *u, size_t *sent);
enum err_code postgres_count_keys(struct unit *u, const struct unit_workspace *w, int64_t *n,
                                  struct err *err);
enum err_code postgres_name_free(struct unit *u, const char *name, bool *is_free, struct err *err);
enum err_code postgres_count(struct unit *u, const struct unit_workspace *w, enum guard_kind kind, int64_t *n,
                             struct err *err);
enum err_code postgres_recount_seats(struct unit *u, const struct unit_workspace *w, bool on_login,
                                     struct unit_page *page, int64_t *n, struct err *err);
/* postgres_slices.c */
enum err_code postgres_see_members(struct unit *u, const struct unit_resource *room, bool names,
                                   struct unit_page *page, void (*fn)(const struct unit_seen *m, void *ctx),
                                   void *ctx, struct err *err);
enum err_code postgres_count_members(struct unit *u, const struct unit_resource *room, int64_t *n,
                                     struct err *err);
enum err_code postgres_known_users(struct unit *u, const struct unit_workspace *w,
                                   const struct unit_resource *room, const struct uuid_bytes *ids, size_t n,
                                   enum unit_known *known, struct err *err);
enum err_code postgres_plan(struct unit *u, struct unit_workspace *w, size_t limit, struct unit_plan *plan,
                            bool *found, struct err *err);
void postgres_store_plans(struct unit *u, size_t *sent);
/* postgres_store.c */
enum err_code postgres_commit(struct unit *u, struct err *err);

#endif
