#include "sql/ask/query.h"

#include "ops/runtime/jbuf.h"
#include "ops/runtime/mem.h"
#include "schemas/api/workspace_settings.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* LATERAL with OFFSET 0: by index, whatever the statistics say (read_sql.c). */
#define MICROS(t) "(extract(epoch FROM " t ") * 1000000)::bigint"

/* What a key has removed within the window as it is set now: buckets of a sixteenth of it, bucket b in slot
 * b mod 16 (workers/apply_guard.c). */
#define GUARD(what)                                                                                          \
    "SELECT g.base, g.tripped, (SELECT coalesce(sum(g.slots[(b % 16)::int + 1]), 0) FROM generate_series("   \
    "greatest(n.bucket - 15, g.head - 15, 0), least(g.head, n.bucket)) b) AS removed "                       \
    "FROM guard_windows g JOIN workspaces w ON w.workspace_id = g.workspace_id "                             \
    "CROSS JOIN LATERAL (SELECT floor(extract(epoch FROM now()) * 1000000 "                                  \
    "/ (w.guard_window * 1000000::bigint / 16))::bigint AS bucket) n "                                       \
    "WHERE g.workspace_id = $1::uuid AND g.key_id = k.id AND g.kind = '" what "'"

static const struct {
    const char *sql; /* $1 is the workspace */
    int nparams, ncells;
} forms[QUERY_KINDS] = {
    [QUERY_MEMBERS] =
        {"SELECT w.membership_seq, r.id IS NOT NULL, m.user_id, m.user_name, m.display_name, m.transmit, "
         "m.since FROM workspaces w "
         "LEFT JOIN LATERAL (SELECT z.id FROM rooms z WHERE z.workspace_id = $1::uuid AND z.id = $2::uuid "
         "OFFSET 0) r ON true "
         "LEFT JOIN LATERAL (SELECT p.user_id, u.user_name, u.display_name, p.transmit, " MICROS(
             "p.created") " AS since "
                          "FROM (SELECT * FROM members x WHERE x.workspace_id = $1::uuid AND x.room_id = "
                          "$2::uuid AND NOT x.held "
                          "AND x.user_id > coalesce($3::uuid, '00000000-0000-0000-0000-000000000000') "
                          "ORDER BY x.user_id LIMIT $4::int) p "
                          "CROSS JOIN LATERAL (SELECT * FROM users z WHERE z.workspace_id = $1::uuid AND "
                          "z.id = p.user_id OFFSET 0) u "
                          "ORDER BY p.user_id) m ON r.id IS NOT NULL "
                          "WHERE w.workspace_id = $1::uuid ORDER BY m.user_id",
         4, 7},
    [QUERY_ROOMS] =
        {"SELECT u.id IS NOT NULL, m.room_id, m.name, m.transmit, m.since FROM workspaces w "
         "LEFT JOIN LATERAL (SELECT z.id FROM users z WHERE z.workspace_id = $1::uuid AND z.id = $2::uuid "
         "OFFSET 0) u ON true "
         "LEFT JOIN LATERAL (SELECT p.room_id, r.display_name AS name, p.transmit, " MICROS(
             "p.created") " AS since "
                          "FROM (SELECT * FROM members x WHERE x.workspace_id = $1::uuid AND x.user_id = "
                          "$2::uuid AND NOT x.held "
                          "AND x.room_id > coalesce($3::uuid, '00000000-0000-0000-0000-000000000000') "
                          "ORDER BY x.room_id LIMIT $4::int) p "
                          "CROSS JOIN LATERAL (SELECT * FROM rooms z WHERE z.workspace_id = $1::uuid AND "
                          "z.id = p.room_id OFFSET 0) r "
                          "ORDER BY p.room_id) m ON u.id IS NOT NULL "
                          "WHERE w.workspace_id = $1::uuid ORDER BY m.room_id",
         4, 5},
    [QUERY_MEMBER] =
        {"SELECT r.id IS NOT NULL, u.id, u.user_name, u.display_name, m.transmit, m.held, m.since "
         "FROM workspaces w "
         "LEFT JOIN LATERAL (SELECT z.id FROM rooms z WHERE z.workspace_id = $1::uuid AND z.id = $2::uuid "
         "OFFSET 0) r ON true "
         "LEFT JOIN LATERAL (SELECT z.id, z.user_name, z.display_name FROM users z WHERE z.workspace_id = "
         "$1::uuid AND z.id = $3::uuid OFFSET 0) u ON true "
         "LEFT JOIN LATERAL (SELECT z.transmit, z.held, " MICROS(
             "z.created") " AS since FROM members z WHERE z.workspace_id = $1::uuid AND z.room_id = "
                          "$2::uuid AND z.user_id = $3::uuid OFFSET 0) m ON true "
                          "WHERE w.workspace_id = $1::uuid",
         3, 7},
    [QUERY_USER_NAMED] = {"SELECT u.id FROM users u WHERE u.workspace_id = $1::uuid AND u.user_name_key = $2",
                          2, 1},
    [QUERY_USER_EXTERNAL] =
        {"SELECT u.id FROM users u WHERE u.workspace_id = $1::uuid AND u.external_id = $2 "
         "LIMIT 2",
         2, 1},
    [QUERY_OPERATION] = {"SELECT txn, type, at_us, outcome FROM command_find($1::uuid, $2::uuid)", 2, 4},
    [QUERY_KEYS] =
        {"SELECT k.id, k.name, k.prefix, to_json(k.scopes)::text, k.dialect, to_json(k.networks)::text, "
         "k.rate_limit, " MICROS("k.created") ", k.created_by, " MICROS("k.expires") ", CASE WHEN k.old_until > now() THEN " MICROS(
             "k.old_until") " END, " MICROS("k.revoked") ", k.revoked_by, " MICROS("r.last_used") " FROM keys k LEFT JOIN key_rates r "
                                                                                                  "ON r.workspace_id = k.workspace_id AND r.key_id = k.id "
                                                                                                  "WHERE k.workspace_id = $1::uuid AND ($2::uuid IS NULL OR k.id = $2::uuid) "
                                                                                                  "AND ($3::uuid IS NULL OR k.id > $3::uuid) ORDER BY k.id LIMIT $4::int",
         4, 14},
    [QUERY_OWNERS] =
        {"SELECT o.id, o.name, o.role, o.prefix, " MICROS("o.created") ", o.created_by, " MICROS("o.expires") ", " MICROS(
             "o.revoked") ", o.revoked_by, " MICROS("r.last_used") " FROM owners o LEFT JOIN key_rates r ON r.workspace_id = o.workspace_id AND r.key_id = o.id "
                                                                   "WHERE o.workspace_id = $1::uuid AND ($2::uuid IS NULL OR o.id = $2::uuid) "
                                                                   "AND ($3::uuid IS NULL OR o.id > $3::uuid) ORDER BY o.id LIMIT $4::int",
         4, 10},
    [QUERY_GUARDS] =
        {"SELECT k.id, k.name, u.removed, u.base, " MICROS("u.tripped") ", m.removed, m.base, " MICROS("m.tripped") " FROM keys k LEFT JOIN LATERAL (" GUARD(
             "users") ") u ON true "
                      "LEFT JOIN LATERAL (" GUARD(
                          "members") ") m ON true "
                                     "WHERE k.workspace_id = $1::uuid AND ($2::uuid IS NULL OR k.id > $2::uuid) "
                                     "AND (u.base IS NOT NULL OR m.base IS NOT NULL) ORDER BY k.id LIMIT $3::int",
         3, 8},
    [QUERY_ACTIVITY] = {"SELECT txn, type, at_us, outcome FROM command_recent($1::uuid, $2::uuid, $3::int)",
                        3, 4},
};

/* Made once, since its columns are the settings'. */
static char *workspace_sql;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_workspace_sql(void) {
    struct jbuf sql = {0};
    jb_raw(&sql, "SELECT ");
    for (size_t i = 0; i < workspace_setting_count; i++)
        jb_printf(&sql, "w.%s, ", workspace_setting_table[i].column);
    jb_raw(&sql, MICROS("w.created") ", w.seats_used FROM workspaces w WHERE w.workspace_id = $1::uuid");
    workspace_sql = jb_take(&sql);
}

static const char context_sql[] = "SELECT set_config('usher.workspace', '{' || $1 || '}', true)";

static int cells(const struct db_query *q) {
    return q->kind == QUERY_WORKSPACE ? (int)workspace_setting_count + 2 : forms[q->kind].ncells;
}

static void take(struct db_query *q, const struct db_result *r) {
    size_t n = db_rows(r);
    q->rows = arena_alloc(q->arena, (n + 1) * sizeof *q->rows);
    for (size_t row = 0; row < n; row++)
        for (int col = 0; col < cells(q); col++)
            q->rows[row][col] = db_is_null(r, row, col) ? NULL : arena_strdup(q->arena, db_text(r, row, col));
    q->nrows = n;
}

/* Sends it, with the context of its workspace unless that stands already; gives the number of statements. */
static size_t send(struct db *db, const struct db_query *q, const struct db_query *before) {
    const char *params[] = {q->workspace, q->p[0], q->p[1], q->p[2], q->p[3]};
    bool same = before != NULL && strcmp(q->workspace, before->workspace) == 0;
    if (!same)
        db_send(db, context_sql, 1, params);
    if (q->kind == QUERY_WORKSPACE)
        db_send(db, workspace_sql, 1, params);
    else
        db_send(db, forms[q->kind].sql, forms[q->kind].nparams, params);
    return same ? 1 : 2;
}

enum err_code db_query_batch(struct db *db, struct db_query *const *queries, size_t n, struct err *err) {
    struct db_result **results = xcalloc(2 * n + 2, sizeof *results);
    size_t *at = xcalloc(n + 1, sizeof *at), steps = 1;
    pthread_once(&once, make_workspace_sql);
    db_send(db, "BEGIN READ ONLY", 0, NULL);
    for (size_t i = 0; i < n; i++) {
        steps += send(db, queries[i], i > 0 ? queries[i - 1] : NULL);
        at[i] = steps - 1;
    }
    db_send(db, "COMMIT", 0, NULL);
    steps++;
    enum err_code code = db_flush(db, results, steps, NULL, err);
    for (size_t i = 0; i < n; i++) {
        queries[i]->nrows = 0;
        if (code == ERR_OK)
            take(queries[i], results[at[i]]);
    }
    db_results_free(results, steps);
    free(results);
    free(at);
    return code;
}

int64_t db_cell_int(const char *cell) {
    return cell != NULL ? strtoll(cell, NULL, 10) : 0;
}

bool db_cell_bool(const char *cell) {
    return cell != NULL && cell[0] == 't';
}
