/* What keys and the credentials of owners have in common, as commands carry it: never the token itself. */
#ifndef USHER_WORKERS_APPLY_CREDENTIAL_H
#define USHER_WORKERS_APPLY_CREDENTIAL_H

#include "workers/apply/decision.h"

/* Texts are borrowed from the command. */
struct credential {
    const char *name, *hash, *prefix;
    int64_t expires_us;
};

/* The text of a member; NULL where there is none. */
const char *credential_text(const json_t *given, const char *name);
/* Fill in what the command gives: all of it, or only hash and prefix. False if something is wrong with it:
 * d->err says what. `what` is the word for the credential in that error. */
USHER_MUST_CHECK bool credential_check(struct decision *d, const char *what, struct credential *f);
USHER_MUST_CHECK bool credential_check_token(struct decision *d, struct credential *f);
/* One more may be made, where the workspace has n that are not revoked (-1: the database's error). Rotation
 * needs no new one, so many are a sign that nobody revokes. `what`: their word; setting: the bound's name. */
enum err_code credential_check_count(struct decision *d, const char *what, int64_t n, int64_t most,
                                     const char *setting);

#endif
