#include "ingest/api/admin_activity.h"
#include "ingest/api/api.h"
#include "ingest/api/form.h"
#include "ingest/api/handlers.h"
#include "ingest/request/answer.h"
#include "ingest/request/handle.h"
#include "schemas/api/workspace_settings.h"
#include "schemas/stream/command.h"
#include "sql/ask/query.h"

#include <string.h>

/* ---- commands ---- */

/* Writes what became of a command: a row of QUERY_OPERATION or QUERY_ACTIVITY. detail: with the sentence. */
static void put_command(struct jbuf *b, const char *const *row, bool detail) {
    struct reply reply = {0};
    char name[40];
    bool decided =
        row[COL_COMMAND_OUTCOME] != NULL &&
        reply_decode(row[COL_COMMAND_OUTCOME], strlen(row[COL_COMMAND_OUTCOME]), &reply, NULL) == ERR_OK;
    bool applied = decided && reply.code == ERR_OK;
    bool tried = applied && reply.dry != NULL;
    jb_raw(b, "{");
    jb_kstr(b, "txn", row[COL_COMMAND_TXN]);
    jb_kstr(b, "type", decided ? row[COL_COMMAND_TYPE] : NULL);
    jb_kstr(b, "status", tried ? "tried" : applied ? "applied" : decided ? "refused" : "cancelled");
    api_put_time(b, "time", db_cell_int(row[COL_COMMAND_AT]));
    jb_kstr(b, "id", decided && uuid_is_set(&reply.id) ? reply.id.s : NULL);
    if (decided && !applied) {
        jb_kstr(b, "code", problem_name(reply.code, name));
        if (detail)
            jb_kstr(b, "detail", reply.detail);
    }
    jb_raw(b, "}");
    reply_clear(&reply);
}

static enum step operation_begin(struct request *r) {
    struct uuid txn;
    if (!uuid_parse(r->route.segment, &txn))
        return api_not_found(r, "Operation", r->route.segment);
    api_query(r, QUERY_OPERATION)->p[0] = arena_strdup(r->arena, txn.s);
    return STEP_QUERY;
}

static enum step operation_on_rows(struct request *r) {
    if (r->db_query->nrows == 0)
        return api_not_found(r, "Operation", r->route.segment);
    put_command(answer_begin(r, 200), r->db_query->rows[0], true);
    return STEP_ANSWERED;
}

/* With a step: what the key's own requests add up to. */
static enum step activity_begin(struct request *r) {
    struct err err = {0};
    const char *before;
    int limit;
    if (query_get(&r->query, "step") != NULL)
        return activity_of_own(r);
    if (api_page(r, "activity", &limit, &before, &err) != ERR_OK)
        return handle_refuse(r, &err);
    struct db_query *q = api_query(r, QUERY_ACTIVITY);
    q->p[0] = before;
    q->p[1] = arena_printf(r->arena, "%d", limit + 1);
    return STEP_QUERY;
}

static enum step activity_on_rows(struct request *r) {
    const struct db_query *q = r->db_query;
    if (r->question != NULL)
        return activity_answer(r);
    size_t most = (size_t)db_cell_int(q->p[1]) - 1, n = q->nrows < most ? q->nrows : most;
    bool more = q->nrows > most;
    struct jbuf *b = answer_begin(r, 200);
    jb_raw(b, "{\"items\":[");
    for (size_t i = 0; i < n; i++) {
        jb_sep(b);
        put_command(b, q->rows[i], false);
    }
    jb_raw(b, "]");
    api_put_next(r, "activity", more, more ? q->rows[n - 1][COL_COMMAND_TXN] : NULL);
    jb_raw(b, "}");
    return STEP_ANSWERED;
}

const struct handler api_operation = {.begin = operation_begin, .on_rows = operation_on_rows};
const struct handler api_activity = {.begin = activity_begin, .on_rows = activity_on_rows};

/* ---- the workspace ---- */

static enum step workspace_begin(struct request *r) {
    (void)api_query(r, QUERY_WORKSPACE);
    return STEP_QUERY;
}

static void load_settings(struct request *r, struct workspace_settings *s) {
    workspace_settings_init(s);
    for (size_t i = 0; i < workspace_setting_count; i++)
        workspace_setting_load(s, &workspace_setting_table[i], r->db_query->rows[0][i], r->arena);
}

static enum step workspace_on_rows(struct request *r) {
    const struct db_query *q = r->db_query;
    struct workspace_settings s;
    if (q->nrows == 0)
        return api_not_found(r, "Workspace", r->verdict.workspace.s);
    load_settings(r, &s);
    struct jbuf *b = answer_begin(r, 200);
    jb_raw(b, "{");
    jb_kstr(b, "id", q->workspace);
    for (size_t i = 0; i < workspace_setting_count; i++) {
        jb_key(b, workspace_setting_table[i].name);
        workspace_setting_put(&s, &workspace_setting_table[i], b);
    }
    jb_kint(b, "seatsUsed", db_cell_int(q->rows[0][COL_WORKSPACE_SEATS_USED]));
    api_put_time(b, "created", db_cell_int(q->rows[0][COL_WORKSPACE_CREATED]));
    jb_raw(b, "}");
    return STEP_ANSWERED;
}

static enum step seats_on_rows(struct request *r) {
    struct workspace_settings s;
    if (r->db_query->nrows == 0)
        return api_not_found(r, "Workspace", r->verdict.workspace.s);
    load_settings(r, &s);
    struct jbuf *b = answer_begin(r, 200);
    jb_raw(b, "{");
    jb_kstr(b, "mode", s.seat_mode);
    jb_key(b, "limit");
    workspace_setting_put(&s, workspace_setting_of("seats"), b);
    jb_kint(b, "used", db_cell_int(r->db_query->rows[0][COL_WORKSPACE_SEATS_USED]));
    jb_raw(b, "}");
    return STEP_ANSWERED;
}

const struct handler api_workspace = {.begin = workspace_begin, .on_rows = workspace_on_rows};
const struct handler api_seats = {.begin = workspace_begin, .on_rows = seats_on_rows};
