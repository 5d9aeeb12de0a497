/* Filter text: parsing it, its canonical text, its meaning in memory, and its SQL. */
#include "schemas/filter/filter.h"
#include "sql/filter/where.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

#define BASE "https://usher.example/scim/v2"

/* The canonical text parses under every dialect, to the same tree with the same text. */
static void check_canonical(const struct fuzz_input *in, const struct filter *f, const char *text,
                            struct arena *a) {
    for (int dialect = DIALECT_RFC; dialect <= DIALECT_OKTA; dialect++) {
        struct err err = {0};
        struct jbuf again = {0};
        const struct filter *g = NULL;
        enum err_code code = filter_parse(in->rt, (enum dialect)dialect, text, strlen(text), a, &g, &err);
        if (code != ERR_OK && strlen(text) > FILTER_MAX_BYTES)
            continue; /* escapes and full names made it longer than what is read */
        FUZZ_CHECK(code == ERR_OK, "canonical text is refused under %s (%s): %s",
                   dialect_name((enum dialect)dialect), err_text(&err), text);
        filter_format(g, NULL, &again);
        FUZZ_CHECK(strcmp(text, again.p) == 0, "canonical text changes: %s -> %s", text, again.p);
        FUZZ_CHECK(fuzz_same_filter(f, g), "canonical text means something else: %s", text);
        jb_free(&again);
    }
}

static enum err_code sql_of(const struct resource_type *rt, const struct filter *f, struct arena *a,
                            struct jbuf *sql) {
    struct err err = {0};
    struct sql_params params;
    sql_params_init(&params, a);
    params.base = BASE;
    enum err_code code = where_filter(rt, f, sql, &params, &err);
    FUZZ_CHECK(code == ERR_OK || code == ERR_INVALID_FILTER, "where_filter gives %s", err_name(code));
    FUZZ_CHECK(code == ERR_OK || err.detail[0] != '\0', "where_filter refuses without a reason");
    sql_params_free(&params);
    return code;
}

/* The SQL text depends on the client's values by their kind alone: with others in their place it is the same,
 * byte for byte. */
static void check_sql(const struct fuzz_input *in, const struct filter *f, struct arena *a) {
    struct jbuf sql = {0}, other = {0};
    enum err_code code = sql_of(in->rt, f, a, &sql);
    FUZZ_CHECK(sql_of(in->rt, fuzz_other_values(f, a), a, &other) == code, "values decide what SQL can say");
    if (code == ERR_OK) {
        FUZZ_CHECK(strcmp(sql.p, other.p) == 0, "the SQL holds a value: %s\n%s", sql.p, other.p);
        for (const char *c = sql.p; *c != '\0'; c++)
            FUZZ_CHECK(*c >= ' ' && *c < 0x7f, "the SQL holds a byte %d: %s", (unsigned char)*c, sql.p);
    }
    jb_free(&sql);
    jb_free(&other);
}

/* F9: over all types it is refused only if it is in each, and means the same where it is not. */
static void check_types(const struct fuzz_input *in, const struct filter *own, const json_t *doc,
                        struct arena *a) {
    const struct resource_type *types[] = {resource_type_of(RESOURCE_USER), resource_type_of(RESOURCE_ROOM)};
    const struct filter *trees[2] = {NULL, NULL};
    struct err err = {0};
    enum err_code code = filter_parse_types(types, 2, in->dialect, in->text, in->len, a, trees, &err);
    FUZZ_CHECK(code == ERR_OK || (code == ERR_INVALID_FILTER && err.detail[0] != '\0'),
               "filter_parse_types gives %s", err_name(code));
    for (size_t i = 0; i < 2; i++) {
        if (in->rt != types[i] || own == NULL)
            continue;
        FUZZ_CHECK(code == ERR_OK, "a filter of %s is refused over all types: %s", in->rt->name,
                   err_text(&err));
        FUZZ_CHECK(filter_match(trees[i], doc) == filter_match(own, doc),
                   "a filter means something else over all types");
    }
    for (size_t i = 0; code == ERR_OK && i < 2; i++) {
        struct jbuf sql = {0};
        json_t *other = fuzz_document(types[i]);
        (void)filter_match(trees[i], other);
        (void)sql_of(types[i], trees[i], a, &sql);
        json_decref(other);
        jb_free(&sql);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena *a = arena_new();
    struct fuzz_input in;
    struct err err = {0};
    const struct filter *f = NULL;
    fuzz_input(data, size, a, &in);
    enum err_code code = filter_parse(in.rt, in.dialect, in.text, in.len, a, &f, &err);
    FUZZ_CHECK(code == ERR_OK || code == ERR_INVALID_FILTER, "filter_parse gives %s", err_name(code));
    FUZZ_CHECK(code == ERR_OK || err.detail[0] != '\0', "filter_parse refuses without a reason");
    json_t *doc = fuzz_document(in.rt);
    check_types(&in, code == ERR_OK ? f : NULL, doc, a);
    if (code == ERR_OK) {
        struct jbuf text = {0};
        struct filter negated = {.kind = FILTER_NOT, .left = f};
        bool holds = filter_match(f, doc);
        FUZZ_CHECK(filter_match(&negated, doc) != holds, "a third truth");
        filter_format(f, NULL, &text);
        check_canonical(&in, f, text.p, a);
        check_sql(&in, f, a);
        jb_free(&text);
    }
    json_decref(doc);
    arena_free(a);
    return 0;
}
