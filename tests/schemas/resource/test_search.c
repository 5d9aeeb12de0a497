/* The searchable form: what filters in SQL see. */
#include "ops/runtime/clock.h"
#include "schemas/resource/resource.h"
#include "tests/schemas/support.h"

static void check(const struct resource_type *rt, const char *doc, const char *want) {
    json_t *d = quick(doc), *w = quick(want);
    char *text = resource_search_text(rt, d);
    json_t *got = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (got == NULL)
        fail_msg("not JSON: %s", text);
    assert_json(doc, got, w);
    json_decref(got);
    json_decref(d);
    json_decref(w);
    free(text);
}

static void test_user(void **state) {
    (void)state;
    check(
        resource_type_of(RESOURCE_USER),
        "{'schemas':['" SCHEMA_USER "'],'userName':'Ines.FALK','externalId':'AbC','active':false,'"
        "displayName':'\xc3\x84RGER \\u0001\\\"',"
        "'emails':[{'value':'A@B','type':'Work','primary':true},{'value':'C@D'}],'name':{'familyName':'Falk'}"
        ","
        "'profileUrl':'http://X/Y','" SCHEMA_ENTERPRISE
        "':{'employeeNumber':'E-19','manager':{'value':'U-1','$ref':'http://X/U'}},"
        "'" SCHEMA_USHER_USER "':{'editor':true}}",
        "{'schemas':['" SCHEMA_USER "'],'username':'ines.falk','externalid':'AbC','active':false,'"
        "displayname':'\xc3\xa4rger \\u0001\\\"',"
        "'emails':[{'value':'a@b','type':'work','primary':true},{'value':'c@d'}],'name':{'familyname':'falk'}"
        ","
        "'profileurl':'http://X/"
        "Y','urn:ietf:params:scim:schemas:extension:enterprise:2.0:user':{'employeenumber':'e-19','manager':"
        "{'value':'u-1','$ref':'http://X/"
        "U'}},'urn:ietf:params:scim:schemas:extension:usher:2.0:user':{'editor':true}}");
}

static void test_other_types(void **state) {
    (void)state;
    static const struct attr subs[] = {{.name = "When", .type = ATTR_DATETIME},
                                       {.name = "list", .multi = true}};
    static const struct attr attrs[] = {
        {.name = "count", .type = ATTR_INTEGER},
        {.name = "weight", .type = ATTR_DECIMAL},
        {.name = "at", .type = ATTR_DATETIME, .multi = true},
        {.name = "part", .type = ATTR_COMPLEX, .subs = subs, .nsubs = 2},
        {.name = "code", .case_exact = true},
    };
    static const struct schema schema = {.id = "urn:example:Thing", .attrs = attrs, .nattrs = 5};
    static const struct resource_type rt = {.name = "Thing", .endpoint = "/Things", .schema = &schema};
    check(&rt,
          "{'count':-5,'weight':1.5,'at':['1970-01-01T00:00:01Z','1970-01-01T01:00:00.5+01:00'],'part':{'"
          "When':'1970-01-01T00:00:00Z',"
          "'list':['A','B']},'code':'AbC'}",
          "{'count':-5,'weight':1.5,'at':[1000000,500000],'part':{'when':0,'list':['a','b']},'code':'AbC'}");
    check(&rt, "{}", "{}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_user),
        cmocka_unit_test(test_other_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
