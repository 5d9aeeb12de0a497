#include "ingest/request/etag.h"
#include "ingest/request/prefer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

/* Q1: lists, letter case, unknown ones, first of duplicates. Q2: wait, return. */
static const struct {
    const char *text;
    bool async;
    int wait;
    enum prefer_return returned;
} cases[] = {
    {NULL, false, -1, PREFER_ANY},
    {"", false, -1, PREFER_ANY},
    {"respond-async", true, -1, PREFER_ANY},
    {"Respond-Async", true, -1, PREFER_ANY},
    {"respond-async, wait=5", true, 5, PREFER_ANY},
    {"wait=5,respond-async", true, 5, PREFER_ANY},
    {" , ,respond-async ,, wait = 10 ;foo=bar; x", true, 10, PREFER_ANY},
    {"wait=\"7\", respond-async=\"\"", true, 7, PREFER_ANY},
    {"wait=\"\\1\\2\"", false, 12, PREFER_ANY},
    {"respond-async=yes", false, -1, PREFER_ANY},
    {"wait=soon, wait=3", false, -1, PREFER_ANY},
    {"wait=1, WAIT=9", false, 1, PREFER_ANY},
    {"wait=-1", false, -1, PREFER_ANY},
    {"wait=99999999999999999999", false, 3600, PREFER_ANY},
    {"wait", false, -1, PREFER_ANY},
    {"return=minimal", false, -1, PREFER_MINIMAL},
    {"RETURN=Minimal", false, -1, PREFER_MINIMAL},
    {"return=representation, return=minimal", false, -1, PREFER_REPRESENTATION},
    {"return=\"representation\"", false, -1, PREFER_REPRESENTATION},
    {"return=everything", false, -1, PREFER_ANY},
    {"handling=strict, lenient; respond-async, priority=5, respond-async", true, -1, PREFER_ANY},
    {"foo; respond-async", false, -1, PREFER_ANY},
    {"foo=\"respond-async, wait=3\"", false, -1, PREFER_ANY},
    {"foo=\"never ends, respond-async", false, -1, PREFER_ANY},
    {"respond async, wait=2", false, 2, PREFER_ANY},
    {"respond-async-more", false, -1, PREFER_ANY},
    {"respond-asyncrespond-asyncrespond-asyncrespond-async", false, -1, PREFER_ANY},
    {"(bad), respond-async", true, -1, PREFER_ANY},
};

static void every_text(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct prefer p;
        prefer_parse(cases[i].text, &p);
        if (p.respond_async != cases[i].async || p.wait_s != cases[i].wait || p.returned != cases[i].returned)
            fail_msg("%s: async %d wait %d return %d", cases[i].text, p.respond_async, p.wait_s, p.returned);
    }
}

/* V2. has: 0 ends. */
static const struct {
    const char *text;
    bool any;
    int64_t has[4];
} tags[] = {
    {"*", true, {0}},
    {" * ", true, {0}},
    {"*, W/\"3\"", false, {3}},
    {"W/\"3\"", false, {3}},
    {"\"3\"", false, {3}},
    {"W/\"3\", W/\"12\" ,\t\"7\"", false, {3, 12, 7}},
    {", W/\"3\",,", false, {3}},
    {"W/\"a,b\", W/\"4\"", false, {4}},
    {"w/\"3\"", false, {0}},
    {"W/3", false, {0}},
    {"3", false, {0}},
    {"", false, {0}},
    {"W/\"3", false, {0}},
    {"W/\"3\" x, W/\"5\"", false, {5}},
    {"W/\"03\"", false, {0}},
    {"W/\"-3\"", false, {0}},
    {"W/\"3-9f2\"", false, {0}},
    {"W/\"\"", false, {0}},
    {"W/\"999999999999999999999\"", false, {0}},
};

static void every_tag(void **state) {
    (void)state;
    struct arena *a = arena_new();
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        struct etag_list l;
        size_t n = 0;
        etag_parse(tags[i].text, a, &l);
        for (; n < 4 && tags[i].has[n] != 0; n++)
            if (!etag_matches(&l, tags[i].has[n], 0))
                fail_msg("%s: not %d", tags[i].text, (int)tags[i].has[n]);
        if (l.any != tags[i].any || l.n != n || etag_matches(&l, 99, 0) != l.any)
            fail_msg("%s: any %d, %zu versions", tags[i].text, l.any, l.n);
        json_t *list = etag_versions(&l);
        assert_int_equal(json_array_size(list), n);
        json_decref(list);
    }
    arena_free(a);
}

/* A user's groups: the same version is another representation, but the same resource to change. */
static void groups_in_a_tag(void **state) {
    (void)state;
    static const char *const wrong[] = {"W/\"3.\"",         "W/\"3.1a2b3c4\"",  "W/\"3.1a2b3c4d5\"",
                                        "W/\"3.1A2B3C4D\"", "W/\"3.00000000\"", "W/\".1a2b3c4d\"",
                                        "W/\"3.1a2b.c4d\""};
    struct arena *a = arena_new();
    struct etag_list l;
    etag_parse("W/\"3.1a2b3c4d\"", a, &l);
    assert_true(etag_matches(&l, 3, 0x1a2b3c4d));
    assert_false(etag_matches(&l, 3, 0));
    assert_false(etag_matches(&l, 3, 0x1a2b3c4e));
    assert_false(etag_matches(&l, 4, 0x1a2b3c4d));
    json_t *list = etag_versions(&l);
    assert_int_equal(json_integer_value(json_array_get(list, 0)), 3);
    json_decref(list);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        etag_parse(wrong[i], a, &l);
        assert_int_equal(l.n, 0);
    }
    arena_free(a);
}

static void very_many(void **state) {
    (void)state;
    struct arena *a = arena_new();
    char text[6 * 2000 + 1] = "";
    for (size_t i = 0; i < 2000; i++)
        memcpy(text + 6 * i, "W/\"3\",", 7);
    struct etag_list l;
    etag_parse(text, a, &l);
    assert_true(etag_matches(&l, 3, 0));
    assert_false(etag_matches(&l, 4, 0));
    arena_free(a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_text),
        cmocka_unit_test(every_tag),
        cmocka_unit_test(groups_in_a_tag),
        cmocka_unit_test(very_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
