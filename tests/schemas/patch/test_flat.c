/* Bodies whose members are paths: tests/cases/flat. Each is the same as the body that the case calls `is`. */
#include "schemas/patch/flat.h"
#include "schemas/patch/patch.h"
#include "schemas/patch/patch_bounds.h"
#include "schemas/resource/resource.h"
#include "tests/schemas/own_types.h"
#include "tests/schemas/support.h"

static const struct resource_type *type_of(const json_t *c) {
    const char *name = json_string_value(json_object_get(c, "type"));
    return own_type(name != NULL ? name : "User");
}

/* Flat, then normalised. The document, or NULL. */
static json_t *document(const struct resource_type *rt, const json_t *body, struct arena *a, json_t **members,
                        const char *const **ignored, struct err *err) {
    json_t *plain, *doc = NULL, *before = json_deep_copy(body);
    *members = NULL;
    if (flat_body(rt, DIALECT_RFC, body, a, &plain, ignored, err) == ERR_OK) {
        (void)!resource_normalise(rt, DIALECT_RFC, plain, &doc, members, NULL, err);
        json_decref(plain);
    }
    assert_json("the body itself stays", body, before);
    json_decref(before);
    return doc;
}

static void check_ignored(const char *name, const json_t *want, const char *const *ignored) {
    json_t *got = json_array();
    for (; ignored != NULL && *ignored != NULL; ignored++)
        json_array_append_new(got, json_string(*ignored));
    json_t *none = json_array();
    assert_json(name, got, want != NULL ? want : none);
    json_decref(none);
    json_decref(got);
}

static void run_case(const json_t *c) {
    const char *name = json_string_value(json_object_get(c, "name"));
    const char *code = json_string_value(json_object_get(c, "code"));
    struct arena *a = arena_new();
    struct err err = {0};
    const char *const *ignored, *const *none;
    json_t *members, *same, *unused;
    json_t *doc = document(type_of(c), json_object_get(c, "body"), a, &members, &ignored, &err);
    if (code != NULL) {
        const char *path = json_string_value(json_object_get(c, "path"));
        if (doc != NULL || strcmp(err_name(err.code), code) != 0 || strcmp(err.path, path) != 0)
            fail_msg("%s: %s at '%s': %s", name, err_name(err.code), err.path, err_text(&err));
    } else {
        if (doc == NULL)
            fail_msg("%s: %s", name, err_text(&err));
        json_t *is = document(type_of(c), json_object_get(c, "is"), a, &unused, &none, &err);
        assert_json(name, doc, is);
        assert_json(name, members, same = json_object_get(c, "members"));
        check_ignored(name, json_object_get(c, "ignored"), ignored);
        assert_null(none);
        json_decref(is);
    }
    json_decref(doc);
    json_decref(members);
    arena_free(a);
}

static void run_file(const char *name, json_t *cases) {
    (void)name;
    for (size_t i = 0; i < json_array_size(cases); i++)
        run_case(json_array_get(cases, i));
}

static void test_cases(void **state) {
    (void)state;
    each_case("flat", 1, run_file);
}

static void test_nothing_flat_is_the_body_itself(void **state) {
    (void)state;
    struct arena *a = arena_new();
    json_t *body = quick("{'userName':'ana','name':{'givenName':'Ana'},'emails':[{'value':'a@x'}]}"), *out;
    const char *const *ignored;
    assert_int_equal(flat_body(own_type("User"), DIALECT_RFC, body, a, &out, &ignored, NULL), ERR_OK);
    assert_ptr_equal(out, body);
    assert_null(ignored);
    json_decref(out);
    json_decref(body);
    arena_free(a);
}

/* A body of `n` members, each with its number between `head` and `tail` in its name. */
static enum err_code flatten_many(const char *head, const char *tail, size_t n, size_t *told) {
    struct arena *a = arena_new();
    json_t *body = json_object(), *out;
    const char *const *ignored;
    for (size_t i = 0; i < n; i++) {
        char name[400];
        snprintf(name, sizeof name, "%s%zu%s", head, i, tail);
        json_object_set_new(body, name, json_string("x"));
    }
    enum err_code code = flat_body(own_type("User"), DIALECT_RFC, body, a, &out, &ignored, &(struct err){0});
    for (*told = 0; code == ERR_OK && ignored != NULL && ignored[*told] != NULL; ++*told)
        assert_true(strlen(ignored[*told]) <= IGNORED_MAX_BYTES);
    json_decref(out);
    json_decref(body);
    arena_free(a);
    return code;
}

static void test_bounds(void **state) {
    (void)state;
    size_t told;
    assert_int_equal(flatten_many("urn:x:", "", IGNORED_MAX + 5, &told), ERR_OK);
    assert_int_equal(told, IGNORED_MAX);
    char tail[211];
    memset(tail, 'x', sizeof tail - 1);
    tail[sizeof tail - 1] = '\0';
    assert_int_equal(flatten_many("u", tail, 3, &told), ERR_OK);
    assert_int_equal(told, 3);
    assert_int_equal(flatten_many("u", "", FLAT_MAX, &told), ERR_OK);
    assert_int_equal(flatten_many("u", "", FLAT_MAX + 1, &told), ERR_TOO_MANY);
    /* Each looks at all elements that those before have made. */
    assert_int_equal(flatten_many("emails[type eq \"t", "\"].value", 150, &told), ERR_OK);
    assert_int_equal(flatten_many("emails[type eq \"t", "\"].value", 250, &told), ERR_TOO_MANY);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases),
                                       cmocka_unit_test(test_nothing_flat_is_the_body_itself),
                                       cmocka_unit_test(test_bounds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
