/* The OpenAPI document is the truth: held against the table of routes both ways, against the problems that
 * there are, and against the table of settings. */
#include "ingest/api/form.h"
#include "ingest/api/oauth.h"
#include "ingest/api/ssf.h"
#include "ingest/http/routes.h"
#include "ops/runtime/version.h"
#include "schemas/api/openapi.h"
#include "schemas/api/workspace_settings.h"
#include "schemas/types/scim_error.h"
#include "sql/ask/admit.h"

#include <ctype.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *doc;

static const char *const methods[] = {[HTTP_GET] = "get",
                                      [HTTP_POST] = "post",
                                      [HTTP_PUT] = "put",
                                      [HTTP_PATCH] = "patch",
                                      [HTTP_DELETE] = "delete"};

static json_t *at(const json_t *o, const char *name) {
    return json_object_get(o, name);
}

/* The rows of the Management API, OAuth's, and those of streams of signals. */
static bool is_documented(const struct route_row *row) {
    return row->method != HTTP_ANY && (row->form == &api_form || row->form == &oauth_form ||
                                       row->form == &ssf_form || strcmp(row->path, SSF_CONFIGURATION) == 0);
}

/* What is there below a workspace too, by its shorter path. */
static const char *path_of(const struct route_row *row) {
    static const char optional[] = "(/w/{workspace})";
    return row->path + (strncmp(row->path, optional, sizeof optional - 1) == 0 ? sizeof optional - 1 : 0);
}

static const json_t *operation_of(const struct route_row *row) {
    return at(at(at(doc, "paths"), path_of(row)), methods[row->method]);
}

static const struct route_row *route_of(const char *path, const char *method) {
    for (size_t i = 0; i < routes.n; i++) {
        const struct route_row *row = &routes.rows[i];
        if (is_documented(row) && strcmp(path_of(row), path) == 0 &&
            strcmp(methods[row->method], method) == 0)
            return row;
    }
    return NULL;
}

static void every_route_has_an_operation(void **state) {
    (void)state;
    for (size_t i = 0; i < routes.n; i++)
        if (is_documented(&routes.rows[i]) && operation_of(&routes.rows[i]) == NULL)
            fail_msg("%s %s is not in the document", methods[routes.rows[i].method], routes.rows[i].path);
}

static void every_operation_has_a_route(void **state) {
    const char *path, *method;
    json_t *item, *operation;
    (void)state;
    json_object_foreach(at(doc, "paths"), path, item) {
        json_object_foreach(item, method, operation) {
            if (route_of(path, method) == NULL)
                fail_msg("%s %s is in the document alone", method, path);
        }
    }
}

/* ---- who may ---- */

static unsigned bits_of(const json_t *names) {
    size_t i;
    json_t *one;
    unsigned bits = 0;
    json_array_foreach(names, i, one) {
        unsigned bit = scope_parse(json_string_value(one));
        assert_int_not_equal(bit, 0);
        bits |= bit;
    }
    return bits;
}

/* One way in, by that scheme and no other. */
static const json_t *way(const json_t *security, size_t i, const char *scheme) {
    const json_t *one = json_array_get(security, i);
    assert_int_equal(json_object_size(one), 1);
    assert_non_null(at(one, scheme));
    return at(one, scheme);
}

/* Each scope that opens it, as a key and as an OAuth client. */
static void check_scopes(unsigned due, const json_t *security) {
    unsigned found = 0;
    size_t i;
    for (i = 0; i < json_array_size(security); i += 2) {
        unsigned bits = bits_of(way(security, i, "keyBearer"));
        assert_int_equal(bits_of(way(security, i + 1, "oauth2")), bits);
        assert_int_equal(bits & (bits - 1), 0); /* in one way all would be needed */
        assert_int_equal(bits & found, 0);
        found |= bits;
    }
    assert_true(i > 0);
    assert_int_equal(found, due);
}

static void check_security(const struct route_row *row, const json_t *security) {
    unsigned any =
        SCOPE_API_USERS_READ | SCOPE_API_USERS_WRITE | SCOPE_API_ROOMS_READ | SCOPE_API_ROOMS_WRITE;
    unsigned due = row->scopes == any ? 0 : row->scopes; /* any of this API's: none is named */
    switch (row->access) {
    case ACCESS_PUBLIC:
        assert_true(json_is_array(security) && json_array_size(security) == 0);
        break;
    case ACCESS_API:
        check_scopes(due, security);
        break;
    case ACCESS_ADMINISTRATOR:
        assert_int_equal(json_array_size(security), 1);
        assert_int_equal(json_array_size(way(security, 0, "ownerBearer")), 0);
        break;
    case ACCESS_OWNER:
        assert_int_equal(json_array_size(security), 1);
        assert_int_equal(json_array_size(way(security, 0, "ownerBearer")), 1);
        assert_string_equal(json_string_value(json_array_get(way(security, 0, "ownerBearer"), 0)), "owner");
        break;
    case ACCESS_KEY:
    case ACCESS_SCIM:
    case ACCESS_ANYBODY:
    case ACCESS_SIGN_IN:
    case ACCESS_SESSION:
    case ACCESS_SETUP:
        fail_msg("%s is none of the Management API", row->path);
    }
}

static void scopes_and_roles_are_the_routes(void **state) {
    (void)state;
    for (size_t i = 0; i < routes.n; i++) {
        const struct route_row *row = &routes.rows[i];
        if (!is_documented(row) || row->form == &oauth_form) /* (whose credentials are of another kind) */
            continue;
        print_message("%s %s\n", methods[row->method], row->path);
        check_security(row, at(operation_of(row), "security"));
    }
    const json_t *flow =
        at(at(at(at(at(doc, "components"), "securitySchemes"), "oauth2"), "flows"), "clientCredentials");
    assert_int_equal(json_object_size(at(flow, "scopes")), 8);
}

static const json_t *pointer(const char *ref) {
    const json_t *o = doc;
    assert_true(strncmp(ref, "#/", 2) == 0);
    for (const char *p = ref + 2; o != NULL && *p != '\0';) {
        char part[100];
        size_t n = strcspn(p, "/");
        snprintf(part, sizeof part, "%.*s", (int)n, p);
        o = at(o, part);
        p += n + (p[n] == '/');
    }
    return o;
}

static bool names_parameter(const json_t *operation, const char *name) {
    size_t i;
    json_t *one;
    json_array_foreach(at(operation, "parameters"), i, one) {
        const json_t *ref = at(one, "$ref"), *meant = ref != NULL ? pointer(json_string_value(ref)) : one;
        if (strcmp(json_string_value(at(meant, "name")), name) == 0)
            return true;
    }
    return false;
}

static void paths_and_writes_have_their_parameters(void **state) {
    (void)state;
    for (size_t i = 0; i < routes.n; i++) {
        const struct route_row *row = &routes.rows[i];
        if (!is_documented(row))
            continue;
        const json_t *operation = operation_of(row);
        assert_int_equal(names_parameter(operation, "Idempotency-Key"), row->by_txn);
        for (const char *p = path_of(row); (p = strchr(p, '{')) != NULL; p++) {
            char name[40];
            snprintf(name, sizeof name, "%.*s", (int)strcspn(p + 1, "}"), p + 1);
            if (!names_parameter(operation, name))
                fail_msg("%s lacks {%s}", row->path, name);
        }
    }
}

/* ---- the rest of it ---- */

static void check_refs(const json_t *o) {
    const char *name;
    json_t *value;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)o, name, value) {
        if (strcmp(name, "$ref") == 0 && json_is_string(value) && pointer(json_string_value(value)) == NULL)
            fail_msg("%s names nothing", json_string_value(value));
        check_refs(value);
    }
    json_array_foreach(o, i, value) {
        check_refs(value);
    }
}

static void references_name_something(void **state) {
    (void)state;
    check_refs(doc);
}

/* Generators make a type, a function or a constant of each component, most of them in one name space and some
 * without regard to case. In Go, NewUser is the constructor of User. */
static void components_have_names_of_their_own(void **state) {
    const char *kind, *name;
    json_t *parts, *one, *seen = json_object();
    (void)state;
    json_object_foreach(at(doc, "components"), kind, parts) {
        json_object_foreach(parts, name, one) {
            char plain[80] = "";
            for (size_t i = 0, n = 0; name[i] != '\0' && n < sizeof plain - 1; i++)
                if (isalnum((unsigned char)name[i]))
                    plain[n++] = (char)tolower((unsigned char)name[i]);
            if (at(seen, plain) != NULL)
                fail_msg("two components are called %s, one of them among the %s", name, kind);
            json_object_set_new(seen, plain, json_true());
        }
    }
    json_object_foreach(seen, name, one) {
        if (strncmp(name, "new", 3) == 0 && at(seen, name + 3) != NULL)
            fail_msg("%s would be a constructor of %s", name, name + 3);
    }
    json_decref(seen);
}

/* A generator would give it a name after its place, and another one at each place. */
static void find_nameless(const json_t *schema, const char *where) {
    const char *name;
    json_t *value;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)schema, name, value) {
        if (strcmp(name, "example") == 0)
            continue;
        if (strcmp(name, "properties") == 0 && where != NULL)
            fail_msg("an object within %s has no name", where);
        find_nameless(value, where);
    }
    json_array_foreach(schema, i, value) {
        find_nameless(value, where);
    }
}

static void objects_have_names(void **state) {
    const char *name, *member;
    json_t *schema, *value;
    (void)state;
    find_nameless(at(doc, "paths"), "paths");
    json_object_foreach(at(at(doc, "components"), "schemas"), name, schema) {
        json_object_foreach(at(schema, "properties"), member, value) {
            find_nameless(value, name);
        }
    }
}

static void lists_hold_items(void **state) {
    const char *name;
    json_t *schema;
    size_t lists = 0;
    (void)state;
    json_object_foreach(at(at(doc, "components"), "schemas"), name, schema) {
        const json_t *members = at(schema, "properties");
        if (at(members, "next") == NULL)
            continue;
        lists++;
        if (json_array_size(at(schema, "required")) != json_object_size(members) ||
            at(members, "items") == NULL)
            fail_msg("the list %s has no items, or may lack a member", name);
    }
    assert_in_range(lists, 8, 100);
}

static void operations_are_described(void **state) {
    const char *path, *method;
    json_t *item, *operation;
    (void)state;
    json_object_foreach(at(doc, "paths"), path, item) {
        json_object_foreach(item, method, operation) {
            if (at(operation, "summary") == NULL || at(operation, "description") == NULL)
                fail_msg("%s %s has no summary, or no description", method, path);
        }
    }
}

static void operations_have_names_of_their_own(void **state) {
    const char *path, *method;
    json_t *item, *operation, *seen = json_object();
    (void)state;
    json_object_foreach(at(doc, "paths"), path, item) {
        json_object_foreach(item, method, operation) {
            const char *id = json_string_value(at(operation, "operationId"));
            assert_non_null(id);
            if (at(seen, id) != NULL)
                fail_msg("two operations are called %s", id);
            json_object_set_new(seen, id, json_true());
        }
    }
    json_decref(seen);
}

static void problems_are_those_that_there_are(void **state) {
    const json_t *types =
        at(at(pointer("#/components/schemas/Problem/properties"), "type"), "x-extensible-enum");
    size_t n = 0;
    (void)state;
    for (enum err_code code = ERR_OK + 1; code < ERR_COUNT; code++) {
        char type[80], name[40];
        if (scim_error_outward(code) != code)
            continue;
        snprintf(type, sizeof type, "urn:usher:problem:%s", problem_name(code, name));
        const char *listed = json_string_value(json_array_get(types, n++));
        assert_non_null(listed);
        assert_string_equal(listed, type);
    }
    assert_int_equal(json_array_size(types), n);
}

static bool says_null(const json_t *type) {
    return json_is_array(type) && strcmp(json_string_value(json_array_get(type, 1)), "null") == 0;
}

static void check_setting(const struct workspace_setting *s, const json_t *schema, bool open) {
    static const char *const types[] = {"string", "integer", "boolean", "string"};
    const json_t *type = at(schema, "type");
    if (schema == NULL)
        fail_msg("the setting %s is not in the document", s->name);
    assert_string_equal(json_string_value(json_is_array(type) ? json_array_get(type, 0) : type),
                        types[s->kind]);
    assert_int_equal(says_null(type), s->nullable);
    assert_string_equal(json_string_value(at(schema, "description")), s->description);
    if (s->kind == SETTING_COUNT) {
        assert_int_equal(json_integer_value(at(schema, "minimum")), s->min);
        assert_int_equal(json_integer_value(at(schema, "maximum")), s->max);
    }
    /* What a client sends is one of these; what it reads may be a choice of a later version. */
    const json_t *choices = at(schema, open ? "x-extensible-enum" : "enum");
    for (size_t i = 0; s->kind == SETTING_CHOICE && s->choices[i] != NULL; i++)
        assert_string_equal(json_string_value(json_array_get(choices, i)), s->choices[i]);
}

static void settings_are_the_tables(void **state) {
    const json_t *shown = pointer("#/components/schemas/Workspace/properties"),
                 *given = pointer("#/components/schemas/WorkspacePatch/properties");
    (void)state;
    for (size_t i = 0; i < workspace_setting_count; i++) {
        check_setting(&workspace_setting_table[i], at(shown, workspace_setting_table[i].name), true);
        check_setting(&workspace_setting_table[i], at(given, workspace_setting_table[i].name), false);
    }
    assert_int_equal(json_object_size(given), workspace_setting_count);
    assert_int_equal(json_object_size(shown), workspace_setting_count + 3);
}

static void the_version_is_the_programs(void **state) {
    (void)state;
    assert_string_equal(json_string_value(at(at(doc, "info"), "version")), usher_version);
}

static int setup(void **state) {
    json_error_t error;
    (void)state;
    doc = json_loads(openapi_json, JSON_REJECT_DUPLICATES, &error);
    if (doc == NULL)
        print_error("line %d: %s\n", error.line, error.text);
    return doc != NULL ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    json_decref(doc);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_version_is_the_programs),
        cmocka_unit_test(every_route_has_an_operation),
        cmocka_unit_test(every_operation_has_a_route),
        cmocka_unit_test(scopes_and_roles_are_the_routes),
        cmocka_unit_test(paths_and_writes_have_their_parameters),
        cmocka_unit_test(references_name_something),
        cmocka_unit_test(components_have_names_of_their_own),
        cmocka_unit_test(objects_have_names),
        cmocka_unit_test(lists_hold_items),
        cmocka_unit_test(operations_are_described),
        cmocka_unit_test(operations_have_names_of_their_own),
        cmocka_unit_test(problems_are_those_that_there_are),
        cmocka_unit_test(settings_are_the_tables),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
