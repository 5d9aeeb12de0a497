/* Verbs on resources of all types: replace, patch, delete. */
#ifndef USHER_WORKERS_APPLY_RESOURCE_H
#define USHER_WORKERS_APPLY_RESOURCE_H

#include "workers/apply/change.h"

/* Begins a change of the resource that the command is about, which must be there, and as the client expects
 * it. False: d->err says why not. */
USHER_MUST_CHECK bool change_target(struct decision *d, struct change *c);

enum err_code apply_replace(struct decision *d);
enum err_code apply_patch(struct decision *d);
enum err_code apply_delete(struct decision *d);

#endif
