/* Workspaces: their columns from the table of settings, and what is asked of a workspace as a whole: how many
 * users there are, and who has a seat. */
#include "sql/unit/postgres.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define COUNTERS 7 /* columns of a load before the settings */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct jbuf load_sql, insert_sql, update_sql; /* for the life of the process */

static void make_statements(void) {
    struct jbuf columns = {0}, values = {0}, assignments = {0};
    for (size_t i = 0; i < workspace_setting_count; i++) {
        const char *column = workspace_setting_table[i].column, *comma = i > 0 ? ", " : "";
        jb_printf(&columns, "%s%s", comma, column);
        jb_printf(&values, "%s$%zu", comma, i + 2);
        jb_printf(&assignments, "%s%s = $%zu", comma, column, i + 2);
    }
    SQL_FILL(&load_sql, sql_part_unit_load_workspaces, {"settings", columns.p});
    SQL_FILL(&insert_sql, sql_part_unit_workspace_insert, {"settings", columns.p}, {"values", values.p});
    SQL_FILL(&update_sql, sql_part_unit_workspace_update, {"assignments", assignments.p});
    jb_free(&columns);
    jb_free(&values);
    jb_free(&assignments);
}

const char *postgres_workspace_sql(void) {
    pthread_once(&once, make_statements);
    return load_sql.p;
}

void postgres_take_workspace(struct unit *u, const struct db_result *r, size_t row) {
    struct unit_workspace *w = postgres_workspace_of(u, r, row, 0);
    w->state = ROW_LOADED;
    w->seats_used = db_int(r, row, 1);
    w->membership_seq = db_int(r, row, 2);
    w->audit_seq = db_int(r, row, 3);
    w->events_seq = db_int(r, row, 4);
    w->users_total = db_int(r, row, 5);
    w->epoch = db_int(r, row, 6);
    memcpy(w->stored_counts, (const int64_t[]){w->seats_used, w->membership_seq, w->audit_seq, w->events_seq},
           sizeof w->stored_counts);
    for (size_t i = 0; i < workspace_setting_count; i++) {
        int col = (int)i + COUNTERS;
        workspace_setting_load(&w->settings, &workspace_setting_table[i],
                               db_is_null(r, row, col) ? NULL : db_text(r, row, col), u->arena);
    }
}

static void send_settings(struct unit *u, const struct unit_workspace *w, size_t *sent) {
    const char **params = arena_alloc(u->arena, (workspace_setting_count + 1) * sizeof *params);
    params[0] = w->id;
    for (size_t i = 0; i < workspace_setting_count; i++)
        params[i + 1] = workspace_setting_column(&w->settings, &workspace_setting_table[i], u->arena);
    pthread_once(&once, make_statements);
    db_queue_text(u->store.at, w->state == ROW_NEW ? insert_sql.p : update_sql.p,
                  (int)workspace_setting_count + 1, params);
    (*sent)++;
}

/* By how much the number of rows grew in this unit. */
static int64_t grown(const struct unit *u, enum unit_kind kind, const struct unit_workspace *w) {
    int64_t n = kind == UNIT_USERS ? w->users_more : w->rooms_more;
    for (const struct object *o = u->objects[kind]; o != NULL; o = o->next) {
        const struct unit_resource *r = o->p;
        if (r->workspace == w)
            n += (r->state == ROW_NEW) - (r->state == ROW_DELETED);
    }
    return n;
}

/* Only what has changed: commands that are known, or that are looked at before their decision, change
 * nothing. */
static void send_counts(struct unit *u, const struct unit_workspace *w, size_t *sent) {
    const int64_t counts[] = {w->seats_used, w->membership_seq,       w->audit_seq,
                              w->events_seq, grown(u, UNIT_USERS, w), grown(u, UNIT_ROOMS, w)};
    bool same = memcmp(counts, w->stored_counts, sizeof w->stored_counts) == 0;
    if (same && counts[4] == 0 && counts[5] == 0)
        return;
    enum { N = sizeof counts / sizeof *counts };
    const char *params[N + 1] = {w->id};
    char texts[N][24];
    for (int i = 0; i < N; i++) {
        snprintf(texts[i], sizeof texts[i], "%" PRId64, counts[i]);
        params[i + 1] = texts[i];
    }
    db_queue(u->store.at, SQL_UNIT_WORKSPACE_COUNTERS, params);
    (*sent)++;
}

/* One statement for each workspace: a batch has few of them, and each statement finds its row by its key. */
void postgres_store_workspaces(struct unit *u, size_t *sent) {
    for (const struct object *o = u->objects[UNIT_WORKSPACES]; o != NULL; o = o->next) {
        const struct unit_workspace *w = o->p;
        if (!row_alive(w->state))
            continue;
        if (w->state == ROW_NEW || w->settings_changed)
            send_settings(u, w, sent);
        send_counts(u, w, sent);
    }
}

/* ---- the whole workspace ---- */

static enum err_code ask_number(struct unit *u, enum statement statement, const char *const *params,
                                int64_t *out, struct err *err) {
    struct db_result *r;
    if (db_run(u->store.at, statement, params, &r, err) != ERR_OK)
        return err->code;
    *out = db_int(r, 0, 0);
    db_results_free(&r, 1);
    return ERR_OK;
}

enum err_code postgres_count(struct unit *u, const struct unit_workspace *w, enum guard_kind kind, int64_t *n,
                             struct err *err) {
    const char *params[] = {w->id};
    return ask_number(u,
                      kind == GUARD_USERS ? SQL_UNIT_WORKSPACE_COUNT_USERS : SQL_UNIT_WORKSPACE_COUNT_MEMBERS,
                      params, n, err);
}

enum err_code postgres_count_keys(struct unit *u, const struct unit_workspace *w, int64_t *n,
                                  struct err *err) {
    const char *params[] = {w->id};
    return ask_number(u, SQL_UNIT_WORKSPACE_COUNT_KEYS, params, n, err);
}

enum err_code postgres_recount_seats(struct unit *u, const struct unit_workspace *w, bool on_login,
                                     struct unit_page *page, int64_t *n, struct err *err) {
    char limit[24];
    const char *params[] = {w->id, on_login ? "t" : "f", page->after, limit};
    struct db_result *r;
    snprintf(limit, sizeof limit, "%zu", page->limit);
    if (db_run(u->store.at, SQL_UNIT_WORKSPACE_RECOUNT_SEATS, params, &r, err) != ERR_OK)
        return err->code;
    *n = db_int(r, 0, 0);
    page->n = (size_t)db_int(r, 0, 1);
    if (page->n > 0)
        postgres_id(r, 0, 2, page->after);
    db_results_free(&r, 1);
    return ERR_OK;
}

enum err_code postgres_name_free(struct unit *u, const char *name, bool *is_free, struct err *err) {
    const char *params[] = {name};
    struct db_result *r;
    if (db_run(u->store.at, SQL_UNIT_WORKSPACE_NAME_FREE, params, &r, err) != ERR_OK)
        return err->code;
    *is_free = db_bool(r, 0, 0);
    db_results_free(&r, 1);
    return ERR_OK;
}
