/* The verb that makes a resource of whatever type, or takes over an account that is there (link.h). */
#ifndef USHER_WORKERS_APPLY_CREATE_H
#define USHER_WORKERS_APPLY_CREATE_H

#include "workers/apply/decision.h"

enum err_code apply_create(struct decision *d);

#endif
