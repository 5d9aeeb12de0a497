/* Revocation of a key or an owner that does not wait for the log: the credential is dead from the moment this
 * returns. The command that tells the order and the audit follows it. */
#ifndef USHER_SQL_ASK_REVOCATION_H
#define USHER_SQL_ASK_REVOCATION_H

#include "ops/runtime/id.h"
#include "sql/db.h"

struct revocation {
    /* in */
    bool owner;            /* an owner or administrator; else a key */
    const char *workspace; /* ids */
    const char *id;
    const char *by; /* who revokes */
    /* out */
    bool known; /* the workspace has such a credential, alive or not */
    bool last;  /* it is the workspace's last owner and was left alive */
};

/* The connection must commit durably. Doing it again does no harm. */
enum err_code credential_revoke_now(struct db *db, struct revocation *r, struct err *err);

#endif
