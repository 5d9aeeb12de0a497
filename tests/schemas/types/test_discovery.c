/* Discovery documents: rules D2, D5, D7, D8, Q37, Q38. */
#include "schemas/types/discovery.h"
#include "schemas/types/schema_load.h"
#include "tests/schemas/support.h"

#define BASE "https://usher.example/scim/v2"
#define DEVICE "urn:example:params:scim:schemas:2.0:Device"

static json_t *load(char *text) {
    assert_non_null(text);
    json_t *v = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (v == NULL)
        fail_msg("not JSON: %s", text);
    free(text);
    return v;
}

static const char *text_at(const json_t *o, const char *name) {
    const char *s = json_string_value(json_object_get(o, name));
    if (s == NULL)
        fail_msg("no %s", name);
    return s;
}

static void no_nulls(json_t *v) {
    const char *name;
    json_t *member;
    assert_false(json_is_null(v));
    if (json_is_object(v)) {
        json_object_foreach(v, name, member) {
            no_nulls(member);
        }
    }
    for (size_t i = 0; i < json_array_size(v); i++)
        no_nulls(json_array_get(v, i));
}

static void supported(const json_t *config, const char *name, int want) {
    json_t *feature = json_object_get(config, name);
    json_t *flag = json_object_get(feature, "supported");
    if (!json_is_boolean(flag) || json_is_true(flag) != want)
        fail_msg("%s", name);
}

static json_int_t number_at(const json_t *o, const char *name) {
    const json_t *v = json_object_get(o, name);
    if (!json_is_integer(v))
        fail_msg("no number %s", name);
    return json_integer_value(v);
}

static const struct discovery told = {BASE, 600, true, false, true};

/* D2 */
static void test_config(void **state) {
    (void)state;
    json_t *c = load(discovery_config(&told));
    no_nulls(c);
    assert_string_equal(json_string_value(json_array_get(json_object_get(c, "schemas"), 0)),
                        "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig");
    supported(c, "patch", 1);
    supported(c, "filter", 1);
    supported(c, "changePassword", 0);
    supported(c, "bulk", 1);
    supported(c, "sort", 1);
    supported(c, "etag", 1);
    assert_int_equal(number_at(json_object_get(c, "bulk"), "maxOperations"), 1000);
    assert_int_equal(number_at(json_object_get(c, "bulk"), "maxPayloadSize"), 1048576);
    assert_int_equal(number_at(json_object_get(c, "filter"), "maxResults"), 200);
    json_t *scheme = json_array_get(json_object_get(c, "authenticationSchemes"), 0);
    assert_string_equal(text_at(scheme, "type"), "oauthbearertoken");
    assert_true(json_is_true(json_object_get(scheme, "primary")));
    text_at(scheme, "name");
    text_at(scheme, "description");
    assert_string_equal(text_at(json_object_get(c, "meta"), "location"), BASE "/ServiceProviderConfig");
    json_decref(c);
}

/* D3 G8: every sub-attribute is there, for a missing one would not mean "no limit". */
static void test_pagination(void **state) {
    (void)state;
    json_t *c = load(discovery_config(&(struct discovery){BASE, 77, true, false, true}));
    json_t *p = json_object_get(c, "pagination");
    assert_true(json_is_true(json_object_get(p, "cursor")));
    assert_true(json_is_true(json_object_get(p, "index")));
    assert_string_equal(text_at(p, "defaultPaginationMethod"), "index");
    assert_int_equal(number_at(p, "defaultPageSize"), 100);
    assert_int_equal(number_at(p, "maxPageSize"), 200);
    assert_int_equal(number_at(p, "cursorTimeout"), 77);
    json_decref(c);
}

/* D4: what may be asked for and what events there are, each once. */
static void test_security_events(void **state) {
    (void)state;
    json_t *c = load(discovery_config(&told));
    json_t *e = json_object_get(c, "securityEvents");
    assert_string_equal(text_at(e, "asyncRequest"), "request");
    json_t *uris = json_object_get(e, "eventUris");
    assert_int_equal(json_array_size(uris), 10);
    for (size_t i = 0; i < json_array_size(uris); i++) {
        const char *uri = json_string_value(json_array_get(uris, i));
        assert_int_equal(strncmp(uri, "urn:ietf:params:scim:event:", 27), 0);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(uri, json_string_value(json_array_get(uris, k)));
    }
    json_decref(c);
}

static void test_security_events_only_where_wanted(void **state) {
    (void)state;
    json_t *c = load(discovery_config(&(struct discovery){BASE, 600, false, false, true}));
    assert_null(json_object_get(c, "securityEvents"));
    assert_non_null(json_object_get(c, "authenticationSchemes"));
    json_decref(c);
}

/* IO01: scim2-models and others refuse a member that they do not know, so nobody else gets it. */
static void test_profile(void **state) {
    (void)state;
    json_t *c = load(discovery_config(&told));
    assert_null(json_object_get(c, "interopProfileConformant"));
    json_decref(c);
    c = load(discovery_config(&(struct discovery){BASE, 600, false, true, true}));
    assert_true(json_is_true(json_object_get(c, "interopProfileConformant")));
    json_decref(c);
}

static json_t *list(char *text, size_t n) {
    json_t *l = load(text);
    no_nulls(l);
    assert_string_equal(json_string_value(json_array_get(json_object_get(l, "schemas"), 0)), MESSAGE_LIST);
    assert_int_equal(json_integer_value(json_object_get(l, "totalResults")), n);
    assert_int_equal(json_integer_value(json_object_get(l, "itemsPerPage")), n);
    assert_int_equal(json_integer_value(json_object_get(l, "startIndex")), 1);
    assert_int_equal(json_array_size(json_object_get(l, "Resources")), n);
    return l;
}

/* D5, D7 */
static void test_resource_types(void **state) {
    (void)state;
    json_t *l = list(discovery_resource_types(BASE), 2);
    json_t *user = json_array_get(json_object_get(l, "Resources"), 0);
    json_t *one = load(discovery_resource_type(BASE, "User"));
    assert_json("one is as in the list", one, user);
    assert_string_equal(text_at(user, "endpoint"), "/Users");
    assert_string_equal(text_at(user, "schema"), SCHEMA_USER);
    assert_string_equal(text_at(json_object_get(user, "meta"), "location"), BASE "/ResourceTypes/User");
    json_t *want = quick("[{'schema':'" SCHEMA_ENTERPRISE "','required':false},{'schema':'" SCHEMA_USHER_USER
                         "','required':false}]");
    assert_json("extensions", json_object_get(user, "schemaExtensions"), want);
    json_t *group = load(discovery_resource_type(BASE, "Group"));
    assert_string_equal(text_at(group, "schema"), SCHEMA_GROUP);
    assert_null(json_object_get(group, "schemaExtensions"));
    assert_null(discovery_resource_type(BASE, "Room"));
    json_decref(l);
    json_decref(one);
    json_decref(want);
    json_decref(group);
}

static json_t *attr_named(const json_t *attrs, const char *name) {
    for (size_t i = 0; i < json_array_size(attrs); i++)
        if (strcmp(text_at(json_array_get(attrs, i), "name"), name) == 0)
            return json_array_get(attrs, i);
    fail_msg("no attribute %s", name);
    return NULL;
}

static bool one_of(const char *s, const char *const *list) {
    for (; *list != NULL; list++)
        if (strcmp(s, *list) == 0)
            return true;
    return false;
}

/* D8: every characteristic is there, spelled exactly. */
static void check_attrs(const json_t *attrs) {
    static const char *const types[] = {"string", "boolean",   "decimal", "integer", "dateTime",
                                        "binary", "reference", "complex", NULL};
    static const char *const mutabilities[] = {"readOnly", "readWrite", "immutable", "writeOnly", NULL};
    static const char *const returned[] = {"always", "never", "default", "request", NULL};
    static const char *const uniqueness[] = {"none", "server", "global", NULL};
    assert_true(json_array_size(attrs) > 0);
    for (size_t i = 0; i < json_array_size(attrs); i++) {
        const json_t *a = json_array_get(attrs, i);
        assert_true(one_of(text_at(a, "type"), types));
        assert_true(one_of(text_at(a, "mutability"), mutabilities));
        assert_true(one_of(text_at(a, "returned"), returned));
        assert_true(one_of(text_at(a, "uniqueness"), uniqueness));
        assert_true(json_is_boolean(json_object_get(a, "multiValued")));
        assert_true(json_is_boolean(json_object_get(a, "required")));
        assert_true(json_is_boolean(json_object_get(a, "caseExact")));
        text_at(a, "description");
        bool complex = strcmp(text_at(a, "type"), "complex") == 0;
        assert_true(complex == (json_object_get(a, "subAttributes") != NULL));
        if (complex)
            check_attrs(json_object_get(a, "subAttributes"));
    }
}

static void test_schemas(void **state) {
    (void)state;
    json_t *l = list(discovery_schemas(&told), 4);
    for (size_t i = 0; i < 4; i++) {
        json_t *s = json_array_get(json_object_get(l, "Resources"), i);
        check_attrs(json_object_get(s, "attributes"));
        json_t *one = load(discovery_schema(&told, text_at(s, "id")));
        assert_json("one is as in the list", one, s);
        json_decref(one);
    }
    assert_null(discovery_schema(&told, "urn:example:none"));
    json_decref(l);
}

static void test_schema_details(void **state) {
    (void)state;
    json_t *s = load(discovery_schema(&told, "urn:ietf:params:scim:schemas:CORE:2.0:user"));
    const json_t *attrs = json_object_get(s, "attributes");
    assert_string_equal(text_at(s, "id"), SCHEMA_USER);
    assert_string_equal(text_at(json_object_get(s, "meta"), "location"), BASE "/Schemas/" SCHEMA_USER);
    assert_string_equal(text_at(attr_named(attrs, "userName"), "uniqueness"), "server");
    assert_string_equal(text_at(attr_named(attrs, "password"), "mutability"), "writeOnly");
    json_t *emails = attr_named(attrs, "emails");
    json_t *type = attr_named(json_object_get(emails, "subAttributes"), "type");
    json_t *want = quick("['work','home','other']");
    assert_json("canonicalValues", json_object_get(type, "canonicalValues"), want);
    json_decref(want);
    want = quick("['Group']");
    json_t *ref = attr_named(json_object_get(attr_named(attrs, "groups"), "subAttributes"), "$ref");
    assert_json("referenceTypes", json_object_get(ref, "referenceTypes"), want);
    json_decref(want);
    json_decref(s);
}

/* From here on with types of an operator's own: they are shown like the built-in ones, and as they were
 * written (D5 D7 D8 S2 S8). */
static void test_own_types(void **state) {
    (void)state;
    struct err err = {0};
    assert_int_equal(schema_load_folder("tests/cases/schemas/good", &err), ERR_OK);
    json_t *l = list(discovery_resource_types(BASE), 4);
    json_t *device = load(discovery_resource_type(BASE, "Device"));
    assert_json("one is as in the list", device, json_array_get(json_object_get(l, "Resources"), 2));
    json_t *want = quick(
        "{'schemas':['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],'id':'Device','name':'Device',"
        "'description':'Radios and consoles','endpoint':'/Devices','schema':'" DEVICE "',"
        "'schemaExtensions':[{'schema':'urn:example:params:scim:schemas:extension:lease:2.0:Device',"
        "'required':false}],'meta':{'resourceType':'ResourceType','location':'" BASE
        "/ResourceTypes/Device'}}");
    assert_json("Device", device, want);
    json_t *user = load(discovery_resource_type(BASE, "User"));
    assert_int_equal(json_array_size(json_object_get(user, "schemaExtensions")), 3);
    json_decref(l);
    json_decref(device);
    json_decref(want);
    json_decref(user);
}

/* What is written in a file, with the defaults of RFC 7643 section 2.2 for what it leaves out. */
static void same_attr(const char *name, const json_t *written, const json_t *shown) {
    static const struct {
        const char *name, *value;
    } defaults[] = {{"type", "'string'"},    {"multiValued", "false"},      {"required", "false"},
                    {"caseExact", "false"},  {"mutability", "'readWrite'"}, {"returned", "'default'"},
                    {"uniqueness", "'none'"}};
    const char *type = json_string_value(json_object_get(shown, "type"));
    bool exact = strcmp(type, "binary") == 0 || strcmp(type, "reference") == 0;
    bool secret = strcmp(text_at(shown, "mutability"), "writeOnly") == 0;
    for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
        const char *of = defaults[i].name;
        json_t *want = json_object_get(written, of);
        want = want != NULL ? json_incref(want) : quick(defaults[i].value);
        if (exact && strcmp(of, "caseExact") == 0)
            assert_true(json_is_true(json_object_get(shown, of)));
        else if (secret && strcmp(of, "returned") == 0)
            assert_string_equal(text_at(shown, of), "never");
        else
            assert_json(name, json_object_get(shown, of), want);
        json_decref(want);
    }
    assert_json(name, json_object_get(shown, "canonicalValues"), json_object_get(written, "canonicalValues"));
    assert_json(name, json_object_get(shown, "referenceTypes"), json_object_get(written, "referenceTypes"));
}

static void same_attrs(const json_t *written, const json_t *shown) {
    assert_int_equal(json_array_size(written), json_array_size(shown));
    for (size_t i = 0; i < json_array_size(written); i++) {
        const json_t *w = json_array_get(written, i), *s = json_array_get(shown, i);
        same_attr(text_at(w, "name"), w, s);
        same_attrs(json_object_get(w, "subAttributes"), json_object_get(s, "subAttributes"));
    }
}

static void test_own_schemas(void **state) {
    (void)state;
    static const char *const files[] = {"device", "site", "user-badge"};
    json_decref(list(discovery_schemas(&told), 9));
    for (size_t i = 0; i < 3; i++) {
        char path[100];
        snprintf(path, sizeof(path), "tests/cases/schemas/good/%s.json", files[i]);
        json_t *items = json_load_file(path, 0, NULL);
        for (size_t k = 0; k < json_array_size(items); k++) {
            const json_t *written = json_array_get(items, k);
            if (json_object_get(written, "attributes") == NULL)
                continue;
            json_t *shown = load(discovery_schema(&told, text_at(written, "id")));
            check_attrs(json_object_get(shown, "attributes"));
            same_attrs(json_object_get(written, "attributes"), json_object_get(shown, "attributes"));
            json_decref(shown);
        }
        json_decref(items);
    }
}

static const json_t *attribute_of(const json_t *schema, const char *name) {
    const json_t *attributes = json_object_get(schema, "attributes");
    for (size_t i = 0; i < json_array_size(attributes); i++)
        if (strcmp(text_at(json_array_get(attributes, i), "name"), name) == 0)
            return json_array_get(attributes, i);
    return NULL;
}

/* AL23 */
static void test_without_passwords(void **state) {
    (void)state;
    const struct discovery without = {BASE, 600, false, true, false};
    const char *user = "urn:ietf:params:scim:schemas:core:2.0:User";
    json_t *one = load(discovery_schema(&told, user)), *other = load(discovery_schema(&without, user));
    assert_non_null(attribute_of(one, "password"));
    assert_null(attribute_of(other, "password"));
    assert_int_equal(json_array_size(json_object_get(other, "attributes")) + 1,
                     json_array_size(json_object_get(one, "attributes")));
    json_decref(one);
    json_decref(other);
    json_t *all = load(discovery_schemas(&without));
    char *text = json_dumps(all, 0);
    assert_null(strstr(text, "password"));
    free(text);
    json_decref(all);
}

/* IO08 */
static void test_canonical_types(void **state) {
    (void)state;
    size_t found = 0, i, k, m;
    json_t *all = load(discovery_schemas(&told)), *schema, *a, *sub;
    json_array_foreach(json_object_get(all, "Resources"), i, schema) {
        json_array_foreach(json_object_get(schema, "attributes"), k, a) {
            json_array_foreach(json_object_get(a, "subAttributes"), m, sub) {
                if (strcmp(text_at(sub, "name"), "type") != 0)
                    continue;
                found++;
                if (json_array_size(json_object_get(sub, "canonicalValues")) == 0)
                    fail_msg("%s.type", text_at(a, "name"));
            }
        }
    }
    assert_true(found >= 10);
    json_decref(all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config),
        cmocka_unit_test(test_profile),
        cmocka_unit_test(test_without_passwords),
        cmocka_unit_test(test_canonical_types),
        cmocka_unit_test(test_pagination),
        cmocka_unit_test(test_security_events),
        cmocka_unit_test(test_security_events_only_where_wanted),
        cmocka_unit_test(test_resource_types),
        cmocka_unit_test(test_schemas),
        cmocka_unit_test(test_schema_details),
        cmocka_unit_test(test_own_types),
        cmocka_unit_test(test_own_schemas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
