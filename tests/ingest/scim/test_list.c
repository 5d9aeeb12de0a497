/* Lists: from a query or a .search body to the question (G1, G2, G4, G7, G8, J1, J5, F9), and the
 * ListResponse (C4, G3, G5). */
#include "ingest/http/routes.h"
#include "ingest/scim/form.h"
#include "ingest/scim/list.h"
#include "ingest/scim/search.h"
#include "sql/ask/read.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BASE "http://usher.example/scim/v2"
#define ALL_SCOPES 255u

static struct ingest ingest;
static struct request *r;

static enum err_code prepare(const char *path, const char *query) {
    struct err err = {0};
    route_parse(&routes, "GET", path, strlen(path), r->arena, &r->route);
    assert_int_equal(r->route.code, ERR_OK);
    assert_int_equal(query_parse(query, r->arena, &r->query, &err), ERR_OK);
    enum err_code code = list_prepare(r, &err);
    assert_int_equal(code, err.code);
    return code;
}

static void g2_pages_by_index(void **state) {
    (void)state;
    static const struct {
        const char *query;
        int64_t start;
        int count;
    } rows[] = {{"", 1, 100},
                {"startIndex=0&count=5", 1, 5},
                {"startIndex=-3", 1, 100},
                {"count=-1", 1, 0},
                {"count=0", 1, 0},
                {"count=201", 1, 200},
                {"startIndex=11&count=10", 11, 10},
                {"count=&startIndex=", 1, 100}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(prepare("/scim/v2/Users", rows[i].query), ERR_OK);
        assert_int_equal(r->read->start_index, rows[i].start);
        assert_int_equal(r->read->count, rows[i].count);
    }
    assert_int_equal(prepare("/scim/v2/Users", "count=ten"), ERR_INVALID_VALUE);
    assert_int_equal(prepare("/scim/v2/Users", "startIndex=1.5"), ERR_INVALID_VALUE);
}

static void g1_orders(void **state) {
    (void)state;
    static const struct {
        const char *query;
        enum err_code code;
        bool sorted, descending;
    } rows[] = {
        {"sortBy=userName", ERR_OK, true, false},
        {"sortBy=USERNAME&sortOrder=Descending", ERR_OK, true, true},
        {"sortBy=name.familyName&sortOrder=ascending", ERR_OK, true, false},
        {"sortBy=emails", ERR_OK, true, false}, /* its value */
        {"sortBy=urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", ERR_OK, true, false},
        {"sortBy=", ERR_OK, false, false},
        {"sortOrder=descending", ERR_OK, false, false}, /* of what? */
        {"sortBy=nonsense", ERR_INVALID_VALUE, false, false},
        {"sortBy=name", ERR_INVALID_VALUE, false, false},
        {"sortBy=urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", ERR_INVALID_VALUE, false,
         false},
        {"sortBy=password", ERR_INVALID_VALUE, false, false},
        {"sortBy=emails[type eq \"work\"]", ERR_INVALID_VALUE, false, false},
        {"sortBy=userName&sortOrder=down", ERR_INVALID_VALUE, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (prepare("/scim/v2/Users", rows[i].query) != rows[i].code)
            fail_msg("%s", rows[i].query);
        if (rows[i].code != ERR_OK)
            continue;
        assert_int_equal(r->read->sorted, rows[i].sorted);
        assert_int_equal(r->read->descending, rows[i].descending);
    }
}

/* J1, J4 and the refusals of what cannot go together. */
static void j1_projections(void **state) {
    (void)state;
    assert_int_equal(prepare("/scim/v2/Groups", ""), ERR_OK);
    assert_true(r->read->parts[0].refs);
    assert_int_equal(prepare("/scim/v2/Groups", "excludedAttributes=members"), ERR_OK);
    assert_false(r->read->parts[0].refs);
    assert_int_equal(prepare("/scim/v2/Users", "attributes=id&excludedAttributes=name"), ERR_INVALID_VALUE);
}

/* F9 at the root: an attribute of one type is enough, one of none is a mistake; and only what the key may
 * read. */
static void f9_all_types(void **state) {
    (void)state;
    assert_int_equal(prepare("/scim/v2", "filter=userName eq \"a\" or members pr&sortBy=userName"), ERR_OK);
    assert_int_equal(r->read->nparts, 2);
    assert_non_null(r->read->parts[0].sort);
    assert_null(r->read->parts[1].sort);
    assert_true(r->read->sorted);
    assert_int_equal(prepare("/scim/v2", "filter=nonsense eq 1"), ERR_INVALID_FILTER);
    assert_int_equal(prepare("/scim/v2", "sortBy=nonsense"), ERR_INVALID_VALUE);
    r->verdict.scopes = SCOPE_SCIM_ROOMS_READ | SCOPE_SCIM_USERS_WRITE;
    assert_int_equal(prepare("/scim/v2", ""), ERR_OK);
    assert_int_equal(r->read->nparts, 1);
    assert_int_equal(r->read->parts[0].rt->kind, RESOURCE_ROOM);
    r->verdict.scopes = SCOPE_SCIM_USERS_WRITE | SCOPE_API_USERS_READ;
    assert_int_equal(prepare("/scim/v2", ""), ERR_INSUFFICIENT_SCOPE);
}

/* ---- .search ---- */

static enum err_code search_as(bool strict, const char *text, struct query *q) {
    struct err err = {0};
    json_t *body = json_loads(text, 0, NULL);
    assert_non_null(body);
    enum err_code code = search_query(body, strict, r->arena, q, &err);
    assert_int_equal(code, err.code);
    json_decref(body);
    return code;
}

static enum err_code search(const char *text, struct query *q) {
    return search_as(false, text, q);
}
#define SEARCH(members) "{\"schemas\":[\"" MESSAGE_SEARCH "\"]" members "}"

static void j5_g9_a_body_is_a_query(void **state) {
    (void)state;
    struct query q;
    assert_int_equal(
        search(
            SEARCH(
                ",\"attributes\":[\"userName\",\"name.givenName\"],\"Filter\":\"a \\\"&=+%\",\"sortBy\":\"id\","
                "\"sortOrder\":\"ascending\",\"startIndex\":3,\"count\":-1,\"cursor\":\"\",\"more\":{}"),
            &q),
        ERR_OK);
    assert_string_equal(query_get(&q, "attributes"), "userName,name.givenName");
    assert_string_equal(query_get(&q, "filter"), "a \"&=+%");
    assert_string_equal(query_get(&q, "sortBy"), "id");
    assert_string_equal(query_get(&q, "startIndex"), "3");
    assert_string_equal(query_get(&q, "count"), "-1");
    assert_string_equal(query_get(&q, "cursor"), "");
    assert_null(query_get(&q, "excludedAttributes"));
    assert_null(query_get(&q, "more"));
    assert_int_equal(search(SEARCH(",\"filter\":null,\"count\":null,\"attributes\":[]"), &q), ERR_OK);
    assert_null(query_get(&q, "filter"));
    assert_string_equal(query_get(&q, "attributes"), "");
}

static void j5_bodies_that_are_none(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum err_code code;
    } rows[] = {
        {"{\"schemas\":7}", ERR_INVALID_SYNTAX},
        {"{\"schemas\":null}", ERR_INVALID_SYNTAX},
        {"{\"schemas\":[]}", ERR_INVALID_SYNTAX},
        {"{\"schemas\":[7]}", ERR_INVALID_SYNTAX},
        {"{\"schemas\":[\"" MESSAGE_LIST "\"]}", ERR_INVALID_SYNTAX},
        {SEARCH(",\"filter\":5"), ERR_INVALID_SYNTAX},
        {SEARCH(",\"attributes\":{}"), ERR_INVALID_SYNTAX},
        {SEARCH(",\"filter\":[\"a\",\"b\"]"), ERR_INVALID_SYNTAX},
        {SEARCH(",\"attributes\":[\"userName\",1]"), ERR_INVALID_SYNTAX},
        {SEARCH(",\"cursor\":1"), ERR_INVALID_SYNTAX},
        {SEARCH(",\"count\":\"five\""), ERR_INVALID_VALUE},
        {SEARCH(",\"count\":\"5.5\""), ERR_INVALID_VALUE},
        {SEARCH(",\"count\":\" 5\""), ERR_INVALID_VALUE},
        {SEARCH(",\"count\":\"99999999999999999999\""), ERR_INVALID_VALUE},
        {SEARCH(",\"startIndex\":[1,2]"), ERR_INVALID_VALUE},
        {SEARCH(",\"startIndex\":1.5"), ERR_INVALID_VALUE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct query q;
        if (search(rows[i].text, &q) != rows[i].code)
            fail_msg("%s", rows[i].text);
    }
}

/* Forms that are taken for the right ones, but not in a strict workspace. */
static void j5_forms_that_are_taken(void **state) {
    (void)state;
    static const char *const rows[][3] = {
        {"startIndex", SEARCH(",\"startIndex\":\"4\""), "4"},
        {"count", SEARCH(",\"count\":[\"-1\"]"), "-1"},
        {"count", SEARCH(",\"count\":[7]"), "7"},
        {"attributes", SEARCH(",\"attributes\":\"userName,name\""), "userName,name"},
        {"excludedAttributes", SEARCH(",\"excludedAttributes\":\"members\""), "members"},
        {"filter", SEARCH(",\"filter\":[\"active eq true\"]"), "active eq true"},
        {"cursor", SEARCH(",\"cursor\":[\"\"]"), ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct query q;
        if (search(rows[i][1], &q) != ERR_OK)
            fail_msg("%s", rows[i][1]);
        assert_string_equal(query_get(&q, rows[i][0]), rows[i][2]);
        assert_int_not_equal(search_as(true, rows[i][1], &q), ERR_OK);
    }
    struct query q;
    assert_int_equal(search_as(true, SEARCH(",\"count\":5,\"attributes\":[\"a\"],\"filter\":\"a pr\""), &q),
                     ERR_OK);
}

/* scimgateway and authentik name no schema in messages. */
static void s6_schemas_left_out(void **state) {
    (void)state;
    static const char *const heads[] = {"{", "{\"schemas\":\"" MESSAGE_SEARCH "\","};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct query q;
        char text[200];
        snprintf(text, sizeof text, "%s\"count\":3}", heads[i]);
        assert_int_equal(search(text, &q), ERR_OK);
        assert_string_equal(query_get(&q, "count"), "3");
    }
}

/* X2: what was searched for is masked on record, as a query is. */
static void x2_a_search_is_masked(void **state) {
    (void)state;
    struct query q;
    assert_int_equal(
        search(SEARCH(",\"filter\":\"userName eq \\\"ana\\\"\",\"count\":2,\"cursor\":\"abc\""), &q), ERR_OK);
    assert_string_equal(query_masked(&q, r->arena), "filter=userName eq \"?\"&count=2&cursor=?");
}

/* ---- answers ---- */

static const struct resource_row row = {
    .id = "01930000-0000-7000-8000-000000000001",
    .doc = "{\"schemas\":[\"" SCHEMA_USER "\"],\"userName\":\"ana\"}",
    .version = 3,
    .created_us = 1700000000000000,
    .modified_us = 1700000001000000,
};

static json_t *answered(void) {
    list_answer(r);
    assert_int_equal(r->answer.status, 200);
    json_t *tree = json_loadb(r->answer.body.p, r->answer.body.n, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(tree);
    return tree;
}

static int64_t number(const json_t *tree, const char *name) {
    return json_integer_value(json_object_get(tree, name));
}

static void c4_g3_lists(void **state) {
    (void)state;
    struct resource_row rows[] = {row, row};
    const struct resource_type *types[] = {resource_type_of(RESOURCE_USER), resource_type_of(RESOURCE_USER)};
    assert_int_equal(prepare("/scim/v2/Users", "startIndex=11&count=2"), ERR_OK);
    r->read->total = 13;
    r->read->rows = rows;
    r->read->types = types;
    r->read->nrows = 2;
    r->read->more = true;
    json_t *b = answered();
    assert_string_equal(json_string_value(json_array_get(json_object_get(b, "schemas"), 0)), MESSAGE_LIST);
    assert_int_equal(number(b, "totalResults"), 13);
    assert_int_equal(number(b, "startIndex"), 11);
    assert_int_equal(number(b, "itemsPerPage"), 2);
    assert_int_equal(json_array_size(json_object_get(b, "Resources")), 2);
    assert_null(json_object_get(b, "nextCursor")); /* not asked for */
    json_decref(b);
}

static void c4_an_empty_list_is_an_answer(void **state) {
    (void)state;
    assert_int_equal(prepare("/scim/v2/Users", ""), ERR_OK);
    json_t *b = answered();
    assert_int_equal(number(b, "totalResults"), 0);
    assert_true(json_is_array(json_object_get(b, "Resources")));
    json_decref(b);
}

/* Each of several types as its own (J2 by type). */
static void rows_of_several_types(void **state) {
    (void)state;
    struct resource_row rows[] = {row, row};
    rows[1].doc = "{\"schemas\":[\"" SCHEMA_GROUP "\"],\"displayName\":\"G\"}";
    const struct resource_type *types[] = {resource_type_of(RESOURCE_USER), resource_type_of(RESOURCE_ROOM)};
    assert_int_equal(prepare("/scim/v2", "attributes=displayName,meta.location"), ERR_OK);
    r->read->rows = rows;
    r->read->types = types;
    r->read->nrows = 2;
    json_t *b = answered(), *list = json_object_get(b, "Resources");
    assert_null(json_object_get(json_array_get(list, 0), "userName"));
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "displayName")), "G");
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(json_array_get(list, 1), "meta"), "location")),
        BASE "/Groups/01930000-0000-7000-8000-000000000001");
    json_decref(b);
}

static int setup(void **state) {
    (void)state;
    r = request_new(&ingest);
    r->form = &scim_form;
    r->base = arena_strdup(r->arena, BASE);
    r->verdict.scopes = ALL_SCOPES;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    request_release(r);
    return 0;
}

static int end(void **state) {
    (void)state;
    request_pool_free();
    return 0;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(g2_pages_by_index),
        CASE(g1_orders),
        CASE(j1_projections),
        CASE(f9_all_types),
        CASE(j5_g9_a_body_is_a_query),
        CASE(j5_bodies_that_are_none),
        CASE(j5_forms_that_are_taken),
        CASE(s6_schemas_left_out),
        CASE(x2_a_search_is_masked),
        CASE(c4_g3_lists),
        CASE(c4_an_empty_list_is_an_answer),
        CASE(rows_of_several_types),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
