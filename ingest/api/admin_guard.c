/* The guard against mass changes: what it has counted for each key, and releasing a key that it has stopped.
 */
#include "ingest/api/admin.h"

#include "ingest/request/answer.h"
#include "sql/ask/query.h"

static enum step guard_list_begin(struct request *r) {
    return admin_list(r, "guards", QUERY_GUARDS, 0);
}

/* of: the first of three columns. */
static void put_count(struct jbuf *b, const char *name, const char *const *of) {
    jb_key(b, name);
    if (of[COL_GUARD_REMOVED] == NULL) {
        jb_raw(b, "null");
        return;
    }
    jb_raw(b, "{");
    jb_kint(b, "removed", db_cell_int(of[COL_GUARD_REMOVED]));
    jb_kint(b, "base", db_cell_int(of[COL_GUARD_BASE]));
    api_put_time(b, "tripped", db_cell_int(of[COL_GUARD_TRIPPED]));
    jb_raw(b, "}");
}

static void put_guard(struct jbuf *b, const char *const *row) {
    jb_sep(b);
    jb_raw(b, "{\"key\":{");
    jb_kstr(b, "id", row[COL_GUARD_KEY]);
    jb_kstr(b, "name", row[COL_GUARD_NAME]);
    jb_raw(b, "}");
    put_count(b, "users", row + COL_GUARD_USERS_AT);
    put_count(b, "members", row + COL_GUARD_MEMBERS_AT);
    jb_raw(b, "}");
}

static enum step guard_list_on_rows(struct request *r) {
    return admin_list_answer(r, "guards", COL_GUARD_KEY, put_guard);
}
const struct handler admin_guard_list = {.begin = guard_list_begin, .on_rows = guard_list_on_rows};

static enum step guard_release_begin(struct request *r) {
    return admin_id(r, "Key") ? admin_publish(r, COMMAND_GUARD_RELEASE, NULL) : STEP_ANSWERED;
}

static enum step guard_release_on_reply(struct request *r) {
    answer_no_content(r, 0);
    return STEP_ANSWERED;
}
const struct handler admin_guard_release = {.begin = guard_release_begin, .on_reply = guard_release_on_reply};
