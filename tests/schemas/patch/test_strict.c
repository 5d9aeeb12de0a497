/* What a strict workspace refuses besides. */
#include "schemas/patch/strict.h"
#include "tests/schemas/own_types.h"
#include "tests/schemas/support.h"

#define URN_USHER "urn:ietf:params:scim:schemas:extension:usher:2.0:User"
#define URN_ENTERPRISE "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

struct strict_case {
    const char *json;
    enum err_code code; /* ERR_OK: taken */
    const char *path;
};

static json_t *parse(const char *text) {
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    return json;
}

static void test_bodies(void **state) {
    (void)state;
    static const struct strict_case cases[] = {
        {"{\"schemas\":[],\"id\":\"x\",\"meta\":{\"whatever\":1},\"USERNAME\":\"a\",\"active\":true}", ERR_OK,
         ""},
        {"{\"userName\":\"a\",\"emails\":[{\"value\":\"a@x\",\"primary\":true,\"type\":\"work\"}]}", ERR_OK,
         ""},
        {"{\"userName\":\"a\",\"groups\":[{\"unheardOf\":1}]}", ERR_OK, ""}, /* read-only: ignored as ever */
        {"{\"userName\":\"a\",\"shoeSize\":9}", ERR_INVALID_SYNTAX, "shoeSize"},
        {"{\"userName\":\"a\",\"emails[type eq \\\"work\\\"].value\":\"a@x\"}", ERR_INVALID_SYNTAX,
         "emails[type eq \"work\"].value"},
        {"{\"userName\":\"a\",\"name\":{\"nick\":\"x\"}}", ERR_INVALID_SYNTAX, "nick"},
        {"{\"userName\":\"a\",\"emails\":[{\"value\":\"a@x\"},{\"valeu\":\"b@x\"}]}", ERR_INVALID_SYNTAX,
         "valeu"},
        {"{\"userName\":\"a\",\"urn:example:unheard:User\":{\"a\":1}}", ERR_INVALID_SYNTAX,
         "urn:example:unheard:User"},
        {"{\"userName\":\"a\",\"" URN_ENTERPRISE "\":{\"department\":\"x\",\"manager\":{\"value\":\"y\"}}}",
         ERR_OK, ""},
        {"{\"userName\":\"a\",\"" URN_ENTERPRISE "\":{\"floor\":\"3\"}}", ERR_INVALID_SYNTAX, "floor"},
        {"{\"userName\":\"a\",\"active\":\"True\"}", ERR_INVALID_VALUE, "active"},
        {"{\"userName\":\"a\",\"" URN_USHER "\":{\"editor\":\"false\"}}", ERR_INVALID_VALUE, "editor"},
        {"{\"userName\":\"a\",\"emails\":[{\"value\":\"a@x\",\"primary\":\"true\"}]}", ERR_INVALID_VALUE,
         "primary"},
        /* One value in a list where a single value is due, and paths in the place of names. */
        {"{\"userName\":[\"a\"]}", ERR_INVALID_VALUE, "userName"},
        {"{\"userName\":\"a\",\"name\":[{\"givenName\":\"A\"}]}", ERR_INVALID_VALUE, "name"},
        {"{\"userName\":\"a\",\"emails\":[{\"value\":[\"a@x\"]}]}", ERR_INVALID_VALUE, "value"},
        {"{\"userName\":\"a\",\"" URN_ENTERPRISE "\":[{\"department\":\"x\"}]}", ERR_INVALID_VALUE,
         URN_ENTERPRISE},
        {"{\"userName\":\"a\",\"title\":[],\"emails\":[]}", ERR_OK, ""}, /* nothing is assigned */
        {"{\"userName\":\"a\",\"name.givenName\":\"A\"}", ERR_INVALID_SYNTAX, "name.givenName"},
        {"{\"userName\":\"a\",\"" URN_ENTERPRISE ":department\":\"x\"}", ERR_INVALID_SYNTAX,
         URN_ENTERPRISE ":department"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        json_t *body = parse(cases[i].json);
        enum err_code code = strict_body(STRICTNESS_STRICT, resource_type_of(RESOURCE_USER), body, &err);
        if (code != cases[i].code || strcmp(err.path, cases[i].path) != 0)
            fail_msg("%s: %s at '%s'", cases[i].json, err_name(code), err.path);
        json_decref(body);
    }
}

static void test_patches(void **state) {
    (void)state;
    static const struct strict_case cases[] = {
        {"{\"op\":\"replace\",\"path\":\"active\",\"value\":false}", ERR_OK, ""},
        {"{\"op\":\"replace\",\"PATH\":\"active\",\"value\":\"False\"}", ERR_INVALID_VALUE, "active"},
        {"{\"op\":\"replace\",\"path\":\"active\",\"value\":[false]}", ERR_INVALID_VALUE, "active"},
        {"{\"op\":\"replace\",\"path\":\"name\",\"value\":[{\"givenName\":\"A\"}]}", ERR_INVALID_VALUE,
         "name"},
        {"{\"op\":\"add\",\"path\":\"emails[type eq \\\"work\\\"]\",\"value\":[{\"value\":\"a@x\"}]}", ERR_OK,
         ""},
        {"{\"op\":\"replace\",\"value\":{\"active\":false}}", ERR_INVALID_PATH, ""},
        {"{\"op\":\"add\",\"path\":null,\"value\":{\"active\":false}}", ERR_INVALID_PATH, ""},
        {"{\"op\":\"remove\"}", ERR_INVALID_PATH, ""},
        {"{\"op\":\"add\",\"path\":\"name\",\"value\":{\"nick\":\"x\"}}", ERR_INVALID_SYNTAX, "nick"},
        {"{\"op\":\"add\",\"path\":\"" URN_USHER "\",\"value\":{\"editor\":\"True\"}}", ERR_INVALID_VALUE,
         "editor"},
        {"{\"op\":\"replace\",\"path\":\"emails[type eq \\\"work\\\"].primary\",\"value\":\"true\"}",
         ERR_INVALID_VALUE, "primary"},
        {"{\"op\":\"replace\",\"path\":\"unheardOf\",\"value\":1}", ERR_OK, ""}, /* said by patch_normalise */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        char text[512];
        snprintf(text, sizeof text, "{\"schemas\":[\"x\"],\"Operations\":[%s]}", cases[i].json);
        json_t *body = parse(text);
        enum err_code code =
            strict_patch(STRICTNESS_STRICT, resource_type_of(RESOURCE_USER), DIALECT_RFC, body, &err);
        if (code != cases[i].code || strcmp(err.path, cases[i].path) != 0)
            fail_msg("%s: %s at '%s'", cases[i].json, err_name(code), err.path);
        json_decref(body);
    }
}

/* Texts where an operator's own numbers are due. */
static void test_own_numbers(void **state) {
    (void)state;
    static const struct strict_case cases[] = {
        {"{\"channels\":7,\"weight\":1.5,\"levels\":[1,2],\"place\":{\"floor\":1}}", ERR_OK, ""},
        {"{\"channels\":\"7\"}", ERR_INVALID_VALUE, "channels"},
        {"{\"weight\":\"1.5\"}", ERR_INVALID_VALUE, "weight"},
        {"{\"levels\":[1,\"2\"]}", ERR_INVALID_VALUE, "levels"},
        {"{\"place\":{\"floor\":\"1\"}}", ERR_INVALID_VALUE, "floor"},
        {"{\"channels\":[7]}", ERR_INVALID_VALUE, "channels"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        json_t *body = parse(cases[i].json);
        enum err_code code = strict_body(STRICTNESS_STRICT, own_type("Device"), body, &err);
        if (code != cases[i].code || strcmp(err.path, cases[i].path) != 0)
            fail_msg("%s: %s at '%s'", cases[i].json, err_name(code), err.path);
        json_decref(body);
    }
}

/* Whatever is no object is left to whoever normalises it. */
static void test_other_shapes(void **state) {
    (void)state;
    static const char *const texts[] = {"[]", "[1]", "{\"Operations\":7}", "{\"Operations\":[1,null]}"};
    struct err err = {0};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *body = parse(texts[i]);
        assert_int_equal(
            strict_patch(STRICTNESS_STRICT, resource_type_of(RESOURCE_USER), DIALECT_RFC, body, &err),
            ERR_OK);
        json_decref(body);
    }
}

/* What the interoperability profile forbids besides, and what it does not: clauses IO07, IO15, IO19. */
static void test_interop(void **state) {
    (void)state;
    static const struct strict_case bodies[] = {
        {"{\"schemas\":[\"" SCHEMA_USER "\",\"" URN_ENTERPRISE "\"],\"userName\":\"a\"}", ERR_OK, ""},
        {"{\"schemas\":[\"URN:ietf:params:scim:schemas:core:2.0:user\"],\"userName\":\"a\"}", ERR_OK, ""},
        {"{\"schemas\":[\"" SCHEMA_USER "\",\"urn:example:none\"]}", ERR_INVALID_SYNTAX, "schemas"},
        {"{\"schemas\":[\"" SCHEMA_USER "\",\"" SCHEMA_GROUP "\"]}", ERR_INVALID_SYNTAX, "schemas"},
        {"{\"shoeSize\":null}", ERR_INVALID_SYNTAX, "shoeSize"},
        {"{\"name.givenName\":\"A\"}", ERR_INVALID_SYNTAX, "name.givenName"},
        {"{\"active\":\"True\"}", ERR_INVALID_VALUE, "active"},
    };
    static const struct strict_case patches[] = {
        {"{\"op\":\"replace\",\"value\":{\"active\":false}}", ERR_INVALID_SYNTAX, ""},
        {"{\"op\":\"remove\",\"path\":null}", ERR_INVALID_SYNTAX, ""},
        {"{\"op\":\"replace\",\"path\":\"shoeSize\",\"value\":1}", ERR_INVALID_SYNTAX, "shoeSize"},
        {"{\"op\":\"remove\",\"path\":\"name.nick\"}", ERR_INVALID_SYNTAX, "name.nick"},
        {"{\"op\":\"add\",\"path\":\"urn:example:none:x\",\"value\":1}", ERR_INVALID_SYNTAX,
         "urn:example:none:x"},
        {"{\"op\":\"add\",\"path\":\"emails[type eq \\\"work\\\"].nick\",\"value\":1}", ERR_INVALID_SYNTAX,
         "emails[type eq \"work\"].nick"},
        {"{\"op\":\"add\",\"path\":\"" URN_ENTERPRISE ":floor\",\"value\":1}", ERR_INVALID_SYNTAX,
         URN_ENTERPRISE ":floor"},
        {"{\"op\":\"add\",\"path\":\"schemas\",\"value\":[\"urn:example:none\"]}", ERR_INVALID_SYNTAX,
         "schemas"},
        {"{\"op\":\"add\",\"path\":\"emails[type eq \\\"work\\\"]\",\"value\":{\"value\":\"a@x\"}}",
         ERR_INVALID_PATH, "emails"},
        {"{\"op\":\"Replace\",\"path\":\"emails[type eq \\\"work\\\"]\",\"value\":{\"value\":\"a@x\"}}",
         ERR_INVALID_PATH, "emails"},
        {"{\"op\":\"Remove\",\"path\":\"emails[type eq \\\"work\\\"]\"}", ERR_OK, ""},
        {"{\"op\":\"add\",\"path\":\"emails[type eq \\\"work\\\"].value\",\"value\":\"a@x\"}", ERR_OK, ""},
        /* What is malformed is left to the parser, which says invalidPath. */
        {"{\"op\":\"remove\",\"path\":\"na me\"}", ERR_OK, ""},
        {"{\"op\":\"remove\",\"path\":\"emails[type eq \\\"work\\\"\"}", ERR_OK, ""},
        {"{\"op\":\"add\",\"path\":\"" SCHEMA_USER "\",\"value\":{}}", ERR_OK, ""},
    };
    struct err err;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        json_t *body = parse(bodies[i].json);
        err = (struct err){0};
        enum err_code code = strict_body(STRICTNESS_INTEROP, resource_type_of(RESOURCE_USER), body, &err);
        if (code != bodies[i].code || strcmp(err.path, bodies[i].path) != 0)
            fail_msg("%s: %s at '%s'", bodies[i].json, err_name(code), err.path);
        assert_int_equal(strict_body(STRICTNESS_STANDARD, resource_type_of(RESOURCE_USER), body, &err),
                         ERR_OK);
        json_decref(body);
    }
    for (size_t i = 0; i < sizeof patches / sizeof *patches; i++) {
        json_t *body = json_object(), *ops = json_array();
        json_array_append_new(ops, parse(patches[i].json));
        json_object_set_new(body, "Operations", ops);
        err = (struct err){0};
        enum err_code code =
            strict_patch(STRICTNESS_INTEROP, resource_type_of(RESOURCE_USER), DIALECT_RFC, body, &err);
        if (code != patches[i].code || strcmp(err.path, patches[i].path) != 0)
            fail_msg("%s: %s at '%s'", patches[i].json, err_name(code), err.path);
        assert_int_equal(
            strict_patch(STRICTNESS_STANDARD, resource_type_of(RESOURCE_USER), DIALECT_RFC, body, &err),
            ERR_OK);
        json_decref(body);
    }
}

/* AL23 */
static void test_passwords(void **state) {
    (void)state;
    static const struct strict_case cases[] = {{"{\"userName\":\"a\"}", ERR_OK, ""},
                                               {"{\"PassWord\":\"a\"}", ERR_INVALID_SYNTAX, "password"},
                                               {"{\"password\":null}", ERR_INVALID_SYNTAX, "password"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        json_t *body = parse(cases[i].json);
        assert_int_equal(strict_passwords(resource_type_of(RESOURCE_USER), body, &err), cases[i].code);
        assert_string_equal(err.path, cases[i].path);
        assert_int_equal(strict_passwords(resource_type_of(RESOURCE_ROOM), body, &err), ERR_OK);
        json_decref(body);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),      cmocka_unit_test(test_interop),
        cmocka_unit_test(test_passwords),   cmocka_unit_test(test_patches),
        cmocka_unit_test(test_own_numbers), cmocka_unit_test(test_other_shapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
