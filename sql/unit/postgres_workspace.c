/* Workspaces: their columns from the table of settings, and what is asked of a workspace as a whole: how many
 * users there are, and who has a seat. */
#include "sql/unit/postgres.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#define COUNTERS 5 /* columns of a load before the settings */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct jbuf load_sql, insert_sql, update_sql; /* for the life of the process */

static void make_statements(void) {
    struct jbuf values = {0};
    jb_raw(&load_sql, "SELECT workspace_id, seats_used, membership_seq, audit_seq, events_seq");
    jb_raw(&insert_sql, "INSERT INTO workspaces (workspace_id");
    jb_raw(&update_sql, "UPDATE workspaces SET modified = now()");
    for (size_t i = 0; i < workspace_setting_count; i++) {
        const char *column = workspace_setting_table[i].column;
        jb_printf(&load_sql, ", %s", column);
        jb_printf(&insert_sql, ", %s", column);
        jb_printf(&values, ", $%zu", i + 2);
        jb_printf(&update_sql, ", %s = $%zu", column, i + 2);
    }
    jb_raw(&load_sql, " FROM workspaces WHERE workspace_id = ANY ($1::uuid[]) ORDER BY workspace_id "
                      "FOR NO KEY UPDATE");
    jb_printf(&insert_sql, ") VALUES ($1%s)", values.p);
    jb_raw(&update_sql, " WHERE workspace_id = $1::uuid");
    jb_free(&values);
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
    for (size_t i = 0; i < workspace_setting_count; i++) {
        int col = (int)i + COUNTERS;
        workspace_setting_load(&w->settings, &workspace_setting_table[i],
                               db_is_null(r, row, col) ? NULL : db_text(r, row, col), u->arena);
    }
}

static const char count_sql[] =
    "UPDATE workspaces SET seats_used = $2::bigint, membership_seq = $3::bigint, audit_seq = $4::bigint, "
    "events_seq = $5::bigint, users_total = users_total + $6::bigint, rooms_total = rooms_total + $7::bigint "
    "WHERE workspace_id = $1::uuid";

static void send_settings(struct unit *u, const struct unit_workspace *w, size_t *sent) {
    const char **params = arena_alloc(u->arena, (workspace_setting_count + 1) * sizeof *params);
    params[0] = w->id;
    for (size_t i = 0; i < workspace_setting_count; i++)
        params[i + 1] = workspace_setting_column(&w->settings, &workspace_setting_table[i], u->arena);
    pthread_once(&once, make_statements);
    db_send(u->store.at, w->state == ROW_NEW ? insert_sql.p : update_sql.p, (int)workspace_setting_count + 1,
            params);
    (*sent)++;
}

/* How many more there are now than the database knows. */
static int64_t grown(const struct unit *u, enum unit_kind kind, const struct unit_workspace *w) {
    int64_t n = 0;
    for (const struct object *o = u->objects[kind]; o != NULL; o = o->next) {
        const struct unit_resource *r = o->p;
        if (r->workspace == w)
            n += (r->state == ROW_NEW) - (r->state == ROW_DELETED);
    }
    return n;
}

static void send_counts(struct unit *u, const struct unit_workspace *w, size_t *sent) {
    const int64_t counts[] = {w->seats_used, w->membership_seq,       w->audit_seq,
                              w->events_seq, grown(u, UNIT_USERS, w), grown(u, UNIT_ROOMS, w)};
    enum { N = sizeof counts / sizeof *counts };
    const char *params[N + 1] = {w->id};
    char texts[N][24];
    for (int i = 0; i < N; i++) {
        snprintf(texts[i], sizeof texts[i], "%" PRId64, counts[i]);
        params[i + 1] = texts[i];
    }
    db_send(u->store.at, count_sql, N + 1, params);
    (*sent)++;
}

/* One statement each: a batch has few, and each finds its row by its key. */
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

static enum err_code ask_number(struct unit *u, const char *sql, int nparams, const char *const *params,
                                int64_t *out, struct err *err) {
    struct db_result *r;
    if (db_run(u->store.at, sql, nparams, params, &r, err) != ERR_OK)
        return err->code;
    *out = db_int(r, 0, 0);
    db_results_free(&r, 1);
    return ERR_OK;
}

enum err_code postgres_count(struct unit *u, const struct unit_workspace *w, enum guard_kind kind, int64_t *n,
                             struct err *err) {
    static const char *const sql[GUARD_KINDS] = {
        [GUARD_USERS] = "SELECT count(*) FROM users WHERE workspace_id = $1::uuid AND active",
        [GUARD_MEMBERS] = "SELECT count(*) FROM members WHERE workspace_id = $1::uuid AND NOT held"};
    const char *params[] = {w->id};
    return ask_number(u, sql[kind], 1, params, n, err);
}

enum err_code postgres_recount_seats(struct unit *u, const struct unit_workspace *w, bool on_login,
                                     int64_t *n, struct err *err) {
    static const char sql[] =
        "WITH changed AS (UPDATE users u SET seat = NOT seat WHERE workspace_id = $1::uuid AND seat <> "
        "(active AND (NOT $2::bool OR EXISTS (SELECT FROM logins l WHERE l.workspace_id = u.workspace_id "
        "AND l.user_id = u.id))) RETURNING seat) "
        "SELECT (SELECT count(*) FROM users WHERE workspace_id = $1::uuid AND seat) + "
        "coalesce(sum(CASE WHEN seat THEN 1 ELSE -1 END), 0) FROM changed";
    const char *params[] = {w->id, on_login ? "t" : "f"};
    return ask_number(u, sql, 2, params, n, err);
}

enum err_code postgres_name_free(struct unit *u, const char *name, bool *is_free, struct err *err) {
    const char *params[] = {name};
    struct db_result *r;
    if (db_run(u->store.at, "SELECT workspace_name_free($1)", 1, params, &r, err) != ERR_OK)
        return err->code;
    *is_free = db_bool(r, 0, 0);
    db_results_free(&r, 1);
    return ERR_OK;
}
