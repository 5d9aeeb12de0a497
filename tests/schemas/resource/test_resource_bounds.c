/* How large one resource may be. */
#include "schemas/resource/resource_bounds.h"
#include "schemas/resource/value.h"
#include "schemas/text/jsonx.h"
#include "schemas/types/schema_load.h"
#include "tests/schemas/support.h"

/* Exactly what is stored, but that true counts as much as false. */
static void bytes_are_those_of_the_text(void **state) {
    static const char *const texts[] = {
        "{}",
        "[]",
        "{'a':{}}",
        "{'a':[1,2.5,-7],'b':[[],[null]]}",
        "{'userName':'a\\u0001\\n\\t\\\\b/c\\u007f\\u00e4\\u20ac','x':false}",
        "['\\u0002x',0.1,1e300]",
        "{'emails':[{'value':'a@b','primary':false},{'value':'c@d'}],'name':{'givenName':'A'}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct jbuf text = {0};
        json_t *value = quick(texts[i]);
        jsonx_text(value, &text);
        assert_int_equal(resource_bytes(value), text.n);
        jb_free(&text);
        json_decref(value);
    }
    json_t *on = quick("{'active':true}"), *off = quick("{'active':false}");
    assert_int_equal(resource_bytes(on), resource_bytes(off));
    json_decref(on);
    json_decref(off);
}

static void check(const struct resource_bounds *bounds, const char *type, const char *before,
                  const char *after, const char *refusal) {
    struct err err = {0};
    json_t *b = before != NULL ? quick(before) : NULL, *a = quick(after);
    enum err_code code = resource_check_bounds(resource_type_by_name(type), bounds, b, a, &err);
    assert_int_equal(code, refusal != NULL ? ERR_INVALID_VALUE : ERR_OK);
    if (refusal != NULL)
        assert_non_null(strstr(err.detail, refusal));
    json_decref(a);
    json_decref(b);
}

static void values_of_each_attribute_are_counted(void **state) {
    const struct resource_bounds two = {.max_bytes = 1000, .max_values = 2};
    (void)state;
    check(&two, "User", NULL, "{'emails':[{'value':'a'},{'value':'b'}],'roles':[{'value':'x'}]}", NULL);
    check(&two, "User", NULL, "{'emails':[{'value':'a'},{'value':'b'},{'value':'c'}]}",
          "'emails' would have 3 values; an attribute has at most 2 (max-values)");
    check(&two, "User", "{'emails':[1,2,3]}", "{'emails':[{'value':'a'},{'value':'b'},{'value':'c'}]}", NULL);
    check(&two, "User", "{'emails':[1,2,3]}", "{'emails':[1,2,3,4]}", "'emails' would have 4 values");
    check(&two, "User", "{'emails':[1,2,3]}", "{'roles':[1,2,3]}", "'roles' would have 3 values");
}

/* Of a part with several values, those of all elements: each can be a row of its own. */
static void values_of_parts_and_extensions_are_counted(void **state) {
    static const struct attr subs[] = {{.name = "tags", .multi = true}, {.name = "name"}};
    static const struct attr own[] = {{.name = "marks", .multi = true}};
    static const struct attr attrs[] = {
        {.name = "things", .type = ATTR_COMPLEX, .multi = true, .subs = subs, .nsubs = 2},
        {.name = "thing", .type = ATTR_COMPLEX, .subs = subs, .nsubs = 2}};
    static const struct schema base = {.id = "urn:x:Thing", .attrs = attrs, .nattrs = 2},
                               more = {.id = "urn:x:More", .attrs = own, .nattrs = 1};
    static const struct schema_extension extensions[] = {{.schema = &more}};
    static const struct resource_type rt = {
        .name = "Thing", .schema = &base, .extensions = extensions, .nextensions = 1};
    static const struct {
        const char *doc, *refusal;
    } cases[] = {
        {"{'things':[{'tags':['a','b']},{'tags':['c']}],'thing':{'tags':['a','b','c']}}", NULL},
        {"{'things':[{'tags':['a','b']},{'tags':['c','d']}]}", "'things.tags' would have 4 values"},
        {"{'thing':{'tags':['a','b','c','d']}}", "'thing.tags' would have 4 values"},
        {"{'urn:x:More':{'marks':[1,2,3,4]}}", "'urn:x:More:marks' would have 4 values"},
        {"{'urn:x:Gone':{'marks':[1,2,3,4]}}", NULL}, /* nobody knows it, and its bytes count */
    };
    const struct resource_bounds three = {.max_bytes = 1000, .max_values = 3};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        json_t *doc = quick(cases[i].doc);
        enum err_code code = resource_check_bounds(&rt, &three, NULL, doc, &err);
        assert_int_equal(code, cases[i].refusal != NULL ? ERR_INVALID_VALUE : ERR_OK);
        if (cases[i].refusal != NULL)
            assert_non_null(strstr(err.detail, cases[i].refusal));
        json_decref(doc);
    }
}

static void bytes_are_bounded(void **state) {
    const struct resource_bounds bounds = {.max_bytes = 30, .max_values = 5};
    (void)state;
    check(&bounds, "User", NULL, "{'userName':'123456789012345'}", NULL);
    check(&bounds, "User", NULL, "{'userName':'1234567890123456'}",
          "The User would have 31 bytes as JSON; a resource has at most 30 (max-resource-bytes)");
    check(&bounds, "Group", NULL, "{'displayName':'1234567890123456'}", "The Group would have 34 bytes");
    check(&bounds, "User", "{'userName':'12345678901234567890'}", "{'userName':'1234567890123456789x'}",
          NULL);
    check(&bounds, "User", "{'userName':'12345678901234567890'}", "{'userName':'123456789012345678901'}",
          "would have 36 bytes");
}

static void members_named_at_once_are_bounded(void **state) {
    const struct attr *members = resource_type_refs(resource_type_of(RESOURCE_ROOM));
    const struct attr_path path = {.attr = members};
    json_t *list = json_array(), *ids;
    struct err err = {0};
    (void)state;
    for (int i = 0; i < MEMBERS_MAX; i++)
        json_array_append_new(list, json_string("same"));
    assert_int_equal(value_member_ids(&path, list, &ids, &err), ERR_OK);
    assert_int_equal(json_array_size(ids), 1);
    json_decref(ids);
    json_array_append_new(list, json_string("same"));
    assert_int_equal(value_member_ids(&path, list, &ids, &err), ERR_TOO_LARGE);
    assert_null(ids);
    assert_string_equal(err.detail, "'members' has too many values: one request names at most 100000");
    json_decref(list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_those_of_the_text),
        cmocka_unit_test(values_of_each_attribute_are_counted),
        cmocka_unit_test(values_of_parts_and_extensions_are_counted),
        cmocka_unit_test(bytes_are_bounded),
        cmocka_unit_test(members_named_at_once_are_bounded),
    };
    return cmocka_run_group_tests_name("resource bounds", tests, NULL, NULL);
}
