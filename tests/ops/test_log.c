#include "ops/runtime/clock.h"
#include "ops/runtime/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int kept_stderr, reader;

/* stderr becomes a pipe that the test reads. */
static int redirect(void **state) {
    (void)state;
    int ends[2];
    if (pipe(ends) != 0)
        return -1;
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    kept_stderr = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    reader = ends[0];
    log_init("test", "info");
    return 0;
}

static int restore(void **state) {
    (void)state;
    dup2(kept_stderr, STDERR_FILENO);
    close(kept_stderr);
    close(reader);
    return 0;
}

static char *taken(void) {
    static char text[1 << 17];
    ssize_t n = read(reader, text, sizeof text - 1);
    text[n > 0 ? n : 0] = 0;
    return text;
}

static void a_line_has_time_level_system_event_and_fields(void **state) {
    (void)state;
    log_event(LOG_WARN, "batch", "n=%d ms=%d", 7, 12);
    char *line = taken();
    char ts[RFC3339_SIZE] = {0};
    int64_t us;
    assert_memory_equal(line, "ts=", 3);
    memcpy(ts, line + 3, 27);
    assert_true(rfc3339_parse(ts, &us));
    assert_string_equal(line + 30, " level=warn sys=test event=batch n=7 ms=12\n");
    log_event(LOG_INFO, "bare", "");
    assert_string_equal(taken() + 30, " level=info sys=test event=bare\n");
}

static void levels_below_are_silent(void **state) {
    (void)state;
    assert_false(log_enabled(LOG_DEBUG));
    log_event(LOG_DEBUG, "hidden", "");
    assert_string_equal(taken(), "");
    log_init("test", "debug");
    assert_true(log_enabled(LOG_DEBUG));
    log_event(LOG_DEBUG, "shown", "");
    assert_non_null(strstr(taken(), "level=debug"));
    log_init("test", "no such level");
    assert_true(log_enabled(LOG_DEBUG));
}

static void one_event_is_one_line_whatever_it_holds(void **state) {
    (void)state;
    char *text = malloc(10001);
    memset(text, 'x', 10000);
    text[10000] = 0;
    log_event(LOG_ERROR, "long", "text=%s", text);
    char *line = taken();
    assert_int_equal(strlen(line), 4095);
    assert_int_equal(line[4094], '\n');
    log_event(LOG_ERROR, "broken", "a=1\nlevel=error forged=%s", "x\ry");
    line = taken();
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    assert_null(strchr(line, '\r'));
    free(text);
}

/* Whatever a caller forgets to quote: no byte of it moves a terminal's cursor. */
static void no_control_byte_reaches_a_line(void **state) {
    (void)state;
    char every[300], *p = every;
    for (int c = 1; c < 0x20; c++)
        *p++ = (char)c;
    strcpy(p, "\x7f\xc2\x9b"
              "31m \xc2\x85 \xc3\x9b \xe2\x82\xac");
    log_event(LOG_ERROR, "hostile", "value=%s", every);
    char *line = taken(), *value = strstr(line, "value=");
    assert_non_null(value);
    assert_string_equal(value + strspn(value, "value= "), "31m    \xc3\x9b \xe2\x82\xac\n");
    for (char *c = line; *c != '\n'; c++)
        assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
}

static void words(void **state) {
    (void)state;
    char out[32];
    assert_string_equal(log_word("GET", out, sizeof out), "GET");
    assert_string_equal(log_word("a-b._:/+9", out, sizeof out), "a-b._:/+9");
    assert_string_equal(log_word("G T", out, sizeof out), "\"G T\"");
    assert_string_equal(log_word("a=b", out, sizeof out), "\"a=b\"");
    assert_string_equal(log_word("\x1b", out, sizeof out), "\"\\x1b\"");
    assert_string_equal(log_word("", out, sizeof out), "\"\"");
    assert_string_equal(log_word(NULL, out, sizeof out), "\"\"");
    assert_string_equal(log_word("0123456789", out, 10), "\"0123456\"");
}

static void quoting(void **state) {
    (void)state;
    char out[32], tiny[2];
    assert_string_equal(log_quote("plain", out, sizeof out), "\"plain\"");
    assert_string_equal(log_quote("a\"b\\c\n", out, sizeof out), "\"a\\\"b\\\\c\\x0a\"");
    assert_string_equal(log_quote(NULL, out, sizeof out), "\"\"");
    assert_string_equal(log_quote("0123456789", out, 8), "\"01234\"");
    assert_string_equal(log_quote("01234\"", out, 9), "\"01234\"");
    assert_string_equal(log_quote("x", tiny, sizeof tiny), "");
}

static void a_full_pipe_drops_and_counts_instead_of_waiting(void **state) {
    (void)state;
    for (int i = 0; i < 5000; i++)
        log_event(LOG_INFO, "flood", "i=%d text=%s", i, "0123456789012345678901234567890123456789");
    while (*taken())
        continue;
    log_event(LOG_INFO, "after", "");
    char *line = taken(), *count = strstr(line, " lines_dropped=");
    assert_non_null(count);
    assert_in_range(atoi(count + 15), 1000, 4999);
    log_event(LOG_INFO, "later", "");
    assert_null(strstr(taken(), "lines_dropped"));
}

static void *writer(void *arg) {
    for (int i = 0; i < 50; i++)
        log_event(LOG_INFO, "thread", "who=%s", (const char *)arg);
    return NULL;
}

static void lines_of_threads_do_not_mix(void **state) {
    (void)state;
    pthread_t threads[4];
    static char names[4][40];
    for (int i = 0; i < 4; i++) {
        memset(names[i], 'a' + i, sizeof names[i] - 1);
        pthread_create(&threads[i], NULL, writer, names[i]);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    int lines = 0;
    for (char *text = taken(), *line; (line = strsep(&text, "\n")) && *line; lines++) {
        char *who = strstr(line, "who=");
        assert_non_null(who);
        assert_int_equal(strlen(who), 4 + 39);
        assert_int_equal(strspn(who + 4, (char[]){who[4], 0}), 39);
    }
    assert_int_equal(lines, 200);
}

static int lines_of(const char *text, const char *part) {
    int n = 0;
    for (const char *p = text; (p = strstr(p, part)) != NULL; p++)
        n++;
    return n;
}

static void what_repeats_is_counted_and_not_written(void **state) {
    (void)state;
    log_limit(5, 60 * 60 * 1000000L);
    for (int i = 0; i < 50; i++) {
        log_event(LOG_WARN, "again", "i=%d", i);
        log_event(LOG_ERROR, "again", "i=%d", i);
        log_event(LOG_INFO, "told", "i=%d", i);
    }
    log_event(LOG_WARN, "another", "");
    const char *text = taken();
    log_limit(LOG_BURST, LOG_REPEAT_US);
    assert_int_equal(lines_of(text, "level=warn sys=test event=again"), 5);
    assert_int_equal(lines_of(text, "level=error sys=test event=again"),
                     5); /* another level is another kind */
    assert_int_equal(lines_of(text, "event=told"), 50);
    assert_int_equal(lines_of(text, "event=another"), 1);
    assert_int_equal(lines_of(text, "left_out="), 0);
}

static void a_later_line_says_how_many_were_left_out(void **state) {
    (void)state;
    int written = 0, sent = 0;
    long left_out = 0;
    log_limit(2, 1000);
    /* Until time has made room for another one. */
    while (written < 3 && sent < 10000000) {
        log_event(LOG_WARN, "again", "");
        sent++;
        const char *line = taken(), *left = strstr(line, " left_out=");
        if (*line == '\0')
            continue;
        written++;
        left_out += left != NULL ? strtol(left + 10, NULL, 10) : 0;
    }
    log_limit(LOG_BURST, LOG_REPEAT_US);
    assert_int_equal(written, 3);
    assert_int_equal(written + left_out, sent); /* each is either written or counted */
}

static void without_a_limit_each_is_written(void **state) {
    (void)state;
    log_limit(2, 0);
    for (int i = 0; i < 100; i++)
        log_event(LOG_WARN, "again", "");
    const char *text = taken();
    log_limit(LOG_BURST, LOG_REPEAT_US);
    assert_int_equal(lines_of(text, "event=again"), 100);
}

int main(void) {
#define LOG_TEST(f) cmocka_unit_test_setup_teardown(f, redirect, restore)
    const struct CMUnitTest tests[] = {
        LOG_TEST(a_line_has_time_level_system_event_and_fields),
        LOG_TEST(levels_below_are_silent),
        LOG_TEST(one_event_is_one_line_whatever_it_holds),
        LOG_TEST(quoting),
        LOG_TEST(no_control_byte_reaches_a_line),
        cmocka_unit_test(words),
        LOG_TEST(a_full_pipe_drops_and_counts_instead_of_waiting),
        LOG_TEST(lines_of_threads_do_not_mix),
        LOG_TEST(what_repeats_is_counted_and_not_written),
        LOG_TEST(a_later_line_says_how_many_were_left_out),
        LOG_TEST(without_a_limit_each_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
