/* Bodies to documents, by cases: tests/cases/resource/{valid,invalid}, one file each, which names its rules.
 */
#include "ops/runtime/clock.h"
#include "schemas/resource/body.h"
#include "schemas/resource/resource.h"
#include "schemas/resource/value.h"
#include "tests/schemas/own_types.h"
#include "tests/schemas/support.h"

static const struct resource_type *type_of(const json_t *c) {
    const struct resource_type *rt = own_type(json_string_value(json_object_get(c, "type")));
    assert_non_null(rt);
    return rt;
}

static enum dialect dialect_of(const json_t *c) {
    enum dialect d = DIALECT_RFC;
    const char *name = json_string_value(json_object_get(c, "dialect"));
    if (name != NULL)
        assert_true(dialect_parse(name, &d));
    return d;
}

static void valid_case(const char *name, json_t *c) {
    struct err err = {0};
    json_t *doc, *members;
    enum err_code code =
        resource_normalise(type_of(c), dialect_of(c), json_object_get(c, "body"), &doc, &members, NULL, &err);
    if (code != ERR_OK)
        fail_msg("%s: %s: %s", name, err_name(code), err_text(&err));
    assert_json(name, doc, json_object_get(c, "doc"));
    assert_json(name, members, json_object_get(c, "members"));
    /* "schemas" is the first member of every document. */
    char *text = json_dumps(doc, JSON_COMPACT);
    assert_int_equal(strncmp(text, "{\"schemas\":", 11), 0);
    free(text);
    /* What is normal stays as it is: a document is a body that normalises to itself. */
    json_t *again, *none;
    assert_int_equal(resource_normalise(type_of(c), DIALECT_RFC, doc, &again, &none, NULL, &err), ERR_OK);
    assert_json(name, again, doc);
    assert_null(none);
    json_decref(again);
    json_decref(doc);
    json_decref(members);
}

static void invalid_case(const char *name, json_t *c) {
    struct err err = {0};
    json_t *doc, *members;
    const char *detail = json_string_value(json_object_get(c, "detail"));
    enum err_code code =
        resource_normalise(type_of(c), dialect_of(c), json_object_get(c, "body"), &doc, &members, NULL, &err);
    if (strcmp(err_name(code), json_string_value(json_object_get(c, "code"))) != 0)
        fail_msg("%s: %s (%s)", name, err_name(code), err_text(&err));
    if (strcmp(err.path, json_string_value(json_object_get(c, "path"))) != 0)
        fail_msg("%s: path '%s'", name, err.path);
    if (strstr(err.detail, err.path) == NULL || (detail != NULL && strstr(err.detail, detail) == NULL))
        fail_msg("%s: detail '%s'", name, err.detail);
    assert_null(doc);
    assert_null(members);
}

static void test_valid(void **state) {
    (void)state;
    each_case("resource/valid", 40, valid_case);
}

static void test_invalid(void **state) {
    (void)state;
    each_case("resource/invalid", 40, invalid_case);
}

/* A password is nowhere in what is kept, nor in a refusal (Q48). */
static void test_password_leaves_no_trace(void **state) {
    (void)state;
    struct err err = {0};
    json_t *doc, *members;
    json_t *body = quick("{'userName':'ana','password':{'secret':'Xy7-tmp'}}");
    assert_int_equal(
        resource_normalise(resource_type_of(RESOURCE_USER), DIALECT_RFC, body, &doc, &members, NULL, &err),
        ERR_INVALID_VALUE);
    assert_null(strstr(err.detail, "Xy7"));
    json_decref(body);
}

/* Promise 6 (ops/DESIGN.md, "Promises"): the longest list of members is checked in time that grows with it,
 * not with its square. */
static void test_many_members(void **state) {
    (void)state;
    enum { N = MEMBERS_MAX / 2 };
    json_t *list = json_array();
    for (int i = 0; i < 2 * N; i++) {
        char id[40];
        snprintf(id, sizeof(id), "01905c4b-0000-7000-8000-%012x", (unsigned)(i % N));
        json_array_append_new(list,
                              i % 2 == 0 ? json_string(id) : json_pack("{s:s, s:n}", "value", id, "display"));
    }
    json_t *body = json_pack("{s:s, s:o}", "displayName", "Big", "members", list);
    json_t *doc, *members;
    struct err err;
    int64_t start = clock_mono_us();
    assert_int_equal(
        resource_normalise(resource_type_of(RESOURCE_ROOM), DIALECT_RFC, body, &doc, &members, NULL, &err),
        ERR_OK);
    int64_t took = clock_mono_us() - start;
    assert_int_equal(json_array_size(members), N);
    assert_string_equal(json_string_value(json_array_get(members, N - 1)),
                        "01905c4b-0000-7000-8000-00000000c34f");
    if (took > 10000000) /* comparing pairs would take minutes */
        fail_msg("100,000 elements took %lld us", (long long)took);
    json_decref(doc);
    json_decref(members);
    json_decref(body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_invalid),
        cmocka_unit_test(test_password_leaves_no_trace),
        cmocka_unit_test(test_many_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
