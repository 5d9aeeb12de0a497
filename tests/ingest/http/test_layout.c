/* The layout of a head, as libmicrohttpd 0.9.75 and 1.0 leave it in their buffer: they write NULs over the
 * bytes between the pieces. */
#include "ingest/http/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEADERS 3

struct head {
    char text[200];
    struct guard_header headers[HEADERS];
    struct layout layout;
};

/* What 0.9.75 does: NULs over blank, colon, CR and LF. Blanks behind the colon are skipped. */
static void cut(struct head *h, const char *wire, size_t n) {
    memset(h, 0, sizeof *h);
    memcpy(h->text, wire, n);
    struct layout *l = &h->layout;
    l->bytes = n;
    l->method = h->text;
    char *p = memchr(h->text, ' ', n);
    *p = '\0';
    l->target = ++p;
    p = strchr(p, ' ');
    *p = '\0';
    l->target_len = strlen(l->target);
    l->version = ++p;
    l->headers = h->headers;
    for (char *end = h->text + n, *line = strstr(p, "\r\n"); line != NULL && line < end;) {
        line[0] = line[1] = '\0';
        line += 2;
        char *next = strstr(line, "\r\n");
        if (next == line) {
            next[0] = next[1] = '\0';
            return;
        }
        char *colon = strchr(line, ':');
        struct guard_header *g = &h->headers[l->nheaders++];
        *colon = '\0';
        g->name = line;
        g->name_len = strlen(line);
        g->value = colon + 1 + strspn(colon + 1, " \t");
        g->value_len = (size_t)(next - g->value);
        line = next;
    }
}

static struct head good;

static int make_good(void **state) {
    (void)state;
    static const char wire[] = "GET /x HTTP/1.1\r\nHost: a\r\nX:\t b \r\nY:\r\n\r\n";
    cut(&good, wire, sizeof wire - 1);
    return 0;
}

static void a_good_head_is_whole(void **state) {
    (void)state;
    assert_int_equal(good.layout.nheaders, 3);
    assert_true(layout_is_whole(&good.layout));
    static const char bare[] = "GET /x HTTP/1.1\r\n\r\n";
    struct head h;
    cut(&h, bare, sizeof bare - 1);
    assert_true(layout_is_whole(&h.layout));
}

/* 1.0 takes blanks off a value and leaves what is behind it. */
static void a_good_head_of_the_newer_library(void **state) {
    (void)state;
    struct guard_header *x = &good.headers[1];
    char *end = good.text + (x->value + 1 - good.text); /* the blank behind b */
    x->value_len = 1;
    memcpy(end, "\0\r\n", 3);
    assert_true(layout_is_whole(&good.layout));
    char *empty = good.text + good.layout.bytes - 4; /* behind Y: */
    memcpy(empty, "\0\n\r\n", 4);
    assert_true(layout_is_whole(&good.layout));
}

/* A folded line is appended to the name, which moves elsewhere. */
static void a_header_that_was_moved(void **state) {
    (void)state;
    static char elsewhere[] = "X-Folded";
    good.headers[1].name = elsewhere;
    good.headers[1].name_len = strlen(elsewhere);
    assert_false(layout_is_whole(&good.layout));
}

/* And the line itself is a gap. */
static void a_line_that_belongs_to_no_header(void **state) {
    (void)state;
    good.headers[1] = good.headers[2];
    good.layout.nheaders = 2;
    assert_false(layout_is_whole(&good.layout));
}

static void a_line_that_belongs_to_no_header_at_the_end(void **state) {
    (void)state;
    good.layout.nheaders = 2;
    assert_false(layout_is_whole(&good.layout));
    make_good(state);
    good.layout.bytes += 2;
    assert_false(layout_is_whole(&good.layout));
    good.layout.bytes -= 4;
    assert_false(layout_is_whole(&good.layout));
    good.layout.bytes = 0;
    assert_false(layout_is_whole(&good.layout));
}

/* The library's text ends at a NUL that came. */
static void a_nul_cuts_a_piece(void **state) {
    (void)state;
    good.headers[0].value_len = 0;
    assert_false(layout_is_whole(&good.layout));
    make_good(state);
    good.layout.target_len = 1;
    assert_false(layout_is_whole(&good.layout));
    static const char wire[] = "GET /x HTTP/1.1\r\nX: a\0\r\n\r\n";
    struct head h;
    cut(&h, "GET /x HTTP/1.1\r\nX: ab\r\n\r\n", sizeof wire - 1);
    h.text[strlen("GET /x HTTP/1.1\r\nX: a")] = '\0';
    h.headers[0].value_len = 1;
    assert_false(layout_is_whole(&h.layout));
}

/* Then there is one byte between a value and the next name. */
static void a_bare_line_feed(void **state) {
    (void)state;
    struct head h;
    static const char wire[] = "GET /x HTTP/1.1\r\nX: ab\r\nY: c\r\n\r\n";
    cut(&h, wire, sizeof wire - 1);
    h.headers[0].value_len++; /* as if the CR were not there */
    assert_false(layout_is_whole(&h.layout));
}

static void two_blanks_in_the_request_line(void **state) {
    (void)state;
    good.layout.target++;
    good.layout.target_len--;
    assert_false(layout_is_whole(&good.layout));
    make_good(state);
    good.layout.version++;
    assert_false(layout_is_whole(&good.layout));
    make_good(state);
    good.layout.target = NULL;
    assert_false(layout_is_whole(&good.layout));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_good_head_is_whole, make_good),
        cmocka_unit_test_setup(a_good_head_of_the_newer_library, make_good),
        cmocka_unit_test_setup(a_header_that_was_moved, make_good),
        cmocka_unit_test_setup(a_line_that_belongs_to_no_header, make_good),
        cmocka_unit_test_setup(a_line_that_belongs_to_no_header_at_the_end, make_good),
        cmocka_unit_test_setup(a_nul_cuts_a_piece, make_good),
        cmocka_unit_test_setup(a_bare_line_feed, make_good),
        cmocka_unit_test_setup(two_blanks_in_the_request_line, make_good),
    };
    return cmocka_run_group_tests_name("ingest/layout", tests, NULL, NULL);
}
