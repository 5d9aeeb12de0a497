/* Workspaces as objects of a unit, their columns from the table of settings, and what is asked of a workspace
 * as a whole: how many users there are, and who has a seat. */
#include "sql/unit/unit_private.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

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

const char *unit_workspace_sql(void) {
    pthread_once(&once, make_statements);
    return load_sql.p;
}

void unit_take_workspace(struct unit *u, const struct db_result *r, size_t row) {
    struct unit_workspace *w = unit_find(u, UNIT_WORKSPACES, NULL, db_text(r, row, 0), "");
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
    db_send(u->db, w->state == ROW_NEW ? insert_sql.p : update_sql.p, (int)workspace_setting_count + 1,
            params);
    (*sent)++;
}

/* How many more there are now than the database knows. */
static int64_t grown(const struct unit *u, enum unit_kind kind, const struct unit_workspace *w) {
    int64_t n = 0;
    for (const struct object *o = u->objects[kind]; o; o = o->next) {
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
    db_send(u->db, count_sql, N + 1, params);
    (*sent)++;
}

/* One statement each: a batch has few, and each finds its row by its key. */
void unit_store_workspaces(struct unit *u, size_t *sent) {
    for (const struct object *o = u->objects[UNIT_WORKSPACES]; o; o = o->next) {
        const struct unit_workspace *w = o->p;
        if (!row_alive(w->state))
            continue;
        if (w->state == ROW_NEW || w->settings_changed)
            send_settings(u, w, sent);
        send_counts(u, w, sent);
    }
}

/* ---- the whole workspace ---- */

static bool ask(struct unit *u, const char *sql, int nparams, const char *const *params, int64_t *out) {
    struct db_result *r;
    if (u->err.code != ERR_OK)
        return false;
    if (db_run(u->db, sql, nparams, params, &r, &u->err) != ERR_OK) {
        u->begun = false;
        return false;
    }
    if (out)
        *out = db_int(r, 0, 0);
    db_results_free(&r, 1);
    return true;
}

static bool seen(const struct unit_member *m, bool stored) {
    return stored ? m->was_present && !m->was_held : m->present && !m->held;
}

int64_t unit_count(struct unit *u, struct unit_workspace *w, enum guard_kind kind) {
    static const char *const sql[GUARD_KINDS] = {
        [GUARD_USERS] = "SELECT count(*) FROM users WHERE workspace_id = $1::uuid AND active",
        [GUARD_MEMBERS] = "SELECT count(*) FROM members WHERE workspace_id = $1::uuid AND NOT held"};
    const char *params[] = {w->id};
    int64_t n;
    if (!ask(u, sql[kind], 1, params, &n))
        return -1;
    const struct object *o = u->objects[kind == GUARD_USERS ? UNIT_USERS : UNIT_MEMBERS];
    for (; o; o = o->next) { /* what the batch has changed so far is not in the database yet */
        const struct unit_resource *r = o->p;
        const struct unit_member *m = o->p;
        if (kind == GUARD_USERS && r->workspace == w)
            n += (row_alive(r->state) && r->active) - r->stored_active;
        else if (kind == GUARD_MEMBERS && m->room->workspace == w)
            n += seen(m, false) - seen(m, true);
    }
    return n;
}

/* Does the workspace's mode give this user a seat? stored: as the database knows user and logins. */
static bool has_seat(struct unit *u, const struct unit_resource *r, bool on_login, bool stored) {
    const struct unit_login *l = on_login ? unit_find(u, UNIT_LOGINS, r->workspace, r->id, "") : NULL;
    bool active = stored ? r->stored_active : row_alive(r->state) && r->active;
    bool login = l && (stored ? l->state == ROW_LOADED || l->state == ROW_CHANGED : row_alive(l->state));
    return active && (!on_login || login);
}

bool unit_recount_seats(struct unit *u, struct unit_workspace *w) {
    static const char sql[] =
        "WITH changed AS (UPDATE users u SET seat = NOT seat WHERE workspace_id = $1::uuid AND seat <> "
        "(active AND (NOT $2::bool OR EXISTS (SELECT FROM logins l WHERE l.workspace_id = u.workspace_id "
        "AND l.user_id = u.id))) RETURNING seat) "
        "SELECT (SELECT count(*) FROM users WHERE workspace_id = $1::uuid AND seat) + "
        "coalesce(sum(CASE WHEN seat THEN 1 ELSE -1 END), 0) FROM changed";
    bool on_login = strcmp(w->settings.seat_mode, "on_first_login") == 0;
    const char *params[] = {w->id, on_login ? "t" : "f"};
    int64_t n;
    for (const struct object *o = u->objects[UNIT_USERS]; on_login && o; o = o->next)
        if (((const struct unit_resource *)o->p)->workspace == w)
            unit_want_login(u, w, ((const struct unit_resource *)o->p)->id);
    if (u->err.code != ERR_OK || unit_fetch(u, &u->err) != ERR_OK || !ask(u, sql, 2, params, &n))
        return false;
    for (const struct object *o = u->objects[UNIT_USERS]; o; o = o->next) {
        struct unit_resource *r = o->p;
        if (r->workspace != w)
            continue;
        r->stored_seat = has_seat(u, r, on_login, true);
        r->seat = has_seat(u, r, on_login, false);
        n += r->seat - r->stored_seat;
    }
    w->seats_used = n;
    return true;
}
