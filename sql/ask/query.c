#include "sql/ask/query.h"

#include "ops/runtime/jbuf.h"
#include "ops/runtime/mem.h"
#include "schemas/api/workspace_settings.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Of each kind the statement, and the columns of its rows. */
static const struct {
    enum statement statement;
    int ncells;
} forms[QUERY_KINDS] = {
    [QUERY_MEMBERS] = {SQL_QUERY_MEMBERS, COL_MEMBERS_COLUMNS},
    [QUERY_ROOMS] = {SQL_QUERY_ROOMS, COL_ROOMS_COLUMNS},
    [QUERY_MEMBER] = {SQL_QUERY_MEMBER, COL_MEMBER_COLUMNS},
    [QUERY_MANAGER] = {SQL_QUERY_MANAGER, COL_MANAGER_COLUMNS},
    [QUERY_VOICE] = {SQL_QUERY_VOICE, COL_VOICE_COLUMNS},
    [QUERY_USER_NAMED] = {SQL_QUERY_USER_NAMED, COL_USER_COLUMNS},
    [QUERY_USER_EXTERNAL] = {SQL_QUERY_USER_EXTERNAL, COL_USER_COLUMNS},
    [QUERY_OPERATION] = {SQL_QUERY_OPERATION, COL_COMMAND_COLUMNS},
    [QUERY_ACTIVITY] = {SQL_QUERY_ACTIVITY, COL_COMMAND_COLUMNS},
    [QUERY_KEYS] = {SQL_QUERY_KEYS, COL_KEY_COLUMNS},
    [QUERY_OWNERS] = {SQL_QUERY_OWNERS, COL_OWNER_COLUMNS},
    [QUERY_GUARDS] = {SQL_QUERY_GUARDS, COL_GUARD_COLUMNS},
    [QUERY_PASSES] = {SQL_QUERY_PASSES, COL_PASS_COLUMNS},
    [QUERY_STREAMS] = {SQL_QUERY_STREAMS, COL_STREAM_COLUMNS},
    [QUERY_DELIVERIES] = {SQL_QUERY_DELIVERIES, COL_DELIVERY_COLUMNS},
    [QUERY_DELIVERY_ATTEMPTS] = {SQL_QUERY_DELIVERY_ATTEMPTS, COL_ATTEMPT_COLUMNS},
    [QUERY_SIGN_IN] = {SQL_QUERY_SIGN_IN, COL_SIGN_IN_COLUMNS},
};

/* Made once, since its columns are the settings'. */
static char *workspace_sql;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_workspace_sql(void) {
    assert(workspace_setting_count + 2 <= QUERY_CELLS);
    struct jbuf columns = {0}, sql = {0};
    for (size_t i = 0; i < workspace_setting_count; i++)
        jb_printf(&columns, "%sw.%s", i > 0 ? ", " : "", workspace_setting_table[i].column);
    SQL_FILL(&sql, sql_part_query_workspace, {"settings", columns.p});
    workspace_sql = jb_take(&sql);
    jb_free(&columns);
}

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
        db_queue(db, SQL_CONNECTION_SEE_WORKSPACE, params);
    if (q->kind == QUERY_WORKSPACE)
        db_queue_text(db, workspace_sql, 1, params);
    else
        db_queue(db, forms[q->kind].statement, params);
    return same ? 1 : 2;
}

enum err_code db_query_batch(struct db *db, struct db_query *const *queries, size_t n, struct err *err) {
    struct db_result **results = xcalloc(2 * n + 2, sizeof *results);
    size_t *at = xcalloc(n + 1, sizeof *at), steps = 1;
    pthread_once(&once, make_workspace_sql);
    db_queue(db, SQL_CONNECTION_BEGIN_READ_ONLY, NULL);
    for (size_t i = 0; i < n; i++) {
        steps += send(db, queries[i], i > 0 ? queries[i - 1] : NULL);
        at[i] = steps - 1;
    }
    db_queue(db, SQL_CONNECTION_COMMIT, NULL);
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
