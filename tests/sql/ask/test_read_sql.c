/* Lists as SQL text: order, place, page, several types (G1, G2, G4); what an index can find. That the text
 * means what it should is for the integration tests, and how it is run for test_explain. */
#include "sql/ask/read.h"
#include "sql/ask/read_impl.h"
#include "sql/ask/read_sql.h"
#include "sql/filter/lookup.h"
#include "sql/filter/sort.h"
#include "tests/schemas/probe.h"
#include "tests/schemas/support.h"

#define ID "0190c5a4-0000-7000-8000-00000000000a"

static struct arena *arena;

struct made {
    const char *sql;
    const char *params; /* joined by '|' */
};

/* Without line breaks and indentation, in which it is sent. */
static const char *on_one_line(const char *text) {
    char *line = arena_strdup(arena, text), *out = line;
    for (const char *p = line; *p != '\0'; p++)
        if (strchr(" \n", *p) == NULL)
            *out++ = *p;
        else if (out > line && out[-1] != ' ')
            *out++ = ' ';
    *out = '\0';
    return line;
}

static struct made page(struct read_query *q) {
    struct jbuf sql = {0}, params_text = {0};
    struct sql_params params;
    struct err err = {0};
    q->workspace = "W";
    q->base = "http://h";
    q->arena = arena;
    if (q->start_index == 0 && q->known_total == 0)
        q->known_total = -1;
    sql_params_init(&params, arena);
    assert_int_equal(read_sql_page(q, "http://h", &sql, &params, &err), ERR_OK);
    for (int i = 0; i < params.n; i++)
        jb_printf(&params_text, "%s%s", i > 0 ? "|" : "", params.v[i]);
    struct made m = {on_one_line(sql.p), arena_strdup(arena, params_text.p)};
    sql_params_free(&params);
    jb_free(&sql);
    jb_free(&params_text);
    return m;
}

static const struct filter *filter(const struct resource_type *rt, const char *text) {
    struct err err = {0};
    const struct filter *f = NULL;
    if (filter_parse(rt, DIALECT_RFC, text, strlen(text), arena, &f, &err) != ERR_OK)
        fail_msg("%s: %s", text, err_text(&err));
    return f;
}

static const struct attr_path *path(const struct resource_type *rt, const char *text) {
    struct attr_path *p = arena_alloc(arena, sizeof *p);
    struct err err = {0};
    assert_int_equal(attr_path_resolve(rt, text, strlen(text), ERR_INVALID_VALUE, p, &err), ERR_OK);
    return p;
}

static void has(struct made m, const char *part) {
    if (strstr(m.sql, part) == NULL)
        fail_msg("no %s\n  in %s", part, m.sql);
}

static void has_not(struct made m, const char *part) {
    if (strstr(m.sql, part) != NULL)
        fail_msg("%s\n  in %s", part, m.sql);
}

/* Without filter and sort: along the primary key, from the place on. */
static void walks_along_the_key(void **state) {
    (void)state;
    struct read_part users = {.rt = resource_type_of(RESOURCE_USER)};
    struct read_query q = {.parts = &users, .nparts = 1, .count = 10, .start_index = 1};
    struct made m = page(&q);
    has(m, "FROM users r WHERE r.workspace_id = $1::uuid ORDER BY r.id LIMIT $3::bigint)");
    has(m, "LIMIT $4::bigint OFFSET 0 )");
    assert_string_equal(m.params, "W|http://h|11|11");
    q.start_index = 21;
    m = page(&q); /* what is passed over is read in the index alone */
    has(m,
        "SELECT r.id FROM users r WHERE r.workspace_id = $1::uuid ORDER BY r.id LIMIT $4::bigint OFFSET $3::bigint )");
    has(m, "LIMIT $5::bigint OFFSET 0 )");
    assert_string_equal(m.params, "W|http://h|20|11|11");
    struct read_place place = {.id = ID};
    q.start_index = 0;
    q.place = &place;
    has(page(&q), "r.workspace_id = $1::uuid AND r.id > $3::uuid ORDER BY r.id LIMIT");
    q.backward = true;
    m = page(&q);
    has(m, "AND r.id < $3::uuid ORDER BY r.id DESC LIMIT");
    assert_string_equal(m.sql + strlen(m.sql) - strlen(") r ORDER BY r.id"),
                        ") r ORDER BY r.id"); /* shown forward */
}

/* By the time of the last change: along its index, from the place on, also from and to a time; not with
 * another filter. */
static void walks_along_changes(void **state) {
    (void)state;
    const struct resource_type *rt = resource_type_of(RESOURCE_USER);
    struct read_part users = {.rt = rt, .sort = path(rt, "meta.lastModified")};
    struct read_place place = {.key = "1764450000000000", .id = ID};
    struct read_query q = {.parts = &users, .nparts = 1, .count = 10, .place = &place, .sorted = true};
    struct made m = page(&q);
    has(m, "(r.modified, r.id) > (from_micros($4::bigint), $3::uuid) ORDER BY r.modified, r.id LIMIT");
    has(m, "(micros(r.modified)::numeric) AS k FROM users r");
    q.descending = true;
    has(page(&q),
        "(r.modified, r.id) < (from_micros($4::bigint), $3::uuid) ORDER BY r.modified DESC, r.id DESC");
    users.filter = filter(
        rt,
        "meta.lastModified gt \"2026-01-01T00:00:00Z\" and meta.lastModified le \"2027-01-01T00:00:00Z\"");
    m = page(&q);
    has(m, "((r.modified > $4::timestamptz) AND (r.modified <= $5::timestamptz)) AND (r.modified, r.id) <");
    assert_true(read_is_page(&q));
    users.filter = filter(rt, "meta.lastModified gt \"2026-01-01T00:00:00Z\" and active eq true");
    m = page(&q);
    has(m, "OFFSET 0) r WHERE (r.k <");
    assert_false(read_is_page(&q));
}

/* Rooms of a user: along the index of members. */
static void walks_along_members(void **state) {
    (void)state;
    const struct resource_type *rt = resource_type_of(RESOURCE_ROOM);
    struct read_part rooms = {.rt = rt, .filter = filter(rt, "members eq \"" ID "\"")};
    struct read_place place = {.id = ID};
    struct read_query q = {.parts = &rooms, .nparts = 1, .count = 10, .place = &place};
    has(page(&q),
        "m.user_id = $4::uuid AND NOT m.held AND m.room_id > $3::uuid ORDER BY m.room_id LIMIT $5::bigint OFFSET "
        "0 )) OFFSET 0)");
    q.start_index = 31;
    has(page(&q),
        "AND NOT m.held AND true ORDER BY m.room_id LIMIT $4::bigint OFFSET $5::bigint )) OFFSET 0)");
    assert_true(read_is_page(&q));
    q.start_index = READ_DEEP + 1;
    assert_false(read_is_page(&q));
    rooms.filter = filter(rt, "members eq \"" ID "\" and displayName eq \"x\"");
    q.start_index = 1;
    assert_false(read_is_page(&q));
}

/* The range of a beginning ends where the last character is the next one. */
static void beginnings_are_ranges(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"abc", "abd"},
        {"a\xc3\xa9", "a\xc3\xaa"},
        {"a\xed\x9f\xbf", "a\xee\x80\x80"}, /* over the surrogates */
        {"a\xf4\x8f\xbf\xbf", "b"},         /* there is no character behind the last one */
        {"\xf4\x8f\xbf\xbf", NULL},
    };
    const struct resource_type *rt = resource_type_of(RESOURCE_USER);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct read_part users = {
            .rt = rt, .filter = filter(rt, arena_printf(arena, "userName sw \"%s\"", rows[i][0]))};
        struct read_query q = {.parts = &users, .nparts = 1, .count = 10, .start_index = 1};
        struct made m = page(&q);
        has(m, "(starts_with(r.user_name_key, $3::text) AND r.user_name_key COLLATE \"C\" >= $4::text");
        const char *expected =
            rows[i][1] != NULL
                ? arena_printf(arena, "W|http://h|%s|%s|%s|11", rows[i][0], rows[i][0], rows[i][1])
                : arena_printf(arena, "W|http://h|%s|%s|11", rows[i][0], rows[i][0]);
        assert_string_equal(m.params, expected);
    }
}

/* With a filter: found first, and sorted then. */
static void filters_before_it_sorts(void **state) {
    (void)state;
    const struct resource_type *rt = resource_type_of(RESOURCE_USER);
    struct read_part users = {.rt = rt, .filter = filter(rt, "userName eq \"zzq\"")};
    struct read_place place = {.id = ID};
    struct read_query q = {.parts = &users, .nparts = 1, .count = 1, .place = &place};
    struct made m = page(&q);
    has(m, "AND (r.user_name_key = $3::text) OFFSET 0) r WHERE r.id > $4::uuid ORDER BY r.id LIMIT");
    has_not(m, "zzq");
}

static void g1_keys(void **state) {
    (void)state;
    static const struct {
        const char *type, *path, *key;
    } rows[] = {
        {"User", "userName", "(left(r.user_name_key, 256) COLLATE \"C\")"},
        {"User", "active", "((r.active)::int::numeric)"},
        {"User", "meta.created", "(micros(r.created)::numeric)"},
        {"User", "id", "((r.id)::text COLLATE \"C\")"},
        {"User", "name.familyName", "(left(((r.search->'name')->>'familyname'), 256) COLLATE \"C\")"},
        {"User", "groups.value",
         "((SELECT (m.room_id)::text FROM members m WHERE m.workspace_id = r.workspace_id AND m.user_id = r.id AND "
         "NOT m.held ORDER BY m.room_id LIMIT 1) COLLATE \"C\")"},
        {"User", "emails.value",
         "((SELECT left((e.v->>'value'), 256) FROM jsonb_array_elements(CASE WHEN jsonb_typeof((r.search->'emails')) = "
         "'array' THEN (r.search->'emails') END) WITH ORDINALITY AS e(v, n) ORDER BY ((e.v->'primary') = 'true'::jsonb) "
         "IS TRUE DESC, e.n LIMIT 1) COLLATE \"C\")"},
        {"Probe", "ratio",
         "((CASE WHEN jsonb_typeof((r.search)->'ratio') = 'number' THEN ((r.search)->>'ratio')::numeric END))"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct resource_type *rt =
            strcmp(rows[i].type, "Probe") == 0 ? &probe_type : resource_type_by_name(rows[i].type);
        struct jbuf out = {0};
        struct sql_params params;
        struct err err = {0};
        sql_params_init(&params, arena);
        assert_int_equal(sort_key(rt, path(rt, rows[i].path), false, &out, &params, &err), ERR_OK);
        assert_string_equal(out.p, rows[i].key);
        jb_free(&out);
        sql_params_free(&params);
    }
}

/* The rows behind a place: those with a greater key, with the same one and a greater id, and those without;
 * descending is the exact reverse, and so is reading backward. */
static void g1_g4_places(void **state) {
    (void)state;
    const struct resource_type *rt = resource_type_of(RESOURCE_USER);
    struct read_part users = {.rt = rt, .sort = path(rt, "title")};
    struct read_place keyed = {.key = "x", .id = ID}, bare = {.id = ID};
    static const struct {
        bool descending, backward, keyed;
        const char *where, *order;
    } rows[] = {
        {false, false, true, "(r.k > $4::text OR (r.k = $4::text AND r.id > $3::uuid) OR r.k IS NULL)",
         "r.k, r.id LIMIT"},
        {true, false, true, "(r.k < $4::text OR (r.k = $4::text AND r.id < $3::uuid))",
         "r.k DESC, r.id DESC LIMIT"},
        {false, true, true, "(r.k < $4::text OR (r.k = $4::text AND r.id < $3::uuid))",
         "r.k DESC, r.id DESC LIMIT"},
        {true, true, true, "(r.k > $4::text OR (r.k = $4::text AND r.id > $3::uuid) OR r.k IS NULL)",
         "r.k, r.id LIMIT"},
        {false, false, false, "(r.k IS NULL AND r.id > $3::uuid)", "r.k, r.id LIMIT"},
        {true, false, false, "(r.k IS NOT NULL OR r.id < $3::uuid)", "r.k DESC, r.id DESC LIMIT"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct read_query q = {.parts = &users,
                               .nparts = 1,
                               .count = 1,
                               .sorted = true,
                               .descending = rows[i].descending,
                               .backward = rows[i].backward,
                               .place = rows[i].keyed ? &keyed : &bare};
        struct made m = page(&q);
        has(m, rows[i].where);
        has(m, rows[i].order);
    }
}

/* Keys of several types are compared as texts, unless all are numbers; one that lacks the attribute has none.
 */
static void lists_over_types(void **state) {
    (void)state;
    const struct resource_type *user = resource_type_of(RESOURCE_USER),
                               *room = resource_type_of(RESOURCE_ROOM);
    struct read_part parts[] = {{.rt = user, .sort = path(user, "active")}, {.rt = room}};
    struct read_query q = {.parts = parts, .nparts = 2, .count = 1, .start_index = 1, .sorted = true};
    struct made m = page(&q);
    has(m, "SELECT r.id, 0 AS part, ((r.active)::int::numeric) AS k FROM users r");
    has(m, "UNION ALL (SELECT r.id, 1 AS part, NULL::numeric AS k FROM rooms r");
    parts[1].sort = path(room, "displayName");
    m = page(&q);
    has(m, "((r.active)::int::numeric::text COLLATE \"C\") AS k");
    q.sorted = false;
    parts[0].sort = parts[1].sort = NULL;
    has(page(&q),
        "UNION ALL (SELECT r.id, 1 AS part FROM rooms r WHERE r.workspace_id = $1::uuid ORDER BY r.id LIMIT");
}

static void finds_by_an_index(void **state) {
    (void)state;
    static const struct {
        const char *filter;
        bool finds;
    } rows[] = {
        {"userName eq \"a\"", true},
        {"id eq \"a\"", true},
        {"emails eq \"a\"", true},
        {"groups.value eq \"" ID "\"", true},
        {"meta.location eq \"a\"", true},
        {"emails[type eq \"work\" and value eq \"a\"]", true},
        {"active eq true and externalId eq \"a\"", true},
        {"externalId eq \"a\" or userName eq \"b\"", true},
        {"externalId eq \"a\" or active eq true", false},
        {"not (userName eq \"a\")", false},
        {"userName ne \"a\"", false},
        {"userName sw \"a\"", false},
        {"title eq \"a\"", false},
        {"emails.type eq \"work\"", false},
        {"emails[value eq \"a\" or type eq \"work\"]", false},
        {"meta.version eq \"a\"", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (lookup_finds(filter(resource_type_of(RESOURCE_USER), rows[i].filter)) != rows[i].finds)
            fail_msg("%s", rows[i].filter);
}

static int setup(void **state) {
    (void)state;
    arena = arena_new();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_free(arena);
    return 0;
}

/* Without a filter nothing is counted; several types add up; an operator's type is counted always. */
static void totals(void **state) {
    (void)state;
    const struct resource_type *user = resource_type_of(RESOURCE_USER),
                               *room = resource_type_of(RESOURCE_ROOM);
    const struct read_part all[] = {{.rt = user}, {.rt = room}};
    const struct read_part some[] = {{.rt = user, .filter = filter(user, "title pr")}, {.rt = room}};
    struct read_query q = {.parts = all, .nparts = 2, .workspace = "W", .arena = arena};
    struct jbuf sql = {0};
    struct sql_params params;
    struct err err = {0};
    sql_params_init(&params, arena);
    assert_true(read_sql_total_is_cheap(&q));
    assert_int_equal(read_sql_total(&q, &sql, &params, &err), ERR_OK);
    assert_string_equal(
        sql.p,
        "SELECT (SELECT users_total FROM workspaces WHERE workspace_id = $1::uuid ORDER BY generation DESC LIMIT 1) + "
        "(SELECT rooms_total FROM workspaces WHERE workspace_id = $1::uuid ORDER BY generation DESC LIMIT 1)");
    sql_params_free(&params);
    q.parts = some;
    jb_reset(&sql);
    sql_params_init(&params, arena);
    assert_false(read_sql_total_is_cheap(&q));
    assert_int_equal(read_sql_total(&q, &sql, &params, &err), ERR_OK);
    assert_non_null(strstr(sql.p, "SELECT (SELECT count(*) FROM users r WHERE"));
    assert_non_null(strstr(sql.p, " + (SELECT rooms_total FROM"));
    sql_params_free(&params);
    jb_free(&sql);
}

/* What is looked up by an index does not wait behind lists. */
static void long_reads(void **state) {
    (void)state;
    const struct resource_type *user = resource_type_of(RESOURCE_USER);
    static const struct {
        const char *filter;
        bool is_long;
    } cases[] = {{NULL, true},
                 {"userName eq \"a\"", false},
                 {"emails.value eq \"a\"", false},
                 {"userName eq \"a\" and title pr", false},
                 {"userName eq \"a\" or title pr", true},
                 {"userName sw \"a\"", true},
                 {"title eq \"a\"", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct read_part part = {.rt = user,
                                 .filter = cases[i].filter ? filter(user, cases[i].filter) : NULL};
        struct read_query q = {.parts = &part, .nparts = 1};
        if (read_is_long(&q) != cases[i].is_long)
            fail_msg("%s", cases[i].filter ? cases[i].filter : "(all)");
    }
    struct read_query get = {.id = ID, .rt = user};
    assert_false(read_is_long(&get));
}

/* Look-ups of a user by name alone, of which one statement finds many; whatever else is asked is a list. */
static void names_alone(void **state) {
    (void)state;
    const struct resource_type *user = resource_type_of(RESOURCE_USER);
    static const struct {
        const char *filter;
        struct read_query q;
        const char *name;
    } cases[] = {{"userName eq \"Ada\"", {.start_index = 1, .count = 1}, "ada"},
                 {"userName eq \"\"", {.start_index = 1, .count = 200}, ""},
                 {"userName eq \"ada\"", {.start_index = 2, .count = 1}, NULL},
                 {"userName eq \"ada\"", {.start_index = 0, .count = 1}, NULL},
                 {"userName eq \"ada\"", {.start_index = 1, .count = 0}, NULL},
                 {"userName eq \"ada\"", {.start_index = 1, .count = 1, .sorted = true}, NULL},
                 {"userName ne \"ada\"", {.start_index = 1, .count = 1}, NULL},
                 {"userName sw \"ada\"", {.start_index = 1, .count = 1}, NULL},
                 {"not (userName eq \"ada\")", {.start_index = 1, .count = 1}, NULL},
                 {"userName eq \"ada\" and active eq true", {.start_index = 1, .count = 1}, NULL},
                 {"externalId eq \"ada\"", {.start_index = 1, .count = 1}, NULL},
                 {"displayName eq \"ada\"", {.start_index = 1, .count = 1}, NULL},
                 {NULL, {.start_index = 1, .count = 1}, NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct read_part part = {.rt = user,
                                 .filter = cases[i].filter ? filter(user, cases[i].filter) : NULL};
        struct read_query q = cases[i].q;
        q.parts = &part;
        q.nparts = 1;
        const char *name = read_name_of(&q), *wanted = cases[i].name;
        if ((name == NULL) != (wanted == NULL) || (name != NULL && strcmp(name, wanted) != 0))
            fail_msg("%s: %s", cases[i].filter ? cases[i].filter : "(all)", name ? name : "(none)");
    }
    struct read_part room = {.rt = resource_type_of(RESOURCE_ROOM)};
    room.filter = filter(room.rt, "displayName eq \"ada\"");
    assert_null(
        read_name_of(&(struct read_query){.parts = &room, .nparts = 1, .start_index = 1, .count = 1}));
    assert_null(read_name_of(&(struct read_query){.id = ID, .rt = user}));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(walks_along_the_key),
        CASE(walks_along_changes),
        CASE(walks_along_members),
        CASE(beginnings_are_ranges),
        CASE(filters_before_it_sorts),
        CASE(g1_keys),
        CASE(g1_g4_places),
        CASE(lists_over_types),
        CASE(finds_by_an_index),
        CASE(totals),
        CASE(long_reads),
        CASE(names_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
