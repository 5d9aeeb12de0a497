/* Trees as text. */
#include "schemas/text/jsonx.h"
#include "tests/schemas/support.h"

static void same(const char *text) {
    json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);
    struct jbuf out = {0};
    assert_non_null(v);
    jsonx_text(v, &out);
    assert_string_equal(out.p, text);
    jb_free(&out);
    json_decref(v);
}

/* S3: a decimal is written as it came, where a double can say so; never as another number. */
static void test_numbers(void **state) {
    (void)state;
    same("0.1");
    same("[1.1,{\"a\":[0.2,{\"b\":3.14159}]}]");
    same("100.0");
    same("1e300");
    same("-0.5");
    same("0.30000000000000004");
    same("123456789.12345678");
    same("9007199254740993");
    same("{\"i\":-9223372036854775808,\"t\":true,\"n\":null,\"s\":\"0.1\"}");
    static const double numbers[] = {1.0 / 3, 2.0 / 3, 1e22, 1.7976931348623157e308, 4.35, 0.1 + 0.7};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct jbuf out = {0};
        json_t *v = json_pack("[f,f]", 0.1, numbers[i]);
        jsonx_text(v, &out);
        json_t *again = json_loads(out.p, 0, NULL);
        assert_json(out.p, again, v);
        jb_free(&out);
        json_decref(v);
        json_decref(again);
    }
}

static void test_order(void **state) {
    (void)state;
    json_t *a = quick("{'b':1,'a':{'d':0.1,'c':2}}"), *b = quick("{'a':{'c':2,'d':0.1},'b':1}");
    struct jbuf one = {0}, other = {0};
    jsonx_text_sorted(a, &one);
    jsonx_text_sorted(b, &other);
    assert_string_equal(one.p, other.p);
    jb_reset(&one);
    jsonx_text(NULL, &one);
    assert_string_equal(one.p, "null");
    jb_free(&one);
    jb_free(&other);
    json_decref(a);
    json_decref(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers), cmocka_unit_test(test_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
