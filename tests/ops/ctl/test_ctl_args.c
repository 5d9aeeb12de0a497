#include "ops/ctl/ctl_args.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static const struct config_row rows[] = {
    {"pg", CONFIG_STR, "", 0, 0, "", false},
    {"deadline-ms", CONFIG_INT, "1", 0, 9, "", false},
    {NULL, CONFIG_STR, NULL, 0, 0, NULL, false},
};

#define ARGS(...) ((const char *[]){"usherctl", __VA_ARGS__, NULL})

static enum err_code split(const char *const *argv, struct ctl_args *a, struct err *err) {
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    return ctl_args_split(argc, (char **)(uintptr_t)argv, rows, a, err);
}

static void test_everything_in_its_place(void **state) {
    (void)state;
    struct ctl_args a;
    struct err err = {0};
    assert_int_equal(
        split(ARGS("--pg", "host=x", "workspace", "--json", "create", "--kafka.socket.timeout.ms", "5",
                   "acme", "--seats", "5", "--rate=7", "--deadline-ms=3", "--version", "--config", "f"),
              &a, &err),
        ERR_OK);
    assert_int_equal(a.nwords, 3);
    assert_string_equal(a.words[0], "workspace");
    assert_string_equal(a.words[1], "create");
    assert_string_equal(a.words[2], "acme");
    assert_true(a.json);
    assert_false(a.help);
    assert_string_equal(ctl_flag(&a, "seats"), "5");
    assert_string_equal(ctl_flag(&a, "rate"), "7");
    assert_null(ctl_flag(&a, "pg"));
    static const char *const settings[] = {
        "usherctl",  "--pg",     "host=x", "--kafka.socket.timeout.ms", "5", "--deadline-ms=3",
        "--version", "--config", "f"};
    assert_int_equal(a.nsettings, sizeof settings / sizeof settings[0]);
    for (int i = 0; i < a.nsettings; i++)
        assert_string_equal(a.settings[i], settings[i]);
    assert_null(a.settings[a.nsettings]);
    free(a.settings);
}

/* A value may begin with dashes or equal a flag's name: it belongs to the flag before it. */
static void test_values_are_taken_as_they_are(void **state) {
    (void)state;
    struct ctl_args a;
    struct err err = {0};
    assert_int_equal(
        split(ARGS("key", "create", "--name", "--json", "--scopes", "", "--dialect=", "--expires=a=b"), &a,
              &err),
        ERR_OK);
    assert_false(a.json);
    assert_string_equal(ctl_flag(&a, "name"), "--json");
    assert_string_equal(ctl_flag(&a, "scopes"), "");
    assert_string_equal(ctl_flag(&a, "dialect"), "");
    assert_string_equal(ctl_flag(&a, "expires"), "a=b");
    free(a.settings);
}

static void test_wrong_lines(void **state) {
    (void)state;
    struct ctl_args a;
    struct err err = {0};
    assert_int_equal(split(ARGS("status", "--seats"), &a, &err), ERR_USAGE);
    assert_non_null(strstr(err.detail, "--seats needs a value"));
    free(a.settings);
    assert_int_equal(split(ARGS("a", "b", "c", "d", "e", "f", "g", "h", "i"), &a, &err), ERR_USAGE);
    free(a.settings);
    assert_int_equal(
        split(ARGS("status", "--a-flag-whose-name-is-much-too-long-for-any-table", "1", "--json"), &a, &err),
        ERR_USAGE);
    assert_true(a.json); /* so that this error, too, is told as JSON */
    free(a.settings);
}

static void test_allowed_flags(void **state) {
    (void)state;
    static const char *const allowed[] = {"seats", "rate", NULL};
    struct ctl_args a;
    struct err err = {0};
    assert_int_equal(split(ARGS("x", "--seats", "1", "--rate", "2"), &a, &err), ERR_OK);
    assert_int_equal(ctl_args_check(&a, allowed, &err), ERR_OK);
    free(a.settings);
    assert_int_equal(split(ARGS("x", "--seat", "1"), &a, &err), ERR_OK);
    assert_int_equal(ctl_args_check(&a, allowed, &err), ERR_USAGE);
    assert_string_equal(err.detail, "unknown flag --seat");
    free(a.settings);
    assert_int_equal(split(ARGS("x", "--seats", "1", "--seats=1"), &a, &err), ERR_OK);
    assert_int_equal(ctl_args_check(&a, allowed, &err), ERR_USAGE);
    free(a.settings);
    assert_int_equal(split(ARGS("x", "--seats="), &a, &err), ERR_OK);
    const char *value;
    assert_int_equal(ctl_flag_required(&a, "seats", &value, &err), ERR_USAGE);
    assert_int_equal(ctl_flag_required(&a, "rate", &value, &err), ERR_USAGE);
    free(a.settings);
}

static void test_whole_numbers(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } cases[] = {{"1", true},
                 {"100", true},
                 {"007", true},
                 {"0", false},
                 {"101", false},
                 {"", false},
                 {"-1", false},
                 {"+1", false},
                 {" 1", false},
                 {"1 ", false},
                 {"1e1", false},
                 {"0x1", false},
                 {"5.0", false},
                 {"99999999999999999999", false},
                 {"999999999999999999999999999", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t v;
        struct err err = {0};
        assert_int_equal(ctl_value_int("n", cases[i].text, 1, 100, &v, &err) == ERR_OK, cases[i].good);
    }
}

static void test_booleans_and_choices(void **state) {
    (void)state;
    static const char *const choices[] = {"editor", "viewer", NULL};
    struct err err = {0};
    bool b;
    assert_int_equal(ctl_value_bool("b", "true", &b, &err), ERR_OK);
    assert_true(b);
    assert_int_equal(ctl_value_bool("b", "false", &b, &err), ERR_OK);
    assert_false(b);
    assert_int_equal(ctl_value_bool("b", "True", &b, &err), ERR_USAGE);
    assert_int_equal(ctl_value_bool("b", "", &b, &err), ERR_USAGE);
    assert_int_equal(ctl_value_choice("c", "viewer", choices, &err), ERR_OK);
    assert_int_equal(ctl_value_choice("c", "Viewer", choices, &err), ERR_USAGE);
    assert_string_equal(err.detail, "--c: \"Viewer\" is not one of editor, viewer");
}

static void test_expiry(void **state) {
    (void)state;
    const int64_t now = INT64_C(1795342530123456), second = 1000000; /* 2026-11-22T10:15:30 */
    static const struct {
        const char *text;
        int64_t from_now_s; /* 0 = refused */
    } cases[] = {{"30d", 30 * 86400},
                 {"12h", 12 * 3600},
                 {"15m", 900},
                 {"0d", 0},
                 {"d", 0},
                 {"30", 0},
                 {"30s", 0},
                 {"-1d", 0},
                 {"36501d", 0},
                 {"1.5d", 0},
                 {"1d ", 0},
                 {"soon", 0},
                 {"", 0},
                 {"2026-11-22T10:15:29Z", 0},
                 {"2020-01-01T00:00:00Z", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t v = 0;
        struct err err = {0};
        enum err_code code = ctl_value_expiry("expires", cases[i].text, now, &v, &err);
        assert_int_equal(code, cases[i].from_now_s != 0 ? ERR_OK : ERR_USAGE);
        if (code == ERR_OK)
            assert_int_equal(v, now + cases[i].from_now_s * second);
    }
    int64_t v;
    struct err err = {0};
    assert_int_equal(ctl_value_expiry("expires", "2026-11-22T11:15:31+01:00", now, &v, &err), ERR_OK);
    assert_int_equal(v, INT64_C(1795342531000000));
}

static void test_how_a_result_is_shown(void **state) {
    (void)state;
    static const struct {
        const char *words[3];
        enum ctl_output output;
        enum err_code code;
    } cases[] = {
        {{"status", NULL}, CTL_TABLE, ERR_OK},         {{"-o", "table", NULL}, CTL_TABLE, ERR_OK},
        {{"--json", NULL}, CTL_JSON, ERR_OK},          {{"-o", "json", NULL}, CTL_JSON, ERR_OK},
        {{"--output=jsonl", NULL}, CTL_JSONL, ERR_OK}, {{"-o", "xml", NULL}, CTL_TABLE, ERR_USAGE},
        {{"-o", NULL}, CTL_TABLE, ERR_USAGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ctl_args a;
        struct err err = {0};
        assert_int_equal(split(ARGS("--yes", cases[i].words[0], cases[i].words[1]), &a, &err), cases[i].code);
        assert_int_equal(a.output, cases[i].output);
        assert_int_equal(a.json, cases[i].output != CTL_TABLE);
        assert_true(a.yes);
        free(a.settings);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_in_its_place),
        cmocka_unit_test(test_values_are_taken_as_they_are),
        cmocka_unit_test(test_wrong_lines),
        cmocka_unit_test(test_allowed_flags),
        cmocka_unit_test(test_whole_numbers),
        cmocka_unit_test(test_booleans_and_choices),
        cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_how_a_result_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
