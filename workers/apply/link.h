/* Takes over an account that exists, instead of making a new one: setting linkByEmail. Only accounts that no
 * identity provider manages, of the same workspace, found by their main e-mail address. */
#ifndef USHER_WORKERS_APPLY_LINK_H
#define USHER_WORKERS_APPLY_LINK_H

#include "workers/apply/decision.h"

/* Tells the unit what link_account will ask for. */
void link_announce(struct unit *u, struct unit_workspace *w, const struct command *c);
/* The account that a create is about; NULL: none, or the database failed. Of several the oldest. */
struct unit_resource *link_account(struct decision *d);
/* Replaces its document, as a PUT does; it keeps id, rooms and seat, and is managed from now on. */
enum err_code link_take_over(struct decision *d, struct unit_resource *account);

#endif
