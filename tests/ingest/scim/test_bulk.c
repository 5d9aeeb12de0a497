/* Bulks as far as they are pure: what is a BulkRequest, what refers to what, what comes first. */
#include "ingest/http/routes.h"
#include "ingest/scim/bulk_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE "http://usher.example/scim/v2"
#define ID1 "0190aaaa-0000-7000-8000-000000000001"
#define ID2 "0190aaaa-0000-7000-8000-000000000002"

/* ' stands for ". */
static json_t *quick(const char *text) {
    char *s = strdup(text);
    for (char *p = s; *p != '\0'; p++)
        if (*p == '\'')
            *p = '"';
    json_error_t e;
    json_t *v = json_loads(s, 0, &e);
    if (v == NULL)
        fail_msg("%s: %s", e.text, s);
    free(s);
    return v;
}

static json_t *envelope(const char *operations) {
    char text[8192];
    snprintf(text, sizeof text, "{'schemas':['" MESSAGE_BULK_REQUEST "'],'Operations':[%s]}", operations);
    return quick(text);
}

struct bulk_case {
    struct arena *arena;
    json_t *body;
    struct bulk_request b;
};

static struct bulk_case planned(const char *operations) {
    struct bulk_case c = {arena_new(), envelope(operations), {0}};
    struct err err = {0};
    if (bulk_parse(c.body, false, c.arena, &c.b, &err) != ERR_OK)
        fail_msg("%s: %s", operations, err.detail);
    bulk_plan(&c.b, &routes, BASE, "/scim/v2", c.arena);
    return c;
}

static void drop(struct bulk_case *c) {
    json_decref(c->body);
    arena_free(c->arena);
}

/* want: "2 0 1" */
static void assert_order(const struct bulk_case *c, const char *want) {
    char got[256] = "";
    for (size_t i = 0; i < c->b.n; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%zu", i > 0 ? " " : "", c->b.order[i]);
    assert_string_equal(got, want);
}

static void assert_fine(const struct bulk_case *c) {
    for (size_t i = 0; i < c->b.n; i++)
        if (c->b.ops[i].code != ERR_OK)
            fail_msg("operation %zu: %s", i, c->b.ops[i].detail);
}

/* ---- B1: the envelope ---- */

static void not_bulk_requests(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum err_code code;
        const char *says;
    } cases[] = {
        {"{}", ERR_INVALID_SYNTAX, "Operations"},
        {"{'schemas':[],'Operations':[{}]}", ERR_INVALID_SYNTAX, "schemas"},
        {"{'schemas':null,'Operations':[{}]}", ERR_INVALID_SYNTAX, "schemas"},
        {"{'schemas':{},'Operations':[{}]}", ERR_INVALID_SYNTAX, "schemas"},
        {"{'schemas':['" MESSAGE_BULK_RESPONSE "'],'Operations':[{}]}", ERR_INVALID_SYNTAX, "schemas"},
        {"{'schemas':['" MESSAGE_BULK_REQUEST "']}", ERR_INVALID_SYNTAX, "Operations"},
        {"{'schemas':['" MESSAGE_BULK_REQUEST "'],'Operations':[]}", ERR_INVALID_SYNTAX, "Operations"},
        {"{'schemas':['" MESSAGE_BULK_REQUEST "'],'Operations':{}}", ERR_INVALID_SYNTAX, "Operations"},
        {"{'schemas':['" MESSAGE_BULK_REQUEST "'],'Operations':[{'method':'DELETE','path':'/Users/x'},7]}",
         ERR_INVALID_SYNTAX, "Operations[1]"},
        {"{'schemas':['" MESSAGE_BULK_REQUEST "'],'Operations':[{'path':'/Users'}]}", ERR_INVALID_SYNTAX,
         "Operations[0] has no method"},
        {"{'schemas':['" MESSAGE_BULK_REQUEST "'],'Operations':[{'method':7}]}", ERR_INVALID_SYNTAX,
         "method"},
        {"{'schemas':['" MESSAGE_BULK_REQUEST "'],'Operations':[{'method':'POST','path':[]}]}",
         ERR_INVALID_SYNTAX, "path"},
        {"{'schemas':['" MESSAGE_BULK_REQUEST "'],'Operations':[{'method':'POST','bulkId':7}]}",
         ERR_INVALID_SYNTAX, "bulkId"},
        {"{'schemas':['" MESSAGE_BULK_REQUEST "'],'Operations':[{'method':'PUT','version':7}]}",
         ERR_INVALID_SYNTAX, "version"},
        {"{'schemas':['" MESSAGE_BULK_REQUEST "'],'Operations':[{'method':'POST','bulkId':''}]}",
         ERR_INVALID_VALUE, "bulkId"},
        {"{'schemas':['" MESSAGE_BULK_REQUEST
         "'],'Operations':[{'method':'POST','bulkId':'a'},{'method':'POST','bulkId':'a'}]}",
         ERR_INVALID_VALUE, "twice"},
        {"{'schemas':['" MESSAGE_BULK_REQUEST "'],'failOnErrors':0,'Operations':[{'method':'POST'}]}",
         ERR_INVALID_VALUE, "failOnErrors"},
        {"{'schemas':['" MESSAGE_BULK_REQUEST "'],'failOnErrors':'one','Operations':[{'method':'POST'}]}",
         ERR_INVALID_VALUE, "failOnErrors"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *a = arena_new();
        struct bulk_request b;
        struct err err = {0};
        json_t *body = quick(cases[i].text);
        if (bulk_parse(body, false, a, &b, &err) != cases[i].code ||
            strstr(err.detail, cases[i].says) == NULL)
            fail_msg("%s: %s", cases[i].text, err.detail);
        json_decref(body);
        arena_free(a);
    }
}

/* schemas may be left out, and digits in a text are a number; not in a strict workspace. */
static void forms_that_are_taken_B1_S6(void **state) {
    (void)state;
    static const char *const texts[] = {
        "{'failOnErrors':'2','Operations':[{'method':'DELETE','path':'/Users/x'}]}",
        "{'failOnErrors':[2],'Operations':[{'method':'DELETE','path':'/Users/x'}]}",
        "{'schemas':'" MESSAGE_BULK_REQUEST
        "','failOnErrors':['2'],'Operations':[{'method':'DELETE','path':'/Users/x'}]}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct arena *a = arena_new();
        struct bulk_request b;
        struct err err = {0};
        json_t *body = quick(texts[i]);
        assert_int_equal(bulk_parse(body, false, a, &b, &err), ERR_OK);
        assert_int_equal(b.fail_on_errors, 2);
        assert_int_equal(bulk_parse(body, true, a, &b, &err), ERR_INVALID_VALUE);
        json_decref(body);
        arena_free(a);
    }
}

/* S1: names of members in any letter case; null is absent. */
static void names_in_any_case(void **state) {
    (void)state;
    struct arena *a = arena_new();
    struct bulk_request b;
    struct err err = {0};
    json_t *body = quick("{'SCHEMAS':['" MESSAGE_BULK_REQUEST
                         "'],'failonerrors':3,'operations':[{'Method':'delete','PATH':'/Users/" ID1
                         "','bulkid':null,'version':null,'data':null}]}");
    assert_int_equal(bulk_parse(body, false, a, &b, &err), ERR_OK);
    assert_int_equal(b.fail_on_errors, 3);
    assert_string_equal(b.ops[0].method, "DELETE");
    assert_null(b.ops[0].bulk_id);
    assert_int_equal(b.ops[0].code, ERR_OK);
    json_decref(body);
    arena_free(a);
}

/* B6 */
static void too_many(void **state) {
    (void)state;
    struct arena *a = arena_new();
    struct bulk_request b;
    struct err err = {0};
    json_t *body = envelope(""), *list = json_object_get(body, "Operations");
    for (int i = 0; i < BULK_MAX_OPERATIONS; i++)
        json_array_append_new(list, json_pack("{s:s,s:s}", "method", "DELETE", "path", "/Users/" ID1));
    assert_int_equal(bulk_parse(body, false, a, &b, &err), ERR_OK);
    json_array_append_new(list, json_pack("{s:s,s:s}", "method", "DELETE", "path", "/Users/" ID1));
    assert_int_equal(bulk_parse(body, false, a, &b, &err), ERR_TOO_LARGE);
    assert_non_null(strstr(err.detail, "maxOperations (1000)"));
    json_decref(body);
    arena_free(a);
}

/* ---- B1: one operation ---- */

static void wrong_operations(void **state) {
    (void)state;
    static const struct {
        const char *operation;
        enum err_code code;
    } cases[] = {
        {"{'method':'GET','path':'/Users'}", ERR_INVALID_VALUE},
        {"{'method':'HEAD','path':'/Users/" ID1 "'}", ERR_INVALID_VALUE},
        {"{'method':'POST','path':'/Users','data':{}}", ERR_INVALID_VALUE}, /* no bulkId */
        {"{'method':'POST','bulkId':'x','data':{}}", ERR_INVALID_VALUE},    /* no path */
        {"{'method':'POST','bulkId':'x','path':'/Users'}", ERR_INVALID_VALUE},
        {"{'method':'PUT','path':'/Users/" ID1 "'}", ERR_INVALID_VALUE},
        {"{'method':'PATCH','path':'/Users/" ID1 "','data':[]}", ERR_INVALID_SYNTAX},
        {"{'method':'POST','bulkId':'x','path':'/Users/" ID1 "','data':{}}", ERR_METHOD},
        {"{'method':'DELETE','path':'/Users'}", ERR_METHOD},
        {"{'method':'DELETE','path':'/Ghosts/" ID1 "'}", ERR_NOT_FOUND},
        {"{'method':'DELETE','path':'/Users/" ID1 "/more'}", ERR_NOT_FOUND},
        {"{'method':'DELETE','path':'/../Users/" ID1 "'}", ERR_NOT_FOUND},
        {"{'method':'DELETE','path':''}", ERR_METHOD},
        {"{'method':'PUT','path':'/Schemas/x','data':{}}", ERR_METHOD},
        {"{'method':'POST','bulkId':'x','path':'/Bulk','data':{}}", ERR_INVALID_VALUE},
        {"{'method':'POST','bulkId':'x','path':'/Users/.search','data':{}}", ERR_INVALID_VALUE},
        {"{'method':'DELETE','path':'/Users/" ID1 "?x=1'}", ERR_INVALID_VALUE},
        {"{'method':'DELETE','path':'/Users/" ID1 " '}", ERR_INVALID_VALUE},
        {"{'method':'DELETE','path':'http://other.example/scim/v2/Users/" ID1 "'}", ERR_INVALID_VALUE},
        {"{'method':'DELETE','path':'http://usher.example/scim/v2x/Users/" ID1 "'}", ERR_INVALID_VALUE},
        {"{'method':'PUT','path':'/Me','data':{}}", ERR_NOT_IMPLEMENTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bulk_case c = planned(cases[i].operation);
        if (c.b.ops[0].code != cases[i].code)
            fail_msg("%s: %s %s", cases[i].operation, err_name(c.b.ops[0].code), c.b.ops[0].detail);
        drop(&c);
    }
}

static void ways_to_name_a_resource(void **state) {
    (void)state;
    static const char *const paths[] = {
        "/Users/" ID1,
        "Users/" ID1,
        "/scim/v2/Users/" ID1,
        BASE "/Users/" ID1,
        "https://USHER.example/scim/v2/Users/" ID1,
        "/users/" ID1,
        "/Users/" ID1 "/",
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char op[200];
        snprintf(op, sizeof op, "{'method':'DELETE','path':'%s'}", paths[i]);
        struct bulk_case c = planned(op);
        if (i == 6) { /* a slash behind a resource is one segment more */
            assert_int_equal(c.b.ops[0].code, ERR_NOT_FOUND);
        } else {
            assert_fine(&c);
            assert_string_equal(c.b.ops[0].id.s, ID1);
        }
        drop(&c);
    }
}

/* ---- B4: references ---- */

#define POST_USER(id) "{'method':'POST','path':'/Users','bulkId':'" id "','data':{'userName':'" id "'}}"
#define POST_ROOM(id, member)                                                                                \
    "{'method':'POST','path':'/Groups','bulkId':'" id                                                        \
    "','data':{'displayName':'x','members':[{'value':'" member "'}]}}"

static const char *member_of(const struct bulk_case *c, size_t op) {
    const json_t *members = json_object_get(c->b.ops[op].data, "members");
    return json_string_value(json_object_get(json_array_get(members, 0), "value"));
}

static void references_are_replaced_in_any_order(void **state) {
    (void)state;
    struct bulk_case c = planned(POST_ROOM("g", "bulkId:u") "," POST_USER("u"));
    assert_fine(&c);
    assert_order(&c, "1 0");
    assert_string_equal(member_of(&c, 0), c.b.ops[1].id.s);
    assert_int_equal(c.b.ops[0].nlinks, 1);
    assert_true(c.b.ops[0].links[0].needed);
    drop(&c);
}

/* A create that comes later is waited for: it is not pulled before what stands between. */
static void the_one_that_refers_waits(void **state) {
    (void)state;
    struct bulk_case c = planned(
        POST_ROOM("g", "bulkId:u") ",{'method':'DELETE','path':'/Users/" ID1
                                   "'}," POST_USER("u") ",{'method':'DELETE','path':'/Users/" ID2 "'}");
    assert_fine(&c);
    assert_order(&c, "1 2 0 3");
    drop(&c);
}

static void references_in_paths_and_filters(void **state) {
    (void)state;
    struct bulk_case c = planned(
        "{'method':'PATCH','path':'/Groups/bulkId:g','data':{'Operations':[{'op':'remove','path':"
        "'members[value eq \\'bulkId:u\\']'},{'op':'add','path':'members','value':[{'value':'bulkId:u',"
        "'$ref':'https://usher.example/scim/v2/Users/bulkId:u'}]}]}},"
        "{'method':'DELETE','path':'/Users/bulkId%3Av'}," POST_ROOM("g", "bulkId:v") "," POST_USER(
            "u") "," POST_USER("v"));
    assert_fine(&c);
    assert_order(&c, "3 4 1 2 0"); /* as early as it can be done */
    const char *g = c.b.ops[2].id.s, *u = c.b.ops[3].id.s;
    assert_string_equal(c.b.ops[0].id.s, g);
    assert_string_equal(c.b.ops[1].id.s, c.b.ops[4].id.s);
    const json_t *list = json_object_get(c.b.ops[0].data, "Operations");
    char want[200];
    snprintf(want, sizeof want, "members[value eq \"%s\"]", u);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "path")), want);
    const json_t *value = json_array_get(json_object_get(json_array_get(list, 1), "value"), 0);
    assert_string_equal(json_string_value(json_object_get(value, "value")), u);
    snprintf(want, sizeof want, "https://usher.example/scim/v2/Users/%s", u);
    assert_string_equal(json_string_value(json_object_get(value, "$ref")), want);
    drop(&c);
}

static void references_to_nothing(void **state) {
    (void)state;
    struct bulk_case c =
        planned(POST_ROOM("g", "bulkId:ghost") ",{'method':'DELETE','path':'/Users/bulkId:ghost'}");
    assert_int_equal(c.b.ops[0].code, ERR_CONFLICT);
    assert_non_null(strstr(c.b.ops[0].detail, "ghost"));
    assert_int_equal(c.b.ops[1].code, ERR_CONFLICT);
    drop(&c);
}

/* Text that only looks like one. */
static void no_references(void **state) {
    (void)state;
    struct bulk_case c = planned(
        "{'method':'POST','path':'/Users','bulkId':'u','data':{'userName':'see bulkId:u','title':'bulkid:u',"
        "'nickName':'\\'bulkId:u\\'','profileUrl':'https://x/bulkId:other'}}");
    assert_fine(&c);
    const json_t *d = c.b.ops[0].data;
    assert_string_equal(json_string_value(json_object_get(d, "userName")), "see bulkId:u");
    assert_string_equal(json_string_value(json_object_get(d, "title")), "bulkid:u");
    assert_string_equal(json_string_value(json_object_get(d, "nickName")), "\"bulkId:u\"");
    assert_string_equal(json_string_value(json_object_get(d, "profileUrl")), "https://x/bulkId:other");
    drop(&c);
}

static void same_resource_stays_in_order(void **state) {
    (void)state;
    struct bulk_case c = planned("{'method':'PATCH','path':'/Groups/" ID1 "','data':{'v':'bulkId:u'}},"
                                 "{'method':'PATCH','path':'/Groups/" ID1 "','data':{}},"
                                 "{'method':'DELETE','path':'/Groups/0190AAAA-0000-7000-8000-000000000001'},"
                                 "{'method':'DELETE','path':'/Groups/" ID2 "'}," POST_USER("u"));
    assert_fine(&c);
    assert_order(&c, "3 4 0 1 2");
    drop(&c);
}

/* ---- B5: circles ---- */

#define POST_REPORT(id, manager)                                                                             \
    "{'method':'POST','path':'/Users','bulkId':'" id                                                         \
    "','data':{'userName':'x','urn:ietf:params:scim:schemas:extension:enterprise:2.0:User':"                 \
    "{'manager':{'value':'bulkId:" manager "'}}}}"

static size_t dropped_links(const struct bulk_case *c) {
    size_t n = 0;
    for (size_t i = 0; i < c->b.n; i++)
        for (size_t k = 0; k < c->b.ops[i].nlinks; k++)
            n += c->b.ops[i].links[k].dropped ? 1 : 0;
    return n;
}

static void circles_of_users_are_resolved(void **state) {
    (void)state;
    struct bulk_case c = planned(POST_REPORT("a", "b") "," POST_REPORT("b", "c") "," POST_REPORT("c", "a"));
    assert_fine(&c);
    assert_int_equal(dropped_links(&c), 1);
    assert_int_equal(c.b.order[2], c.b.order[0] == 0   ? 1
                                   : c.b.order[0] == 1 ? 2
                                                       : 0); /* whoever refers to all of them is last */
    drop(&c);
    c = planned(POST_REPORT("a", "a"));
    assert_fine(&c);
    drop(&c);
}

static void circles_of_rooms_are_refused(void **state) {
    (void)state;
    struct bulk_case c = planned(POST_USER("u") "," POST_ROOM("g", "bulkId:h") "," POST_ROOM(
        "h", "bulkId:g") "," POST_ROOM("k", "bulkId:g"));
    assert_int_equal(c.b.ops[0].code, ERR_OK);
    assert_int_equal(c.b.ops[1].code, ERR_CONFLICT);
    assert_int_equal(c.b.ops[2].code, ERR_CONFLICT);
    assert_int_equal(c.b.ops[3].code, ERR_OK); /* refers to one that failed, which is found out later */
    assert_int_equal(c.b.order[0], 0);
    assert_int_equal(dropped_links(&c), 0);
    drop(&c);
}

/* A thousand in one circle, and a thousand that all refer to all before them. */
static void many_references(void **state) {
    (void)state;
    struct arena *a = arena_new();
    struct bulk_request b;
    json_t *body = envelope(""), *list = json_object_get(body, "Operations");
    for (int i = 0; i < BULK_MAX_OPERATIONS; i++) {
        char id[16], ref[32];
        json_t *refs = json_array();
        snprintf(id, sizeof id, "%d", i);
        snprintf(ref, sizeof ref, "bulkId:%d", (i + 1) % BULK_MAX_OPERATIONS);
        json_array_append_new(refs, json_string(ref));
        for (int k = 0; k < 60 && k < i; k++) {
            snprintf(ref, sizeof ref, "bulkId:%d", k);
            json_array_append_new(refs, json_string(ref));
        }
        json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:{s:o}}", "method", "POST", "path", "/Users",
                                              "bulkId", id, "data", "x", refs));
    }
    assert_int_equal(bulk_parse(body, false, a, &b, NULL), ERR_OK);
    bulk_plan(&b, &routes, BASE, "/scim/v2", a);
    bool placed[BULK_MAX_OPERATIONS] = {false};
    for (size_t i = 0; i < b.n; i++) {
        const struct bulk_op *op = &b.ops[b.order[i]];
        assert_int_equal(op->code, ERR_OK);
        assert_false(placed[b.order[i]]);
        for (size_t k = 0; k < op->nlinks; k++)
            assert_true(op->links[k].dropped || placed[op->links[k].to]);
        placed[b.order[i]] = true;
    }
    json_decref(body);
    arena_free(a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(not_bulk_requests),
        cmocka_unit_test(forms_that_are_taken_B1_S6),
        cmocka_unit_test(names_in_any_case),
        cmocka_unit_test(too_many),
        cmocka_unit_test(wrong_operations),
        cmocka_unit_test(ways_to_name_a_resource),
        cmocka_unit_test(references_are_replaced_in_any_order),
        cmocka_unit_test(the_one_that_refers_waits),
        cmocka_unit_test(references_in_paths_and_filters),
        cmocka_unit_test(references_to_nothing),
        cmocka_unit_test(no_references),
        cmocka_unit_test(same_resource_stays_in_order),
        cmocka_unit_test(circles_of_users_are_resolved),
        cmocka_unit_test(circles_of_rooms_are_refused),
        cmocka_unit_test(many_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
