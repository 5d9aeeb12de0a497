/* The thread that sends spans to the collector, and the memory in which they wait for it. */
#include "ops/runtime/clock.h"
#include "ops/runtime/jbuf.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "ops/runtime/metrics.h"
#include "ops/runtime/net_range.h"
#include "ops/runtime/post.h"
#include "ops/runtime/trace.h"
#include "ops/runtime/trace_private.h"
#include "ops/runtime/version.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAITING_BYTES (1u << 20) /* of spans that wait; and of one message */
#define FULL_BYTES (WAITING_BYTES / 4)
#define EVERY_MS 1000 /* so often they are sent, or when so many bytes wait */
#define ANSWER_MS 5000
#define LAST_MS 1000

static struct {
    bool on;
    long percent;
    const char *program, *endpoint, *header;
    struct net_ranges anywhere; /* the operator has entered the address */
    struct post *post;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
    struct jbuf waiting; /* spans, with commas between them */
    size_t n;
    bool failing; /* as the log has it; the thread's */
    struct metric *spans, *dropped, *failed;
} tracing = {.lock = PTHREAD_MUTEX_INITIALIZER};

bool trace_on(void) {
    return tracing.on;
}

long trace_percent(void) {
    return tracing.percent;
}

/* ---- settings ---- */

static bool is_url(const char *s) {
    size_t scheme = strncmp(s, "http://", 7) == 0 ? 7 : strncmp(s, "https://", 8) == 0 ? 8 : 0;
    return scheme != 0 && s[scheme] != '\0' && s[scheme] != '/' && strpbrk(s, " \t\"<>") == NULL;
}

enum err_code trace_judge(const struct config *c, struct err *err) {
    const char *endpoint = config_str(c, "trace-endpoint"), *header = config_str(c, "trace-header");
    if (endpoint[0] != '\0' && !is_url(endpoint))
        return err_set(err, ERR_CONFIG, "trace-endpoint is no http or https URL: %s", endpoint);
    if (header[0] != '\0' && (header[0] == ':' || strchr(header, ':') == NULL))
        return err_set(err, ERR_CONFIG, "trace-header is not of the form \"name: value\"");
    return ERR_OK;
}

/* ---- sending ---- */

static void put_resource(const char *key, const char *text, struct jbuf *out) {
    jb_sep(out);
    jb_raw(out, "{");
    jb_kstr(out, "key", key);
    jb_key(out, "value");
    jb_raw(out, "{");
    jb_kstr(out, "stringValue", text);
    jb_raw(out, "}}");
}

/* ExportTraceServiceRequest (opentelemetry-proto, collector/trace/v1). */
static void put_message(const struct jbuf *spans, struct jbuf *out) {
    jb_reset(out);
    jb_raw(out, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
    put_resource("service.name", tracing.program, out);
    put_resource("service.version", usher_version, out);
    jb_raw(out, "]},\"scopeSpans\":[{\"scope\":{\"name\":\"usher\"},\"spans\":[");
    jb_mem(out, spans->p, spans->n);
    jb_raw(out, "]}]}]}");
}

/* One line when it begins to fail, and one when it goes again. */
static void judge_answer(const struct post_answer *a, size_t n) {
    bool good = a->status >= 200 && a->status < 300;
    if (!good) {
        metric_add(tracing.failed, 1);
        metric_add(tracing.dropped, (int64_t)n);
    }
    if (good == tracing.failing) {
        char quoted[600];
        if (good)
            log_event(LOG_INFO, "traces-sent-again", "%s", "");
        else
            log_event(LOG_WARN, "traces-not-sent", "status=%d reason=%s", a->status,
                      log_quote(a->error != NULL ? a->error : a->shown, quoted, sizeof quoted));
        tracing.failing = !good;
    }
}

static void post_spans(const struct jbuf *message, size_t n, int most_ms) {
    struct post_message m = {
        .url = tracing.endpoint,
        .headers = {"Content-Type: application/json", tracing.header[0] != '\0' ? tracing.header : NULL},
        .body = message->p,
        .n = message->n};
    struct post_answer a;
    int64_t until_us = clock_mono_us() + most_ms * INT64_C(1000);
    post_start(tracing.post, &m, NULL);
    while (!post_take(tracing.post, &a)) {
        if (clock_mono_us() > until_us)
            return; /* only at the end of the process: post_free ends it */
        post_work(tracing.post, 100);
    }
    judge_answer(&a, n);
}

static void wait_for_more(void) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += EVERY_MS / 1000;
    while (!tracing.stop && tracing.waiting.n < FULL_BYTES &&
           pthread_cond_timedwait(&tracing.wake, &tracing.lock, &until) == 0) {
    }
}

static void *run(void *arg) {
    struct jbuf taken = {0}, message = {0};
    bool stop = false;
    (void)arg;
    while (!stop) {
        pthread_mutex_lock(&tracing.lock);
        wait_for_more();
        struct jbuf empty = taken;
        taken = tracing.waiting;
        tracing.waiting = empty;
        size_t n = tracing.n;
        tracing.n = 0;
        stop = tracing.stop;
        pthread_mutex_unlock(&tracing.lock);
        if (n == 0)
            continue;
        put_message(&taken, &message);
        post_spans(&message, n, stop ? LAST_MS : 2 * ANSWER_MS);
        jb_reset(&taken);
    }
    post_free(tracing.post); /* before the message, which it may still hold */
    jb_free(&taken);
    jb_free(&message);
    return NULL;
}

void trace_send(const struct trace_span *s) {
    pthread_mutex_lock(&tracing.lock);
    bool room = !tracing.stop && tracing.waiting.n < WAITING_BYTES;
    if (room) {
        if (tracing.waiting.n > 0)
            jb_raw(&tracing.waiting, ",");
        trace_span_text(s, &tracing.waiting);
        tracing.n++;
        if (tracing.waiting.n >= FULL_BYTES)
            pthread_cond_signal(&tracing.wake);
    }
    pthread_mutex_unlock(&tracing.lock);
    metric_add(room ? tracing.spans : tracing.dropped, 1);
}

/* ---- life ---- */

static struct metric *counter(const char *program, const char *what, const char *help) {
    char name[64];
    snprintf(name, sizeof name, "usher_%s_trace_%s_total", program, what);
    return metric_counter(name, NULL, help);
}

void trace_stats_init(const char *program) {
    tracing.spans = counter(program, "spans", "Spans for the collector");
    tracing.dropped = counter(program, "dropped", "Spans that the collector does not get");
    tracing.failed = counter(program, "failed", "Messages that the collector has not taken");
}

enum err_code trace_open(const struct config *c, const char *program, struct err *err) {
    tracing.endpoint = config_str(c, "trace-endpoint");
    if (tracing.endpoint[0] == '\0')
        return ERR_OK;
    tracing.header = config_str(c, "trace-header");
    tracing.percent = config_int(c, "trace-percent");
    tracing.program = program;
    if (!net_ranges_parse("0.0.0.0/0 ::/0", &tracing.anywhere, NULL))
        abort();
    struct post_settings p = {
        .allowed = &tracing.anywhere, .http = true, .timeout_ms = ANSWER_MS, .connections = 1};
    tracing.post = post_new(&p);
    if (tracing.post == NULL)
        return err_set(err, ERR_CONFIG, "libcurl cannot be used");
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&tracing.wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&tracing.thread, NULL, run, NULL) != 0)
        abort();
    tracing.on = true;
    return ERR_OK;
}

void trace_close(void) {
    if (!tracing.on)
        return;
    pthread_mutex_lock(&tracing.lock);
    tracing.stop = true;
    pthread_cond_signal(&tracing.wake);
    pthread_mutex_unlock(&tracing.lock);
    pthread_join(tracing.thread, NULL);
    net_ranges_free(&tracing.anywhere);
    jb_free(&tracing.waiting);
    pthread_cond_destroy(&tracing.wake);
    tracing.on = false;
}
