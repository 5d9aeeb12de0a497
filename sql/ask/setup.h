/* What has arrived from an identity provider through one key: the check at the end of a set-up. From the
 * archive. */
#ifndef USHER_SQL_ASK_SETUP_H
#define USHER_SQL_ASK_SETUP_H

#include "ops/runtime/arena.h"
#include "sql/db.h"

/* The steps of a set-up, in the order in which a provider takes them. */
enum setup_step {
    SETUP_REACHED, /* any request with the key */
    SETUP_TESTED,  /* the test of a connection: discovery, or a look-up of a user */
    SETUP_USER_MADE,
    SETUP_USER_CHANGED,
    SETUP_USER_DEACTIVATED,
    SETUP_ROOM_MADE,
    SETUP_MEMBER_ADDED,
    SETUP_STEPS
};
extern const char *const setup_step_names[SETUP_STEPS];

struct setup_refusal {
    int64_t at_us;
    const char *txn, *method, *path, *code, *detail;
    int status;
};

#define SETUP_REFUSALS 10
struct setup_seen {
    int64_t at_us[SETUP_STEPS];                    /* of the newest; 0: not yet */
    int64_t requests, refused;                     /* of the last 24 hours, 10,000 at most */
    struct setup_refusal refusals[SETUP_REFUSALS]; /* the newest first */
    size_t nrefusals;
};

/* Two statements in a transaction that sees the workspace (audit_begin). Texts live in the arena. */
enum err_code setup_look(struct db *db, const char *workspace, const char *key, struct arena *a,
                         struct setup_seen *out, struct err *err);

#endif
