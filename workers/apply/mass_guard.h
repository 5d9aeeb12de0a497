/* The guard against mass changes: how much one key may remove within a window. Operators and owners are not
 * counted. */
#ifndef USHER_WORKERS_APPLY_GUARD_H
#define USHER_WORKERS_APPLY_GUARD_H

#include "workers/apply/decision.h"

bool guard_watches(const struct decision *d);
/* The command is about to remove n (users deactivated or deleted, or members): counts them, or ERR_GUARD.
 * Must be the last check, when nothing else can refuse the command. */
enum err_code guard_pass(struct decision *d, enum guard_kind kind, int64_t n);

/* The window itself. Goes on to the bucket of this moment: what has left the window is empty again; so is all
 * where the window's length was changed in such a way that the buckets' numbers mean another time. */
void guard_slide(struct unit_guard *g, int64_t now_us, int64_t window_s);
int64_t guard_removed(const struct unit_guard *g); /* within the window */
/* How much may be removed of `base`: a share, but so many in any case. */
int64_t guard_allowed(int64_t base, const struct workspace_settings *s);

#endif
