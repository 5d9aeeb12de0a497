/* What is checked of every command before its verb runs. */
#ifndef USHER_WORKERS_APPLY_CHECKS_H
#define USHER_WORKERS_APPLY_CHECKS_H

#include "workers/apply/decision.h"

/* Tells the unit what check_command will ask for. */
void check_announce(struct unit *u, struct unit_workspace *w, const struct command *c);
/* Is the workspace there, the Bulk not stopped, the deadline ahead, the credential alive, single sign-on set
 * up where that is demanded, and all that the command refers to in its Bulk there? In this order; the first
 * that is not so is the refusal. */
enum err_code check_command(struct decision *d);

#endif
