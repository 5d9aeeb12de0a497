/* Spans of commands that were decided (ops/runtime/trace.h). */
#ifndef USHER_WORKERS_TRACES_H
#define USHER_WORKERS_TRACES_H

#include "workers/delivery.h"

/* The commands of the batch were decided, beginning at began_us (wall time). */
void traces_batch(const struct batch *b, int64_t began_us);

#endif
