/* The guard against mass changes: how much one key may remove within a window. Operators and owners are not
 * counted. */
#ifndef USHER_WORKERS_APPLY_GUARD_H
#define USHER_WORKERS_APPLY_GUARD_H

#include "workers/apply.h"

bool guard_watches(const struct task *t);
/* The command is about to remove n (users deactivated or deleted, or members): counts them, or ERR_GUARD.
 * Must be the last check, when nothing else can refuse the command. */
enum err_code guard_pass(struct task *t, enum guard_kind kind, int64_t n);

#endif
