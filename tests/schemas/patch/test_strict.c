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
        enum err_code code = strict_body(resource_type_of(RESOURCE_USER), body, &err);
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
        enum err_code code = strict_patch(resource_type_of(RESOURCE_USER), DIALECT_RFC, body, &err);
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
        enum err_code code = strict_body(own_type("Device"), body, &err);
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
        assert_int_equal(strict_patch(resource_type_of(RESOURCE_USER), DIALECT_RFC, body, &err), ERR_OK);
        json_decref(body);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bodies), cmocka_unit_test(test_patches),
                                       cmocka_unit_test(test_own_numbers),
                                       cmocka_unit_test(test_other_shapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
