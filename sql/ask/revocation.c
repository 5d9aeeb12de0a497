#include "sql/ask/revocation.h"

#include <string.h>

static const char context_sql[] = "SELECT set_config('usher.workspace', '{' || $1 || '}', true)";
static const char key_sql[] =
    "SELECT EXISTS (SELECT FROM keys k WHERE k.workspace_id = $1::uuid AND k.id = $2::uuid), "
    "key_revoke_now($1::uuid, $2::uuid, $3)";
static const char owner_sql[] =
    "SELECT EXISTS (SELECT FROM owners o WHERE o.workspace_id = $1::uuid AND o.id = $2::uuid), "
    "owner_revoke_now($1::uuid, $2::uuid, $3)";

enum err_code credential_revoke_now(struct db *db, struct revocation *r, struct err *err) {
    const char *params[] = {r->workspace, r->id, r->by};
    struct db_result *results[4];
    db_send(db, "BEGIN", 0, NULL);
    db_send(db, context_sql, 1, params);
    db_send(db, r->owner ? owner_sql : key_sql, 3, params);
    db_send(db, "COMMIT", 0, NULL);
    if (db_flush(db, results, 4, NULL, err) != ERR_OK)
        return err->code;
    r->known = db_bool(results[2], 0, 0);
    r->last = r->owner && strcmp(db_text(results[2], 0, 1), "last") == 0;
    db_results_free(results, 4);
    return ERR_OK;
}
