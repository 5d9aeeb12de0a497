/* What can this broker do? Asked at start: exactly-once rests on three things that a trial broker pretends to
 * do. */
#ifndef USHER_WORKERS_SELFCHECK_H
#define USHER_WORKERS_SELFCHECK_H

#include "ops/runtime/config.h"
#include "ops/runtime/err.h"

/* *exactly_once: offsets sent to a committed transaction stick, those of an aborted one do not, and a second
 * producer of the same transactional id fences the first. slot: makes the names of the check this process's
 * own. ERR_KAFKA: could not be found out. */
enum err_code selfcheck_run(const struct config *config, int slot, bool *exactly_once, struct err *err);

#endif
