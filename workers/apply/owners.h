/* Verbs on credentials of owners and administrators. */
#ifndef USHER_WORKERS_APPLY_OWNERS_H
#define USHER_WORKERS_APPLY_OWNERS_H

#include "workers/apply/decision.h"

void announce_owners(struct unit *u, struct unit_workspace *w, const struct command *c);
/* Who may say who runs the workspace: an owner, or the operator. */
enum err_code owner_check_actor(struct decision *d);
enum err_code apply_owner_create(struct decision *d);
enum err_code apply_owner_revoke(struct decision *d);

#endif
