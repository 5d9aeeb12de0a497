/* The guard against mass changes: how much one key may remove within a window. Removals by operators and
 * owners are not counted. A refusal leaves one trace: that the guard has tripped. */
#ifndef USHER_WORKERS_APPLY_MASS_GUARD_H
#define USHER_WORKERS_APPLY_MASS_GUARD_H

#include "workers/apply/decision.h"

bool mass_guard_watches(const struct decision *d);
/* The command is about to remove n (users deactivated or deleted, or members): counts them, or ERR_GUARD.
 * Must be the last check, when nothing else can refuse the command. */
enum err_code mass_guard_pass(struct decision *d, enum guard_kind kind, int64_t n);

/* The verb that lets a key remove again. */
enum err_code apply_guard_release(struct decision *d);

/* Moves the window on to this moment: buckets that have left it are emptied. All are emptied if the length of
 * the window was changed, because bucket numbers mean other moments then. */
void mass_guard_slide(struct unit_guard *g, int64_t now_us, int64_t window_s);
int64_t mass_guard_removed(const struct unit_guard *g); /* within the window */
/* How much may be removed of `base`: a share of it, but at least guardMin. */
int64_t mass_guard_allowed(int64_t base, const struct workspace_settings *s);

#endif
