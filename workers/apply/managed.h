/* Managed means managed (the setting managedLock): what an identity provider manages is changed by it alone,
 * through SCIM. What stays possible through the Management API is what is not the provider's: transmit and
 * logins. */
#ifndef USHER_WORKERS_APPLY_MANAGED_H
#define USHER_WORKERS_APPLY_MANAGED_H

#include "workers/apply/decision.h"

/* ERR_CONFLICT, with who manages it, where the command must not change the user or room. */
enum err_code managed_check(struct decision *d, const struct unit_resource *r);
/* Is it an owner who deactivates a user, and nothing else? He may always, and the audit calls it an
 * emergency. */
bool managed_is_emergency(const struct decision *d);
/* The row of r is written: a room that comes through SCIM is its key's from now on, and so is a user who is
 * made or taken over (made). */
void managed_note(const struct decision *d, struct unit_resource *r, bool made);

#endif
