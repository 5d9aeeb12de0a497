/* What usher.events says of a change and of an outcome. */
#ifndef USHER_WORKERS_APPLY_EVENT_H
#define USHER_WORKERS_APPLY_EVENT_H

#include "workers/apply/resource.h"

/* After a change was carried out; a deleted resource is still there. was_active: before it. */
void event_change(const struct change *c, bool was_active);
/* After the command was decided, applied or refused; nothing unless its client asked not to wait. */
void event_outcome(struct decision *d);

#endif
