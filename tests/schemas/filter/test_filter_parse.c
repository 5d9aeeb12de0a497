/* Filter text to tree, by cases: tests/cases/filter/{valid,invalid}. What a filter became is seen in its
 * canonical text. */
#include "schemas/filter/filter.h"
#include "tests/schemas/own_types.h"
#include "tests/schemas/probe.h"
#include "tests/schemas/support.h"

static const struct resource_type *type_of(const json_t *c) {
    const char *name = json_string_value(json_object_get(c, "type"));
    if (name != NULL && strcmp(name, "Probe") == 0)
        return &probe_type;
    return own_type(name != NULL ? name : "User");
}

static enum dialect dialect_of(const json_t *c) {
    enum dialect d = DIALECT_RFC;
    const char *name = json_string_value(json_object_get(c, "dialect"));
    if (name != NULL)
        assert_true(dialect_parse(name, &d));
    return d;
}

static void check_canonical(const char *name, const struct resource_type *rt, enum dialect d,
                            const char *text, const char *want) {
    struct err err = {0};
    struct arena *a = arena_new();
    const struct filter *f = NULL;
    struct jbuf out = {0};
    if (filter_parse(rt, d, text, strlen(text), a, &f, &err) != ERR_OK)
        fail_msg("%s: %s", name, err_text(&err));
    filter_format(f, NULL, &out);
    if (strcmp(out.p, want) != 0)
        fail_msg("%s:\n   got %s\n  want %s", name, out.p, want);
    jb_free(&out);
    arena_free(a);
}

static void valid_file(const char *path, json_t *cases) {
    size_t i;
    json_t *c;
    json_array_foreach(cases, i, c) {
        const char *name = json_string_value(json_object_get(c, "name"));
        const char *canonical = json_string_value(json_object_get(c, "canonical"));
        check_canonical(name, type_of(c), dialect_of(c), json_string_value(json_object_get(c, "filter")),
                        canonical);
        check_canonical(name, type_of(c), DIALECT_RFC, canonical,
                        canonical); /* means the same to everybody */
    }
    assert_true(i > 0);
    (void)path;
}

static void invalid_file(const char *path, json_t *cases) {
    size_t i;
    json_t *c;
    json_array_foreach(cases, i, c) {
        struct err err = {0};
        struct arena *a = arena_new();
        const struct filter *f = NULL;
        const char *text = json_string_value(json_object_get(c, "filter"));
        enum err_code rc = filter_parse(type_of(c), dialect_of(c), text, strlen(text), a, &f, &err);
        if (rc != ERR_INVALID_FILTER || err.detail[0] == '\0')
            fail_msg("%s: %s: %s %s", path, json_string_value(json_object_get(c, "name")), err_name(rc),
                     err.detail);
        arena_free(a);
    }
    assert_true(i > 0);
}

static void test_valid(void **state) {
    (void)state;
    each_case("filter/valid", 1, valid_file);
}

static void test_invalid(void **state) {
    (void)state;
    each_case("filter/invalid", 1, invalid_file);
}

static enum err_code parse_with(const char *text, size_t len, struct err *err) {
    struct arena *a = arena_new();
    const struct filter *f = NULL;
    enum err_code rc = filter_parse(resource_type_of(RESOURCE_USER), DIALECT_ENTRA, text, len, a, &f, err);
    arena_free(a);
    return rc;
}

static enum err_code parse(const char *text, size_t len) {
    struct err err = {0};
    return parse_with(text, len, &err);
}

/* Beyond a limit the answer says which one. */
static void assert_bounded(const struct jbuf *b, int n, int most) {
    struct err err = {0};
    char number[16];
    snprintf(number, sizeof number, " %d", most);
    assert_int_equal(parse_with(b->p, b->n, &err), n <= most ? ERR_OK : ERR_INVALID_FILTER);
    if (n > most && strstr(err.detail, number) == NULL)
        fail_msg("no limit: %s", err.detail);
}

/* F16: each limit holds, and just inside it all is well. */
static void test_limits(void **state) {
    (void)state;
    struct jbuf b = {0};
    for (int depth = FILTER_MAX_DEPTH; depth <= FILTER_MAX_DEPTH + 1; depth++) {
        jb_reset(&b);
        for (int i = 0; i < depth; i++)
            jb_raw(&b, i % 2 != 0 ? "not (" : "(");
        jb_raw(&b, "title pr");
        for (int i = 0; i < depth; i++)
            jb_raw(&b, ")");
        assert_bounded(&b, depth, FILTER_MAX_DEPTH);
    }
    for (int terms = FILTER_MAX_TERMS; terms <= FILTER_MAX_TERMS + 1; terms++) {
        jb_reset(&b);
        for (int i = 0; i < terms; i++)
            jb_raw(&b, i > 0 ? " or title pr" : "title pr");
        assert_bounded(&b, terms, FILTER_MAX_TERMS);
    }
    for (int bytes = FILTER_MAX_BYTES; bytes <= FILTER_MAX_BYTES + 1; bytes++) {
        jb_reset(&b);
        jb_raw(&b, "title eq \"");
        while (b.n < (size_t)bytes - 1)
            jb_raw(&b, "x");
        jb_raw(&b, "\"");
        assert_bounded(&b, bytes, FILTER_MAX_BYTES);
    }
    jb_free(&b);
}

/* X5: bytes that no JSON string could carry. Text is what its length says, not what a NUL ends. */
static void test_bytes(void **state) {
    (void)state;
    assert_int_equal(parse("title eq \"a\0b\"", 14), ERR_INVALID_FILTER);
    assert_int_equal(parse("title eq \"a\xff\"", 13), ERR_INVALID_FILTER);
    assert_int_equal(parse("title eq a\xff", 11), ERR_INVALID_FILTER);
    assert_int_equal(parse("title eq \"a\"garbage", 12), ERR_OK);
    assert_int_equal(parse("title pr\0", 9), ERR_INVALID_FILTER);
}

/* Every prefix and every text with one byte changed ends in a verdict (and, under ASan, in nothing worse). */
static void test_damaged(void **state) {
    (void)state;
    const char *text =
        "not (emails[type eq \"work\" and not (value co \"\\u00e9\")].value sw x) or active eq true";
    char copy[200];
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        char *exact = malloc(i + 1); /* no byte behind the end that could be read unnoticed */
        memcpy(exact, text, i);
        char *fit = realloc(exact, i > 0 ? i : 1);
        (void)parse(fit, i);
        free(fit);
        for (const char *c = "\"\\[](). \x01z"; *c != '\0'; c++) {
            memcpy(copy, text, n);
            copy[i] = *c;
            (void)parse(copy, n);
        }
    }
    assert_int_equal(parse(text, n), ERR_OK);
}

/* F9: in a query over several types an attribute that one of them has not is one without a value there; what
 * none of them has is a mistake, and so is what each refuses. */
static void test_types(void **state) {
    (void)state;
    static const struct {
        const char *filter, *user, *group; /* what becomes of it; NULL: refused */
    } cases[] = {
        {"displayName eq \"x\"", "displayName eq \"x\"", "displayName eq \"x\""},
        {"userName eq \"x\"", "userName eq \"x\"", "not (id pr)"},
        {"userName ne \"x\"", "userName ne \"x\"", "id pr"},
        {"userName eq null", "not (userName pr)", "not (not (id pr))"},
        {"userName ne null", "userName pr", "not (id pr)"},
        {"name.familyName pr or members pr", "name.familyName pr or not (id pr)",
         "not (id pr) or members pr"},
        {"emails[type eq \"work\" and value co \"x\"]", "emails[type eq \"work\" and value co \"x\"]",
         "not (id pr)"},
        {"emails[type eq \"work\"].value eq \"x\" and displayName pr",
         "emails[type eq \"work\" and value eq \"x\"] and displayName pr", "not (id pr) and displayName pr"},
        {"members[value eq \"x\"]", "not (id pr)", "members[value eq \"x\"]"},
        {"urn:ietf:params:scim:schemas:core:2.0:Group:displayName pr", "not (id pr)", "displayName pr"},
        {"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr",
         "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr", "not (id pr)"},
        {"department eq \"x\"",
         "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq \"x\"", "not (id pr)"},
        {"nothing pr", NULL, NULL},
        {"displayName pr or nothing pr", NULL, NULL},
        {"emails[nothing pr]", NULL, NULL},
        {"name.nothing pr", NULL, NULL},
        {"userName eq", NULL, NULL},
        {"members[value eq \"x\"", NULL, NULL},
        {"members[a[b pr]]", NULL, NULL},
        {"userName gt null", NULL, NULL},
        {"userName like \"x\"", NULL, NULL},
        {"password eq \"x\"", NULL, NULL},
        {"active gt true", NULL, NULL},
    };
    const struct resource_type *types[] = {resource_type_of(RESOURCE_USER), resource_type_of(RESOURCE_ROOM)};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err = {0};
        struct arena *a = arena_new();
        const struct filter *f[2] = {NULL, NULL};
        const char *text = cases[i].filter, *want[] = {cases[i].user, cases[i].group};
        enum err_code rc = filter_parse_types(types, 2, DIALECT_RFC, text, strlen(text), a, f, &err);
        if (rc != (want[0] != NULL ? ERR_OK : ERR_INVALID_FILTER) || (rc != ERR_OK && err.detail[0] == '\0'))
            fail_msg("%s: %s %s", text, err_name(rc), err.detail);
        for (size_t k = 0; k < 2 && rc == ERR_OK; k++) {
            struct jbuf out = {0};
            filter_format(f[k], NULL, &out);
            assert_string_equal(out.p, want[k]);
            jb_free(&out);
        }
        arena_free(a);
    }
}

/* X3 F16: what no reader may see cannot be asked for, wherever it stands. */
static void test_secrets(void **state) {
    (void)state;
    static const char *const filters[] = {"pin pr",
                                          "puk eq \"x\"",
                                          "place.code sw \"1\"",
                                          "vault pr",
                                          "vault.user eq \"a\"",
                                          "vault[user eq \"a\"]",
                                          "interfaces[key eq \"x\"]",
                                          "interfaces[type pr].key eq \"x\"",
                                          "interfaces.key eq null",
                                          (LEASE ":fee gt 1")};
    const struct resource_type *device = own_type("Device");
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        struct err err = {0};
        struct arena *a = arena_new();
        const struct filter *f = NULL;
        enum err_code rc = filter_parse(device, DIALECT_RFC, filters[i], strlen(filters[i]), a, &f, &err);
        if (rc != ERR_INVALID_FILTER)
            fail_msg("%s: %s", filters[i], err_name(rc));
        arena_free(a);
    }
}

/* F5: operators that a type has not, on all types there are. */
static void test_operators(void **state) {
    (void)state;
    static const char *const filters[] = {"online gt true",
                                          "online co true",
                                          "certificate gt \"QUJD\"",
                                          "certificate le \"QUJD\"",
                                          "weight co 1",
                                          "channels sw 1",
                                          "bought ew \"2026-01-31T08:00:00Z\"",
                                          "bought gt \"soon\"",
                                          "channels eq \"7\"",
                                          "weight eq \"1.5\"",
                                          "online eq \"perhaps\"",
                                          "serial eq 7",
                                          "interfaces gt true",
                                          "place eq \"x\"",
                                          "place.keys gt null",
                                          "interfaces.vlans co 1",
                                          "interfaces.vlans eq \"1\""};
    const struct resource_type *device = own_type("Device");
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        struct err err = {0};
        struct arena *a = arena_new();
        const struct filter *f = NULL;
        enum err_code rc = filter_parse(device, DIALECT_RFC, filters[i], strlen(filters[i]), a, &f, &err);
        if (rc != ERR_INVALID_FILTER)
            fail_msg("%s: %s", filters[i], err_name(rc));
        arena_free(a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_valid),   cmocka_unit_test(test_invalid),
                                       cmocka_unit_test(test_limits),  cmocka_unit_test(test_bytes),
                                       cmocka_unit_test(test_damaged), cmocka_unit_test(test_types),
                                       cmocka_unit_test(test_secrets), cmocka_unit_test(test_operators)};
    return cmocka_run_group_tests_name("filter_parse", tests, NULL, NULL);
}
