/* What filters mean on a document: tests/cases/filter/match, one document each, with filters that match it
 * and filters that do not (F2 to F7, F9 to F14). */
#include "schemas/filter/filter.h"
#include "schemas/resource/resource.h"
#include "tests/schemas/own_types.h"
#include "tests/schemas/probe.h"
#include "tests/schemas/support.h"

static bool match(const struct resource_type *rt, const char *text, const json_t *doc) {
    struct err err = {0};
    struct arena *a = arena_new();
    const struct filter *f = NULL;
    if (filter_parse(rt, DIALECT_RFC, text, strlen(text), a, &f, &err) != ERR_OK)
        fail_msg("%s: %s", text, err_text(&err));
    bool holds = filter_match(f, doc);
    arena_free(a);
    return holds;
}

static void check(const struct resource_type *rt, const json_t *filters, const json_t *doc, bool want) {
    size_t i;
    json_t *text;
    char negated[400];
    json_array_foreach((json_t *)filters, i, text) {
        const char *s = json_string_value(text);
        if (match(rt, s, doc) != want)
            fail_msg("%s: should %smatch", s, want ? "" : "not ");
        snprintf(negated, sizeof negated, "not (%s)", s); /* there is no third truth */
        assert_int_equal(match(rt, negated, doc), !want);
    }
    assert_true(i > 0);
}

static void match_file(const char *path, json_t *c) {
    const char *type = json_string_value(json_object_get(c, "type"));
    const struct resource_type *rt = strcmp(type, "Probe") == 0 ? &probe_type : own_type(type);
    json_t *doc = json_deep_copy(json_object_get(c, "doc"));
    resource_tidy(rt, doc);
    check(rt, json_object_get(c, "true"), doc, true);
    check(rt, json_object_get(c, "false"), doc, false);
    json_decref(doc);
    (void)path;
}

static void test_match(void **state) {
    (void)state;
    each_case("filter/match", 3, match_file);
}

static bool match_element(const struct attr *of, const char *filter, const char *element) {
    struct err err = {0};
    struct arena *a = arena_new();
    const struct filter *f = NULL;
    assert_int_equal(filter_parse_element(of, DIALECT_RFC, filter, strlen(filter), a, &f, &err), ERR_OK);
    json_t *e = quick(element);
    bool holds = filter_match_element(f, e);
    json_decref(e);
    arena_free(a);
    return holds;
}

/* The part in brackets by itself, as PATCH paths have it (F7); a simple element is its own value. */
static void test_element(void **state) {
    (void)state;
    const struct attr *emails = schema_attr(resource_type_of(RESOURCE_USER)->schema, "emails", 6);
    const struct attr *tags = schema_attr(&probe_schema, "tags", 4);
    assert_true(
        match_element(emails, "type eq \"WORK\" and not (primary eq true)", "{'type':'work','value':'a'}"));
    assert_false(match_element(emails, "type eq \"work\"", "{'value':'a'}"));
    assert_true(match_element(emails, "type ne \"work\"", "{'value':'a'}"));
    assert_true(match_element(emails, "display eq null", "{'value':'a'}"));
    assert_true(match_element(tags, "value eq \"A\"", "'a'"));
    assert_false(match_element(tags, "value sw \"b\"", "'a'"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_match), cmocka_unit_test(test_element)};
    return cmocka_run_group_tests_name("filter_match", tests, NULL, NULL);
}
