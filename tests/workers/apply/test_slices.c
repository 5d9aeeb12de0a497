/* Every case of tests/cases/apply once more, with slices of one and of two rows: whatever is large goes
 * another way, and comes to the same. */
#include "schemas/types/schema_load.h"
#include "tests/support/apply_case.h"
#include "tests/support/memory_unit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glob.h>
#include <string.h>

static void fill(void *at, const json_t *tables) {
    struct memory *m = at;
    json_decref(m->tables);
    memory_init(m, json_deep_copy(tables));
}

static json_t *dump(void *at) {
    return json_deep_copy(((struct memory *)at)->tables);
}

static void run_all(size_t rows) {
    struct memory m;
    glob_t files;
    size_t slices = 0, failed = 0;
    memory_init(&m, json_object());
    struct case_place place = {
        .name = "in slices", .store = unit_memory(&m), .fill = fill, .dump = dump, .at = &m};
    place.store.slice_rows = place.store.step_rows = rows;
    assert_int_equal(glob("tests/cases/apply/*.json", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++)
        failed += apply_case_file_sliced(files.gl_pathv[i], &place, &slices);
    globfree(&files);
    memory_clear(&m);
    print_message("%zu slices, %zu cases failed\n", slices, failed);
    assert_true(slices > 20);
    assert_int_equal(failed, 0);
}

static void slices_of_one_row_come_to_the_same(void **state) {
    (void)state;
    run_all(1);
}

static void slices_of_two_rows_come_to_the_same(void **state) {
    (void)state;
    run_all(2);
}

static int load_types(void **state) {
    struct err err;
    (void)state;
    return schema_load_folder("tests/cases/schemas/good", &err) == ERR_OK ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_of_one_row_come_to_the_same),
        cmocka_unit_test(slices_of_two_rows_come_to_the_same),
    };
    return cmocka_run_group_tests(tests, load_types, NULL);
}
