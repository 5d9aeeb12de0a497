/* An operator's schemas and resource types: what is read, what is refused, and that a refusal leaves nothing
 * behind. tests/cases/schemas/good has every type and characteristic of RFC 7643 section 7. */
#include "ops/runtime/err.h"
#include "schemas/types/schema_load.h"
#include "tests/schemas/support.h"

#include "schemas/types/schema.h"

#include <sys/stat.h>
#include <unistd.h>

#define DEVICE "urn:example:params:scim:schemas:2.0:Device"
#define BADGE "urn:example:params:scim:schemas:extension:badge:2.0:User"

static size_t count_types(void) {
    size_t n = 0;
    while (resource_type_at(n) != NULL)
        n++;
    return n;
}

static size_t count_schemas(void) {
    size_t n = 0;
    while (schema_at(n) != NULL)
        n++;
    return n;
}

/* A folder of its own for each case; gone afterwards. */
static char folder[64], file[96];

static void put_file(const char *name, const char *text) {
    snprintf(folder, sizeof(folder), "/tmp/usher-schemas-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof(file), "%s/%s", folder, name);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void remove_file(void) {
    unlink(file);
    rmdir(folder);
}

static void refused(const char *name, const char *text, const json_t *says) {
    struct err err = {0};
    put_file("case.json", text);
    enum err_code code = schema_load_folder(folder, &err);
    remove_file();
    if (code != ERR_CONFIG || strstr(err.detail, "case.json: ") != err.detail)
        fail_msg("%s: %s %s", name, err_name(code), err.detail);
    for (size_t i = 0; i < json_array_size(says); i++)
        if (strstr(err.detail, json_string_value(json_array_get(says, i))) == NULL)
            fail_msg("%s: \"%s\" does not say \"%s\"", name, err.detail,
                     json_string_value(json_array_get(says, i)));
    assert_int_equal(count_types(), 2);
    assert_int_equal(count_schemas(), 4);
    assert_int_equal(resource_type_of(RESOURCE_USER)->nextensions, 2);
}

/* S1 S3 S5 S8 D7 D8: what a schema or resource type may not say. */
static void test_broken(void **state) {
    (void)state;
    json_t *cases = json_load_file("tests/cases/schemas/broken/cases.json", 0, NULL);
    assert_true(json_array_size(cases) > 50);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        json_t *c = json_array_get(cases, i);
        char *text = json_dumps(json_object_get(c, "items"), 0);
        refused(json_string_value(json_object_get(c, "name")), text, json_object_get(c, "says"));
        free(text);
    }
    json_decref(cases);
}

static json_t *many(const char *name, int n) {
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{so}", "name", json_sprintf("%s%d", name, i)));
    return list;
}

/* One more than there may be, of attributes, of parts of one, and of schemas. */
static void test_too_many(void **state) {
    (void)state;
    json_t *parts =
        json_pack("[{ss ss so}]", "name", "c", "type", "complex", "subAttributes", many("p", 251));
    json_t *schemas = json_array();
    for (int i = 0; i < 101; i++)
        json_array_append_new(schemas, json_pack("{so ss so}", "id", json_sprintf("urn:example:X%d", i),
                                                 "name", "X", "attributes", many("a", 1)));
    struct {
        json_t *items;
        const char *says;
    } cases[] = {
        {json_pack("{ss ss so}", "id", "urn:example:X", "name", "X", "attributes", many("a", 251)),
         "attributes: there are 251 attributes here, at most 250"},
        {json_pack("{ss ss so}", "id", "urn:example:X", "name", "X", "attributes", parts),
         "c: there are 251 attributes here, at most 250"},
        {schemas, "more than 100 schemas and resource types"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *says = json_pack("[s]", cases[i].says);
        char *text = json_dumps(cases[i].items, 0);
        refused(cases[i].says, text, says);
        free(text);
        json_decref(says);
        json_decref(cases[i].items);
    }
}

static void test_not_json(void **state) {
    (void)state;
    json_t *line = json_pack("[s]", "line 2"), *twice = json_pack("[s]", "duplicate");
    refused("not JSON", "[\n{\"id\": }]", line);
    refused("a member twice", "{\"id\":\"urn:a:b\",\"id\":\"urn:a:b\"}", twice);
    json_decref(line);
    json_decref(twice);
}

static void test_no_folder(void **state) {
    (void)state;
    struct err err = {0};
    assert_int_equal(schema_load_folder("", &err), ERR_OK);
    assert_int_equal(schema_load_folder(NULL, &err), ERR_OK);
    assert_int_equal(schema_load_folder("tests/cases/schemas/nowhere", &err), ERR_CONFIG);
    assert_non_null(strstr(err.detail, "nowhere"));
    put_file("README.txt", "not read");
    assert_int_equal(schema_load_folder(folder, &err), ERR_OK);
    remove_file();
    assert_int_equal(count_types(), 2);
}

/* From here on the good ones are there. */

static const struct attr *attr_of(const char *urn, const char *name, const char *sub) {
    const struct schema *s = schema_by_urn(urn);
    assert_non_null(s);
    const struct attr *a = schema_attr(s, name, strlen(name));
    if (a != NULL && sub != NULL)
        a = attr_sub(a, sub, strlen(sub));
    if (a == NULL)
        fail_msg("%s has no %s %s", urn, name, sub != NULL ? sub : "");
    return a;
}

static void test_good(void **state) {
    (void)state;
    struct err err = {0};
    if (schema_load_folder("tests/cases/schemas/good", &err) != ERR_OK)
        fail_msg("%s", err.detail);
    assert_int_equal(count_types(), 4);
    const struct resource_type *device = resource_type_by_endpoint("devices");
    assert_non_null(device);
    assert_ptr_equal(device, resource_type_by_name("Device"));
    assert_ptr_equal(device, resource_type_at(device->index));
    assert_int_equal(device->index, 2);
    assert_int_equal(device->kind, RESOURCE_CUSTOM);
    assert_string_equal(device->endpoint, "/Devices");
    assert_ptr_equal(device->schema, schema_by_urn(DEVICE));
    assert_int_equal(device->nextensions, 1);
    assert_false(device->extensions[0].required);
    assert_null(resource_type_refs(device));
    assert_true(resource_type_by_name("Site")->extensions[0].required);
    assert_int_equal(resource_type_by_name("Site")->index, 3);
    for (size_t i = 0; i < count_types(); i++)
        assert_int_equal(resource_type_at(i)->index, i);
}

/* An empty description is as good as none: the name stands for it. */
static void test_empty_descriptions(void **state) {
    (void)state;
    const struct resource_type *site = resource_type_by_name("Site");
    assert_string_equal(site->description, "Site");
    assert_string_equal(site->schema->description, "Site");
    assert_string_equal(attr_of(site->schema->id, "title", NULL)->description, "title");
    assert_string_equal(
        attr_of("urn:example:params:scim:schemas:extension:safety:2.0:Site", "officer", NULL)->description,
        "officer");
}

/* S3 S8: types and characteristics arrive as they were written. */
static void test_characteristics(void **state) {
    (void)state;
    static const struct {
        const char *name;
        enum attr_type type;
    } types[] = {{"deviceName", ATTR_STRING}, {"weight", ATTR_DECIMAL},    {"channels", ATTR_INTEGER},
                 {"bought", ATTR_DATETIME},   {"online", ATTR_BOOLEAN},    {"certificate", ATTR_BINARY},
                 {"manual", ATTR_REFERENCE},  {"interfaces", ATTR_COMPLEX}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        assert_int_equal(attr_of(DEVICE, types[i].name, NULL)->type, types[i].type);
    const struct attr *serial = attr_of(DEVICE, "serial", NULL);
    assert_true(serial->required && serial->case_exact);
    assert_int_equal(serial->mutability, ATTR_IMMUTABLE);
    assert_int_equal(serial->uniqueness, ATTR_UNIQUE_SERVER);
    assert_int_equal(serial->max_bytes, 1024);
    assert_false(attr_of(DEVICE, "assetTag", NULL)->case_exact);
    assert_true(attr_of(DEVICE, "callSign", NULL)->lookup);
    assert_int_equal(attr_of(DEVICE, "label", NULL)->returned, ATTR_RETURNED_ALWAYS);
    assert_int_equal(attr_of(DEVICE, "remark", NULL)->returned, ATTR_RETURNED_REQUEST);
    assert_int_equal(attr_of(DEVICE, "firmware", NULL)->mutability, ATTR_READ_ONLY);
    const struct attr *code = attr_of(DEVICE, "place", "code"); /* says nothing of `returned` */
    assert_int_equal(code->mutability, ATTR_WRITE_ONLY);
    assert_int_equal(code->returned, ATTR_RETURNED_NEVER);
    assert_true(attr_is_secret(code) && !code->dropped);
    assert_true(attr_of(DEVICE, "certificate", NULL)->case_exact);
    assert_string_equal(attr_of(DEVICE, "owner", NULL)->reference_types[0], "User");
    const struct attr *interfaces = attr_of(DEVICE, "interfaces", NULL);
    assert_true(interfaces->multi);
    assert_int_equal(interfaces->nsubs, 12);
    assert_string_equal(attr_of(DEVICE, "interfaces", "type")->canonical[1], "wifi");
    assert_true(attr_of(DEVICE, "interfaces", "vlans")->multi);
    assert_string_equal(attr_of("urn:example:params:scim:schemas:2.0:Site", "title", NULL)->description,
                        "title"); /* none was given */
}

static void test_user_is_extended(void **state) {
    (void)state;
    const struct resource_type *user = resource_type_by_name("User");
    assert_ptr_equal(user, resource_type_of(RESOURCE_USER));
    assert_int_equal(user->nextensions, 3);
    assert_ptr_equal(resource_type_extension(user, BADGE, strlen(BADGE)), schema_by_urn(BADGE));
    assert_true(schema_is_builtin(SCHEMA_ENTERPRISE, strlen(SCHEMA_ENTERPRISE)));
    assert_false(schema_is_builtin(SCHEMA_ENTERPRISE, strlen(SCHEMA_ENTERPRISE) - 1));
    assert_false(schema_is_builtin(BADGE, strlen(BADGE)));
}

/* A second folder would meet what is there. */
static void test_again(void **state) {
    (void)state;
    struct err err = {0};
    assert_int_equal(schema_load_folder("tests/cases/schemas/good", &err), ERR_CONFIG);
    assert_non_null(strstr(err.detail, "already"));
    assert_int_equal(count_types(), 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_not_json),
        cmocka_unit_test(test_no_folder),
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_empty_descriptions),
        cmocka_unit_test(test_characteristics),
        cmocka_unit_test(test_user_is_extended),
        cmocka_unit_test(test_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
