#include "sql/ask/sign_in.h"

enum { COL_WORKSPACE, COL_DOC, COL_SECRET, COL_OWNERS };

static const char *text_of(const struct db_result *r, int col, struct arena *a) {
    return db_is_null(r, 0, col) ? NULL : arena_strdup(a, db_text(r, 0, col));
}

enum err_code sign_in_row_find(struct db *db, const char *named, struct arena *a, struct sign_in_row *out,
                               struct err *err) {
    const char *params[] = {named};
    struct db_result *r = NULL;
    *out = (struct sign_in_row){0};
    if (db_run(db, SQL_SIGN_IN_FIND, params, &r, err) != ERR_OK)
        return err->code;
    if (db_rows(r) > 0) {
        out->workspace = text_of(r, COL_WORKSPACE, a);
        out->doc = text_of(r, COL_DOC, a);
        out->secret = text_of(r, COL_SECRET, a);
        out->owners = text_of(r, COL_OWNERS, a);
    }
    db_results_free(&r, 1);
    return ERR_OK;
}
