#include "schemas/voice/voice_project.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define A "0190b3f2-0000-7000-8000-00000000000a"
#define B "0190b3f2-0000-7000-8000-00000000000b"

static const struct config_row rows[] = {VOICE_CONFIG_ROWS, {0}};
static const struct config_spec spec = {"usher-test", rows, NULL, NULL, NULL};

static char folder[] = "/tmp/usher-voice-XXXXXX", secret[64], projects[64];

static void write_file(const char *file, const char *text) {
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int make_folder(void **state) {
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(secret, sizeof secret, "%s/secret", folder);
    snprintf(projects, sizeof projects, "%s/projects", folder);
    write_file(secret, "the secret\n");
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    unlink(secret);
    unlink(projects);
    return rmdir(folder);
}

/* args: flags, to NULL. */
static enum err_code load(struct voice_projects *out, struct err *err, ...) {
    char *argv[20] = {"usher-test"};
    int argc = 1;
    enum config_ask ask;
    va_list args;
    va_start(args, err);
    for (char *arg; (arg = va_arg(args, char *)) != NULL;)
        argv[argc++] = arg;
    va_end(args);
    struct config *c = config_read(&spec, argc, argv, &ask, err);
    assert_non_null(c);
    enum err_code code = voice_projects_load(c, out, err);
    config_free(c);
    return code;
}

static void one_for_all(void **state) {
    (void)state;
    struct voice_projects p;
    struct err err = {0};
    assert_int_equal(load(&p, &err, "--livekit-url", "wss://voice.example//", "--livekit-key", "k",
                          "--livekit-secret-file", secret, NULL),
                     ERR_OK);
    const struct voice_project *one = voice_project_of(&p, A);
    assert_non_null(one);
    assert_string_equal(one->url, "wss://voice.example");
    assert_string_equal(one->secret, "the secret");
    assert_string_equal(one->form, "{room}");
    char *api = voice_project_api(one);
    assert_string_equal(api, "https://voice.example");
    free(api);
    assert_ptr_equal(voice_project_with_key(&p, "k"), one);
    assert_null(voice_project_with_key(&p, "other"));
    voice_projects_free(&p);
}

static void none(void **state) {
    (void)state;
    struct voice_projects p;
    struct err err = {0};
    assert_int_equal(load(&p, &err, NULL), ERR_OK);
    assert_null(voice_project_of(&p, A));
    voice_projects_free(&p);
}

static void some_have_their_own(void **state) {
    (void)state;
    struct voice_projects p;
    struct err err = {0};
    char text[400];
    snprintf(text, sizeof text,
             "# workspace url key secret\n\n  " A "\thttp://a:7880 ka %s  a/{room}  # his own\n" B
             " ws://b kb %s\n",
             secret, secret);
    write_file(projects, text);
    assert_int_equal(load(&p, &err, "--livekit-projects", projects, NULL), ERR_OK);
    assert_string_equal(voice_project_of(&p, A)->form, "a/{room}");
    assert_string_equal(voice_project_of(&p, B)->form, "{room}");
    assert_null(voice_project_of(&p, "0190b3f2-0000-7000-8000-00000000000c"));
    voice_projects_free(&p);
    assert_int_equal(load(&p, &err, "--livekit-projects", projects, "--livekit-url", "http://all",
                          "--livekit-key", "k", "--livekit-secret-file", secret, NULL),
                     ERR_OK);
    assert_string_equal(voice_project_of(&p, "0190b3f2-0000-7000-8000-00000000000c")->url, "http://all");
    assert_string_equal(voice_project_of(&p, A)->url, "http://a:7880");
    voice_projects_free(&p);
}

/* What is wrong is said, with the line; a secret never is. */
static void wrong_ones(void **state) {
    (void)state;
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"x http://a k SECRET", "line 1: \"x\" is no workspace's id"},
        {A " ftp://a k SECRET", "no address"},
        {A " http://me:pw@a k SECRET", "no address"},
        {A " http://a k", "a line has"},
        {A " http://a k SECRET {room} more", "a line has"},
        {A " http://a k SECRET {user}", "only {room}"},
        {A " http://a k /nowhere/at/all", "No such file"},
        {A " http://a k SECRET\n" A " http://b k SECRET", "line 2: workspace " A " stands there twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct voice_projects p;
        struct err err = {0};
        char text[600];
        size_t n = 0;
        for (const char *c = cases[i].line; *c != '\0' && n < sizeof text - 80;) {
            if (strncmp(c, "SECRET", 6) == 0) {
                n += (size_t)snprintf(text + n, sizeof text - n, "%s", secret);
                c += 6;
            } else {
                text[n++] = *c++;
            }
        }
        text[n] = '\0';
        write_file(projects, text);
        assert_int_equal(load(&p, &err, "--livekit-projects", projects, NULL), ERR_CONFIG);
        if (strstr(err.detail, cases[i].says) == NULL || strstr(err.detail, "the secret") != NULL)
            fail_msg("%s: %s", cases[i].line, err.detail);
    }
    struct voice_projects p;
    struct err err = {0};
    assert_int_equal(load(&p, &err, "--livekit-url", "http://a", NULL), ERR_CONFIG);
    assert_non_null(strstr(err.detail, "livekit-key"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_for_all),
        cmocka_unit_test(none),
        cmocka_unit_test(some_have_their_own),
        cmocka_unit_test(wrong_ones),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
