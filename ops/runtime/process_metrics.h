/* Metrics that every program has, made when they are asked for: what was built, whether it is ready, and what
 * the process takes of the machine, under the names that Prometheus' own clients use. */
#ifndef USHER_RUNTIME_PROCESS_METRICS_H
#define USHER_RUNTIME_PROCESS_METRICS_H

#include "ops/runtime/jbuf.h"

#include <stdbool.h>

/* Appends them in the text format of Prometheus. What /proc does not tell is left out. */
void process_metrics_render(struct jbuf *out, bool ready);

#endif
