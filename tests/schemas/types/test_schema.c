/* The tables say what RFC 7643 sections 3.1, 4.1 to 4.3 and 8.7 say, and hold together. */
#include "schemas/types/schema.h"
#include "tests/schemas/support.h"

#include <ctype.h>

static const struct attr *find(const char *urn, const char *name) {
    const struct schema *s = schema_by_urn(urn);
    assert_non_null(s);
    const struct attr *a = schema_attr(s, name, strlen(name));
    if (a == NULL)
        fail_msg("%s has no %s", urn, name);
    return a;
}

static const struct attr *sub(const struct attr *a, const char *name) {
    const struct attr *s = attr_sub(a, name, strlen(name));
    if (s == NULL)
        fail_msg("%s has no %s", a->name, name);
    return s;
}

static void check_row(const char *of, const struct attr *a, bool is_sub) {
    if (a->name == NULL || a->description == NULL || strlen(a->description) < 10) {
        fail_msg("%s: a row without name or description", of);
        return; /* never reached, but not everyone knows */
    }
    if ((a->type == ATTR_COMPLEX) != (a->nsubs > 0) || (is_sub && a->type == ATTR_COMPLEX))
        fail_msg("%s.%s: complex without sub-attributes, or within a complex one (S3)", of, a->name);
    if ((a->type == ATTR_REFERENCE) != (a->reference_types != NULL) && strcmp(a->name, "location") != 0)
        fail_msg("%s.%s: references, and they alone, name what they refer to", of, a->name);
    if ((a->type == ATTR_REFERENCE || a->type == ATTR_BINARY) && !a->case_exact)
        fail_msg("%s.%s: references and binaries are caseExact (S3)", of, a->name);
    for (const char *c = a->name; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && *c != '$') /* resource_search_text counts on it */
            fail_msg("%s.%s: a name that needs escaping", of, a->name);
    for (size_t i = 0; i < a->nsubs; i++)
        check_row(a->name, &a->subs[i], true);
}

static void test_rows_hold_together(void **state) {
    (void)state;
    size_t n = 0;
    for (; schema_at(n) != NULL; n++)
        for (size_t i = 0; i < schema_at(n)->nattrs; i++)
            check_row(schema_at(n)->name, &schema_at(n)->attrs[i], false);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < ncommon_attrs; i++)
        check_row("common", &common_attrs[i], false);
}

/* S2: what the tables leave unsaid is what RFC 7643 section 2.2 says. */
static void test_defaults(void **state) {
    (void)state;
    const struct attr *a = find(SCHEMA_USER, "nickName");
    assert_int_equal(a->type, ATTR_STRING);
    assert_false(a->multi || a->required || a->case_exact);
    assert_int_equal(a->mutability, ATTR_READ_WRITE);
    assert_int_equal(a->returned, ATTR_RETURNED_DEFAULT);
    assert_int_equal(a->uniqueness, ATTR_UNIQUE_NONE);
}

static void test_common(void **state) {
    (void)state;
    assert_int_equal(common_attr("schemas", 7)->returned, ATTR_RETURNED_ALWAYS);
    assert_true(common_attr("schemas", 7)->multi);
    const struct attr *id = common_attr("ID", 2);
    assert_true(id->case_exact);
    assert_int_equal(id->mutability, ATTR_READ_ONLY);
    assert_int_equal(id->returned, ATTR_RETURNED_ALWAYS);
    const struct attr *external = common_attr("externalid", 10);
    assert_true(external->case_exact && external->keep_on_put);
    assert_int_equal(external->uniqueness, ATTR_UNIQUE_NONE);
    const struct attr *meta = common_attr("meta", 4);
    assert_int_equal(meta->mutability, ATTR_READ_ONLY);
    assert_int_equal(sub(meta, "lastModified")->type, ATTR_DATETIME);
    assert_true(sub(meta, "version")->case_exact);
}

static void test_user(void **state) {
    (void)state;
    static const char *const multi[] = {"emails", "phoneNumbers", "ims",   "photos",          "addresses",
                                        "groups", "entitlements", "roles", "x509Certificates"};
    const struct attr *name = find(SCHEMA_USER, "username");
    assert_string_equal(name->name, "userName");
    assert_true(name->required);
    assert_false(name->case_exact);
    assert_int_equal(name->uniqueness, ATTR_UNIQUE_SERVER);
    assert_int_equal(schema_by_urn(SCHEMA_USER)->nattrs, 21);
    for (size_t i = 0; i < sizeof(multi) / sizeof(multi[0]); i++) {
        const struct attr *a = find(SCHEMA_USER, multi[i]);
        assert_true(a->multi);
        assert_int_equal(a->type, ATTR_COMPLEX);
    }
    assert_int_equal(find(SCHEMA_USER, "active")->type, ATTR_BOOLEAN);
    const struct attr *password = find(SCHEMA_USER, "password");
    assert_int_equal(password->mutability, ATTR_WRITE_ONLY);
    assert_int_equal(password->returned, ATTR_RETURNED_NEVER);
    const struct attr *groups = find(SCHEMA_USER, "groups");
    assert_int_equal(groups->mutability, ATTR_READ_ONLY);
    assert_int_equal(sub(groups, "$ref")->type, ATTR_REFERENCE);
    assert_int_equal(sub(find(SCHEMA_USER, "emails"), "primary")->type, ATTR_BOOLEAN);
    assert_int_equal(sub(find(SCHEMA_USER, "photos"), "value")->type, ATTR_REFERENCE);
    assert_int_equal(sub(find(SCHEMA_USER, "x509Certificates"), "value")->type, ATTR_BINARY);
    assert_int_equal(find(SCHEMA_USER, "name")->nsubs, 6);
    assert_int_equal(find(SCHEMA_USER, "addresses")->nsubs, 8);
}

static void test_enterprise_and_role(void **state) {
    (void)state;
    const struct attr *manager = find(SCHEMA_ENTERPRISE, "manager");
    assert_false(manager->multi);
    assert_false(sub(manager, "value")->required || sub(manager, "$ref")->required); /* Z2 */
    assert_int_equal(sub(manager, "displayName")->mutability, ATTR_READ_ONLY);
    assert_int_equal(schema_by_urn(SCHEMA_ENTERPRISE)->nattrs, 6);
    assert_int_equal(find(SCHEMA_USHER_USER, "editor")->type, ATTR_BOOLEAN);
    assert_true(find(SCHEMA_USHER_USER, "editor")->keep_on_put);
}

static void test_group(void **state) {
    (void)state;
    assert_true(find(SCHEMA_GROUP, "displayName")->required); /* Z1 */
    const struct attr *members = find(SCHEMA_GROUP, "members");
    assert_true(members->multi && members->apart);
    assert_int_equal(members->mutability, ATTR_READ_WRITE);
    assert_int_equal(sub(members, "value")->mutability, ATTR_IMMUTABLE);
    assert_int_equal(sub(members, "$ref")->mutability, ATTR_IMMUTABLE);
    assert_int_equal(sub(members, "type")->mutability, ATTR_IMMUTABLE);
    assert_int_equal(sub(members, "display")->mutability, ATTR_READ_ONLY);
    assert_string_equal(sub(members, "$ref")->reference_types[0], "User"); /* S9: no nesting */
    assert_null(sub(members, "$ref")->reference_types[1]);
}

static void test_look_ups(void **state) {
    (void)state;
    const struct resource_type *user = resource_type_by_endpoint("Users");
    assert_ptr_equal(user, resource_type_of(RESOURCE_USER));
    assert_ptr_equal(user, resource_type_by_name("User"));
    assert_ptr_equal(resource_type_by_endpoint("Groups"), resource_type_of(RESOURCE_ROOM));
    assert_ptr_equal(resource_type_by_endpoint("users"), user); /* Microsoft's samples write it so */
    assert_null(resource_type_by_endpoint("/Users"));
    assert_null(resource_type_by_name("Room"));
    assert_null(resource_type_at(2));
    assert_null(schema_at(4));
    assert_ptr_equal(schema_by_urn("URN:IETF:params:scim:schemas:core:2.0:user"), user->schema);
    assert_null(schema_by_urn("urn:ietf:params:scim:schemas:core:2.0:Use"));
    assert_string_equal(resource_type_refs(user)->name, "groups");
    assert_string_equal(resource_type_refs(resource_type_of(RESOURCE_ROOM))->name, "members");
    assert_non_null(resource_type_extension(user, SCHEMA_ENTERPRISE, strlen(SCHEMA_ENTERPRISE)));
    assert_null(resource_type_extension(user, SCHEMA_ENTERPRISE, strlen(SCHEMA_ENTERPRISE) - 1));
    assert_null(resource_type_extension(user, SCHEMA_USER, strlen(SCHEMA_USER)));
    /* Only the len bytes count, and all of them. */
    assert_non_null(schema_attr(user->schema, "titleX", 5));
    assert_null(schema_attr(user->schema, "title", 4));
    assert_null(schema_attr(user->schema, "title\0", 6));
    assert_null(schema_attr(user->schema, "", 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_hold_together),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_common),
        cmocka_unit_test(test_user),
        cmocka_unit_test(test_enterprise_and_role),
        cmocka_unit_test(test_group),
        cmocka_unit_test(test_look_ups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
