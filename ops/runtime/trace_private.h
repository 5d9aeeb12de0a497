/* What the two halves of trace.h share: spans as text, and the thread that sends them. */
#ifndef USHER_RUNTIME_TRACE_PRIVATE_H
#define USHER_RUNTIME_TRACE_PRIVATE_H

#include "ops/runtime/jbuf.h"
#include "ops/runtime/trace.h"

/* Of how many requests in a hundred, of those that bring no context. */
long trace_percent(void);
/* A span as a member of OTLP's "spans". */
void trace_span_text(const struct trace_span *s, struct jbuf *out);

#endif
