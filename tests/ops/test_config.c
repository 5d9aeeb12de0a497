#include "ops/runtime/config.h"

#include "ops/runtime/kafka_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct config_row rows[] = {
    {"listen", CONFIG_STR, "127.0.0.1:8080", 0, 0, "address to listen on", false},
    {"pg", CONFIG_STR, NULL, 0, 0, "PostgreSQL URI", true},
    {"deadline-ms", CONFIG_INT, "4000", 100, 60000, "milliseconds to answer a write", false},
    {"json", CONFIG_BOOL, "false", 0, 0, "print JSON", false},
    KAFKA_CONFIG_ROWS,
    {NULL, CONFIG_STR, NULL, 0, 0, NULL, false},
};

static const char *const retired[] = {"old-key", "older-key", NULL};
static const struct config_spec spec = {"usher-test", rows, &kafka_pass, NULL, retired};
static enum config_ask ask;
static struct err err;

/* Arguments up to NULL. */
static struct config *given(const char *first, ...) {
    static char *argv[32];
    int argc = 0;
    argv[argc++] = "usher-test";
    va_list ap;
    va_start(ap, first);
    for (const char *arg = first; arg; arg = va_arg(ap, const char *))
        argv[argc++] = (char *)arg;
    va_end(ap);
    argv[argc] = NULL;
    err_clear(&err);
    return config_read(&spec, argc, argv, &ask, &err);
}

static void refused(struct config *c, const char *key, const char *source) {
    assert_null(c);
    assert_int_equal(err.code, ERR_CONFIG);
    if (!strstr(err.detail, key) || !strstr(err.detail, source))
        fail_msg("\"%s\" names not both %s and %s", err.detail, key, source);
}

static char path[] = "/tmp/usher-test-config-XXXXXX";

static void file_holds(const char *text) {
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
}

static int make_file(void **state) {
    (void)state;
    int fd = mkstemp(path);
    close(fd);
    return fd < 0;
}

static int remove_file(void **state) {
    (void)state;
    return unlink(path);
}

static int clean_environment(void **state) {
    (void)state;
    static const char *const names[] = {"USHER_LISTEN", "USHER_PG",         "USHER_DEADLINE_MS", "USHER_JSON",
                                        "USHER_KAFKA",  "USHER_PARTITIONS", "USHER_CONFIG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    return 0;
}

static void defaults(void **state) {
    (void)state;
    struct config *c = given("--pg", "postgresql:///usher", NULL);
    assert_non_null(c);
    assert_int_equal(ask, CONFIG_RUN);
    assert_string_equal(config_str(c, "listen"), "127.0.0.1:8080");
    assert_string_equal(config_str(c, "pg"), "postgresql:///usher");
    assert_int_equal(config_int(c, "deadline-ms"), 4000);
    assert_false(config_bool(c, "json"));
    assert_string_equal(config_str(c, "kafka"), "127.0.0.1:9092");
    assert_int_equal(config_int(c, "partitions"), 12);
    config_free(c);
}

static void each_source_beats_the_one_before(void **state) {
    (void)state;
    file_holds("# usher\n\n  pg = from file  \nlisten=file\ndeadline-ms = 1001\npartitions=3\n");
    setenv("USHER_LISTEN", "environment", 1);
    setenv("USHER_DEADLINE_MS", "1002", 1);
    struct config *c = given("--deadline-ms=1003", "--config", path, NULL);
    assert_non_null(c);
    assert_string_equal(config_str(c, "pg"), "from file");
    assert_string_equal(config_str(c, "listen"), "environment");
    assert_int_equal(config_int(c, "deadline-ms"), 1003);
    assert_int_equal(config_int(c, "partitions"), 3);
    config_free(c);

    setenv("USHER_CONFIG", path, 1);
    c = given(NULL);
    assert_non_null(c);
    assert_string_equal(config_str(c, "pg"), "from file");
    assert_int_equal(config_int(c, "deadline-ms"), 1002);
    config_free(c);
}

static void flags_and_positional_arguments(void **state) {
    (void)state;
    struct config *c =
        given("status", "--json", "all", "--pg=a=b", "--listen", "", "-", "--", "--json=maybe", NULL);
    assert_non_null(c);
    char **rest;
    int nrest;
    config_rest(c, &rest, &nrest);
    assert_int_equal(nrest, 4);
    assert_string_equal(rest[0], "status");
    assert_string_equal(rest[1], "all");
    assert_string_equal(rest[2], "-");
    assert_string_equal(rest[3], "--json=maybe");
    assert_null(rest[4]);
    assert_true(config_bool(c, "json"));
    assert_string_equal(config_str(c, "pg"), "a=b");
    assert_string_equal(config_str(c, "listen"), "");
    config_free(c);

    c = given("--pg", "x", "--json", "false", NULL);
    assert_non_null(c);
    assert_false(config_bool(c, "json"));
    config_free(c);
    c = given("--pg", "x", "--json=yes", NULL);
    assert_non_null(c);
    assert_true(config_bool(c, "json"));
    config_free(c);
}

static void errors_name_the_key_and_the_source(void **state) {
    (void)state;
    refused(given(NULL), "pg", "missing");
    refused(given("--pg", "x", "--no-such", "1", NULL), "no-such", "flag");
    refused(given("--pg", "x", "--no-such=1", NULL), "no-such", "flag");
    refused(given("--pg", NULL), "pg", "needs a value");
    refused(given("-x", NULL), "-x", "unknown flag");
    refused(given("--pg", "x", "--deadline-ms", "soon", NULL), "deadline-ms", "flag --deadline-ms");
    refused(given("--pg", "x", "--deadline-ms", "4000ms", NULL), "deadline-ms", "4000ms");
    refused(given("--pg", "x", "--deadline-ms", "", NULL), "deadline-ms", "whole number");
    refused(given("--pg", "x", "--deadline-ms", "99", NULL), "deadline-ms", "100");
    refused(given("--pg", "x", "--deadline-ms", "60001", NULL), "deadline-ms", "60000");
    refused(given("--pg", "x", "--deadline-ms", "99999999999999999999", NULL), "deadline-ms", "whole number");
    refused(given("--pg", "x", "--json=maybe", NULL), "json", "maybe");
    setenv("USHER_PARTITIONS", "many", 1);
    refused(given("--pg", "x", NULL), "partitions", "USHER_PARTITIONS");
    unsetenv("USHER_PARTITIONS");
    file_holds("pg = x\nlisten\n");
    refused(given("--config", path, NULL), path, "line 2");
    file_holds("pg = x\n\nno-such = 1\n");
    refused(given("--config", path, NULL), "no-such", "line 3");
    refused(given("--config", "/nonexistent/usher.conf", NULL), "/nonexistent/usher.conf", "cannot read");
}

static void collect(const char *key, const char *value, void *ctx) {
    char *text = ctx;
    sprintf(text + strlen(text), "%s=%s;", key, value);
}

static void library_settings_pass_through(void **state) {
    (void)state;
    file_holds("pg = x\nkafka.linger.ms = 3\nkafka.compression.type = lz4\n");
    struct config *c = given("--config", path, "--kafka.linger.ms", "0.5", "--kafka.client.rack=a", NULL);
    assert_non_null(c);
    char text[256] = "";
    config_each(c, "kafka.", collect, text);
    assert_string_equal(text, "linger.ms=0.5;compression.type=lz4;client.rack=a;");
    config_free(c);
    refused(given("--pg", "x", "--kafka.no.such", "1", NULL), "kafka.no.such", "flag");
    refused(given("--pg", "x", "--kafka.linger.ms", "soon", NULL), "kafka.linger.ms", "Invalid value");
    refused(given("--pg", "x", "--kafka.enable.idempotence", "false", NULL), "kafka.enable.idempotence",
            "usher");
    refused(given("--pg", "x", "--kafka.isolation.level=read_uncommitted", NULL), "kafka.isolation.level",
            "usher");
}

static void help_and_version_need_no_settings(void **state) {
    (void)state;
    static const struct {
        const char *flag;
        enum config_ask ask;
    } cases[] = {{"--help", CONFIG_HELP}, {"-h", CONFIG_HELP}, {"--version", CONFIG_VERSION}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config *c = given(cases[i].flag, NULL);
        assert_non_null(c);
        assert_int_equal(ask, cases[i].ask);
        config_free(c);
    }
    refused(given("--check-config", NULL), "pg", "missing");
    assert_int_equal(ask, CONFIG_CHECK);
}

/* config_load in a process of its own: its exit code, and what it wrote to both streams. */
static int loaded_as(const struct config_spec *as, const char *flag, const char *value, char *out,
                     size_t size) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        char *argv[] = {"usher-test", (char *)flag, (char *)value, NULL};
        config_free(config_load(as, value ? 3 : 2, argv));
        _exit(77);
    }
    close(ends[1]);
    size_t n = 0;
    ssize_t got;
    while ((got = read(ends[0], out + n, size - 1 - n)) > 0)
        n += (size_t)got;
    out[n] = 0;
    close(ends[0]);
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int loaded(const char *flag, const char *value, char *out, size_t size) {
    return loaded_as(&spec, flag, value, out, size);
}

static void load_ends_the_process_as_it_should(void **state) {
    (void)state;
    char out[8192];
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    assert_int_equal(loaded("--pg", "x", out, sizeof out), 77);
    assert_int_equal(loaded("--listen", "x", out, sizeof out), 2);
    assert_string_equal(out, "usher-test: pg: the setting is missing; it has no default\n");
    assert_int_equal(loaded("--check-config", NULL, out, sizeof out), 1);
    assert_int_equal(loaded("--check-config", "--pg=x", out, sizeof out), 0);
    assert_string_equal(out, "ok\n");
    assert_int_equal(loaded("--version", NULL, out, sizeof out), 0);
    assert_memory_equal(out, "usher-test ", 11);
    assert_int_equal(loaded("--help", NULL, out, sizeof out), 0);
    for (const struct config_row *row = rows; row->key; row++)
        if (!strstr(out, row->key) || !strstr(out, row->help))
            fail_msg("--help does not tell of %s", row->key);
}

/* What the table cannot say. */
static enum err_code judge(const struct config *c, struct err *e) {
    return strcmp(config_str(c, "listen"), "nowhere") != 0
               ? ERR_OK
               : err_set(e, ERR_CONFIG, "listen: there is no nowhere");
}

static void what_the_table_cannot_say_is_judged_too(void **state) {
    (void)state;
    char out[8192];
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    setenv("USHER_PG", "x", 1);
    const struct config_spec judged = {"usher-test", rows, &kafka_pass, judge, NULL};
    assert_int_equal(loaded_as(&judged, "--listen", "nowhere", out, sizeof out), 2);
    assert_string_equal(out, "usher-test: listen: there is no nowhere\n");
    assert_int_equal(loaded_as(&judged, "--check-config", "--listen=nowhere", out, sizeof out), 1);
    assert_string_equal(out, "usher-test: listen: there is no nowhere\n");
    assert_int_equal(loaded_as(&judged, "--check-config", "--listen=here", out, sizeof out), 0);
    assert_int_equal(loaded_as(&judged, "--version", NULL, out, sizeof out), 0);
    unsetenv("USHER_PG");
}

/* An address, a file and a level are judged where they are given. */
static void values_of_a_kind_are_judged(void **state) {
    (void)state;
    static const struct config_row kinds[] = {
        {"at", CONFIG_ADDRESS, "127.0.0.1:80", 0, 0, "where", false},
        {"perhaps-at", CONFIG_ADDRESS, "", 0, 0, "where", false},
        {"ca", CONFIG_FILE, "", 0, 0, "file", false},
        {"level", CONFIG_LEVEL, "info", 0, 0, "level", false},
        {NULL, CONFIG_STR, NULL, 0, 0, NULL, false},
    };
    const struct config_spec of_kinds = {"usher-test", kinds, NULL, NULL, NULL};
    static const struct {
        const char *flag, *says; /* says NULL: good */
    } cases[] = {
        {"--at=127.0.0.1:8080", NULL},
        {"--at=[::1]:8080", NULL},
        {"--at=:8080", NULL},
        {"--at=", "at: \"\" is not host:port (flag --at)"},
        {"--at=127.0.0.1", "is not host:port"},
        {"--at=127.0.0.1:http", "is not host:port"},
        {"--at=127.0.0.1:65536", "is not host:port"},
        {"--at=no.such.host.invalid:80", "cannot resolve no.such.host.invalid:80"},
        {"--perhaps-at=", NULL},
        {"--perhaps-at=x", "perhaps-at: \"x\" is not host:port"},
        {"--ca=", NULL},
        {"--ca=/dev/null", NULL},
        {"--ca=/nonexistent/ca.pem",
         "ca: cannot read /nonexistent/ca.pem: No such file or directory (flag --ca)"},
        {"--level=debug", NULL},
        {"--level=loud", "level: \"loud\" is not debug, info, warn or error (flag --level)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *argv[] = {"usher-test", (char *)(uintptr_t)cases[i].flag, NULL};
        err_clear(&err);
        struct config *c = config_read(&of_kinds, 2, argv, &ask, &err);
        if ((c == NULL) != (cases[i].says != NULL) ||
            (cases[i].says != NULL && strstr(err_text(&err), cases[i].says) == NULL))
            fail_msg("%s: %s", cases[i].flag, c != NULL ? "is taken" : err_text(&err));
        config_free(c);
    }
}

/* What config_log writes. */
static void logged(const struct config *c, char *out, size_t size) {
    int ends[2], kept = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    config_log(c);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(ends[1]);
    memset(out, 0, size);
    size_t n = 0;
    for (ssize_t got; (got = read(ends[0], out + n, size - 1 - n)) > 0;)
        n += (size_t)got;
    close(ends[0]);
    assert_true(n > 0);
}

static void what_is_no_setting_is_refused(void **state) {
    (void)state;
    char out[8192], line[4096];
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    setenv("USHER_PG", "x", 1);
    assert_int_equal(loaded("--check-config", "stray", out, sizeof out), 1);
    assert_string_equal(out, "usher-test: unexpected argument \"stray\"\n");
    assert_int_equal(loaded("stray", NULL, out, sizeof out), 2);
    /* what RUN_DIR/env has, and what Kubernetes makes of a service's name */
    setenv("USHER_URL", "x", 1);
    setenv("USHER_PID_WORKER", "1", 1);
    setenv("USHER_INGEST_SERVICE_HOST", "10.0.0.1", 1);
    setenv("USHER_INGEST_PORT_8080_TCP", "tcp://10.0.0.1:8080", 1);
    assert_int_equal(loaded("--check-config", NULL, out, sizeof out), 0);
    setenv("USHER_DEADLIN_MS", "3000", 1);
    assert_int_equal(loaded("--check-config", NULL, out, sizeof out), 1);
    assert_string_equal(out, "usher-test: USHER_DEADLIN_MS is no setting of usher-test (environment)\n");
    struct config *c = given(NULL); /* a run goes on, and says so */
    assert_non_null(c);
    logged(c, line, sizeof line);
    assert_non_null(strstr(line, "variable=USHER_DEADLIN_MS is no setting"));
    config_free(c);
    static const char *const names[] = {"USHER_URL", "USHER_PID_WORKER", "USHER_INGEST_SERVICE_HOST",
                                        "USHER_INGEST_PORT_8080_TCP", "USHER_DEADLIN_MS"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
}

static void keys_of_the_version_before_are_taken_with_a_warning(void **state) {
    (void)state;
    char line[4096];
    file_holds("pg = x\nold-key = /some/file\n");
    struct config *c = given("--config", path, NULL);
    assert_non_null(c);
    logged(c, line, sizeof line);
    assert_non_null(strstr(line, "setting=old-key has no meaning any more"));
    assert_null(strstr(line, "/some/file"));
    config_free(c);
    c = given("--older-key", "x", "--pg", "y", NULL);
    assert_non_null(c);
    assert_string_equal(config_str(c, "pg"), "y");
    logged(c, line, sizeof line);
    assert_non_null(strstr(line, "setting=older-key"));
    config_free(c);
    c = given("--pg=x", NULL);
    assert_non_null(c);
    logged(c, line, sizeof line);
    assert_null(strstr(line, "no meaning"));
    config_free(c);
}

static void secrets_are_masked_when_shown(void **state) {
    (void)state;
    struct config *c = given("--pg", "postgresql://u:hunter2@db", "--kafka.sasl.password=hunter3", NULL);
    assert_non_null(c);
    char line[4096];
    logged(c, line, sizeof line);
    assert_non_null(strstr(line, "pg=\"***\""));
    assert_non_null(strstr(line, "deadline-ms=\"4000\""));
    assert_null(strstr(line, "hunter"));
    config_free(c);
}

int main(void) {
#define CONFIG_TEST(f) cmocka_unit_test_setup(f, clean_environment)
    const struct CMUnitTest tests[] = {
        CONFIG_TEST(defaults),
        CONFIG_TEST(each_source_beats_the_one_before),
        CONFIG_TEST(flags_and_positional_arguments),
        CONFIG_TEST(errors_name_the_key_and_the_source),
        CONFIG_TEST(library_settings_pass_through),
        CONFIG_TEST(help_and_version_need_no_settings),
        CONFIG_TEST(load_ends_the_process_as_it_should),
        CONFIG_TEST(what_the_table_cannot_say_is_judged_too),
        CONFIG_TEST(values_of_a_kind_are_judged),
        CONFIG_TEST(what_is_no_setting_is_refused),
        CONFIG_TEST(keys_of_the_version_before_are_taken_with_a_warning),
        CONFIG_TEST(secrets_are_masked_when_shown),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
