/* What operators look at, of all workspaces: seats that are taken, credentials that run out. Cheap enough for
 * once a minute, not for every request. */
#ifndef USHER_SQL_ASK_SIGHT_H
#define USHER_SQL_ASK_SIGHT_H

#include "ops/runtime/arena.h"
#include "sql/db.h"

#define SIGHT_FULL_PERCENT 95 /* more than that of the limit: the workspace counts as full */
#define SIGHT_EXPIRY_DAYS 20  /* what runs out within them is told */

struct sight_workspace {
    const char *id, *name;
    int64_t used, limit;
};
struct sight_seats {
    int64_t used, limit; /* of all workspaces that have a limit */
    int64_t full;        /* how many of them have more than SIGHT_FULL_PERCENT taken */
    struct sight_workspace *fullest;
    size_t n;
};
/* most: how many of the fullest are named. Texts and rows are the arena's. */
enum err_code sight_seats(struct db *db, int most, struct arena *a, struct sight_seats *out, struct err *err);

enum sight_kind { SIGHT_KEY, SIGHT_OWNER, SIGHT_SHORT, SIGHT_KINDS }; /* as sight_credentials.sql has them */
struct sight_credentials {
    int64_t many, soonest_us;     /* 0: there is none */
    const char *workspace, *name; /* of the one that runs out first; "" without one */
};
enum err_code sight_credentials(struct db *db, struct arena *a, struct sight_credentials out[SIGHT_KINDS],
                                struct err *err);

#endif
