#include "sql/ask/revocation.h"

#include "ops/runtime/jbuf.h"
#include "sql/pg_array.h"

#include <string.h>

enum err_code credential_revoke_now(struct db *db, struct revocation *r, struct err *err) {
    const char *params[] = {r->workspace, r->id, r->by};
    struct db_result *results[4];
    db_queue(db, SQL_CONNECTION_BEGIN, NULL);
    db_queue(db, SQL_CONNECTION_SEE_WORKSPACE, params);
    db_queue(db, r->owner ? SQL_REVOCATION_OWNER : SQL_REVOCATION_KEY, params);
    db_queue(db, SQL_CONNECTION_COMMIT, NULL);
    if (db_flush(db, results, 4, NULL, err) != ERR_OK)
        return err->code;
    r->known = db_bool(results[2], 0, 0);
    r->last = r->owner && strcmp(db_text(results[2], 0, 1), "last") == 0;
    db_results_free(results, 4);
    return ERR_OK;
}

enum err_code credentials_check(struct db *db, struct credential_ref *keys, size_t n, struct err *err) {
    struct jbuf workspaces = {0}, ids = {0};
    struct db_result *results[4] = {NULL};
    pg_array_begin(&workspaces);
    pg_array_begin(&ids);
    for (size_t i = 0; i < n; i++) {
        pg_array_word(&workspaces, keys[i].workspace.s);
        pg_array_word(&ids, keys[i].id.s);
    }
    pg_array_end(&workspaces);
    pg_array_end(&ids);
    const char *params[] = {workspaces.p, ids.p};
    db_queue(db, SQL_CONNECTION_BEGIN_READ_ONLY, NULL);
    db_queue(db, SQL_CONNECTION_SEE_WORKSPACES, params);
    db_queue(db, SQL_REVOCATION_DEAD, params);
    db_queue(db, SQL_CONNECTION_COMMIT, NULL);
    enum err_code code = db_flush(db, results, 4, NULL, err);
    for (size_t row = 0; code == ERR_OK && row < db_rows(results[2]); row++)
        for (size_t i = 0; i < n; i++)
            keys[i].dead = keys[i].dead || strcmp(keys[i].id.s, db_text(results[2], row, 0)) == 0;
    db_results_free(results, 4);
    jb_free(&workspaces);
    jb_free(&ids);
    return code;
}
