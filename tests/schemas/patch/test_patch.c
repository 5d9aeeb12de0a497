/* PATCH by cases: tests/cases/patch holds arrays of {name, type, dialect, doc, ops or body, and: error |
 * want, deltas, normalised}. Names say which rules (P…, S…) and dialect rows (Q…) a case proves. Documents
 * leave out "schemas", which the test derives. */
#include "schemas/patch/patch.h"
#include "schemas/resource/resource.h"
#include "tests/schemas/own_types.h"
#include "tests/schemas/probe.h"
#include "tests/schemas/support.h"

#define RESOURCE_ID "0190c5a4-0000-7000-8000-00000000000a"

static const char *const delta_names[] = {[MEMBER_ADD] = "add",
                                          [MEMBER_REMOVE] = "remove",
                                          [MEMBER_REMOVE_ALL] = "remove-all",
                                          [MEMBER_SET] = "set",
                                          [MEMBER_REMOVE_IF] = "remove-if"};

struct outcome {
    enum err_code code;
    struct err err;
    json_t *ops, *doc, *deltas;
};

static const char *text_of(const json_t *c, const char *name, const char *otherwise) {
    const char *s = json_string_value(json_object_get(c, name));
    return s != NULL ? s : otherwise;
}

static const struct resource_type *type_of(const json_t *c) {
    const char *name = text_of(c, "type", "User");
    return strcmp(name, "Probe") == 0 ? &probe_type : own_type(name);
}

/* Both the ingest's half and the worker's, with the operations as text in between. */
static json_t *through_the_log(json_t *ops) {
    char *text = json_dumps(ops, JSON_COMPACT);
    json_t *copy = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(copy);
    free(text);
    return copy;
}

static json_t *delta_json(const struct member_delta *d, const struct resource_type *rt) {
    json_t *o = json_pack("{ss}", "kind", delta_names[d->kind]);
    if (d->kind == MEMBER_REMOVE_IF) {
        struct jbuf text = {0};
        filter_format(d->filter, resource_type_refs(rt), &text);
        json_object_set_new(o, "filter", json_string(text.p));
        jb_free(&text);
    } else if (d->kind != MEMBER_REMOVE_ALL) {
        json_t *ids = json_array();
        for (size_t i = 0; i < d->nids; i++)
            json_array_append_new(ids, json_string(d->ids[i]));
        json_object_set_new(o, "ids", ids);
    }
    return o;
}

/* The worker makes the normal form once more (command_check): nothing may change. */
static void check_normal(const struct resource_type *rt, enum dialect dialect, const json_t *ops) {
    json_t *again = NULL, *body = json_pack("{s[s]sO}", "schemas", MESSAGE_PATCH, "Operations", ops);
    struct err err = {0};
    if (json_array_size(ops) > 0 && patch_normalise(rt, dialect, body, RESOURCE_ID, &again, &err) != ERR_OK)
        fail_msg("normal operations are refused: %s", err_text(&err));
    if (again != NULL)
        assert_json("normal operations", again, ops);
    json_decref(again);
    json_decref(body);
}

static void run(const json_t *c, struct outcome *o) {
    const struct resource_type *rt = type_of(c);
    struct arena *a = arena_new();
    struct member_delta *deltas;
    size_t n;
    enum dialect dialect;
    assert_true(dialect_parse(text_of(c, "dialect", "rfc"), &dialect));
    json_t *body = json_deep_copy(json_object_get(c, "body"));
    if (body == NULL)
        body = json_pack("{s[s]sO}", "schemas", MESSAGE_PATCH, "Operations", json_object_get(c, "ops"));
    json_t *before = json_deep_copy(body);
    o->code = patch_normalise(rt, dialect, body, RESOURCE_ID, &o->ops, &o->err);
    assert_true(json_equal(body, before)); /* only read */
    json_decref(before);
    json_decref(body);
    if (o->code == ERR_OK) {
        json_t *ops = through_the_log(o->ops);
        check_normal(rt, dialect, ops);
        o->doc = json_deep_copy(json_object_get(c, "doc"));
        if (o->doc == NULL)
            o->doc = json_object();
        resource_tidy(rt, o->doc);
        o->code = patch_apply(rt, dialect, ops, o->doc, a, &deltas, &n, &o->err);
        json_decref(ops);
    }
    if (o->code == ERR_OK) {
        o->deltas = json_array();
        for (size_t i = 0; i < n; i++)
            json_array_append_new(o->deltas, delta_json(&deltas[i], rt));
    }
    arena_free(a);
}

static void patch_case(const char *name, const json_t *c) {
    struct outcome o = {0};
    const char *error = text_of(c, "error", "OK");
    run(c, &o);
    if (strcmp(err_name(o.code), error) != 0)
        fail_msg("%s: %s instead of %s: %s", name, err_name(o.code), error, err_text(&o.err));
    if (o.code == ERR_OK) {
        const json_t *given =
            json_object_get(c, "want") != NULL ? json_object_get(c, "want") : json_object_get(c, "doc");
        json_t *want = given != NULL ? json_deep_copy(given) : json_object();
        resource_tidy(type_of(c), want);
        assert_json(name, o.doc, want);
        json_decref(want);
        if (json_object_get(c, "deltas") != NULL)
            assert_json(name, o.deltas, json_object_get(c, "deltas"));
        else
            assert_int_equal(json_array_size(o.deltas), 0);
        if (json_object_get(c, "normalised") != NULL)
            assert_json(name, o.ops, json_object_get(c, "normalised"));
    } else {
        assert_true(o.err.detail[0] != '\0');
    }
    json_decref(o.ops);
    json_decref(o.doc);
    json_decref(o.deltas);
}

static void patch_file(const char *path, json_t *cases) {
    size_t i;
    json_t *c;
    char name[600];
    assert_true(json_array_size(cases) > 0);
    json_array_foreach(cases, i, c) {
        snprintf(name, sizeof name, "%s: %s", path, text_of(c, "name", "?"));
        patch_case(name, c);
    }
}

static void test_cases(void **state) {
    (void)state;
    each_case("patch", 7, patch_file);
}

/* S7: "schemas" follows the extensions in use. */
static void test_schemas_follow(void **state) {
    (void)state;
    struct outcome o = {0};
    json_t *c = quick("{'doc':{'userName':'ana'},'ops':[{'op':'add','path':'department','value':'Ops'}]}");
    run(c, &o);
    json_t *want = quick("['" SCHEMA_USER "','" SCHEMA_ENTERPRISE "']");
    assert_json("schemas", json_object_get(o.doc, "schemas"), want);
    json_decref(want);
    json_decref(o.ops);
    json_decref(o.doc);
    json_decref(o.deltas);
    json_decref(c);
}

/* P8: operations that change nothing leave the document as it was, byte for byte. */
static void test_no_change(void **state) {
    (void)state;
    struct outcome o = {0};
    json_t *c =
        quick("{'doc':{'schemas':['" SCHEMA_USER "'],'userName':'ana','active':true,'name':{'givenName':'A'},"
              "'emails':[{'type':'work','value':'a@b','primary':true}]},"
              "'ops':[{'op':'replace','path':'active','value':'True'},{'op':'add','value':{'name':{'"
              "givenName':'A'}}},"
              "{'op':'replace','path':'emails[type eq "
              "\\'work\\']','value':{'primary':true,'value':'a@b','type':'work'}},"
              "{'op':'replace','path':'emails[type eq \\'work\\'].primary','value':true}]}");
    run(c, &o);
    assert_int_equal(o.code, ERR_OK);
    char *before = json_dumps(json_object_get(c, "doc"), JSON_COMPACT),
         *after = json_dumps(o.doc, JSON_COMPACT);
    assert_string_equal(before, after);
    free(before);
    free(after);
    json_decref(o.ops);
    json_decref(o.doc);
    json_decref(o.deltas);
    json_decref(c);
}

/* What a worker can't read it refuses; it never crashes on it. */
static void test_not_normalised(void **state) {
    (void)state;
    const char *bad[] = {"[{}]",
                         "[{'op':'Replace','path':'title','value':'x'}]",
                         "[{'op':'add','value':{}}]",
                         "[{'op':'add','path':'title'}]",
                         "[{'op':'add','path':'shoe','value':1}]",
                         "[7]"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err err = {0};
        struct member_delta *deltas;
        size_t n;
        struct arena *a = arena_new();
        json_t *ops = quick(bad[i]), *doc = json_object();
        assert_int_not_equal(
            patch_apply(resource_type_of(RESOURCE_USER), DIALECT_RFC, ops, doc, a, &deltas, &n, &err),
            ERR_OK);
        json_decref(ops);
        json_decref(doc);
        arena_free(a);
    }
}

/* Many operations on a long list would keep a worker busy for minutes. */
static void test_too_much_work(void **state) {
    (void)state;
    struct err err = {0};
    struct member_delta *deltas;
    size_t n;
    struct arena *a = arena_new();
    json_t *doc = json_object(), *emails = json_array(), *ops = json_array();
    char text[40];
    for (int i = 0; i < 3000; i++) {
        snprintf(text, sizeof text, "u%d@x", i);
        json_array_append_new(emails, json_pack("{ss}", "value", text));
    }
    json_object_set_new(doc, "emails", emails);
    for (int i = 0; i < 100; i++)
        json_array_append_new(ops,
                              json_pack("{ssssss}", "op", "replace", "path", "emails.type", "value", "work"));
    assert_int_equal(
        patch_apply(resource_type_of(RESOURCE_USER), DIALECT_RFC, ops, doc, a, &deltas, &n, &err),
        ERR_TOO_MANY);
    json_decref(doc);
    json_decref(ops);
    arena_free(a);
}

static enum err_code under(const struct patch_rules *rules, const char *op, const char *text, json_t *doc) {
    const struct resource_type *rt = resource_type_of(RESOURCE_USER);
    struct err err = {0};
    struct member_delta *deltas;
    size_t n;
    struct arena *a = arena_new();
    json_t *ops = NULL, *given = quick(op),
           *body = json_pack("{s[s]s[o]}", "schemas", MESSAGE_PATCH, "Operations", given);
    enum err_code code = patch_normalise_under(rules, rt, DIALECT_RFC, body, RESOURCE_ID, &ops, &err);
    if (code == ERR_OK) {
        check_normal(rt, DIALECT_RFC, ops);
        code = patch_apply_under(rules, rt, DIALECT_RFC, ops, doc, a, &deltas, &n, &err);
    }
    if (code == ERR_OK && text != NULL) {
        json_t *due = quick(text);
        json_object_del(doc, "schemas");
        assert_json(op, doc, due);
        json_decref(due);
    }
    json_decref(ops);
    json_decref(body);
    arena_free(a);
    return code;
}

/* IO17, IO20, AL23: what a workspace may ask for besides, and that nobody else gets it. */
static void test_rules(void **state) {
    (void)state;
    static const struct patch_rules interop = {true, ERR_INVALID_SYNTAX, true};
    static const struct {
        const char *op, *doc, *due, *plain; /* plain: what comes of it without rules; NULL: the same */
        enum err_code code;
    } cases[] = {
        {"{'op':'replace','path':'name','value':{'givenName':'B'}}",
         "{'name':{'givenName':'A','familyName':'F'}}", "{'name':{'givenName':'B'}}",
         "{'name':{'givenName':'B','familyName':'F'}}", ERR_OK},
        {"{'op':'add','path':'name','value':{'givenName':'B'}}",
         "{'name':{'givenName':'A','familyName':'F'}}", "{'name':{'givenName':'B','familyName':'F'}}", NULL,
         ERR_OK},
        {"{'op':'replace','path':'name','value':{}}", "{'name':{'givenName':'A'}}", "{}",
         "{'name':{'givenName':'A'}}", ERR_OK},
        {"{'op':'replace','path':'name.givenName','value':'B'}",
         "{'name':{'givenName':'A','familyName':'F'}}", "{'name':{'givenName':'B','familyName':'F'}}", NULL,
         ERR_OK},
        {"{'op':'replace','path':'emails[type eq \\\"work\\\"].value','value':'c'}",
         "{'emails':[{'value':'a','type':'work'},{'value':'b','type':'home'}]}",
         "{'emails':[{'value':'c','type':'work'},{'value':'b','type':'home'}]}", NULL, ERR_OK},
        {"{'op':'add','path':'emails[type eq \\\"work\\\"].display','value':'c'}",
         "{'emails':[{'value':'a','type':'work'},{'value':'b','type':'work'}]}", NULL, NULL,
         ERR_INVALID_FILTER},
        {"{'op':'remove','path':'emails[type eq \\\"work\\\"].display'}",
         "{'emails':[{'value':'a','type':'work','display':'x'},{'value':'b','type':'work'}]}", NULL, NULL,
         ERR_INVALID_FILTER},
        {"{'op':'remove','path':'emails[type eq \\\"work\\\"]'}",
         "{'emails':[{'value':'a','type':'work'},{'value':'b','type':'work'}]}", "{}", NULL, ERR_OK},
        {"{'op':'replace','path':'emails.display','value':'c'}", "{'emails':[{'value':'a'},{'value':'b'}]}",
         "{'emails':[{'value':'a','display':'c'},{'value':'b','display':'c'}]}", NULL, ERR_OK},
        {"{'op':'replace','path':'password','value':'s'}", "{}", NULL, NULL, ERR_INVALID_SYNTAX},
        {"{'op':'add','value':{'password':'s'}}", "{}", NULL, NULL, ERR_INVALID_SYNTAX},
        {"{'op':'remove','path':'urn:ietf:params:scim:schemas:core:2.0:User:password'}", "{}", NULL, NULL,
         ERR_INVALID_SYNTAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *doc = quick(cases[i].doc);
        if (under(&interop, cases[i].op, cases[i].due, doc) != cases[i].code)
            fail_msg("%s", cases[i].op);
        json_decref(doc);
        doc = quick(cases[i].doc);
        if (under(&patch_rules_none, cases[i].op, cases[i].plain != NULL ? cases[i].plain : cases[i].due,
                  doc) != ERR_OK)
            fail_msg("%s, without rules", cases[i].op);
        json_decref(doc);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),          cmocka_unit_test(test_rules),
        cmocka_unit_test(test_schemas_follow), cmocka_unit_test(test_no_change),
        cmocka_unit_test(test_not_normalised), cmocka_unit_test(test_too_much_work)};
    return cmocka_run_group_tests_name("patch", tests, NULL, NULL);
}
