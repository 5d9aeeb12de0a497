/* What usher.events says of a change and of an outcome. */
#ifndef USHER_WORKERS_APPLY_EVENT_H
#define USHER_WORKERS_APPLY_EVENT_H

#include "workers/apply/change.h"

/* After a change was carried out. */
void event_changed(const struct change *c);
/* While the resource is still there. */
void event_deleted(const struct change *c);
/* After the command was decided, applied or refused; nothing unless its client asked not to wait. */
void event_outcome(struct decision *d);

#endif
