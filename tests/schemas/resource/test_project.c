/* What an answer shows: whole, and by `attributes` and `excludedAttributes` (rules J1 to J4, S4, and the
 * common attributes). */
#include "ops/runtime/mem.h"
#include "schemas/resource/projection.h"
#include "schemas/resource/resource.h"
#include "tests/schemas/probe.h"
#include "tests/schemas/support.h"

#define BASE "https://usher.example/scim/v2"
#define ID "01905c4b-1122-7334-9556-778899aabbcc"

static const char *const user_doc =
    "{\"schemas\":[\"" SCHEMA_USER "\",\"" SCHEMA_ENTERPRISE
    "\"],\"userName\":\"ana\",\"name\":{\"givenName\":\"A\",\"familyName\":\"V\"},"
    "\"emails\":[{\"value\":\"a@b\",\"type\":\"work\"},{\"type\":\"home\"}],\"" SCHEMA_ENTERPRISE
    "\":{\"department\":\"Ops\",\"manager\":{\"value\":\"m\"}}}";
static const char *const user_refs =
    "[{\"value\":\"g\",\"display\":\"R\",\"$ref\":\"" BASE "/Groups/g\",\"type\":\"direct\"}]";

static json_t *show(enum resource_kind kind, const char *doc, const char *refs, const char *attributes,
                    const char *excluded) {
    const struct resource_type *rt = resource_type_of(kind);
    const struct projection *p;
    struct arena *a = arena_new();
    struct err err = {0};
    struct jbuf out = {0};
    struct resource_row row = {
        .id = ID, .doc = doc, .version = 7, .created_us = 1000000, .modified_us = 1500000, .refs = refs};
    assert_int_equal(projection_parse(rt, attributes, excluded, a, &p, &err), ERR_OK);
    jb_raw(&out, "before"); /* it appends */
    resource_render(rt, &row, p, BASE, &out);
    assert_int_equal(strlen(out.p), out.n);
    json_t *got = json_loads(out.p + 6, JSON_REJECT_DUPLICATES, NULL);
    if (got == NULL)
        fail_msg("not JSON: %s", out.p);
    jb_free(&out);
    arena_free(a);
    return got;
}

static void check(const char *attributes, const char *excluded, const char *want) {
    json_t *got = show(RESOURCE_USER, user_doc, user_refs, attributes, excluded);
    json_t *w = quick(want);
    assert_json(attributes != NULL ? attributes : excluded, got, w);
    json_decref(got);
    json_decref(w);
}

#define ALWAYS "'id':'" ID "','schemas':['" SCHEMA_USER "','" SCHEMA_ENTERPRISE "']"
#define USER_NAME ",'userName':'ana'"
#define NAME ",'name':{'givenName':'A','familyName':'V'}"
#define EMAILS ",'emails':[{'value':'a@b','type':'work'},{'type':'home'}]"
#define ENTERPRISE ",'" SCHEMA_ENTERPRISE "':{'department':'Ops','manager':{'value':'m'}}"
#define GROUPS ",'groups':[{'value':'g','display':'R','$ref':'" BASE "/Groups/g','type':'direct'}]"
#define META                                                                                                 \
    ",'meta':{'resourceType':'User','created':'1970-01-01T00:00:01.000000Z','lastModified':'1970-01-01T00:"  \
    "00:01.500000Z',"                                                                                        \
    "'location':'" BASE "/Users/" ID "','version':'W/\\\"7.fb131a12\\\"'}"

static void test_whole(void **state) {
    (void)state;
    check(NULL, NULL, "{" ALWAYS USER_NAME NAME EMAILS ENTERPRISE GROUPS META "}");
    check("", "", "{" ALWAYS USER_NAME NAME EMAILS ENTERPRISE GROUPS META "}");
}

static void test_attributes(void **state) {
    (void)state;
    check("userName", NULL, "{" ALWAYS USER_NAME "}");
    check("USERNAME, Name.familyName", NULL, "{" ALWAYS USER_NAME ",'name':{'familyName':'V'}}"); /* S1 */
    check("name.familyName,name", NULL, "{" ALWAYS NAME "}");
    check("emails.value", NULL,
          "{" ALWAYS ",'emails':[{'value':'a@b'}]}"); /* nothing is left of the second */
    check("emails.display", NULL, "{" ALWAYS "}");
    check("groups.value,meta.version", NULL,
          "{" ALWAYS ",'groups':[{'value':'g'}],'meta':{'version':'W/\\\"7.fb131a12\\\"'}}");
    check("id", NULL, "{" ALWAYS "}"); /* Q05 */
    check("meta", NULL, "{" ALWAYS META "}");
    check(SCHEMA_USER ":userName", NULL, "{" ALWAYS USER_NAME "}");
    check(SCHEMA_ENTERPRISE, NULL, "{" ALWAYS ENTERPRISE "}");
    check(SCHEMA_ENTERPRISE ":department", NULL, "{" ALWAYS ",'" SCHEMA_ENTERPRISE "':{'department':'Ops'}}");
    check("manager", NULL, "{" ALWAYS ",'" SCHEMA_ENTERPRISE "':{'manager':{'value':'m'}}}");
    check("password", NULL, "{" ALWAYS "}");           /* returned never */
    check("nonsense,,name.x, ", NULL, "{" ALWAYS "}"); /* J3 */
}

/* Entra's samples choose among the values; the attribute is shown whole. */
static void test_value_path(void **state) {
    (void)state;
    json_t *whole = show(RESOURCE_USER, user_doc, user_refs, "emails", NULL);
    json_t *chosen = show(RESOURCE_USER, user_doc, user_refs, "emails[type eq \"work\"].value", NULL);
    assert_non_null(json_object_get(whole, "emails"));
    assert_true(json_equal(whole, chosen));
    json_decref(whole);
    json_decref(chosen);
}

static void test_excluded(void **state) {
    (void)state;
    check(NULL, "groups,meta,emails", "{" ALWAYS USER_NAME NAME ENTERPRISE "}");
    check(NULL, "id,schemas",
          "{" ALWAYS USER_NAME NAME EMAILS ENTERPRISE GROUPS META "}"); /* returned always */
    check(NULL, "name.familyName,emails.type",
          "{" ALWAYS USER_NAME ",'name':{'givenName':'A'},'emails':[{'value':'a@b'}]" ENTERPRISE GROUPS META
          "}");
    check(NULL, SCHEMA_ENTERPRISE, "{" ALWAYS USER_NAME NAME EMAILS GROUPS META "}");
    check(NULL, SCHEMA_ENTERPRISE ":manager.value,department,groups,meta,name,emails",
          "{" ALWAYS USER_NAME "}");
    check(NULL, "nonsense", "{" ALWAYS USER_NAME NAME EMAILS ENTERPRISE GROUPS META "}");
}

/* J1 */
static void test_both_refused(void **state) {
    (void)state;
    struct arena *a = arena_new();
    const struct projection *p;
    struct err err = {0};
    assert_int_equal(projection_parse(resource_type_of(RESOURCE_USER), "id", "name", a, &p, &err),
                     ERR_INVALID_VALUE);
    assert_null(p);
    arena_free(a);
}

/* J4: what need not be loaded. */
static void test_wants_refs(void **state) {
    (void)state;
    static const struct {
        const char *attributes, *excluded;
        enum refs_wanted users, rooms;
    } cases[] = {
        {NULL, NULL, REFS_NAMED, REFS_IDS},
        {NULL, "members", REFS_NAMED, REFS_NONE},
        {NULL, "groups", REFS_NONE, REFS_IDS},
        {NULL, "members.display,groups.display", REFS_IDS, REFS_IDS},
        {"displayName", NULL, REFS_NONE, REFS_NONE},
        {"members", NULL, REFS_NONE, REFS_IDS},
        {"members.display", NULL, REFS_NONE, REFS_NAMED},
        {"members,members.display", NULL, REFS_NONE, REFS_NAMED},
        {"groups.value,members.value", NULL, REFS_IDS, REFS_IDS},
    };
    struct arena *a = arena_new();
    struct err err;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct projection *p;
        const struct resource_type *user = resource_type_of(RESOURCE_USER),
                                   *room = resource_type_of(RESOURCE_ROOM);
        assert_int_equal(projection_parse(user, cases[i].attributes, cases[i].excluded, a, &p, &err), ERR_OK);
        assert_int_equal(projection_refs(user, p), cases[i].users);
        assert_int_equal(projection_parse(room, cases[i].attributes, cases[i].excluded, a, &p, &err), ERR_OK);
        assert_int_equal(projection_refs(room, p), cases[i].rooms);
    }
    arena_free(a);
}

static void has(enum resource_kind kind, const char *refs, const char *attributes, const char *name,
                const char *want) {
    json_t *got = show(kind, "{\"schemas\":[\"s\"],\"displayName\":\"R\"}", refs, attributes, NULL);
    json_t *w = want != NULL ? quick(want) : NULL;
    assert_json(name, json_object_get(got, name), w);
    json_decref(got);
    json_decref(w);
}

/* S4: an empty room shows its empty list, a user without groups has none; what was not loaded is not claimed
 * to be empty. */
static void test_refs(void **state) {
    (void)state;
    has(RESOURCE_ROOM, "[]", NULL, "members", "[]");
    has(RESOURCE_ROOM, "[]", "members", "members", "[]");
    has(RESOURCE_ROOM, "[]", "displayName", "members", NULL);
    has(RESOURCE_ROOM, NULL, NULL, "members", NULL);
    has(RESOURCE_ROOM, NULL, "members", "members", NULL);
    has(RESOURCE_ROOM, "[{\"value\":\"u\",\"display\":\"ana\"}]", NULL, "members",
        "[{'value':'u','display':'ana'}]");
    has(RESOURCE_ROOM, "[{\"value\":\"u\",\"display\":\"ana\"}]", "members.value", "members",
        "[{'value':'u'}]");
    has(RESOURCE_USER, "[]", NULL, "groups", NULL);
}

static void test_empty_document(void **state) {
    (void)state;
    json_t *got = show(RESOURCE_ROOM, "{}", NULL, NULL, NULL);
    assert_int_equal(json_object_size(got), 2); /* id, meta */
    json_decref(got);
}

/* S8, C8: what is returned on request alone is shown by the answer to the write that names it. */
static void test_named_by_a_write(void **state) {
    (void)state;
    static const struct {
        const char *attributes, *excluded, *doc, *ops;
        bool memo, note;
    } cases[] = {
        {NULL, NULL, "{'title':'t'}", NULL, false, false},
        {NULL, NULL, "{'memo':'m'}", NULL, true, false},
        {NULL, NULL, "{'box':{'note':'n','need':'x'}}", NULL, false, true},
        {NULL, "title", "{'memo':'m'}", NULL, true, false},
        {NULL, "memo", "{'memo':'m'}", NULL, false, false},
        {"title", NULL, "{'memo':'m'}", NULL, false, false},
        {"memo", NULL, "{'memo':'m'}", NULL, true, false},
        {NULL, NULL, NULL, "[{'op':'remove','path':'title'}]", false, false},
        {NULL, NULL, NULL, "[{'op':'remove','path':'title'},{'op':'add','path':'memo','value':'m'}]", true,
         false},
        {NULL, NULL, NULL, "[{'op':'add','path':'box.note','value':'n'}]", false, true},
        {NULL, NULL, NULL, "[{'op':'add','path':'boxes[labels pr].note','value':'n'}]", false, false},
    };
    const struct attr *memo = schema_attr(&probe_schema, "memo", 4),
                      *box = schema_attr(&probe_schema, "box", 3);
    struct attr_path at_memo = {.attr = memo}, at_note = {.attr = box, .sub = attr_sub(box, "note", 4)};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena *a = arena_new();
        struct err err;
        const struct projection *p;
        json_t *doc = cases[i].doc != NULL ? quick(cases[i].doc) : NULL;
        json_t *ops = cases[i].ops != NULL ? quick(cases[i].ops) : NULL;
        assert_int_equal(projection_parse(&probe_type, cases[i].attributes, cases[i].excluded, a, &p, &err),
                         ERR_OK);
        p = projection_of_write(&probe_type, p, doc, ops, a);
        if ((projection_shows(p, &at_memo) == PROJECTION_ALL) != cases[i].memo ||
            (projection_shows(p, &at_note) == PROJECTION_ALL) != cases[i].note)
            fail_msg("case %zu", i);
        json_decref(doc);
        json_decref(ops);
        arena_free(a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_value_path),
        cmocka_unit_test(test_excluded),
        cmocka_unit_test(test_both_refused),
        cmocka_unit_test(test_wants_refs),
        cmocka_unit_test(test_refs),
        cmocka_unit_test(test_empty_document),
        cmocka_unit_test(test_named_by_a_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
