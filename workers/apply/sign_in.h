/* How people sign in to the portal by an OpenID provider (schemas/api/sign_in.h). */
#ifndef USHER_WORKERS_APPLY_SIGN_IN_H
#define USHER_WORKERS_APPLY_SIGN_IN_H

#include "workers/apply/decision.h"

void announce_sign_in(struct unit *u, struct unit_workspace *w, const struct command *c);
enum err_code apply_sign_in_set(struct decision *d);

#endif
