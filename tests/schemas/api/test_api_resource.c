#include "schemas/api/api_resource.h"

#include "schemas/patch/patch.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define U "urn:ietf:params:scim:schemas:core:2.0:User"
#define E "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define X "urn:ietf:params:scim:schemas:extension:usher:2.0:User"
#define P "\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"]"

static json_t *parse(const char *text) {
    json_t *v = json_loads(text, 0, NULL);
    assert_non_null(v);
    return v;
}

static void assert_same(json_t *got, const char *due) {
    json_t *v = parse(due);
    if (!json_equal(got, v)) {
        char *text = json_dumps(got, 0);
        fail_msg("%s\n due %s", text, due);
    }
    json_decref(v);
}

static void a_flat_user_becomes_a_scim_user(void **state) {
    (void)state;
    json_t *scim,
        *body =
            parse("{\"id\":\"x\",\"version\":3,\"userName\":\"ana\",\"department\":\"Ops\",\"editor\":true,"
                  "\"name\":{\"givenName\":\"Ana\"},\"emails\":[{\"value\":\"a@b\"}],\"externalId\":\"7\"}");
    assert_int_equal(api_body_to_scim(resource_type_of(RESOURCE_USER), body, &scim, NULL), ERR_OK);
    assert_same(
        scim,
        "{\"schemas\":[\"" U "\"],\"userName\":\"ana\",\"" E "\":{\"department\":\"Ops\"},\"" X
        "\":{\"editor\":true},\"name\":{\"givenName\":\"Ana\"},\"emails\":[{\"value\":\"a@b\"}],\"externalId\":\"7\"}");
    json_decref(scim);
    json_decref(body);
}

static void unknown_members_are_refused_by_name(void **state) {
    (void)state;
    static const char *const names[] = {"username", "password",       "schemas",
                                        "meta",     "name.givenName", "emails[type eq \"work\"]",
                                        "colour",   (U ":userName")};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct err err = {0};
        json_t *out, *body = json_object();
        json_object_set_new(body, names[i], json_string("x"));
        assert_int_equal(api_body_to_scim(resource_type_of(RESOURCE_USER), body, &out, &err),
                         ERR_INVALID_VALUE);
        assert_string_equal(err.path, names[i]);
        assert_null(out);
        assert_int_equal(api_merge_to_patch(resource_type_of(RESOURCE_USER), body, &out, &err),
                         ERR_INVALID_VALUE);
        assert_null(out);
        json_decref(body);
    }
}

static void a_merge_patch_becomes_operations(void **state) {
    (void)state;
    struct err err = {0};
    json_t *patch, *ops,
        *body = parse(
            "{\"displayName\":null,\"department\":\"IT\",\"name\":{\"givenName\":\"A\",\"familyName\":null},"
            "\"emails\":[{\"value\":\"n@b\"}],\"version\":9,\"active\":false,\"groups\":[]}");
    const struct resource_type *rt = resource_type_of(RESOURCE_USER);
    assert_int_equal(api_merge_to_patch(rt, body, &patch, &err), ERR_OK);
    assert_same(
        patch,
        "{" P
        ",\"Operations\":[{\"op\":\"remove\",\"path\":\"displayName\"},{\"op\":\"replace\",\"path\":\"" E
        ":department\",\"value\":\"IT\"},{\"op\":\"replace\",\"path\":\"name.givenName\",\"value\":\"A\"},"
        "{\"op\":\"remove\",\"path\":\"name.familyName\"},{\"op\":\"replace\",\"path\":\"emails\",\"value\":[{\"value\":\"n@b\"}]},"
        "{\"op\":\"replace\",\"path\":\"active\",\"value\":false}]}");
    assert_int_equal(patch_normalise(rt, DIALECT_RFC, patch, "", &ops, &err),
                     ERR_OK); /* and is one that SCIM takes */
    json_decref(ops);
    json_decref(patch);
    json_decref(body);
}

static void members_are_not_patched(void **state) {
    (void)state;
    struct err err = {0};
    json_t *patch, *body = parse("{\"members\":[]}");
    assert_int_equal(api_merge_to_patch(resource_type_of(RESOURCE_ROOM), body, &patch, &err),
                     ERR_INVALID_VALUE);
    assert_string_equal(err.path, "members");
    json_decref(body);
}

static void an_answer_is_flat(void **state) {
    (void)state;
    struct jbuf out = {0};
    struct resource_row row = {.id = "0190d6c1-5f5c-7cc2-9e4b-5a3fb1e0c7aa",
                               .doc = "{\"schemas\":[\"" U "\"],\"userName\":\"ana\",\"active\":true,\"" E
                                      "\":{\"department\":\"Ops\"},\"" X "\":{\"editor\":false}}",
                               .version = 4,
                               .created_us = 1000000,
                               .modified_us = 2000000};
    struct api_facts facts = {.managed = true};
    api_render(resource_type_of(RESOURCE_USER), &row, &facts, &out);
    json_t *got = parse(out.p);
    assert_same(
        got,
        "{\"id\":\"0190d6c1-5f5c-7cc2-9e4b-5a3fb1e0c7aa\",\"userName\":\"ana\",\"active\":true,\"department\":\"Ops\",\"editor\":false,\"managed\":true,"
        "\"seat\":false,\"version\":4,\"created\":\"1970-01-01T00:00:01.000000Z\",\"modified\":\"1970-01-01T00:00:02.000000Z\"}");
    json_decref(got);
    jb_free(&out);
}

/* Whoever has no role is a viewer, and is shown as one. */
static void no_role_is_a_viewers(void **state) {
    (void)state;
    struct jbuf out = {0};
    struct resource_row row = {.id = "x", .doc = "{\"schemas\":[\"" U "\"],\"userName\":\"ana\"}"};
    struct api_facts facts = {0};
    api_render(resource_type_of(RESOURCE_USER), &row, &facts, &out);
    assert_non_null(strstr(out.p, "\"editor\":false"));
    jb_reset(&out);
    row.doc = "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Group\"],\"displayName\":\"R\"}";
    facts.managed = true;
    api_render(resource_type_of(RESOURCE_ROOM), &row, &facts, &out);
    assert_null(strstr(out.p, "editor"));
    assert_null(strstr(out.p, "seat"));
    assert_non_null(strstr(out.p, "\"managed\":true"));
    jb_free(&out);
}

/* What was read can be sent again, as a whole or as a patch, and changes nothing. */
static void an_answer_can_be_sent_again(void **state) {
    (void)state;
    const struct resource_type *rt = resource_type_of(RESOURCE_USER);
    struct jbuf out = {0};
    struct resource_row row = {.id = "x",
                               .doc = "{\"schemas\":[\"" U "\",\"" E "\",\"" X "\"],\"userName\":\"ana\",\"" E
                                      "\":{\"manager\":{\"value\":\"7\"}},\"" X "\":{\"editor\":true}}"};
    struct api_facts facts = {0};
    api_render(rt, &row, &facts, &out);
    json_t *shown = parse(out.p), *scim, *doc, *members, *cleared;
    assert_int_equal(api_body_to_scim(rt, shown, &scim, NULL), ERR_OK);
    assert_int_equal(resource_normalise(rt, DIALECT_RFC, scim, &doc, &members, &cleared, NULL), ERR_OK);
    assert_same(doc, row.doc);
    json_decref(shown);
    json_decref(scim);
    json_decref(doc);
    json_decref(cleared);
    jb_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flat_user_becomes_a_scim_user),
        cmocka_unit_test(unknown_members_are_refused_by_name),
        cmocka_unit_test(a_merge_patch_becomes_operations),
        cmocka_unit_test(members_are_not_patched),
        cmocka_unit_test(an_answer_is_flat),
        cmocka_unit_test(no_role_is_a_viewers),
        cmocka_unit_test(an_answer_can_be_sent_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
