#include "workers/deliver/attempt_trace.h"

#include "ops/runtime/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRACE_AT 3 /* behind "00-" */
#define TRACE_DIGITS 32
#define HASH_DIGITS 8

bool attempt_trace_count(struct attempt_traces *t, const char *traceparent) {
    char id[TRACE_DIGITS + 1], end[HASH_DIGITS + 1];
    if (strlen(traceparent) < TRACE_AT + TRACE_DIGITS)
        return false;
    snprintf(id, sizeof id, "%.32s", traceparent + TRACE_AT);
    /* The end of an id is random, also of those whose beginning is a time. */
    snprintf(end, sizeof end, "%s", id + TRACE_DIGITS - HASH_DIGITS);
    size_t place = strtoul(end, NULL, 16) % ATTEMPT_TRACES_KNOWN;
    if (strcmp(t->known[place].id, id) != 0) {
        memcpy(t->known[place].id, id, sizeof id);
        t->known[place].spans = 0;
    }
    if (t->known[place].spans == ATTEMPT_SPANS)
        return false;
    t->known[place].spans++;
    return true;
}

/* Attributes by OpenTelemetry's conventions for clients of HTTP. The path of an endpoint may be a secret, so
 * the host alone is told. */
void attempt_trace(struct attempt_traces *t, const struct endpoint *e, const struct delivery_attempt *a) {
    struct trace_span s;
    const char *parent = e->now.traceparent;
    if (!trace_on() || parent == NULL || !attempt_trace_count(t, parent) || !trace_child(parent, &s))
        return;
    s.kind = TRACE_CLIENT;
    s.name = "deliver";
    s.begin_us = a->at_us;
    s.end_us = a->at_us + a->duration_us;
    s.error = a->error;
    trace_text(&s, "http.request.method", "POST");
    trace_text(&s, "server.address", e->host);
    if (a->status > 0)
        trace_number(&s, "http.response.status_code", a->status);
    trace_text(&s, "usher.workspace", e->workspace);
    trace_text(&s, "usher.endpoint", e->id);
    trace_text(&s, "usher.event", a->event);
    trace_text(&s, "usher.event_type", a->type);
    trace_number(&s, "usher.attempt", e->failures + 1);
    trace_send(&s);
}
