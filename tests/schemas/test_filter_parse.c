/* Filter text to tree, by cases: tests/cases/filter/{valid,invalid}. What a filter became is seen in its
 * canonical text. */
#include "schemas/filter.h"
#include "tests/schemas/probe.h"
#include "tests/schemas/support.h"

static const struct resource_type *type_of(const json_t *c) {
    const char *name = json_string_value(json_object_get(c, "type"));
    if (name != NULL && strcmp(name, "Probe") == 0)
        return &probe_type;
    return resource_type_by_name(name != NULL ? name : "User");
}

static enum dialect dialect_of(const json_t *c) {
    enum dialect d = DIALECT_RFC;
    const char *name = json_string_value(json_object_get(c, "dialect"));
    if (name != NULL)
        assert_true(dialect_parse(name, &d));
    return d;
}

static void check_canonical(const char *name, const struct resource_type *rt, enum dialect d,
                            const char *text, const char *want) {
    struct err err = {0};
    struct arena *a = arena_new();
    const struct filter *f = NULL;
    struct jbuf out = {0};
    if (filter_parse(rt, d, text, strlen(text), a, &f, &err) != ERR_OK)
        fail_msg("%s: %s", name, err_text(&err));
    filter_format(f, NULL, &out);
    if (strcmp(out.p, want) != 0)
        fail_msg("%s:\n   got %s\n  want %s", name, out.p, want);
    jb_free(&out);
    arena_free(a);
}

static void valid_file(const char *path, json_t *cases) {
    size_t i;
    json_t *c;
    json_array_foreach(cases, i, c) {
        const char *name = json_string_value(json_object_get(c, "name"));
        const char *canonical = json_string_value(json_object_get(c, "canonical"));
        check_canonical(name, type_of(c), dialect_of(c), json_string_value(json_object_get(c, "filter")),
                        canonical);
        check_canonical(name, type_of(c), DIALECT_RFC, canonical,
                        canonical); /* means the same to everybody */
    }
    assert_true(i > 0);
    (void)path;
}

static void invalid_file(const char *path, json_t *cases) {
    size_t i;
    json_t *c;
    json_array_foreach(cases, i, c) {
        struct err err = {0};
        struct arena *a = arena_new();
        const struct filter *f = NULL;
        const char *text = json_string_value(json_object_get(c, "filter"));
        enum err_code rc = filter_parse(type_of(c), dialect_of(c), text, strlen(text), a, &f, &err);
        if (rc != ERR_INVALID_FILTER || err.detail[0] == '\0')
            fail_msg("%s: %s: %s %s", path, json_string_value(json_object_get(c, "name")), err_name(rc),
                     err.detail);
        arena_free(a);
    }
    assert_true(i > 0);
}

static void test_valid(void **state) {
    (void)state;
    each_case("filter/valid", 1, valid_file);
}

static void test_invalid(void **state) {
    (void)state;
    each_case("filter/invalid", 1, invalid_file);
}

static enum err_code parse(const char *text, size_t len) {
    struct err err = {0};
    struct arena *a = arena_new();
    const struct filter *f = NULL;
    enum err_code rc = filter_parse(resource_type_of(RESOURCE_USER), DIALECT_ENTRA, text, len, a, &f, &err);
    arena_free(a);
    return rc;
}

/* F16: each limit holds, and just inside it all is well. */
static void test_limits(void **state) {
    (void)state;
    struct jbuf b = {0};
    for (int depth = FILTER_MAX_DEPTH; depth <= FILTER_MAX_DEPTH + 1; depth++) {
        jb_reset(&b);
        for (int i = 0; i < depth; i++)
            jb_raw(&b, i % 2 != 0 ? "not (" : "(");
        jb_raw(&b, "title pr");
        for (int i = 0; i < depth; i++)
            jb_raw(&b, ")");
        assert_int_equal(parse(b.p, b.n), depth <= FILTER_MAX_DEPTH ? ERR_OK : ERR_INVALID_FILTER);
    }
    for (int terms = FILTER_MAX_TERMS; terms <= FILTER_MAX_TERMS + 1; terms++) {
        jb_reset(&b);
        for (int i = 0; i < terms; i++)
            jb_raw(&b, i > 0 ? " or title pr" : "title pr");
        assert_int_equal(parse(b.p, b.n), terms <= FILTER_MAX_TERMS ? ERR_OK : ERR_INVALID_FILTER);
    }
    for (size_t bytes = FILTER_MAX_BYTES; bytes <= FILTER_MAX_BYTES + 1; bytes++) {
        jb_reset(&b);
        jb_raw(&b, "title eq \"");
        while (b.n < bytes - 1)
            jb_raw(&b, "x");
        jb_raw(&b, "\"");
        assert_int_equal(parse(b.p, b.n), bytes <= FILTER_MAX_BYTES ? ERR_OK : ERR_INVALID_FILTER);
    }
    jb_free(&b);
}

/* X5: bytes that no JSON string could carry. Text is what its length says, not what a NUL ends. */
static void test_bytes(void **state) {
    (void)state;
    assert_int_equal(parse("title eq \"a\0b\"", 14), ERR_INVALID_FILTER);
    assert_int_equal(parse("title eq \"a\xff\"", 13), ERR_INVALID_FILTER);
    assert_int_equal(parse("title eq a\xff", 11), ERR_INVALID_FILTER);
    assert_int_equal(parse("title eq \"a\"garbage", 12), ERR_OK);
    assert_int_equal(parse("title pr\0", 9), ERR_INVALID_FILTER);
}

/* Every prefix and every text with one byte changed ends in a verdict (and, under ASan, in nothing worse). */
static void test_damaged(void **state) {
    (void)state;
    const char *text =
        "not (emails[type eq \"work\" and not (value co \"\\u00e9\")].value sw x) or active eq true";
    char copy[200];
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        char *exact = malloc(i + 1); /* no byte behind the end that could be read unnoticed */
        memcpy(exact, text, i);
        char *fit = realloc(exact, i > 0 ? i : 1);
        parse(fit, i);
        free(fit);
        for (const char *c = "\"\\[](). \x01z"; *c != '\0'; c++) {
            memcpy(copy, text, n);
            copy[i] = *c;
            parse(copy, n);
        }
    }
    assert_int_equal(parse(text, n), ERR_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_valid), cmocka_unit_test(test_invalid),
                                       cmocka_unit_test(test_limits), cmocka_unit_test(test_bytes),
                                       cmocka_unit_test(test_damaged)};
    return cmocka_run_group_tests_name("filter_parse", tests, NULL, NULL);
}
