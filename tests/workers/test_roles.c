/* What a worker process does: the setting `roles`, and what is refused. */
#include "workers/roles.h"
#include "workers/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void what_is_understood(void **state) {
    static const struct {
        const char *text;
        struct roles roles;
    } cases[] = {{"apply", {.apply = true}},
                 {"archive", {.archive = true}},
                 {"deliver", {.deliver = true}},
                 {"archive,apply", {.apply = true, .archive = true}},
                 {"apply,archive,deliver", {true, true, true}}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct roles found;
        struct err err = {0};
        assert_int_equal(roles_parse(cases[i].text, &found, &err), ERR_OK);
        assert_memory_equal(&found, &cases[i].roles, sizeof found);
    }
}

static void what_is_not(void **state) {
    static const struct {
        const char *text, *said;
    } cases[] = {{"", "roles: '' is none; there are apply, archive and deliver"},
                 {"everything", "roles: 'everything' is none; there are apply, archive and deliver"},
                 {"apply,", "roles: '' is none; there are apply, archive and deliver"},
                 {"apply archive", "roles: 'apply archive' is none; there are apply, archive and deliver"},
                 {"apply,archiv", "roles: 'archiv' is none; there are apply, archive and deliver"},
                 {"archive,apply,archive", "roles: 'archive' stands there twice"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct roles found;
        struct err err = {0};
        assert_int_equal(roles_parse(cases[i].text, &found, &err), ERR_CONFIG);
        assert_string_equal(err_text(&err), cases[i].said);
    }
}

/* The settings that go with the roles, judged as the process judges them when it starts. */
static enum err_code judge(const char *roles, const char *origin, struct err *err) {
    char *argv[] = {
        "usher-worker",           "--pg", "host=x", "--roles", (char *)(uintptr_t)roles, "--audit-origin",
        (char *)(uintptr_t)origin};
    enum config_ask ask;
    struct config *c = config_read(&worker_config, sizeof argv / sizeof *argv, argv, &ask, err);
    assert_non_null(c);
    enum err_code code = roles_judge(c, err);
    config_free(c);
    return code;
}

static void settings_that_go_together(void **state) {
    char longest[512];
    struct err err = {0};
    (void)state;
    memset(longest, 'a', sizeof longest);
    longest[255 - 64] = '\0';
    const char *const origins[] = {"usher", "usher.example.com/north", longest};
    for (size_t i = 0; i < sizeof origins / sizeof *origins; i++)
        assert_int_equal(judge("archive,apply", origins[i], &err), ERR_OK);
}

/* Heads are signed under the origin with workspace and tree behind it: that must be a name that can sign. */
static void settings_that_do_not(void **state) {
    char too_long[512];
    (void)state;
    memset(too_long, 'a', sizeof too_long);
    too_long[255 - 64 + 1] = '\0';
    const struct {
        const char *roles, *origin, *said;
    } cases[] = {{"apply,apply", "usher", "roles: 'apply' stands there twice"},
                 {"worker", "usher", "roles: 'worker' is none"},
                 {"apply", "", "audit-origin: a name"},
                 {"apply", "two words", "audit-origin: a name"},
                 {"apply", "a+b", "audit-origin: a name"},
                 {"apply", too_long, "audit-origin: a name"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        assert_int_equal(judge(cases[i].roles, cases[i].origin, &err), ERR_CONFIG);
        assert_non_null(strstr(err_text(&err), cases[i].said));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_understood),
        cmocka_unit_test(what_is_not),
        cmocka_unit_test(settings_that_go_together),
        cmocka_unit_test(settings_that_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
