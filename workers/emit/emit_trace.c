#include "workers/emit/emit_trace.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/trace.h"

static void trace_source(const struct row *row, const struct row_source *source, size_t records) {
    struct trace_span s;
    if (!trace_child(source->traceparent, &s))
        return;
    s.kind = TRACE_PRODUCER;
    s.name = "send events";
    s.end_us = clock_wall_us();
    s.begin_us = s.end_us - (clock_mono_us() - row->since_us);
    trace_text(&s, "messaging.system", "kafka");
    trace_text(&s, "messaging.operation.type", "send");
    trace_number(&s, "messaging.batch.message_count", (int64_t)records);
    trace_text(&s, "usher.workspace", source->workspace);
    trace_text(&s, "usher.txn", source->txn);
    trace_send(&s);
}

void emit_trace(const struct row *row) {
    const struct row_items *all = &row->items;
    for (size_t first = 0, next; first < all->n; first = next) {
        const struct row_source *source = &all->items[first].source;
        for (next = first + 1; next < all->n && all->items[next].source.txn == source->txn; next++)
            continue;
        if (source->traceparent != NULL && source->traceparent[0] != '\0')
            trace_source(row, source, next - first);
    }
}
