#include "ingest/api/managed.h"

#include "ingest/api/api.h"
#include "ingest/request/command.h"
#include "sql/ask/query.h"

bool managed_is_asked(const struct request *r) {
    return r->verdict.managed_lock && !r->again && r->route.method != HTTP_POST &&
           r->verdict.kind == ADMIT_KEY;
}

enum step managed_ask(struct request *r, const char *user, const char *room) {
    struct db_query *q = api_query(r, QUERY_MANAGER);
    q->p[0] = user;
    q->p[1] = room;
    return STEP_QUERY;
}

bool managed_is_answered(const struct request *r) {
    return r->db_query->kind == QUERY_MANAGER;
}

enum err_code managed_judge(const struct request *r, bool joins, struct err *err) {
    const struct db_query *q = r->db_query;
    const char *const *row = q->nrows > 0 ? q->rows[0] : NULL;
    bool room = q->p[1] != NULL;
    if (row == NULL || !db_cell_bool(row[COL_MANAGER_THEIRS]) ||
        (!joins && db_cell_bool(row[COL_MANAGER_MEMBER])))
        return ERR_OK;
    const char *what = room ? "Room" : "User", *id = room ? q->p[1] : q->p[0], *by = row[COL_MANAGER_KEY];
    if (by == NULL)
        return err_set(err, ERR_CONFLICT, "%s %s is managed by an identity provider; it is changed there",
                       what, id);
    return err_set(err, ERR_CONFLICT, "%s %s is managed by the key \"%s\"; it is changed there", what, id,
                   by);
}
