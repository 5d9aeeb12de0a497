#include "sql/ask/revocation.h"

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
