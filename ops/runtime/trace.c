#include "ops/runtime/trace.h"

#include "ops/runtime/trace_private.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* Places in "00-<trace id>-<span id>-<flags>" (W3C Trace Context, section 3.2). */
#define AT_TRACE 3
#define AT_SPAN 36
#define AT_FLAGS 53
#define LENGTH 55

/* Hex of n random bytes, which are not all zero. */
static void random_hex(char *out, size_t n) {
    unsigned char bytes[16];
    do
        randombytes_buf(bytes, n);
    while (sodium_is_zero(bytes, n));
    sodium_bin2hex(out, 2 * n + 1, bytes, n);
}

static bool is_wanted(const char *traceparent) {
    return trace_on() && traceparent != NULL && strlen(traceparent) == LENGTH &&
           strchr("13579bdf", traceparent[AT_FLAGS + 1]) != NULL;
}

void trace_enter(const char *incoming, char traceparent[TRACEPARENT_SIZE], char parent[17]) {
    char trace[33], span[17];
    bool given = incoming != NULL && incoming[0] != '\0';
    parent[0] = '\0';
    if (!trace_on() || (given ? !is_wanted(incoming) : (long)randombytes_uniform(100) >= trace_percent())) {
        snprintf(traceparent, TRACEPARENT_SIZE, "%s", given ? incoming : "");
        return;
    }
    if (given) {
        snprintf(trace, sizeof trace, "%.32s", incoming + AT_TRACE);
        snprintf(parent, 17, "%.16s", incoming + AT_SPAN);
    } else {
        random_hex(trace, 16);
    }
    random_hex(span, 8);
    snprintf(traceparent, TRACEPARENT_SIZE, "00-%s-%s-01", trace, span);
}

bool trace_own(const char *traceparent, const char *parent, struct trace_span *s) {
    if (!is_wanted(traceparent))
        return false;
    *s = (struct trace_span){.kind = TRACE_SERVER};
    snprintf(s->trace, sizeof s->trace, "%.32s", traceparent + AT_TRACE);
    snprintf(s->id, sizeof s->id, "%.16s", traceparent + AT_SPAN);
    snprintf(s->parent, sizeof s->parent, "%s", parent);
    return true;
}

bool trace_child(const char *traceparent, struct trace_span *s) {
    if (!trace_own(traceparent, "", s))
        return false;
    memcpy(s->parent, s->id, sizeof s->parent);
    random_hex(s->id, 8);
    return true;
}

static struct trace_attribute *next_of(struct trace_span *s, const char *key) {
    if (s->n == TRACE_ATTRIBUTES)
        return NULL;
    s->attributes[s->n] = (struct trace_attribute){.key = key};
    return &s->attributes[s->n++];
}

void trace_text(struct trace_span *s, const char *key, const char *text) {
    struct trace_attribute *a = text != NULL ? next_of(s, key) : NULL;
    if (a != NULL)
        a->text = text;
}

void trace_number(struct trace_span *s, const char *key, int64_t number) {
    struct trace_attribute *a = next_of(s, key);
    if (a != NULL)
        a->number = number;
}

/* OTLP's JSON writes integers of 64 bits as texts (protobuf's JSON mapping), ids as hex. */
static void put_long(struct jbuf *out, const char *name, int64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)value);
    jb_kstr(out, name, text);
}

static void put_attribute(const struct trace_attribute *a, struct jbuf *out) {
    jb_sep(out);
    jb_raw(out, "{");
    jb_kstr(out, "key", a->key);
    jb_key(out, "value");
    jb_raw(out, "{");
    if (a->text != NULL)
        jb_kstr(out, "stringValue", a->text);
    else
        put_long(out, "intValue", a->number);
    jb_raw(out, "}}");
}

void trace_span_text(const struct trace_span *s, struct jbuf *out) {
    jb_raw(out, "{");
    jb_kstr(out, "traceId", s->trace);
    jb_kstr(out, "spanId", s->id);
    if (s->parent[0] != '\0')
        jb_kstr(out, "parentSpanId", s->parent);
    jb_kstr(out, "name", s->name);
    jb_kint(out, "kind", s->kind);
    put_long(out, "startTimeUnixNano", s->begin_us * 1000);
    put_long(out, "endTimeUnixNano", s->end_us * 1000);
    jb_key(out, "attributes");
    jb_raw(out, "[");
    for (size_t i = 0; i < s->n; i++)
        put_attribute(&s->attributes[i], out);
    jb_raw(out, "]");
    if (s->error != NULL) {
        jb_key(out, "status");
        jb_raw(out, "{");
        jb_kint(out, "code", 2);
        jb_kstr(out, "message", s->error);
        jb_raw(out, "}");
    }
    jb_raw(out, "}");
}
