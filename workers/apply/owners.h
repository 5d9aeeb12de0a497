/* Verbs on credentials of owners and administrators. */
#ifndef USHER_WORKERS_APPLY_OWNERS_H
#define USHER_WORKERS_APPLY_OWNERS_H

#include "workers/apply/decision.h"

void announce_owners(struct unit *u, struct unit_workspace *w, const struct command *c);
enum err_code apply_owner_create(struct decision *d);
enum err_code apply_owner_revoke(struct decision *d);

#endif
