#include "schemas/api/workspace_settings.h"

#include "schemas/text/jsonx.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static json_t *parse(const char *text) {
    json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(v);
    return v;
}

static void a_new_workspace_has_allowed_values(void **state) {
    (void)state;
    struct workspace_settings s;
    workspace_settings_init(&s);
    assert_int_equal(s.seats, -1);
    assert_int_equal(s.rate, 600);
    assert_string_equal(s.seat_mode, "on_provision");
    assert_string_equal(s.default_role, "viewer");
    assert_true(s.restore_rooms && s.unique_rooms && s.default_transmit);
    assert_false(s.link_by_email || s.require_sso || s.require_email);
    assert_string_equal(s.guard_mode, "off");
    for (size_t i = 0; i < workspace_setting_count; i++) {
        const struct workspace_setting *row = &workspace_setting_table[i];
        struct jbuf text = {0};
        struct err err = {0};
        if (row->initial == NULL)
            continue;
        workspace_setting_put(&s, row, &text);
        assert_string_equal(text.p, row->initial);
        json_t *given = json_object();
        jsonx_put(given, row->name, parse(row->initial));
        assert_int_equal(workspace_settings_check(given, &err), ERR_OK);
        json_decref(given);
        jb_free(&text);
    }
}

static const struct {
    const char *given, *path; /* NULL: allowed */
} cases[] = {
    {"{}", NULL},
    {"{\"seats\":null,\"rate\":1200,\"guardShare\":100,\"events\":\"full\"}", NULL},
    {"{\"name\":\"Nord\"}", NULL},
    {"{\"name\":\"\"}", "name"},
    {"{\"name\":\"a/b\"}", "name"},
    {"{\"name\":\" a\"}", "name"},
    {"{\"name\":\"\\u00a0\"}", "name"},
    {"{\"name\":\"\\u200b\\ufeff\"}", "name"},
    {"{\"name\":\"\\u3000\\u5c71\"}", NULL},
    {"{\"name\":\"0190d6c1-5f5c-7cc2-9e4b-5a3fb1e0c7aa\"}", "name"},
    {"{\"name\":7}", "name"},
    {"{\"seats\":-1}", "seats"},
    {"{\"seats\":1.5}", "seats"},
    {"{\"rate\":null}", "rate"},
    {"{\"rate\":0}", "rate"},
    {"{\"seatMode\":\"later\"}", "seatMode"},
    {"{\"uniqueRooms\":\"true\"}", "uniqueRooms"},
    {"{\"guardShare\":101}", "guardShare"},
    {"{\"colour\":\"red\"}", "colour"},
    {"[]", ""},
};

static void values_are_judged_by_the_table(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        json_t *given = parse(cases[i].given);
        enum err_code code = workspace_settings_check(given, &err);
        if ((code == ERR_OK) != (cases[i].path == NULL))
            fail_msg("%s: %s", cases[i].given, err.detail);
        if (cases[i].path != NULL)
            assert_string_equal(err.path, cases[i].path);
        json_decref(given);
    }
}

static void a_setting_goes_to_its_column_and_back(void **state) {
    (void)state;
    struct arena *a = arena_new();
    struct workspace_settings s, t;
    json_t *given =
        parse("{\"name\":\"Nord\",\"seats\":7,\"rate\":20,\"seatMode\":\"on_first_login\","
              "\"defaultRole\":\"editor\",\"requireEmail\":true,"
              "\"linkByEmail\":true,\"restoreRooms\":false,\"guardMode\":\"hold\",\"guardMin\":0}");
    const char *name;
    json_t *value;
    workspace_settings_init(&s);
    workspace_settings_init(&t);
    json_object_foreach(given, name, value) {
        workspace_setting_set(&s, workspace_setting_of(name), value, a);
    }
    json_decref(given);
    for (size_t i = 0; i < workspace_setting_count; i++) {
        const struct workspace_setting *row = &workspace_setting_table[i];
        struct jbuf x = {0}, y = {0};
        workspace_setting_load(&t, row, workspace_setting_column(&s, row, a), a);
        workspace_setting_put(&s, row, &x);
        workspace_setting_put(&t, row, &y);
        assert_string_equal(x.p, y.p);
        jb_free(&x);
        jb_free(&y);
    }
    assert_int_equal(t.seats, 7);
    assert_string_equal(t.guard_mode, "hold");
    assert_false(t.restore_rooms);
    arena_free(a);
}

static void names_and_flags_find_their_rows(void **state) {
    (void)state;
    for (size_t i = 0; i < workspace_setting_count; i++) {
        const struct workspace_setting *row = &workspace_setting_table[i];
        assert_ptr_equal(workspace_setting_of(row->name), row);
        if (row->flag != NULL)
            assert_ptr_equal(workspace_setting_by_flag(row->flag), row);
    }
    assert_null(workspace_setting_of("nothing"));
    assert_null(workspace_setting_by_flag("seatMode"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_workspace_has_allowed_values),
        cmocka_unit_test(values_are_judged_by_the_table),
        cmocka_unit_test(a_setting_goes_to_its_column_and_back),
        cmocka_unit_test(names_and_flags_find_their_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
