/* A dry run may name what an earlier dry run would have made (schemas/stream/tried_id.h): an identity
 * provider adds the user whom it believes to have created to a room. For such an id the unit gets a stand-in:
 * an active user with a seat, or an empty room, whose name is the id. It is there for this trial alone, and
 * is not counted: each change is tried against the state as it is. */
#ifndef USHER_WORKERS_APPLY_STAND_IN_H
#define USHER_WORKERS_APPLY_STAND_IN_H

#include "workers/apply/decision.h"

/* Makes the stand-ins for all ids that the command names. Lists that are looked up in steps have theirs there
 * (crowd.h). A failure is the unit's. */
void stand_ins_make(struct decision *d);

#endif
