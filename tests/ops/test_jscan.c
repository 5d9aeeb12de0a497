#include "ops/runtime/jscan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* What is JSON, and what is not, is compared with jansson's mind in tests/fuzz/fuzz_jscan.c. */

static bool scan(const char *text, const char *const *names, size_t n, struct js_value *out) {
    return js_members(text, strlen(text), names, n, out);
}

static void members_are_found_in_any_order(void **state) {
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d", "aa", "none"};
    struct js_value v[6];
    assert_true(scan("{\"d\":{\"a\":9},\"x\":[1,{\"a\":8}],\"aa\":true,\"a\":-12,\"c\":null,\"b\":\"t\"}",
                     names, 6, v));
    assert_int_equal(v[0].kind, JS_INT);
    assert_int_equal(v[0].number, -12);
    assert_int_equal(v[1].kind, JS_TEXT);
    assert_true(js_is(&v[1], "t") && !js_is(&v[1], "") && !js_is(&v[1], "tt"));
    assert_int_equal(v[2].kind, JS_NULL);
    assert_int_equal(v[3].kind, JS_OBJECT);
    assert_int_equal(v[3].n, strlen("{\"a\":9}"));
    assert_memory_equal(v[3].p, "{\"a\":9}", v[3].n);
    assert_int_equal(v[4].kind, JS_TRUE);
    assert_int_equal(v[5].kind, JS_NONE);
}

static void the_last_of_two_counts(void **state) {
    (void)state;
    static const char *const names[] = {"a"};
    struct js_value v;
    assert_true(scan("{\"a\":1,\"a\":2}", names, 1, &v));
    assert_int_equal(v.number, 2);
    assert_true(scan("{\"\\u0061\":3}", names, 1, &v));
    assert_int_equal(v.number, 3);
}

static void escapes_are_taken_out(void **state) {
    (void)state;
    static const char *const names[] = {"a"};
    static const struct {
        const char *json, *text;
    } cases[] = {
        {"{\"a\":\"\"}", ""},
        {"{\"a\":\"plain \xc3\xa9\"}", "plain \xc3\xa9"},
        {"{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "\"\\/\b\f\n\r\t"},
        {"{\"a\":\"x\\u00e9\\u65E5\\ud83d\\ude42y\"}", "x\xc3\xa9\xe6\x97\xa5\xf0\x9f\x99\x82y"},
    };
    struct arena *a = arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct js_value v;
        char out[64];
        size_t n = strlen(cases[i].text);
        assert_true(scan(cases[i].json, names, 1, &v));
        assert_string_equal(js_text(&v, a), cases[i].text);
        assert_true(js_is(&v, cases[i].text));
        assert_int_equal(js_unescape(&v, out, sizeof out), n);
        assert_string_equal(out, cases[i].text);
        memset(out, '#', sizeof out);
        assert_int_equal(js_unescape(&v, out, n), n); /* no room for the NUL: nothing beyond the end */
        assert_int_equal(out[n], '#');
    }
    arena_free(a);
}

static void no_text_is_no_text(void **state) {
    (void)state;
    static const char *const names[] = {"a", "b"};
    struct js_value v[2];
    struct arena *a = arena_new();
    assert_true(scan("{\"a\":1}", names, 2, v));
    assert_null(js_text(&v[0], a));
    assert_null(js_text(&v[1], a));
    assert_false(js_is(&v[0], "1"));
    arena_free(a);
}

static void what_has_no_members(void **state) {
    (void)state;
    static const char *const names[] = {"a"};
    static const char *const wrong[] = {"",
                                        "1",
                                        "\"a\"",
                                        "null",
                                        "{",
                                        "{}x",
                                        "{\"a\":1,}",
                                        "{\"a\"}",
                                        "[1,]",
                                        "{\"a\":01}",
                                        "{\"a\":9223372036854775808}",
                                        "{\"a\":1e999}",
                                        "{\"a\":\"\\ud800\"}",
                                        "{\"a\":\"\xff\"}",
                                        "{\"\\u0000\":1}"};
    struct js_value v;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (scan(wrong[i], names, 1, &v))
            fail_msg("taken: %s", wrong[i]);
    assert_true(scan("[{\"a\":1}]", names, 1, &v));
    assert_int_equal(v.kind, JS_NONE);
    assert_true(scan(" {\t} \n", names, 1, &v));
    assert_int_equal(v.kind, JS_NONE);
}

static void depth_is_bounded(void **state) {
    (void)state;
    char text[4 * JS_DEPTH_MAX + 8];
    for (size_t depth = JS_DEPTH_MAX - 1; depth <= JS_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_int_equal(js_members(text, 2 * depth, NULL, 0, NULL), depth <= JS_DEPTH_MAX);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found_in_any_order),
        cmocka_unit_test(the_last_of_two_counts),
        cmocka_unit_test(escapes_are_taken_out),
        cmocka_unit_test(no_text_is_no_text),
        cmocka_unit_test(what_has_no_members),
        cmocka_unit_test(depth_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
