/* Query strings: decoding (T7), integers (G2), and the masked form (X2). */
#include "ingest/request/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;

static struct query parse(const char *text) {
    struct query q;
    struct err err = {0};
    assert_int_equal(query_parse(text, arena, &q, &err), ERR_OK);
    return q;
}

static const char *get(const char *text, const char *name) {
    struct query q = parse(text);
    return query_get(&q, name);
}

static const char *masked(const char *text) {
    struct query q = parse(text);
    return query_masked(&q, arena);
}

static void t7_plus_and_percent_20_are_spaces(void **state) {
    (void)state;
    assert_string_equal(get("filter=userName+eq%20%22a%2Bb%22", "filter"), "userName eq \"a+b\"");
    assert_string_equal(query_decode("a+b", 3, false, arena), "a+b"); /* not in paths */
}

static void reads_parameters(void **state) {
    (void)state;
    assert_string_equal(get("a=1&b=2", "b"), "2");
    assert_string_equal(get("a", "a"), "");
    assert_string_equal(get("a=", "a"), "");
    assert_string_equal(get("&&a=x=y&", "a"), "x=y");
    assert_string_equal(get("%61=1", "a"), "1");
    assert_null(get("A=1", "a"));
    assert_null(get("", "a"));
    assert_null(get(NULL, "a"));
}

/* A list in pieces is one list. */
static void joins_lists_of_attributes(void **state) {
    (void)state;
    assert_string_equal(get("attributes=userName&count=1&attributes=emails.value,id", "attributes"),
                        "userName,emails.value,id");
    assert_string_equal(get("excludedAttributes=a&excludedAttributes=a&attributes=c", "excludedAttributes"),
                        "a,a");
    assert_string_equal(get("attributes=&attributes=b&attributes", "attributes"), "b");
    assert_string_equal(get("attributes=&attributes=", "attributes"), "");
    struct query q = parse("attributes=a&attributes=b&count=1");
    assert_int_equal(q.n, 2);
}

static void refuses_any_other_parameter_that_is_given_twice(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        {"filter=a&filter=b", "filter"},       {"count=1&count=1", "count"}, /* also with one meaning */
        {"limit=1&cursor=&limit=2", "limit"},  {"cursor=&cursor=", "cursor"},
        {"%63ount=1&count=2", "count"},        {"sortBy=1&attributes=b&attributes=c&sortBy=2", "sortBy"},
        {"userName=a&userName=a", "userName"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct query q;
        struct err err = {0};
        assert_int_equal(query_parse(bad[i][0], arena, &q, &err), ERR_INVALID_VALUE);
        assert_string_equal(err.path, bad[i][1]);
        assert_non_null(strstr(err.detail, bad[i][1]));
    }
}

/* What nobody knows is ignored (T7), however often it comes; a form of OAuth must not repeat it either. */
static void t7_ignores_what_nobody_knows(void **state) {
    (void)state;
    struct query q = parse("x=1&count=2&x=2&Count=3&count%20=4");
    assert_string_equal(query_get(&q, "count"), "2");
    assert_string_equal(query_repeated(&q), "x");
    q = parse("x=1&count=2&y=1&attributes=a&attributes=b");
    assert_null(query_repeated(&q));
}

static void refuses_broken_encodings(void **state) {
    (void)state;
    static const char *const bad[] = {"a=%",   "a=%4",  "a=%zz",  "a=%4g", "a=%00",
                                      "a=%ff", "a=%c3", "a=\xff", "%zz=1", "a=1&b=%ed%a0%80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct query q;
        struct err err = {0};
        assert_int_equal(query_parse(bad[i], arena, &q, &err), ERR_BAD_REQUEST);
    }
}

static void bounds_parameters(void **state) {
    (void)state;
    char text[500] = "";
    struct query q;
    struct err err = {0};
    for (int i = 0; i < 64; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "a%d=1&&", i);
    assert_int_equal(query_parse(text, arena, &q, &err), ERR_OK);
    strcat(text, "b=1&c=2");
    assert_int_equal(query_parse(text, arena, &q, &err), ERR_BAD_REQUEST);
    assert_string_equal(err.detail, "The query has 66 parameters; at most 64 are allowed");
}

static int64_t integer(const char *text, enum err_code *code) {
    struct query q = parse(text);
    struct err err = {0};
    int64_t n = 0;
    *code = query_int(&q, "n", 7, &n, &err);
    return n;
}

static void g2_integers(void **state) {
    (void)state;
    enum err_code code;
    static const struct {
        const char *text;
        int64_t n;
    } good[] = {{"", 7},       {"n=", 7},    {"n=0", 0},
                {"n=12", 12},  {"n=-3", -3}, {"n=99999999999999999999", INT32_MAX},
                {"n=%2B5", 5}, {"n=007", 7}, {"n=-99999999999999999999", -INT32_MAX}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(integer(good[i].text, &code) == good[i].n);
        assert_int_equal(code, ERR_OK);
    }
    static const char *const bad[] = {"n=a", "n=1.5", "n=1e3", "n=-", "n=+1", "n=1%20", "n=0x1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        integer(bad[i], &code);
        assert_int_equal(code, ERR_INVALID_VALUE);
    }
}

static void x2_filters_keep_their_shape_only(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"filter=userName+eq+%22ana@example.com%22", "filter=userName eq \"?\""},
        {"filter=userName eq \"a \\\" b\" and active eq true",
         "filter=userName eq \"?\" and active eq \"?\""},
        {"filter=emails[type eq \"work\" and value co \"@x\"]",
         "filter=emails[type eq \"?\" and value co \"?\"]"},
        {"filter=emails[type eq \"work\"].value eq \"x\"", "filter=emails[type eq \"?\"].value eq \"?\""},
        {"filter=not (title pr) or userName sw \"b\"", "filter=not (title pr) or userName sw \"?\""},
        {"filter=urn:ietf:x:2.0:User:manager.value eq 5",
         "filter=urn:ietf:x:2.0:User:manager.value eq \"?\""},
        {"filter=externalId eq ana", "filter=externalId eq \"?\""}, /* unquoted */
        {"filter=userName eq \"ana", "filter=userName eq \"?\""},   /* not closed */
        {"filter=ana.lopez", "filter=\"?\""},                       /* no filter at all */
        {"filter=ana@example.com eq 1", "filter=\"?\" eq \"?\""},
        {"filter=userName eq ana eq lopez", "filter=userName eq \"?\" eq \"?\""},
        {"filter=\"ana\"", "filter=\"?\""},
        {"filter=", "filter="},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(masked(rows[i][0]), rows[i][1]);
}

static void x2_other_parameters(void **state) {
    (void)state;
    assert_string_equal(masked("startIndex=1&count=5&attributes=userName,name.givenName"),
                        "startIndex=1&count=5&attributes=userName,name.givenName");
    assert_string_equal(masked("token=secret&ana@example.com"), "?&?");
    assert_string_equal(masked("count=ana@example.com"), "?");
    assert_null(masked(""));
}

static int setup(void **state) {
    (void)state;
    arena = arena_new();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_free(arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t7_plus_and_percent_20_are_spaces),
        cmocka_unit_test(reads_parameters),
        cmocka_unit_test(joins_lists_of_attributes),
        cmocka_unit_test(refuses_any_other_parameter_that_is_given_twice),
        cmocka_unit_test(t7_ignores_what_nobody_knows),
        cmocka_unit_test(refuses_broken_encodings),
        cmocka_unit_test(bounds_parameters),
        cmocka_unit_test(g2_integers),
        cmocka_unit_test(x2_filters_keep_their_shape_only),
        cmocka_unit_test(x2_other_parameters),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
