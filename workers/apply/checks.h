/* What is checked of every command before its verb runs. */
#ifndef USHER_WORKERS_APPLY_CHECKS_H
#define USHER_WORKERS_APPLY_CHECKS_H

#include "workers/apply/decision.h"

/* Tells the unit what check_command will ask for. */
void check_announce(struct unit *u, struct unit_workspace *w, const struct command *c);
/* Checks in this order: the workspace exists, the Bulk is not stopped, the deadline has not passed, the
 * credential is alive, single sign-on is set up where that is demanded, all resources exist that the command
 * refers to in its Bulk, and it does not name too many members. The first check that fails is the refusal. */
enum err_code check_command(struct decision *d);

#endif
