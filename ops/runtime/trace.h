/* Traces: spans in the form of OpenTelemetry (OTLP 1.x over HTTP, as JSON), sent to a collector. Off unless
 * trace-endpoint is set; then every call here is a comparison.
 *
 * The context of a request travels as W3C Trace Context (traceparent) in HTTP, in commands and in the headers
 * of records. Nobody waits for a span: what does not fit into the bounded memory, or what the collector does
 * not take, is dropped and counted. */
#ifndef USHER_RUNTIME_TRACE_H
#define USHER_RUNTIME_TRACE_H

#include "ops/runtime/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACEPARENT_SIZE 56
#define TRACE_ATTRIBUTES 12

/* Rows of a program's table of settings. */
#define TRACE_SETTINGS                                                                                       \
    {"trace-endpoint",                                                                                       \
     CONFIG_STR,                                                                                             \
     "",                                                                                                     \
     0,                                                                                                      \
     0,                                                                                                      \
     "URL to which traces go as OTLP (JSON), http://127.0.0.1:4318/v1/traces; empty: there are none",        \
     false},                                                                                                 \
        {"trace-percent",                                                                                    \
         CONFIG_INT,                                                                                         \
         "100",                                                                                              \
         0,                                                                                                  \
         100,                                                                                                \
         "of the requests without a traceparent of their own, how many are traced",                          \
         false},                                                                                             \
    {                                                                                                        \
        "trace-header", CONFIG_STR, "", 0, 0, "a header for the collector, \"name: value\"; empty: none",    \
            true                                                                                             \
    }

/* As OTLP numbers them. */
enum trace_kind { TRACE_INTERNAL = 1, TRACE_SERVER, TRACE_CLIENT, TRACE_PRODUCER, TRACE_CONSUMER };

struct trace_attribute {
    const char *key, *text; /* text NULL: number */
    int64_t number;
};

struct trace_span {
    char trace[33], id[17], parent[17]; /* hex; parent "": none */
    enum trace_kind kind;
    const char *name;
    int64_t begin_us, end_us; /* wall time */
    const char *error;        /* what went wrong; NULL: nothing */
    struct trace_attribute attributes[TRACE_ATTRIBUTES];
    size_t n;
};

/* ERR_CONFIG for an endpoint that is no URL, or a header that is none. */
enum err_code trace_judge(const struct config *c, struct err *err);
/* Registers the metrics; first. Their names begin with usher_ and `program`: "ingest". */
void trace_stats_init(const char *program);
/* Starts the thread that sends, if trace-endpoint is set. ERR_CONFIG. */
enum err_code trace_open(const struct config *c, const char *program, struct err *err);
/* Sends what is left, for at most a second. Nothing else of this may be called any more. */
void trace_close(void);

bool trace_on(void);

/* The context of a new request. incoming: its traceparent, which is well-formed; "" or NULL: it has none.
 * Writes the context for what it leads to (its own span, or `incoming` if there is to be none), and the
 * parent of its span ("" if none). */
void trace_enter(const char *incoming, char traceparent[TRACEPARENT_SIZE], char parent[17]);
/* The span that `traceparent` names, with this parent. False: it is not wanted. */
bool trace_own(const char *traceparent, const char *parent, struct trace_span *s);
/* A new span below the one that `traceparent` names. False: it is not wanted. */
bool trace_child(const char *traceparent, struct trace_span *s);

/* Texts must stay until the span is sent. More than TRACE_ATTRIBUTES are left out; a NULL text is, too. */
void trace_text(struct trace_span *s, const char *key, const char *text);
void trace_number(struct trace_span *s, const char *key, int64_t number);
/* Any thread. The span has ended. */
void trace_send(const struct trace_span *s);

#endif
