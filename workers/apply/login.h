/* The verb of a login that the sign-on service reports. */
#ifndef USHER_WORKERS_APPLY_LOGIN_H
#define USHER_WORKERS_APPLY_LOGIN_H

#include "workers/apply/decision.h"

void announce_login(struct unit *u, struct unit_workspace *w, const struct command *c);
enum err_code apply_user_login(struct decision *d);

#endif
