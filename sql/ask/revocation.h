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

/* A key that is in use. */
struct credential_ref {
    struct uuid workspace, id; /* in */
    bool dead;                 /* out: revoked, or expired */
};
/* Which of them are dead? */
enum err_code credentials_check(struct db *db, struct credential_ref *keys, size_t n, struct err *err);

#endif
