/* What the verbs on resources will touch (verbs.h). */
#ifndef USHER_WORKERS_APPLY_ANNOUNCE_H
#define USHER_WORKERS_APPLY_ANNOUNCE_H

#include "sql/unit/unit.h"

#include "schemas/stream/command.h"

void announce_create(struct unit *u, struct unit_workspace *w, const struct command *c);
void announce_replace(struct unit *u, struct unit_workspace *w, const struct command *c);
void announce_patch(struct unit *u, struct unit_workspace *w, const struct command *c);
void announce_delete(struct unit *u, struct unit_workspace *w, const struct command *c);

#endif
