/* Passes: what lets somebody in in an owner's name. A session is a browser's cookie; a link works once and
 * gives a session. Those of a set-up are about one key alone. Admission finds them (admit.h). */
#ifndef USHER_SQL_ASK_PASS_H
#define USHER_SQL_ASK_PASS_H

#include "ops/runtime/id.h"
#include "ops/runtime/token.h"
#include "sql/ask/admit.h"
#include "sql/db.h"

struct pass {
    enum admit_pass kind;
    const char *workspace, *owner; /* ids */
    struct uuid id;                /* made by the caller, so that asking again makes no second one */
    unsigned char token_hash[TOKEN_HASH_SIZE];
    const char *key;            /* of a set-up; NULL: none */
    const char *dialect;        /* the guide that a set-up shows; NULL: none */
    const char *way;            /* how it was come by: "token", "link", "oidc", "admin", "operator" */
    const char *source, *agent; /* NULL: not known */
    int seconds;                /* good for so long */
    int idle_seconds;           /* of a session: over when nobody has used it for so long */
    int most;         /* sessions of the owner at once, the one seen longest ago ends for it; or links of the
                         workspace */
    const char *link; /* the link that is used for it; NULL: none */
};

/* One round trip, which must be durable. ERR_UNAUTHORIZED: the link was used before. ERR_CONFLICT: there are
 * enough links already. */
enum err_code pass_open(struct db *db, const struct pass *p, struct err *err);

/* Ends the pass `id`, or with id NULL all of the owner but `keep`. owner, keep NULL: of any owner; none
 * stays. *n: how many there were. One round trip, which must be durable. */
enum err_code pass_end(struct db *db, const char *workspace, const char *id, const char *owner,
                       const char *keep, int *n, struct err *err);

#endif
