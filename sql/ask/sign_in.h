/* How people sign in to the portal of a workspace by an OpenID provider, for whoever has no credential yet.
 */
#ifndef USHER_SQL_ASK_SIGN_IN_H
#define USHER_SQL_ASK_SIGN_IN_H

#include "ops/runtime/arena.h"
#include "sql/db.h"

struct sign_in_row {       /* texts live in the arena */
    const char *workspace; /* id; NULL: there is no such workspace, or nobody signs in so */
    const char *doc;       /* JSON (schemas/api/sign_in.h) */
    const char *secret;    /* of the client, sealed; NULL: none */
    const char *owners;    /* JSON: id of an owner on the list, SHA-256 of his token in hex */
};
/* named: id or name. One round trip. */
enum err_code sign_in_row_find(struct db *db, const char *named, struct arena *a, struct sign_in_row *out,
                               struct err *err);

#endif
