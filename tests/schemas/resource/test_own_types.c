/* Resources of an operator's own types: what a PUT keeps, what the audit stream and readers are told, what is
 * shown, searched and looked up. The types are those of tests/cases/schemas/good. */
#include "schemas/resource/resource.h"
#include "schemas/resource/resource_keys.h"
#include "tests/schemas/own_types.h"

#define ID "01905c4b-1122-7334-9556-778899aabbcc"
#define BASE "https://usher.example/scim/v2"

static json_t *normal(const char *type, const char *text, json_t **cleared) {
    struct err err = {0};
    json_t *doc, *members;
    json_t *body = quick(text);
    if (resource_normalise(own_type(type), DIALECT_RFC, body, &doc, &members, cleared, &err) != ERR_OK)
        fail_msg("%s: %s", text, err.detail);
    json_decref(body);
    return doc;
}

/* PUT */

struct put_case {
    const char *rule, *type, *old, *given;
    const char *want; /* NULL: refused as ERR_MUTABILITY, about… */
    const char *path;
};

#define S "'deviceName':'R','serial':'S1'"
static const struct put_case put_cases[] = {
    {"C5 what is left out is cleared", "Device",
     "{" S ",'weight':1.5,'tags':['a'],'" LEASE "':{'contract':'C'}}", "{" S "}", "{" S "}", NULL},
    {"C5 S8 immutable must match", "Device", "{" S "}", "{'deviceName':'R','serial':'S2'}", NULL, "serial"},
    {"C5 S8 immutable as it is", "Device", "{" S "}", "{'deviceName':'Q','serial':'S1'}",
     "{'deviceName':'Q','serial':'S1'}", NULL},
    {"C5 S8 immutable and left out stays", "Device", "{" S ",'lot':['a','b'],'origin':{'maker':'m'}}",
     "{" S "}", "{" S ",'lot':['a','b'],'origin':{'maker':'m'}}", NULL},
    {"C5 S8 immutable and null is a change", "Device", "{" S ",'lot':['a']}", "{" S ",'lot':[]}", NULL,
     "lot"},
    {"C5 S8 immutable and null where there is nothing", "Device", "{" S "}", "{" S ",'lot':null}", "{" S "}",
     NULL},
    {"C5 S8 an immutable list in another order", "Device", "{" S ",'lot':['a','b']}",
     "{" S ",'lot':['b','a']}", "{" S ",'lot':['a','b']}", NULL},
    {"C5 S8 set for the first time", "Device", "{" S "}", "{" S ",'lot':['a']}", "{" S ",'lot':['a']}", NULL},
    {"C5 S8 an immutable complex attribute gets no more parts", "Device", "{" S ",'origin':{'maker':'m'}}",
     "{" S ",'origin':{'maker':'m','year':1}}", NULL, "origin"},
    {"C5 S8 immutable part", "Device", "{" S ",'place':{'site':'B','rack':'1'}}",
     "{" S ",'place':{'site':'B','rack':'2'}}", NULL, "place.rack"},
    {"C5 S8 immutable part, left out", "Device", "{" S ",'place':{'site':'B','rack':'1','floor':2}}",
     "{" S ",'place':{'site':'Z'}}", "{" S ",'place':{'site':'Z','rack':'1'}}", NULL},
    {"C5 S8 immutable part and null", "Device", "{" S ",'place':{'site':'B','rack':'1'}}",
     "{" S ",'place':{'site':'Z','rack':null}}", NULL, "place.rack"},
    {"C5 S8 immutable part of an element", "Device", "{" S ",'interfaces':[{'value':'m','burnt':'b'}]}",
     "{" S ",'interfaces':[{'value':'m','burnt':'c'}]}", NULL, "interfaces.burnt"},
    {"C5 S8 immutable part of an element, left out", "Device",
     "{" S ",'interfaces':[{'value':'m','burnt':'b','speed':1},{'value':'n','burnt':'x'}]}",
     "{" S ",'interfaces':[{'value':'o'},{'value':'m','speed':2}]}",
     "{" S ",'interfaces':[{'value':'o'},{'value':'m','speed':2,'burnt':'b'}]}", NULL},
    {"C6 S8 what cannot be read back stays", "Device",
     "{" S
     ",'pin':'1','puk':'2','remark':'r','vault':{'user':'u'},'place':{'site':'B','code':'c','hint':'h'},"
     "'interfaces':[{'value':'m','key':'k','note':'n'}]}",
     "{" S ",'place':{'site':'Z'},'interfaces':[{'value':'m','speed':1}]}",
     "{" S
     ",'pin':'1','puk':'2','remark':'r','vault':{'user':'u'},'place':{'site':'Z','code':'c','hint':'h'},"
     "'interfaces':[{'value':'m','speed':1,'key':'k','note':'n'}]}",
     NULL},
    {"C5 C6 unless it is cleared", "Device",
     "{" S
     ",'pin':'1','puk':'2','remark':'r','vault':{'user':'u'},'place':{'site':'B','code':'c','hint':'h'}}",
     "{" S ",'pin':null,'puk':'','remark':[],'vault':{},'place':{'site':'Z','code':null,'hint':''}}",
     "{" S ",'place':{'site':'Z'}}", NULL},
    {"C5 C6 or has another value", "Device", "{" S ",'pin':'1','remark':'r'}",
     "{" S ",'pin':'2','remark':'q'}", "{" S ",'pin':'2','remark':'q'}", NULL},
    {"C6 S8 goes with its whole", "Device", "{" S ",'place':{'site':'B','code':'c','hint':'h'}}", "{" S "}",
     "{" S "}", NULL},
    {"C6 externalId stays", "Device", "{" S ",'externalId':'x'}", "{" S "}", "{" S ",'externalId':'x'}",
     NULL},
    {"C5 externalId: null", "Device", "{" S ",'externalId':'x'}", "{" S ",'externalId':null}", "{" S "}",
     NULL},
    {"C5 externalId: null", "User", "{'userName':'a','externalId':'x'}", "{'userName':'a','externalId':null}",
     "{'userName':'a'}", NULL},
    {"C5 externalId: \"\"", "User", "{'userName':'a','externalId':'x'}", "{'userName':'a','externalId':''}",
     "{'userName':'a'}", NULL},
    {"C5 active: null brings nobody back", "User", "{'userName':'a','active':false}",
     "{'userName':'a','active':null}", "{'userName':'a','active':false}", NULL},
    {"C6 active: \"\" says nothing", "User", "{'userName':'a','active':false}",
     "{'userName':'a','active':''}", "{'userName':'a','active':false}", NULL},
    {"C5 editor: null", "User", "{'userName':'a','" SCHEMA_USHER_USER "':{'editor':true}}",
     "{'userName':'a','" SCHEMA_USHER_USER "':{'editor':null}}", "{'userName':'a'}", NULL},
    {"C6 S7 an extension of User", "User",
     "{'userName':'a','" BADGE
     "':{'badgeNumber':'1','color':'red','pin':'9','hired':'2026-01-31T08:00:00Z'}}",
     "{'userName':'a','" BADGE "':{'clearance':3}}",
     "{'userName':'a','" BADGE "':{'clearance':3,'color':'red','pin':'9','hired':'2026-01-31T08:00:00Z'}}",
     NULL},
    {"C5 S8 immutable in an extension", "User",
     "{'userName':'a','" BADGE "':{'hired':'2026-01-31T08:00:00Z'}}",
     "{'userName':'a','" BADGE "':{'hired':'2026-01-31T09:00:00Z'}}", NULL, BADGE ":hired"},
};

static void put_case(const struct put_case *c) {
    struct err err = {0};
    json_t *cleared, *out = NULL;
    json_t *old = normal(c->type, c->old, NULL), *given = normal(c->type, c->given, &cleared);
    json_t *old_before = json_deep_copy(old), *given_before = json_deep_copy(given);
    enum err_code code = resource_replace(own_type(c->type), old, given, cleared, &out, &err);
    if (code != (c->want != NULL ? ERR_OK : ERR_MUTABILITY))
        fail_msg("%s: %s %s", c->rule, err_name(code), err.detail);
    if (c->want != NULL) {
        json_t *want = normal(c->type, c->want, NULL);
        assert_json(c->rule, out, want);
        json_decref(want);
    } else {
        assert_string_equal(err.path, c->path);
        assert_null(out);
    }
    assert_json("old stays", old, old_before);
    assert_json("given stays", given, given_before);
    json_decref(old);
    json_decref(given);
    json_decref(old_before);
    json_decref(given_before);
    json_decref(cleared);
    json_decref(out);
}

static void test_put(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof put_cases / sizeof put_cases[0]; i++)
        put_case(&put_cases[i]);
}

/* A create clears nothing, and what is named with a value is not cleared. */
static void test_cleared(void **state) {
    (void)state;
    json_t *cleared = NULL;
    json_decref(normal("Device", "{" S ",'pin':'1','remark':'r','weight':null}", &cleared));
    assert_null(cleared);
    json_t *want = quick("['externalId','remark','place.code','" LEASE ":fee']");
    json_decref(normal("Device",
                       "{" S ",'EXTERNALID':null,'remark':null,'place':{'site':'B','Code':''},'" LEASE
                       "':{'contract':'C','fee':null}}",
                       &cleared));
    assert_json("cleared", cleared, want);
    json_decref(cleared);
    json_decref(want);
}

/* X3 S8: from and to of what no reader may see are not told, but that it changed is. */
static void test_diff_secrets(void **state) {
    (void)state;
    static const struct {
        const char *path, *op, *from, *to;
    } want[] = {
        {"remark", "add", NULL, "'seen'"},
        {"pin", "replace", NULL, NULL},
        {"puk", "remove", NULL, NULL},
        {"place.code", "add", NULL, NULL},
        {"vault.secret", "replace", NULL, NULL},
        {"interfaces", "replace", "[{'value':'m'}]", "[{'value':'m'},{'value':'n','speed':1}]"},
        {LEASE ":fee", "replace", NULL, NULL},
    };
    json_t *before =
        normal("Device",
               "{" S ",'pin':'1','puk':'2','place':{'site':'B'},'vault':{'user':'u','secret':'a'},"
               "'interfaces':[{'value':'m','key':'SECRET'}],'" LEASE "':{'contract':'C','fee':1.5}}",
               NULL);
    json_t *after = normal("Device",
                           "{" S ",'pin':'3','remark':'seen','place':{'site':'B','code':'7'},"
                           "'vault':{'user':'u','secret':'b'},'interfaces':[{'value':'m','key':'OTHER'},"
                           "{'value':'n','speed':1}],'" LEASE "':{'contract':'C','fee':2.5}}",
                           NULL);
    struct arena *a = arena_new();
    struct resource_change *rows;
    size_t n = resource_diff(own_type("Device"), before, after, a, &rows);
    assert_int_equal(n, sizeof want / sizeof want[0]);
    for (size_t i = 0; i < n; i++) {
        json_t *from = want[i].from != NULL ? quick(want[i].from) : NULL;
        json_t *to = want[i].to != NULL ? quick(want[i].to) : NULL;
        assert_string_equal(rows[i].path, want[i].path);
        assert_string_equal(rows[i].op, want[i].op);
        assert_json(rows[i].path, rows[i].from, from);
        assert_json(rows[i].path, rows[i].to, to);
        json_decref(from);
        json_decref(to);
    }
    arena_free(a);
    json_decref(before);
    json_decref(after);
}

#define SECRETS                                                                                              \
    "{" S ",'pin':'1','puk':'2','remark':'r','label':'l','place':{'site':'B','code':'7','hint':'h'},"        \
    "'vault':{'user':'u'},'interfaces':[{'value':'M','key':'k','note':'n','vlans':[1]},{'key':'x'}],"        \
    "'" LEASE "':{'contract':'C','fee':1.5}}"
#define SCHEMAS "'schemas':['" DEVICE "','" LEASE "']"

/* X3 Y4: for events. */
static void test_public(void **state) {
    (void)state;
    json_t *doc = normal("Device", SECRETS, NULL);
    json_t *got = resource_public(own_type("Device"), doc);
    json_t *want = quick("{" S ",'remark':'r','label':'l','place':{'site':'B','hint':'h'},"
                         "'interfaces':[{'value':'M','note':'n','vlans':[1]}],'" LEASE
                         "':{'contract':'C'}," SCHEMAS "}");
    assert_json("public", got, want);
    json_decref(doc);
    json_decref(got);
    json_decref(want);
}

/* X3: filters in SQL don't see secrets either. */
static void test_search(void **state) {
    (void)state;
    json_t *doc = normal("Device", SECRETS, NULL);
    char *text = resource_search_text(own_type("Device"), doc);
    json_t *got = json_loads(text, 0, NULL);
    json_t *want =
        quick("{'devicename':'r','serial':'S1','remark':'r','label':'l','place':{'site':'b','hint':'h'},"
              "'interfaces':[{'value':'M','note':'n','vlans':[1]},{}],"
              "'urn:example:params:scim:schemas:extension:lease:2.0:device':{'contract':'C'}," SCHEMAS "}");
    assert_json("search", got, want);
    free(text);
    json_decref(doc);
    json_decref(got);
    json_decref(want);
}

/* J2 S8: what is shown of it, by default and when asked. */
static void shows(const char *attributes, const char *excluded, const char *want) {
    const struct resource_type *rt = own_type("Device");
    const struct projection *p;
    struct arena *a = arena_new();
    struct err err = {0};
    struct jbuf out = {0};
    json_t *doc = normal("Device", SECRETS, NULL), *w = quick(want);
    char *text = json_dumps(doc, JSON_COMPACT);
    struct resource_row row = {
        .id = ID, .doc = text, .version = 7, .created_us = 1000000, .modified_us = 1500000};
    assert_int_equal(projection_parse(rt, attributes, excluded, a, &p, &err), ERR_OK);
    resource_render(rt, &row, p, BASE, &out);
    json_t *got = json_loads(out.p, JSON_REJECT_DUPLICATES, NULL);
    if (got == NULL)
        fail_msg("not JSON: %s", out.p);
    json_object_del(got, "meta");
    assert_json(attributes != NULL ? attributes : excluded != NULL ? excluded : "default", got, w);
    jb_free(&out);
    free(text);
    json_decref(doc);
    json_decref(got);
    json_decref(w);
    arena_free(a);
}

#define ALWAYS "'id':'" ID "'," SCHEMAS ",'label':'l'"
static void test_shown(void **state) {
    (void)state;
    shows(NULL, NULL,
          "{" ALWAYS "," S ",'place':{'site':'B'},'interfaces':[{'value':'M','vlans':[1]}],'" LEASE
          "':{'contract':'C'}}");
    shows("remark", NULL, "{" ALWAYS ",'remark':'r'}");
    shows("REMARK,place.hint", NULL, "{" ALWAYS ",'remark':'r','place':{'hint':'h'}}");
    shows("place", NULL, "{" ALWAYS ",'place':{'site':'B'}}");
    shows("place,place.hint", NULL, "{" ALWAYS ",'place':{'site':'B','hint':'h'}}");
    shows("interfaces.note", NULL, "{" ALWAYS ",'interfaces':[{'note':'n'}]}");
    shows("pin,puk,vault,vault.user,place.code,interfaces.key," LEASE ":fee", NULL, "{" ALWAYS "}");
    shows(LEASE, NULL, "{" ALWAYS ",'" LEASE "':{'contract':'C'}}");
    shows(NULL, "label,id,schemas,place,interfaces.vlans",
          "{" ALWAYS "," S ",'interfaces':[{'value':'M'}],'" LEASE "':{'contract':'C'}}");
    shows(NULL, "remark," LEASE,
          "{" ALWAYS "," S ",'place':{'site':'B'},'interfaces':[{'value':'M','vlans':[1]}]}");
}

/* J2: a part that is always returned comes along with its whole, and cannot be left out of it. */
static void test_always_part(void **state) {
    (void)state;
    const struct resource_type *rt = own_type("Device");
    const struct projection *p;
    struct arena *a = arena_new();
    struct err err = {0};
    struct jbuf out = {0};
    struct resource_row row = {.id = ID,
                               .doc = "{\"place\":{\"site\":\"B\",\"plan\":\"p\"}}",
                               .version = 1,
                               .created_us = 1,
                               .modified_us = 1};
    assert_int_equal(projection_parse(rt, NULL, "place.plan", a, &p, &err), ERR_OK);
    resource_render(rt, &row, p, BASE, &out);
    assert_non_null(strstr(out.p, "\"plan\":\"p\""));
    jb_reset(&out);
    assert_int_equal(projection_parse(rt, "place.site", NULL, a, &p, &err), ERR_OK);
    resource_render(rt, &row, p, BASE, &out);
    assert_non_null(strstr(out.p, "\"plan\":\"p\""));
    jb_free(&out);
    arena_free(a);
}

/* X3: what is no longer defined (or not by this program) is kept, not shown, since it may be secret; whatever
 * is done to the rest of the document. */
static void test_forgotten(void **state) {
    (void)state;
    static const char *const stored =
        "{\"schemas\":[\"" SCHEMA_USER
        "\",\"urn:example:gone\"],\"userName\":\"a\",\"urn:example:gone\":{\"pin\":\"7\"}}";
    const struct resource_type *user = own_type("User");
    struct resource_row row = {.id = ID, .doc = stored, .version = 1, .created_us = 1, .modified_us = 1};
    struct jbuf out = {0};
    resource_render(user, &row, NULL, BASE, &out);
    assert_non_null(strstr(out.p, "\"userName\":\"a\""));
    assert_null(strstr(out.p, "pin"));
    jb_free(&out);
    json_t *doc = json_loads(stored, 0, NULL);
    json_object_set_new(doc, "title", json_string("T"));
    resource_tidy(user, doc);
    json_t *want = quick("['" SCHEMA_USER "','urn:example:gone']");
    assert_json("schemas", json_object_get(doc, "schemas"), want);
    assert_non_null(json_object_get(doc, "urn:example:gone"));
    char *search = resource_search_text(user, doc);
    assert_null(strstr(search, "pin"));
    free(search);
    json_decref(want);
    json_decref(doc);
    /* An attribute of a type's own schema, and of an extension that is still there. */
    row.doc = "{\"schemas\":[\"" DEVICE "\"],\"deviceName\":\"R\",\"oldSecret\":\"7\"}";
    resource_render(own_type("Device"), &row, NULL, BASE, &out);
    assert_null(strstr(out.p, "oldSecret"));
    jb_free(&out);
}

/* Keys */

static void note_key(const char *path, const char *key, bool unique, void *ctx) {
    char text[600];
    snprintf(text, sizeof text, "%s %s%s", path, key, unique ? " unique" : "");
    json_array_append_new(ctx, json_string(text));
}

static void keys(const char *type, const char *body, const char *want) {
    json_t *doc = normal(type, body, NULL), *got = json_array(), *w = quick(want);
    resource_keys_each(own_type(type), doc, note_key, got);
    assert_json(body, got, w);
    json_decref(doc);
    json_decref(got);
    json_decref(w);
}

static void test_keys(void **state) {
    (void)state;
    keys(
        "User",
        "{'userName':'Ana','externalId':'x','displayName':'A','emails':[{'value':'A@B'},{'value':'c@\xc3\x84'},{'display':'D'}]}",
        "['emails.value a@b','emails.value c@\xc3\xa4']");
    keys("User", "{'userName':'a'}", "[]");
    keys("Group", "{'displayName':'G'}", "[]");
    keys("User", "{'userName':'a','" BADGE "':{'badgeNumber':'B7'}}", "['" BADGE ":badgeNumber B7 unique']");
    keys(
        "Device",
        "{'deviceName':'R','serial':'aB','assetTag':'TaG','callSign':'Alfa','port':7,'aliases':['X','y'],"
        "'interfaces':[{'value':'M1'},{'value':'M2'},{'speed':3}]}",
        "['serial aB unique','assetTag tag unique','callSign alfa','port 7 unique','aliases x unique','aliases y unique',"
        "'interfaces.value M1 unique','interfaces.value M2 unique']");
}

static void key_is(enum attr_type type, bool exact, const char *value, const char *want) {
    const struct attr a = {.name = "a", .type = type, .case_exact = exact};
    json_t *v = quick(value);
    char *key = resource_key(&a, v);
    if (want == NULL)
        assert_null(key);
    else
        assert_string_equal(key, want);
    free(key);
    json_decref(v);
}

/* Equal keys are values that filters call equal. */
static void test_key_texts(void **state) {
    (void)state;
    key_is(ATTR_STRING, false, "'A\xc3\x84'", "a\xc3\xa4");
    key_is(ATTR_STRING, true, "'A'", "A");
    key_is(ATTR_DATETIME, false, "'1970-01-01T01:00:01+01:00'", "1000000");
    key_is(ATTR_DATETIME, false, "'1970-01-01T00:00:01.000Z'", "1000000");
    key_is(ATTR_INTEGER, false, "-7", "-7");
    key_is(ATTR_DECIMAL, false, "2", "2");
    key_is(ATTR_DECIMAL, false, "2.0", "2");
    key_is(ATTR_DECIMAL, false, "-0.0", "0");
    key_is(ATTR_DECIMAL, false, "0.5", "0.5");
    key_is(ATTR_BOOLEAN, false, "true", "true");
    key_is(ATTR_BOOLEAN, false, "false", "false");
    key_is(ATTR_COMPLEX, false, "{}", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put),          cmocka_unit_test(test_cleared),
        cmocka_unit_test(test_diff_secrets), cmocka_unit_test(test_public),
        cmocka_unit_test(test_search),       cmocka_unit_test(test_shown),
        cmocka_unit_test(test_keys),         cmocka_unit_test(test_always_part),
        cmocka_unit_test(test_forgotten),    cmocka_unit_test(test_key_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
