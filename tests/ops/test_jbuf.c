#include "ops/runtime/jbuf.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void escapes(void **state) {
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"say \"hi\"", "\"say \\\"hi\\\"\""},
        {"back\\slash", "\"back\\\\slash\""},
        {"\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\""},
        {"\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\""},
        {"Zoë 日本 🙂", "\"Zoë 日本 🙂\""},
        {"a/b", "\"a/b\""},
        {NULL, "null"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct jbuf b = {0};
        jb_str(&b, cases[i].in);
        assert_string_equal(b.p, cases[i].out);
        jb_free(&b);
    }
}

static void every_byte_comes_back_through_a_parser(void **state) {
    (void)state;
    char all[127];
    for (int i = 0; i < 127; i++)
        all[i] = (char)(i + 1);
    for (size_t from = 0; from < 127; from++) {
        struct jbuf b = {0};
        jb_strn(&b, all + from, 127 - from);
        json_t *parsed = json_loadb(b.p, b.n, JSON_DECODE_ANY, NULL);
        assert_non_null(parsed);
        assert_int_equal(json_string_length(parsed), 127 - from);
        assert_memory_equal(json_string_value(parsed), all + from, 127 - from);
        json_decref(parsed);
        jb_free(&b);
    }
}

static void integers(void **state) {
    (void)state;
    static const struct {
        int64_t in;
        const char *out;
    } cases[] = {
        {0, "0"},
        {-1, "-1"},
        {1234567890123, "1234567890123"},
        {INT64_MAX, "9223372036854775807"},
        {INT64_MIN, "-9223372036854775808"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct jbuf b = {0};
        jb_int(&b, cases[i].in);
        assert_string_equal(b.p, cases[i].out);
        jb_free(&b);
    }
}

static void commas_come_where_they_are_due(void **state) {
    (void)state;
    struct jbuf b = {0};
    jb_raw(&b, "{");
    jb_kstr(&b, "a", "x");
    jb_kint(&b, "b", -5);
    jb_kbool(&b, "c", true);
    jb_kbool(&b, "d", false);
    jb_kraw(&b, "e", "{}");
    jb_kraw(&b, "f", NULL);
    jb_kstr(&b, "g", NULL);
    jb_key(&b, "h");
    jb_raw(&b, "[");
    for (int i = 0; i < 3; i++) {
        jb_sep(&b);
        jb_int(&b, i);
    }
    jb_raw(&b, "]}");
    assert_string_equal(
        b.p, "{\"a\":\"x\",\"b\":-5,\"c\":true,\"d\":false,\"e\":{},\"f\":null,\"g\":null,\"h\":[0,1,2]}");
    jb_free(&b);
}

static void grows_resets_and_gives_away(void **state) {
    (void)state;
    struct jbuf b = {0};
    char *empty = jb_take(&b);
    assert_string_equal(empty, "");
    free(empty);
    for (int i = 0; i < 10000; i++)
        jb_printf(&b, "%d,", i % 10);
    assert_int_equal(b.n, 20000);
    assert_int_equal(b.p[b.n], 0);
    jb_printf(&b, "%*d", 70000, 1);
    assert_int_equal(b.n, 90000);
    assert_int_equal(strlen(b.p), 90000);
    jb_reset(&b);
    assert_int_equal(b.n, 0);
    assert_string_equal(b.p, "");
    jb_mem(&b, "a\0b", 3);
    assert_int_equal(b.n, 3);
    char *taken = jb_take(&b);
    assert_memory_equal(taken, "a\0b", 4);
    free(taken);
    assert_null(b.p);
    jb_reset(&b);
    jb_free(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes),
        cmocka_unit_test(every_byte_comes_back_through_a_parser),
        cmocka_unit_test(integers),
        cmocka_unit_test(commas_come_where_they_are_due),
        cmocka_unit_test(grows_resets_and_gives_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
