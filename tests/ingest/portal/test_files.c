/* The pages of the portal: they are whole, small, and served so that a browser keeps them and does nothing
 * else. */
#include "ingest/http/routes.h"
#include "ingest/portal/bundle.h"
#include "ingest/portal/files.h"
#include "ingest/request/request.h"
#include "ingest/scim/form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#define FIRST_PAGE_MAX 90000 /* bytes, compressed */

static struct arena *arena;

static const struct portal_file *named(const char *name, size_t n) {
    for (size_t i = 0; i < portal_files_n; i++)
        if (strlen(portal_files[i].name) == n && memcmp(portal_files[i].name, name, n) == 0)
            return &portal_files[i];
    return NULL;
}

/* The bytes of all that a page loads; fails where one of them is missing. *n: how many files. */
static size_t weight_of(const char *html, int *n) {
    static const char prefix[] = "/portal/assets/";
    size_t sum = strlen(html);
    *n = 0;
    for (const char *at = html; (at = strstr(at, prefix)) != NULL; (*n)++) {
        at += strlen(prefix);
        const struct portal_file *file = named(at, strcspn(at, "\""));
        assert_non_null(file);
        sum += file->gzip_size;
    }
    return sum;
}

static void the_first_page_is_small(void **state) {
    (void)state;
    int files;
    size_t sum = weight_of(portal_page_html, &files);
    print_message("the first page: %zu bytes in %d files\n", sum, files);
    assert_int_equal(files, 2); /* without npm there is none */
    assert_true(sum < FIRST_PAGE_MAX);
    sum = weight_of(portal_docs_html, &files);
    print_message("the page of the API: %zu bytes in %d files\n", sum, files);
    assert_int_equal(files, 2);
}

static void pages_load_nothing_from_elsewhere(void **state) {
    (void)state;
    const char *const pages[] = {portal_page_html, portal_docs_html};
    for (size_t i = 0; i < 2; i++) {
        assert_null(strstr(pages[i], "://"));
        assert_null(strstr(pages[i], "style="));
        assert_null(strstr(pages[i], "\"//"));
    }
}

/* A GET and its answer. Releases the answer before. */
static struct request *asked(const char *path, const char *accepted, const char *known) {
    static struct request r;
    jb_free(&r.answer.body);
    r = (struct request){
        .arena = arena, .form = &scim_form, .head = {.accept_encoding = accepted, .if_none_match = known}};
    route_parse(&routes, "GET", path, strlen(path), arena, &r.route);
    assert_int_equal(r.route.row->handler->begin(&r), STEP_ANSWERED);
    return &r;
}

static char *path_of(const struct portal_file *file) {
    return arena_printf(arena, "/portal/assets/%s", file->name);
}

static void a_file_as_it_is_stored(void **state) {
    (void)state;
    for (size_t i = 0; i < portal_files_n; i++) {
        const struct portal_file *file = &portal_files[i];
        static const char *const takes[] = {NULL, "gzip", "deflate, gzip;q=0.5, br", "br,gzip"};
        for (size_t k = 0; k < sizeof takes / sizeof *takes; k++) {
            struct request *r = asked(path_of(file), takes[k], NULL);
            assert_int_equal(r->answer.status, 200);
            assert_string_equal(r->answer.coding, "gzip");
            assert_ptr_equal(r->answer.fixed, file->gzip);
            assert_string_equal(r->answer.etag, file->etag);
            assert_non_null(strstr(r->answer.cache, "immutable"));
        }
    }
}

static void a_file_for_who_takes_no_gzip(void **state) {
    (void)state;
    static const char *const takes[] = {"identity", "", "br", "gzip;q=0", "gzip ; q=0.000, identity"};
    for (size_t i = 0; i < portal_files_n; i++)
        for (size_t k = 0; k < sizeof takes / sizeof *takes; k++) {
            struct request *r = asked(path_of(&portal_files[i]), takes[k], NULL);
            assert_int_equal(r->answer.status, 200);
            assert_null(r->answer.coding);
            assert_null(r->answer.fixed);
            assert_int_equal(r->answer.body.n, portal_files[i].size);
        }
}

static void a_file_that_is_known(void **state) {
    (void)state;
    for (size_t i = 0; i < portal_files_n; i++) {
        struct request *r = asked(path_of(&portal_files[i]), "gzip", portal_files[i].etag);
        assert_int_equal(r->answer.status, 304);
        assert_null(r->answer.fixed);
        assert_int_equal(r->answer.body.n, 0);
    }
}

static void a_file_that_is_none(void **state) {
    (void)state;
    struct request *r = asked("/portal/assets/main-000000000000.js", "gzip", NULL);
    assert_int_equal(r->answer.status, 404);
    assert_null(r->answer.cache);
}

/* The page is what its router makes of the address, so each address of a page gives the same. */
static void deep_links(void **state) {
    (void)state;
    static const char *const paths[] = {"/portal", "/portal/keys", "/portal/keys/a", "/portal/rooms/a/b"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct request *r = asked(paths[i], NULL, NULL);
        assert_int_equal(r->answer.status, 200);
        assert_ptr_equal(r->answer.fixed, portal_page_html);
        assert_true(r->answer.no_store);
    }
}

static void what_a_page_may_do(void **state) {
    (void)state;
    static const char *const due[] = {"default-src 'none'",
                                      "script-src 'self'",
                                      "style-src 'self'",
                                      "connect-src 'self'",
                                      "frame-ancestors 'none'",
                                      "base-uri 'none'",
                                      "require-trusted-types-for 'script'"};
    static const char *const paths[] = {"/portal", "/api/v1/docs"};
    for (size_t i = 0; i < 2; i++) {
        struct request *r = asked(paths[i], NULL, NULL);
        for (size_t k = 0; k < sizeof due / sizeof *due; k++)
            assert_non_null(strstr(r->answer.policy, due[k]));
        assert_null(strstr(r->answer.policy, "unsafe"));
        assert_null(strstr(r->answer.policy, "http"));
        assert_string_equal(r->answer.content_type, "text/html; charset=utf-8");
    }
    struct request *r = asked("/portal", NULL, NULL);
    assert_non_null(strstr(r->answer.policy, "trusted-types 'none'"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_page_is_small),
        cmocka_unit_test(pages_load_nothing_from_elsewhere),
        cmocka_unit_test(a_file_as_it_is_stored),
        cmocka_unit_test(a_file_for_who_takes_no_gzip),
        cmocka_unit_test(a_file_that_is_known),
        cmocka_unit_test(a_file_that_is_none),
        cmocka_unit_test(deep_links),
        cmocka_unit_test(what_a_page_may_do),
    };
    arena = arena_new();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(arena);
    return failed;
}
