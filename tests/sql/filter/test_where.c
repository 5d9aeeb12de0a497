/* Filters as SQL text and parameters. That the text means what filter_match means is for a test with a
 * database to show. */
#include "sql/filter/where.h"
#include "tests/schemas/probe.h"
#include "tests/schemas/support.h"

#define ID "0190c5a4-0000-7000-8000-00000000000a"
#define EMAILS                                                                                               \
    "jsonb_array_elements(CASE WHEN jsonb_typeof((r.search->'emails')) = 'array' THEN (r.search->'emails') " \
    "END) AS e(v)"
#define KEYED                                                                                                \
    "(r.id = ANY (ARRAY(SELECT k.resource_id FROM resource_keys k WHERE k.workspace_id = $1::uuid AND "      \
    "k.type = $2::text AND k.path = $3::text AND k.key = $4::text)) AND "
#define GROUPS " WHERE m.workspace_id = r.workspace_id AND m.user_id = r.id AND NOT m.held"

struct sql_case {
    const char *type, *filter, *where;
    const char *params[4]; /* from $2 on */
};

static const struct sql_case cases[] = {
    /* What is looked up: columns, by index (Q01 to Q06). */
    {"User", "userName eq \"ANA@x\"", "(r.user_name_key = $2::text)", {"ana@x"}},
    {"User", "externalId eq \"Ext\"", "(r.external_id = $2::text)", {"Ext"}},
    {"User", "id eq \"" ID "\"", "(r.id = $2::uuid)", {ID}},
    {"Group", "displayName eq \"Room Berlin\"", "(r.display_name_key = $2::text)", {"room berlin"}},
    {"Group",
     "members.value eq \"" ID "\"",
     "(r.id = ANY (ARRAY(SELECT m.room_id FROM members m WHERE m.workspace_id = $1::uuid AND m.user_id = "
     "$2::uuid AND NOT m.held)) AND EXISTS (SELECT FROM members m WHERE m.workspace_id = r.workspace_id AND "
     "m.room_id = r.id AND NOT m.held AND (m.user_id = $3::uuid)))",
     {ID, ID}},
    {"Group",
     "members eq \"u-1\"",
     "EXISTS (SELECT FROM members m WHERE m.workspace_id = r.workspace_id AND m.room_id = r.id AND NOT m.held AND (false))",
     {NULL}},
    {"User",
     "groups eq \"" ID "\"",
     "(r.id = ANY (ARRAY(SELECT m.user_id FROM members m WHERE m.workspace_id = $1::uuid AND m.room_id = "
     "$2::uuid AND NOT m.held)) AND EXISTS (SELECT FROM members m" GROUPS " AND (m.room_id = $3::uuid)))",
     {ID, ID}},
    {"User",
     "groups[type eq \"direct\" and value eq \"" ID "\"]",
     "(r.id = ANY (ARRAY(SELECT m.user_id FROM members m WHERE m.workspace_id = $1::uuid AND m.room_id = "
     "$2::uuid AND NOT m.held)) AND EXISTS (SELECT FROM members m" GROUPS
     " AND (('direct'::text = $3::text) AND (m.room_id = $4::uuid))))",
     {ID, "direct", ID}},
    {"User",
     "emails eq \"A@B\"",
     KEYED "(r.search @> $5::jsonb))",
     {"User", "emails.value", "a@b", "{\"emails\":[{\"value\":\"a@b\"}]}"}},
    {"User",
     "emails.value ne \"a@b\" or emails.value sw \"a\"", /* no equality: no look-up */
     "((SELECT coalesce(bool_or(((e.v->>'value') IS DISTINCT FROM $2::text)), true) FROM " EMAILS
     ") OR EXISTS (SELECT FROM " EMAILS " WHERE starts_with((e.v->>'value'), $3::text)))",
     {"a@b", "a"}},
    {"User",
     "emails[type eq \"work\" and (value eq \"a@b\" or value eq \"c\")]", /* any of them: no look-up */
     "EXISTS (SELECT FROM " EMAILS
     " WHERE (((e.v->>'type') = $2::text) AND (((e.v->>'value') = $3::text) OR ((e.v->>'value') = $4::text))))",
     {"work", "a@b", "c"}},
    {"User",
     "emails[type eq \"Work\"].value eq \"A@B\"",
     KEYED "(r.search @> $5::jsonb))",
     {"User", "emails.value", "a@b", "{\"emails\":[{\"type\":\"work\",\"value\":\"a@b\"}]}"}},
    {"User",
     "manager eq \"u-1\"",
     "(r.search @> $2::jsonb)",
     {"{\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:user\":{\"manager\":{\"value\":\"u-1\"}}}"}},
    {"User",
     "userName eq \"a\" and active eq true",
     "((r.user_name_key = $2::text) AND (r.active = true))",
     {"a"}},
    /* An id that no resource can have is no error, and matches nothing (Q07); ids are caseExact. */
    {"User", "id eq \"u-1\"", "(false)", {NULL}},
    {"User", "id ne \"u-1\"", "(true)", {NULL}},
    {"User", "id eq \"0190C5A4-0000-7000-8000-00000000000A\"", "(false)", {NULL}},
    {"User", "id sw \"0190\"", "starts_with(r.id::text, $2::text)", {"0190"}},
    /* F4: nothing of a value is a pattern. */
    {"User", "userName co \"50%_\\\\\"", "(strpos(r.user_name_key, $2::text) > 0)", {"50%_\\"}},
    {"User", "userName ew \"'; --\"", "(right(r.user_name_key, length($2::text)) = $2::text)", {"'; --"}},
    {"User", "userName gt \"B\"", "(r.user_name_key COLLATE \"C\" > $2::text)", {"b"}},
    /* F12 and `not`: SQL's NULL is no third truth. */
    {"User", "externalId ne \"x\"", "(r.external_id IS DISTINCT FROM $2::text)", {"x"}},
    {"User", "not (externalId eq \"x\")", "((r.external_id = $2::text) IS NOT TRUE)", {"x"}},
    {"User", "externalId eq null", "((r.external_id <> '') IS NOT TRUE)", {NULL}},
    {"User", "title pr or active pr", "((((r.search)->>'title') <> '') OR (r.active IS NOT NULL))", {NULL}},
    /* F11. */
    {"User",
     "meta.created gt \"2026-01-31T10:00:00+02:00\"",
     "(r.created > $2::timestamptz)",
     {"2026-01-31T08:00:00.000000Z"}},
    {"Probe",
     "since lt \"1970-01-01T00:00:01Z\"",
     "((CASE WHEN jsonb_typeof((r.search)->'since') = 'number' THEN ((r.search)->>'since')::numeric END) < "
     "$2::numeric)",
     {"1000000"}},
    {"User", "meta.version eq \"W/\\\"3\\\"\"", "(('W/\"' || r.version || '\"') = $2::text)", {"W/\"3\""}},
    {"User", "meta.resourceType eq \"User\"", "($2::text = $3::text)", {"User", "User"}},
    {"User", "meta.location eq \"http://h/scim/v2/Users/" ID "\"", "(r.id = $2::uuid)", {ID}},
    {"User", "meta.location eq \"http://other/Users/" ID "\"", "(false)", {NULL}},
    {"User",
     "meta.location sw \"http://h\"",
     "starts_with(($2::text || r.id), $3::text)",
     {"http://h/scim/v2/Users/", "http://h"}},
    {"Group",
     "members.$ref eq \"http://h/scim/v2/Users/" ID "\"",
     "EXISTS (SELECT FROM members m WHERE m.workspace_id = r.workspace_id AND m.room_id = r.id AND NOT m.held AND (m.user_id = $2::uuid))",
     {ID}},
    /* Lists: any element (F6), one element (F7), `ne` also where there is none (ops/DESIGN.md,
     * "Decided points"). */
    {"User",
     "emails.value co \"@B\"",
     "EXISTS (SELECT FROM " EMAILS " WHERE (strpos((e.v->>'value'), $2::text) > 0))",
     {"@b"}},
    {"User",
     "emails.type ne \"work\"",
     "(SELECT coalesce(bool_or(((e.v->>'type') IS DISTINCT FROM $2::text)), true) FROM " EMAILS ")",
     {"work"}},
    {"User",
     "emails[type eq \"work\" and value sw \"a\"]",
     "EXISTS (SELECT FROM " EMAILS
     " WHERE (((e.v->>'type') = $2::text) AND starts_with((e.v->>'value'), $3::text)))",
     {"work", "a"}},
    {"User", "groups pr", "EXISTS (SELECT FROM members m" GROUPS ")", {NULL}},
    {"User",
     "groups.display sw \"Room\"",
     "EXISTS (SELECT FROM members m JOIN rooms t ON t.workspace_id = m.workspace_id AND t.id = "
     "m.room_id" GROUPS " AND starts_with(t.display_name_key, $2::text))",
     {"room"}},
    {"User", "schemas eq \"urn:x\"", "(r.search @> $2::jsonb)", {"{\"schemas\":[\"urn:x\"]}"}},
    {"Probe", "tags[value eq \"A\"]", "(r.search @> $2::jsonb)", {"{\"tags\":[\"a\"]}"}},
    {"Probe",
     "ratio eq 0.1",
     "((CASE WHEN jsonb_typeof((r.search)->'ratio') = 'number' THEN ((r.search)->>'ratio')::float8 END) = "
     "$2::float8)",
     {"0.10000000000000001"}},
    {"Probe",
     "place[value eq 3 and on ne true]",
     "((r.search->'place') IS NOT NULL AND (((CASE WHEN jsonb_typeof((r.search->'place')->'value') = "
     "'number' THEN "
     "((r.search->'place')->>'value')::numeric END) = $2::numeric) AND (((r.search->'place')->'on' = "
     "'true'::jsonb) IS DISTINCT FROM true)))",
     {"3"}},
};

static const struct resource_type *type_named(const char *name) {
    return strcmp(name, "Probe") == 0 ? &probe_type : resource_type_by_name(name);
}

static const struct filter *parse(const char *type, const char *text, struct arena *a) {
    struct err err = {0};
    const struct filter *f = NULL;
    if (filter_parse(type_named(type), DIALECT_RFC, text, strlen(text), a, &f, &err) != ERR_OK)
        fail_msg("%s: %s", text, err_text(&err));
    return f;
}

static void check(const struct sql_case *c) {
    struct err err = {0};
    struct arena *a = arena_new();
    struct jbuf where = {0};
    struct sql_params params;
    sql_params_init(&params, a);
    params.base = "http://h/scim/v2";
    assert_int_equal(sql_params_add(&params, "the workspace"), 1);
    assert_int_equal(where_filter(type_named(c->type), parse(c->type, c->filter, a), &where, &params, &err),
                     ERR_OK);
    if (strcmp(where.p, c->where) != 0)
        fail_msg("%s:\n   got %s\n  want %s", c->filter, where.p, c->where);
    for (int i = 0; i < 4 && c->params[i] != NULL; i++)
        if (i + 1 >= params.n || strcmp(params.v[i + 1], c->params[i]) != 0)
            fail_msg("%s: $%d is %s, not %s", c->filter, i + 2,
                     i + 1 < params.n ? params.v[i + 1] : "missing", c->params[i]);
    jb_free(&where);
    sql_params_free(&params);
    arena_free(a);
}

static void test_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check(&cases[i]);
}

/* No value is ever part of the text, whatever attribute and operator it comes with. */
static void test_values_are_parameters(void **state) {
    (void)state;
    static const char *const paths[] = {
        "userName", "externalId", "id",           "title",          "emails",       "emails.type",  "manager",
        "groups",   "schemas",    "meta.version", "groups.display", "photos.value", "meta.location"};
    static const char *const ops[] = {"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"};
    char text[200];
    for (size_t p = 0; p < sizeof paths / sizeof paths[0]; p++)
        for (size_t o = 0; o < sizeof ops / sizeof ops[0]; o++) {
            struct err err = {0};
            struct arena *a = arena_new();
            struct jbuf where = {0};
            struct sql_params params;
            sql_params_init(&params, a);
            params.base = "http://h";
            snprintf(text, sizeof text, "%s %s \"zzq'zzq\"", paths[p], ops[o]);
            assert_int_equal(where_filter(type_named("User"), parse("User", text, a), &where, &params, &err),
                             ERR_OK);
            assert_null(strstr(where.p, "zzq"));
            jb_free(&where);
            sql_params_free(&params);
            arena_free(a);
        }
}

/* Where the public URL is not known, what begins with it is refused, not guessed. */
static void test_location_needs_base(void **state) {
    (void)state;
    static const char *const filters[] = {"meta.location pr", "groups.$ref pr",
                                          "title pr and groups[$ref co \"x\"]"};
    for (size_t i = 0; i < 3; i++) {
        struct err err = {0};
        struct arena *a = arena_new();
        struct jbuf where = {0};
        struct sql_params params;
        sql_params_init(&params, a);
        assert_int_equal(
            where_filter(type_named("User"), parse("User", filters[i], a), &where, &params, &err),
            ERR_INVALID_FILTER);
        assert_true(err.path[0] != '\0');
        jb_free(&where);
        sql_params_free(&params);
        arena_free(a);
    }
}

static void check_element(const char *filter, const char *want) {
    struct err err = {0};
    struct arena *a = arena_new();
    struct jbuf where = {0};
    struct sql_params params;
    const struct resource_type *rt = resource_type_of(RESOURCE_ROOM);
    const struct filter *f = NULL;
    sql_params_init(&params, a);
    assert_int_equal(
        filter_parse_element(resource_type_refs(rt), DIALECT_RFC, filter, strlen(filter), a, &f, &err),
        ERR_OK);
    assert_int_equal(where_element(rt, f, &where, &params, &err), ERR_OK);
    assert_string_equal(where.p, want);
    jb_free(&where);
    sql_params_free(&params);
    arena_free(a);
}

/* A condition on rows of members, for `members[…]` in a PATCH path. */
static void test_element(void **state) {
    (void)state;
    check_element("value eq \"" ID "\"", "(m.user_id = $1::uuid)");
    check_element("not (type eq \"User\")", "(('user'::text = $1::text) IS NOT TRUE)");
    check_element(
        "display eq \"Ana\"",
        "EXISTS (SELECT FROM users t WHERE t.workspace_id = m.workspace_id AND t.id = m.user_id AND "
        "(coalesce(t.display_name_key, t.user_name_key) = $1::text))");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases), cmocka_unit_test(test_values_are_parameters),
        cmocka_unit_test(test_location_needs_base), cmocka_unit_test(test_element)};
    return cmocka_run_group_tests_name("where", tests, NULL, NULL);
}
