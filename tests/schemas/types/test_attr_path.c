/* Attribute paths: rules P4, P5, S1, F15, and attributes of an extension without its URN (ops/DESIGN.md,
 * "Decided points"). */
#include "schemas/types/attr_path.h"
#include "tests/schemas/support.h"

struct path_case {
    const char *text;
    const char *canonical; /* NULL: refused */
};

static void check(const struct resource_type *rt, const struct path_case *cases, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct attr_path path;
        struct err err = {0};
        char text[256];
        enum err_code code =
            attr_path_resolve(rt, cases[i].text, strlen(cases[i].text), ERR_INVALID_PATH, &path, &err);
        if (cases[i].canonical == NULL) {
            if (code != ERR_INVALID_PATH || err.detail[0] == '\0')
                fail_msg("'%s' was taken", cases[i].text);
            continue;
        }
        if (code != ERR_OK)
            fail_msg("'%s': %s", cases[i].text, err.detail);
        assert_string_equal(attr_path_text(&path, text, sizeof(text)), cases[i].canonical);
        /* The canonical text names the same thing. */
        struct attr_path again;
        assert_int_equal(attr_path_resolve(rt, text, strlen(text), ERR_INVALID_PATH, &again, &err), ERR_OK);
        assert_ptr_equal(again.attr, path.attr);
        assert_ptr_equal(again.sub, path.sub);
        assert_ptr_equal(again.extension, path.extension);
    }
}

#define CHECK(kind, cases) check(resource_type_of(kind), cases, sizeof(cases) / sizeof((cases)[0]))

static void test_user_paths(void **state) {
    (void)state;
    static const struct path_case cases[] = {
        {"userName", "userName"},
        {"USERNAME", "userName"}, /* S1 */
        {"name.familyName", "name.familyName"},
        {"Name.FamilyName", "name.familyName"},
        {"emails.value", "emails.value"},
        {"groups.$ref", "groups.$ref"}, /* F15 */
        {"id", "id"},
        {"meta.lastModified", "meta.lastModified"},
        {"schemas", "schemas"},
        {SCHEMA_USER ":userName", "userName"},
        {SCHEMA_USER ":name.givenName", "name.givenName"},
        {SCHEMA_USER ":externalId", "externalId"},
        {SCHEMA_ENTERPRISE, SCHEMA_ENTERPRISE}, /* P5: the whole extension */
        {SCHEMA_ENTERPRISE ":department", SCHEMA_ENTERPRISE ":department"},
        {SCHEMA_ENTERPRISE ":manager.value", SCHEMA_ENTERPRISE ":manager.value"},
        {"URN:ietf:params:scim:schemas:EXTENSION:enterprise:2.0:user:Manager.DisplayName",
         SCHEMA_ENTERPRISE ":manager.displayName"},
        {SCHEMA_USHER_USER ":editor", SCHEMA_USHER_USER ":editor"},
        {"department", SCHEMA_ENTERPRISE ":department"}, /* without its URN */
        {"manager.value", SCHEMA_ENTERPRISE ":manager.value"},
        {"editor", SCHEMA_USHER_USER ":editor"},
        {"displayName", "displayName"}, /* core before any extension */
    };
    CHECK(RESOURCE_USER, cases);
}

static void test_refused(void **state) {
    (void)state;
    static const struct path_case cases[] = {
        {"", NULL},
        {" userName", NULL},
        {"userName ", NULL},
        {"nope", NULL},
        {"name.nope", NULL},
        {"name.", NULL},
        {".name", NULL},
        {"name..familyName", NULL},
        {"name.familyName.x", NULL},
        {"userName.value", NULL},
        {"1name", NULL},
        {"emails[type eq \"work\"]", NULL},
        {"members", NULL}, /* of a group, not of a user */
        {SCHEMA_USER, NULL},
        {SCHEMA_USER ":", NULL},
        {SCHEMA_USER ":department", NULL}, /* the URN says where to look */
        {SCHEMA_ENTERPRISE ":", NULL},
        {SCHEMA_ENTERPRISE ":userName", NULL},
        {SCHEMA_ENTERPRISE ".department", NULL},
        {SCHEMA_ENTERPRISE "X:department", NULL},
        {SCHEMA_GROUP ":displayName", NULL},
        {"urn:ietf:params:scim:schemas:core:2.0", NULL},
        {"urn:example:x:userName", NULL},
        {"n\xc3\xa4me", NULL},
    };
    CHECK(RESOURCE_USER, cases);
}

static void test_group_paths(void **state) {
    (void)state;
    static const struct path_case cases[] = {
        {"members", "members"},
        {"members.value", "members.value"},
        {"members.$ref", "members.$ref"},
        {SCHEMA_GROUP ":members", "members"},
        {"displayName", "displayName"},
        {"userName", NULL},
        {"department", NULL},
        {SCHEMA_ENTERPRISE ":department", NULL},
    };
    CHECK(RESOURCE_ROOM, cases);
}

/* Only len bytes are read; the code is the caller's; a long path is cut between characters, so that the
 * detail stays UTF-8. */
static void test_length_and_refusal(void **state) {
    (void)state;
    struct attr_path path;
    struct err err = {0};
    const struct resource_type *rt = resource_type_of(RESOURCE_USER);
    assert_int_equal(attr_path_resolve(rt, "titles", 5, ERR_INVALID_FILTER, &path, &err), ERR_OK);
    assert_string_equal(path.attr->name, "title");
    char longer[400];
    for (size_t i = 0; i < sizeof(longer); i += 2)
        memcpy(longer + i, "\xc3\xa4", 2);
    for (size_t shift = 0; shift < 2; shift++) {
        longer[0] = 'a';
        assert_int_equal(attr_path_resolve(rt, longer + 2 - shift, 300, ERR_INVALID_FILTER, &path, &err),
                         ERR_INVALID_FILTER);
        json_t *text = json_string(strstr(err.detail, "\xc3"));
        assert_non_null(text); /* json_string refuses what is not UTF-8 */
        json_decref(text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_user_paths),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_group_paths),
        cmocka_unit_test(test_length_and_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
