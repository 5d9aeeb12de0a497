/* Strict JSON with limits (rule X5, pitfalls of the JSON library). */
#include "schemas/resource/body.h"
#include "tests/schemas/support.h"

static const struct body_limits limits = {.max_bytes = 8 << 20, .max_depth = 32, .max_elements = 300000};

static enum err_code parse(const char *text, size_t len, struct err *err) {
    json_t *v = NULL;
    memset(err, 0, sizeof(*err));
    enum err_code code = body_parse(text, len, &limits, &v, err);
    assert_true((code == ERR_OK) == (v != NULL));
    json_decref(v);
    return code;
}

static void assert_refused(const char *text, size_t len, const char *why) {
    struct err err;
    if (parse(text, len, &err) != ERR_INVALID_SYNTAX)
        fail_msg("taken, or refused otherwise: %.60s", text);
    if (strstr(err.detail, why) == NULL)
        fail_msg("%.60s: '%s' does not say '%s'", text, err.detail, why);
}

static void test_valid(void **state) {
    (void)state;
    static const char *const texts[] = {
        "{}",
        " \t\r\n{ \"a\" : [1, -2.5e3, true, false, null, \"x\"] } \n",
        "{\"a\":\"\\u00e4\\ud83d\\ude00\\\"\\\\\",\"b\":{\"a\":1}}",
        "{\"a\":9223372036854775807,\"A1\":-9223372036854775808}",
        "{\"\":1}",
        "{\"a\":\"}]}]{[{[,,,\"}",
    };
    struct err err;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (parse(texts[i], strlen(texts[i]), &err) != ERR_OK)
            fail_msg("%s: %s", texts[i], err.detail);
}

static void test_not_json(void **state) {
    (void)state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "ends too early"},
        {"{", "ends too early"},
        {"{\"a\":\"x", "ends too early"},
        {"nonsense", "not JSON"},
        {"{'a':1}", "not JSON"},
        {"{\"a\":1,}", "not JSON"},
        {"{\"a\":01}", "not JSON"},
        {"{\"a\":NaN}", "not JSON"},
        {"\xef\xbb\xbf{}", "not JSON"},
        {"{} {}", "follows the object"},
        {"{}x", "follows the object"},
        {"[]", "must be a JSON object"},
        {"[{\"a\":1}]", "must be a JSON object"},
        {"\"text\"", "not JSON"},
        {"null", "not JSON"},
        {"{\"a\":9223372036854775808}", "out of range"},
        {"{\"a\":1e999}", "out of range"},
        {"{\"a\":\"\xff\"}", "UTF-8"},
        {"{\"a\":\"\xed\xa0\x80\"}", "UTF-8"},
        {"{\"a\":\"\xc0\xaf\"}", "UTF-8"},
        {"{\"a\":\"\\ud800\"}", "not JSON"},
        {"{\"a\":\"\\u0000\"}", "NUL"},
        {"{\"a\\u0000b\":1}", "NUL"},
        {"{\"a\":1,\"a\":2}", "twice"},
        {"{\"a\":1,\"A\":2}", "letter case"},
        {"{\"x\":[{\"userName\":1,\"b\":2,\"USERNAME\":3}]}", "letter case"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(cases[i].text, strlen(cases[i].text), cases[i].why);
    assert_refused("{}\0", 3, "");
    assert_refused("{\"a\":\"\0\"}", 9, "");
}

/* A refusal may be logged and shown: it must not repeat what was sent. */
static void test_refusal_quotes_nothing(void **state) {
    (void)state;
    struct err err;
    const char *text = "{\"password\":\"Xy7-tmp\",\"password\":\"Xy7-tmp\" Xy7-tmp";
    assert_int_equal(parse(text, strlen(text), &err), ERR_INVALID_SYNTAX);
    assert_null(strstr(err.detail, "Xy7"));
}

/* n levels of `open`, then of `close`. */
static char *nested(size_t n, const char *open, const char *close) {
    char *text = calloc(1, n * (strlen(open) + strlen(close)) + 1), *end = text;
    for (size_t i = 0; i < n; i++)
        end = stpcpy(end, open);
    for (size_t i = 0; i < n; i++)
        end = stpcpy(end, close);
    return text;
}

static void test_depth(void **state) {
    (void)state;
    struct err err;
    char *text = nested(32, "{\"a\":", "}");
    text[strlen(text) / 6 * 5 - 1] = ':'; /* the innermost one has no value: not JSON, but not too deep */
    assert_refused(text, strlen(text), "not JSON");
    free(text);

    char *list = nested(31, "[", "]");
    char whole[200];
    snprintf(whole, sizeof(whole), "{\"a\":%s}", list);
    assert_int_equal(parse(whole, strlen(whole), &err), ERR_OK);
    snprintf(whole, sizeof(whole), "{\"a\":[%s]}", list);
    assert_refused(whole, strlen(whole), "deeper than 32");
    free(list);

    list = nested(1000000, "[", ""); /* would end a recursive reader */
    assert_refused(list, strlen(list), "deeper than 32");
    free(list);
}

static void test_too_large(void **state) {
    (void)state;
    struct body_limits small = {.max_bytes = 10, .max_depth = 32, .max_elements = 100};
    struct err err;
    json_t *v;
    assert_int_equal(body_parse("{\"a\":1234}", 10, &small, &v, &err), ERR_OK);
    json_decref(v);
    assert_int_equal(body_parse("{\"a\":12345}", 11, &small, &v, &err), ERR_TOO_LARGE);
}

/* Single values are counted, and objects and lists apart from them; names are not. The more numerous kind
 * decides.
 */
static void test_elements_are_counted_exactly(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t values;
    } cases[] = {
        {"{}", 1},
        {"{\"a\":1}", 1},
        {"{\"a\" : \"b\",\"c\":[1,\"d\",null,{}]}", 4},
        {"{\"a\":[[],[[]],{\"b\":{}}]}", 7},
        {"{\"a\":-1.5e+3,\"b\":true}", 2},
        {"{\"a\":\"x:y,{[\\\"\"}", 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct body_limits exact = {.max_bytes = 100, .max_depth = 32, .max_elements = cases[i].values};
        struct err err;
        json_t *v;
        assert_int_equal(body_parse(cases[i].text, strlen(cases[i].text), &exact, &v, &err), ERR_OK);
        json_decref(v);
        exact.max_elements--;
        assert_int_equal(body_parse(cases[i].text, strlen(cases[i].text), &exact, &v, &err),
                         ERR_INVALID_SYNTAX);
    }
}

/* 1 MiB of "{}," would be a tree of 77 MiB. It is refused before anything is built, also where the text
 * breaks off later, and where colons that belong to no name try to talk the count down. */
static void test_bomb(void **state) {
    (void)state;
    static const char *const ends[] = {"{}]}", "", ":::::", "{}"};
    for (size_t e = 0; e < sizeof(ends) / sizeof(ends[0]); e++) {
        size_t n = (1 << 20) / 3;
        char *text = malloc(n * 3 + 300000 + 32);
        size_t len = (size_t)sprintf(text, "{\"a\":[");
        for (size_t i = 0; i < n; i++, len += 3)
            memcpy(text + len, "{},", 3);
        memset(text + len, ':', 300000);
        len += e == 2 ? 300000 : 0;
        len += (size_t)sprintf(text + len, "%s", ends[e]);
        assert_refused(text, len, "more than 300000 values");
        free(text);
    }
}

/* Many members in one object are compared without comparing every pair. */
static void test_many_members(void **state) {
    (void)state;
    struct err err;
    char *text = malloc(4 << 20);
    size_t len = 1;
    text[0] = '{';
    for (int i = 0; i < 100000; i++)
        len += (size_t)sprintf(text + len, "\"member%d\":%d,", i, i);
    sprintf(text + len, "\"last\":1}");
    assert_int_equal(parse(text, strlen(text), &err), ERR_OK);
    sprintf(text + len, "\"MEMBER77\":1}");
    assert_refused(text, strlen(text), "letter case");
    free(text);
}

static void test_member(void **state) {
    (void)state;
    json_t *o = quick("{'userName':1,'Emails':2}");
    assert_int_equal(json_integer_value(body_member(o, "userName")), 1);
    assert_int_equal(json_integer_value(body_member(o, "USERNAME")), 1);
    assert_int_equal(json_integer_value(body_member(o, "emails")), 2);
    assert_null(body_member(o, "email"));
    assert_null(body_member(NULL, "emails"));
    json_t *list = quick("[1]");
    assert_null(body_member(list, "emails"));
    json_decref(list);
    json_decref(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_not_json),
        cmocka_unit_test(test_refusal_quotes_nothing),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_elements_are_counted_exactly),
        cmocka_unit_test(test_bomb),
        cmocka_unit_test(test_many_members),
        cmocka_unit_test(test_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
