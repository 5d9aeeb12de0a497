/* Embedded statements without a database: their table, and texts with holes. That PostgreSQL understands each
 * of them, with the parameters that its comment tells, is for tests/integration/test_statements.py. */
#include "sql/statement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int parameters_in(const char *types) {
    int n = types[0] != '\0';
    for (; *types != '\0'; types++)
        n += *types == ',';
    return n;
}

/* Statements are prepared under their names, so no two may have one. */
static void each_has_its_name_and_its_parameters(void **state) {
    (void)state;
    for (int s = 0; s < SQL_STATEMENTS; s++) {
        const struct statement_text *t = &statement_texts[s];
        assert_int_equal(parameters_in(t->types), t->nparams);
        assert_true(strlen(t->name) < 63); /* more would be cut by PostgreSQL */
        assert_true(strlen(t->text) > 0 && strchr(t->text, ';') == NULL);
        for (int i = 0; i < s; i++)
            assert_string_not_equal(t->name, statement_texts[i].name);
    }
}

/* A name of the header leads to the text below the marker in its file. */
static void names_lead_to_their_texts(void **state) {
    (void)state;
    const struct statement_text *t = &statement_texts[SQL_SLOTS_RELEASE];
    assert_string_equal(t->name, "slots.release");
    assert_string_equal(t->types, "integer,integer");
    assert_string_equal(t->text, "SELECT pg_advisory_unlock($1::int, $2::int)");
    assert_int_equal(statement_texts[SQL_CONNECTION_COMMIT].nparams, 0);
    assert_string_equal(statement_texts[SQL_CONNECTION_COMMIT].text, "COMMIT");
}

static void parts_are_taken_in(void **state) {
    (void)state;
    const char *text = statement_texts[SQL_READ_USER_GROUPS].text;
    assert_non_null(strstr(text, "SELECT r.id, r.doc, "));
    assert_non_null(strstr(text, "ORDER BY x.room_id LIMIT 501\n    ) m\n    CROSS JOIN LATERAL "));
    assert_null(strstr(text, "{user_columns}"));
}

static void holes_are_filled(void **state) {
    (void)state;
    struct jbuf out = {0};
    SQL_FILL(&out, "{a}-{b_c}-{a}", {"a", "1"}, {"b_c", "{a}"}, {"unused", "x"});
    assert_string_equal(out.p, "1-{a}-1"); /* what is put in is not looked through */
    jb_reset(&out);
    SQL_FILL(&out, "x '{}' '{\"k\":1}' '{' {a} {", {"a", ""});
    assert_string_equal(out.p, "x '{}' '{\"k\":1}' '{'  {");
    jb_reset(&out);
    SQL_FILL(&out, "", {"a", "1"});
    assert_int_equal(out.n, 0);
    jb_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_its_name_and_its_parameters),
        cmocka_unit_test(names_lead_to_their_texts),
        cmocka_unit_test(parts_are_taken_in),
        cmocka_unit_test(holes_are_filled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
