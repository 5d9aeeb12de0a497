#include "schemas/voice/voice_name.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define W "0190b3f2-0000-7000-8000-000000000001"
#define R "0190b3f2-0000-7000-8000-000000000002"

static void good_and_bad_forms(void **state) {
    (void)state;
    static const char *const good[] = {"{room}", "usher/{workspace}/{room}", "{room}@{workspace}", "a{room}"};
    static const char *const bad[] = {
        "",       "room",    "{workspace}", "{room}{room}", "{workspace}{workspace}{room}",
        "{Room}", "{room}{", "}{room}",     "{room} {user}"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(voice_name_check(good[i], NULL), ERR_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = {0};
        assert_int_equal(voice_name_check(bad[i], &err), ERR_CONFIG);
        assert_int_not_equal(err.detail[0], '\0');
    }
}

static void made_and_read(void **state) {
    (void)state;
    static const struct {
        const char *form, *name;
        bool workspace;
    } cases[] = {
        {"{room}", R, false},
        {"usher/{workspace}/{room}", "usher/" W "/" R, true},
        {"{room}@{workspace}!", R "@" W "!", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[VOICE_NAME_MAX];
        struct uuid workspace, room;
        assert_string_equal(voice_name_make(cases[i].form, W, R, name), cases[i].name);
        assert_true(voice_name_read(cases[i].form, name, &workspace, &room));
        assert_string_equal(room.s, R);
        assert_string_equal(workspace.s, cases[i].workspace ? W : "");
    }
}

static void names_of_others(void **state) {
    (void)state;
    static const struct {
        const char *form, *name;
    } cases[] = {
        {"{room}", ""},
        {"{room}", "lobby"},
        {"{room}", R "x"},
        {"{room}", "x" R},
        {"{room}", "0190B3F2-0000-7000-8000-00000000000A"}, /* not as usher spells it */
        {"{room}", "0190b3f2-0000-7000-8000-00000000000g"},
        {"usher/{room}", "usher/"},
        {"usher/{room}", "usher"},
        {"usher/{room}", R},
        {"usher/{workspace}/{room}", "usher/" R},
        {"{room}!", R},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct uuid workspace, room;
        assert_false(voice_name_read(cases[i].form, cases[i].name, &workspace, &room));
    }
}

/* A form of the largest size with ids in it fits a name. */
static void the_longest(void **state) {
    (void)state;
    char form[VOICE_FORM_MAX + 2], name[VOICE_NAME_MAX];
    struct uuid workspace, room;
    memset(form, 'x', sizeof form);
    memcpy(form, "{room}{workspace}", strlen("{room}{workspace}"));
    form[VOICE_FORM_MAX] = '\0';
    assert_int_equal(voice_name_check(form, NULL), ERR_OK);
    assert_true(voice_name_read(form, voice_name_make(form, W, R, name), &workspace, &room));
    form[VOICE_FORM_MAX] = 'x';
    form[VOICE_FORM_MAX + 1] = '\0';
    assert_int_equal(voice_name_check(form, NULL), ERR_CONFIG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_and_bad_forms),
        cmocka_unit_test(made_and_read),
        cmocka_unit_test(names_of_others),
        cmocka_unit_test(the_longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
