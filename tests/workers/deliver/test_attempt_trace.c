/* How many spans of attempts one trace may have. */
#include "workers/deliver/attempt_trace.h"

#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *traceparent(char out[56], unsigned n) {
    snprintf(out, 56, "00-4bf92f3577b34da6a3ce929d%08x-00f067aa0ba902b7-01", n);
    return out;
}

static unsigned spans(struct attempt_traces *t, unsigned n, unsigned attempts) {
    char text[56];
    unsigned counted = 0;
    for (unsigned i = 0; i < attempts; i++)
        counted += attempt_trace_count(t, traceparent(text, n));
    return counted;
}

static void a_trace_has_no_more_than_its_share(void **state) {
    struct attempt_traces *t = calloc(1, sizeof *t);
    (void)state;
    assert_int_equal(spans(t, 7, 99), 99);
    assert_int_equal(spans(t, 8, 1), 1); /* another one is counted by itself */
    assert_int_equal(spans(t, 7, 100000), 1);
    assert_int_equal(spans(t, 8, 100000), 99);
    free(t);
}

static void one_that_was_forgotten_begins_anew(void **state) {
    struct attempt_traces *t = calloc(1, sizeof *t);
    (void)state;
    assert_int_equal(spans(t, 7, 200), 100);
    assert_int_equal(spans(t, 7 + ATTEMPT_TRACES_KNOWN, 1), 1); /* in the same place */
    assert_int_equal(spans(t, 7, 200), 100);
    free(t);
}

static void what_is_no_context_has_none(void **state) {
    struct attempt_traces *t = calloc(1, sizeof *t);
    (void)state;
    assert_false(attempt_trace_count(t, ""));
    assert_false(attempt_trace_count(t, "00-4bf9"));
    free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trace_has_no_more_than_its_share),
        cmocka_unit_test(one_that_was_forgotten_begins_anew),
        cmocka_unit_test(what_is_no_context_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
