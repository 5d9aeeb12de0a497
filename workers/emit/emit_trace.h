/* Spans of what went out (ops/runtime/trace.h). */
#ifndef USHER_WORKERS_EMIT_EMIT_TRACE_H
#define USHER_WORKERS_EMIT_EMIT_TRACE_H

#include "workers/rows.h"

/* The row's records are on the streams: a span for each command that they came of. */
void emit_trace(const struct row *row);

#endif
