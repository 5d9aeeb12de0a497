/* What a connection string says, and how it is handed to programs that are started. */
#include "sql/db.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char seen[400];

static void put(const char *name, const char *value, void *ctx) {
    (void)ctx;
    size_t n = strlen(seen);
    snprintf(seen + n, sizeof seen - n, "%s=%s\n", name, value);
}

static void each_part_has_its_variable(void **state) {
    (void)state;
    struct err err = {0};
    static const char *const uris[] = {
        "postgresql://ann:a%20b@db:5433/usher?sslmode=require",
        "host=db port=5433 dbname=usher user=ann password='a b' sslmode=require"};
    for (size_t i = 0; i < sizeof uris / sizeof *uris; i++) {
        seen[0] = '\0';
        assert_int_equal(db_uri_environment(uris[i], put, NULL, &err), ERR_OK);
        assert_non_null(strstr(seen, "PGUSER=ann\n"));
        assert_non_null(strstr(seen, "PGPASSWORD=a b\n"));
        assert_non_null(strstr(seen, "PGHOST=db\n"));
        assert_non_null(strstr(seen, "PGPORT=5433\n"));
        assert_non_null(strstr(seen, "PGDATABASE=usher\n"));
        assert_non_null(strstr(seen, "PGSSLMODE=require\n"));
    }
}

static void what_is_none_is_refused(void **state) {
    (void)state;
    struct err err = {0};
    seen[0] = '\0';
    assert_int_equal(db_uri_environment("postgresql://ann@[::1/usher", put, NULL, &err), ERR_CONFIG);
    assert_non_null(strstr(err_text(&err), "pg: "));
    assert_string_equal(seen, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_part_has_its_variable),
        cmocka_unit_test(what_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
