/* What a worker decides, case by case (tests/cases/apply), on tables in memory: with all that was announced
 * loaded at once, and with nothing of it. tests/integration/apply_cases.c runs the same cases on PostgreSQL.
 *
 * USHER_UPDATE_CASES=1 writes the cases anew with what comes of them: then look at the difference. */
#include "schemas/types/schema_load.h"
#include "tests/support/apply_case.h"
#include "tests/support/memory_unit.h"
#include "workers/apply/verbs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

static void fill(void *at, const json_t *tables) {
    struct memory *m = at;
    bool lazy = m->lazy;
    json_decref(m->tables);
    memory_init(m, json_deep_copy(tables));
    m->lazy = lazy;
}

static json_t *dump(void *at) {
    return json_deep_copy(((struct memory *)at)->tables);
}

static void run_all(const char *name, bool lazy) {
    struct memory m;
    glob_t files;
    size_t ncases = 0, failed = 0;
    memory_init(&m, json_object());
    m.lazy = lazy;
    struct case_place place = {.name = name, .store = unit_memory(&m), .fill = fill, .dump = dump, .at = &m};
    assert_int_equal(glob("tests/cases/apply/*.json", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++)
        failed += apply_case_file(files.gl_pathv[i], &place, getenv("USHER_UPDATE_CASES") != NULL, &ncases);
    globfree(&files);
    memory_clear(&m);
    print_message("%zu cases, %zu failed\n", ncases, failed);
    assert_true(ncases > 100);
    assert_int_equal(failed, 0);
}

static void cases_come_out_as_expected(void **state) {
    (void)state;
    run_all("in memory", false);
}

static void nothing_depends_on_what_was_announced(void **state) {
    (void)state;
    run_all("in memory, fetched on demand", true);
}

static void every_type_has_a_verb(void **state) {
    (void)state;
    for (enum command_type t = 0; t < COMMAND_TYPE_COUNT; t++) {
        assert_non_null(verb_of(t)->announce);
        assert_non_null(verb_of(t)->apply);
    }
}

static int load_types(void **state) {
    struct err err;
    (void)state;
    return schema_load_folder("tests/cases/schemas/good", &err) == ERR_OK ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_has_a_verb),
        cmocka_unit_test(cases_come_out_as_expected),
        cmocka_unit_test(nothing_depends_on_what_was_announced),
    };
    return cmocka_run_group_tests(tests, load_types, NULL);
}
