#include "ops/runtime/trace.h"

#include "ops/runtime/trace_private.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"
#define GIVEN "00-" TRACE "-" SPAN "-01"
#define NOT_SAMPLED "00-" TRACE "-" SPAN "-00"

/* The switch of trace_send.c, so that nothing is sent. */
static bool on;
static long percent;

bool trace_on(void) {
    return on;
}
long trace_percent(void) {
    return percent;
}

static void goes_on_in_the_clients_trace(void **state) {
    char made[TRACEPARENT_SIZE], parent[17];
    struct trace_span s, child;
    (void)state;
    on = true;
    percent = 0; /* is about others */
    trace_enter(GIVEN, made, parent);
    assert_int_equal(strlen(made), 55);
    assert_memory_equal(made, "00-" TRACE "-", 36);
    assert_string_equal(made + 52, "-01");
    assert_memory_not_equal(made + 36, SPAN, 16);
    assert_string_equal(parent, SPAN);
    assert_true(trace_own(made, parent, &s));
    assert_string_equal(s.trace, TRACE);
    assert_memory_equal(s.id, made + 36, 16);
    assert_string_equal(s.parent, SPAN);
    assert_true(trace_child(made, &child));
    assert_string_equal(child.trace, TRACE);
    assert_string_equal(child.parent, s.id);
    assert_string_not_equal(child.id, s.id);
}

static void begins_traces_of_its_own(void **state) {
    char made[TRACEPARENT_SIZE], other[TRACEPARENT_SIZE], parent[17];
    (void)state;
    on = true;
    percent = 100;
    trace_enter("", made, parent);
    trace_enter(NULL, other, parent);
    assert_int_equal(strlen(made), 55);
    assert_string_equal(parent, "");
    assert_memory_not_equal(made + 3, other + 3, 32);
    percent = 0;
    trace_enter("", made, parent);
    assert_string_equal(made, "");
}

static void leaves_what_is_not_wanted(void **state) {
    char made[TRACEPARENT_SIZE], parent[17];
    struct trace_span s;
    (void)state;
    on = true;
    percent = 100;
    trace_enter(NOT_SAMPLED, made, parent); /* passed on as it came */
    assert_string_equal(made, NOT_SAMPLED);
    assert_false(trace_own(made, parent, &s));
    assert_false(trace_child("", &s));
    assert_false(trace_child(NULL, &s));
    on = false;
    trace_enter(GIVEN, made, parent);
    assert_string_equal(made, GIVEN);
    assert_false(trace_own(made, parent, &s));
    trace_enter("", made, parent);
    assert_string_equal(made, "");
}

static void writes_spans_as_otlp_does(void **state) {
    struct trace_span s = {
        .kind = TRACE_CONSUMER, .name = "a \"name\"", .begin_us = 1, .end_us = 1795342530123456};
    struct jbuf text = {0};
    (void)state;
    snprintf(s.trace, sizeof s.trace, TRACE);
    snprintf(s.id, sizeof s.id, SPAN);
    trace_text(&s, "usher.txn", "x");
    trace_text(&s, "none", NULL);
    trace_number(&s, "n", -5);
    trace_span_text(&s, &text);
    assert_string_equal(text.p, "{\"traceId\":\"" TRACE "\",\"spanId\":\"" SPAN
                                "\",\"name\":\"a \\\"name\\\"\",\"kind\":5,\"startTimeUnixNano\":\"1000\","
                                "\"endTimeUnixNano\":\"1795342530123456000\",\"attributes\":["
                                "{\"key\":\"usher.txn\",\"value\":{\"stringValue\":\"x\"}},"
                                "{\"key\":\"n\",\"value\":{\"intValue\":\"-5\"}}]}");
    jb_reset(&text);
    s.error = "unavailable";
    s.n = 0;
    snprintf(s.parent, sizeof s.parent, "aaaaaaaaaaaaaaaa");
    for (int i = 0; i < TRACE_ATTRIBUTES + 3; i++)
        trace_number(&s, "k", i);
    assert_int_equal(s.n, TRACE_ATTRIBUTES);
    trace_span_text(&s, &text);
    assert_non_null(strstr(text.p, "\"parentSpanId\":\"aaaaaaaaaaaaaaaa\""));
    assert_non_null(strstr(text.p, "\"status\":{\"code\":2,\"message\":\"unavailable\"}}"));
    jb_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_on_in_the_clients_trace),
        cmocka_unit_test(begins_traces_of_its_own),
        cmocka_unit_test(leaves_what_is_not_wanted),
        cmocka_unit_test(writes_spans_as_otlp_does),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
