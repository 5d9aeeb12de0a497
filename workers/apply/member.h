/* Verbs on one member of a room. */
#ifndef USHER_WORKERS_APPLY_MEMBER_H
#define USHER_WORKERS_APPLY_MEMBER_H

#include "workers/apply/decision.h"

void announce_member(struct unit *u, struct unit_workspace *w, const struct command *c);
enum err_code apply_member_put(struct decision *d);
enum err_code apply_member_delete(struct decision *d);

#endif
