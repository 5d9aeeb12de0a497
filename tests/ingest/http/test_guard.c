/* The guard: what the HTTP library lets through and we must not (CL+TE, repeated framing headers,
 * no Host, encoded separators). */
#include "ingest/http/guard.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct guard_header headers[GUARD_HEADERS_MAX + 1];
    struct guard_request request;
    struct guard_facts facts;
    struct err err;
};

static void header(struct fixture *f, const char *name, const char *value) {
    f->headers[f->request.nheaders++] =
        (struct guard_header){GUARD_HEADER, name, strlen(name), value, strlen(value)};
}

static struct fixture plain(const char *target) {
    struct fixture f = {.request = {.method = "GET", .whole = true, .version = "HTTP/1.1", .target = target}};
    header(&f, "Host", "usher.example:8080");
    return f;
}

static enum err_code check(struct fixture *f) {
    f->request.headers = f->headers;
    return guard_check(&f->request, &f->facts, &f->err);
}

static enum err_code check_target(const char *target) {
    struct fixture f = plain(target);
    return check(&f);
}

static void accepts_ordinary_requests(void **state) {
    (void)state;
    struct fixture f = plain("/scim/v2/Users?filter=userName%20eq%20%22a%22");
    header(&f, "authorization", "Bearer x");
    header(&f, "Content-Length", "17");
    header(&f, "User-Agent", "test");
    assert_int_equal(check(&f), ERR_OK);
    assert_int_equal(f.facts.path_len, strlen("/scim/v2/Users"));
    assert_string_equal(f.facts.query, "filter=userName%20eq%20%22a%22");
    assert_string_equal(f.facts.authorization, "Bearer x");
    assert_string_equal(f.facts.host, "usher.example:8080");
    assert_true(f.facts.has_length);
    assert_int_equal(f.facts.length, 17);
    assert_false(f.facts.chunked);
}

static void accepts_odd_but_legal_targets(void **state) {
    (void)state;
    static const char *const targets[] = {
        "/",
        "/scim/v2/Schemas/urn:ietf:params:scim:schemas:core:2.0:User",
        "/scim/v2/Schemas/urn%3Aietf%3Aparams",
        "/w/caf%C3%A9/scim/v2/Users",
        "/a..b/...",
        "/x?q=%2f%5c..//",          /* separators are harmless behind the question mark */
        "/x?filter=a[b]\"\xc3\xa9", /* clients send filters unescaped */
        "http://usher.example:8080/scim/v2/Users",
        "HTTPS://usher.example:8080/scim/v2/Users?x",
    };
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
        assert_int_equal(check_target(targets[i]), ERR_OK);
}

static void takes_the_path_of_an_absolute_target(void **state) {
    (void)state;
    struct fixture f = plain("http://USHER.example:8080/scim/v2/Users?count=1");
    assert_int_equal(check(&f), ERR_OK);
    assert_memory_equal(f.facts.path, "/scim/v2/Users", f.facts.path_len);
    assert_string_equal(f.facts.query, "count=1");
    assert_string_equal(f.facts.scheme, "http");
    assert_memory_equal(f.facts.authority, "USHER.example:8080", f.facts.authority_len);
    static const char *const broken[] = {"http:///x", "http://a@usher.example:8080/x", "http://?x",
                                         "https://us her/x", "http://\"/x"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_int_equal(check_target(broken[i]), ERR_BAD_REQUEST);
    struct fixture origin = plain("/x?y=http://z/");
    assert_int_equal(check(&origin), ERR_OK);
    assert_null(origin.facts.scheme);
    assert_null(origin.facts.authority);
}

/* The target says which host is meant, whatever the Host header says (RFC 9112 section 3.2.2). But a header
 * that is there must be a host. */
static void the_target_s_host_comes_before_the_header(void **state) {
    (void)state;
    struct fixture f = plain("https://other.example/x");
    assert_int_equal(check(&f), ERR_OK);
    assert_string_equal(f.facts.scheme, "https");
    assert_int_equal(f.facts.authority_len, strlen("other.example"));
    assert_memory_equal(f.facts.authority, "other.example", f.facts.authority_len);
    assert_string_equal(f.facts.host, "usher.example:8080");
    f.headers[0].value = "a/b";
    assert_int_equal(check(&f), ERR_BAD_REQUEST);
    f.headers[0].value = "";
    assert_int_equal(check(&f), ERR_BAD_REQUEST);
    f.request.nheaders = 0;
    assert_int_equal(check(&f), ERR_BAD_REQUEST);
    f.request.version = "HTTP/1.0";
    assert_int_equal(check(&f), ERR_OK);
}

static const char *coding(const char *first, const char *second) {
    struct fixture f = plain("/x");
    header(&f, "content-encoding", first);
    if (second != NULL)
        header(&f, "Content-Encoding", second);
    assert_int_equal(check(&f), ERR_OK);
    return f.facts.coding;
}

static void sees_coded_bodies(void **state) {
    (void)state;
    static const char *const plain_ones[] = {"",     "identity",   "IDENTITY", "identity, identity",
                                             " , ,", ",identity\t"};
    for (size_t i = 0; i < sizeof plain_ones / sizeof *plain_ones; i++)
        assert_null(coding(plain_ones[i], NULL));
    static const char *const coded[] = {"gzip",      "br",   "identity, deflate", "x-gzip", "identit",
                                        "identityx", "zstd,"};
    for (size_t i = 0; i < sizeof coded / sizeof *coded; i++)
        assert_string_equal(coding(coded[i], NULL), coded[i]);
    assert_string_equal(coding("identity", "gzip"), "gzip");
    assert_string_equal(coding("gzip", ""), "gzip");
}

static void refuses_tricky_targets(void **state) {
    (void)state;
    static const char *const targets[] = {
        NULL,      "",          "*",          "scim",     "/a%00b",       "/a%2fb",
        "/a%2Fb",  "/a%5cb",    "/a%5Cb",     "/a\\b",    "/../x",        "/x/..",
        "/x/../y", "/%2e%2e/y", "/%2E./y",    "/./x",     "/x/.",         "/a%0db",
        "/a%1fb",  "/a%7fb",    "/a\x01",     "/a b",     "/a?b c",       "/a?b\tc",
        "/a?%00",  "/a%",       "/a%2",       "/a%zz",    "/a\"b",        "/a<b",
        "/a#b",    "/a?b#c",    "/a\xc3\xa9", "http://h", "http://h?x=1", "ftp://h/x",
    };
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
        assert_int_equal(check_target(targets[i]), ERR_BAD_REQUEST);
}

static void refuses_long_targets(void **state) {
    (void)state;
    char *target = malloc(GUARD_TARGET_MAX + 2);
    memset(target, 'a', GUARD_TARGET_MAX + 1);
    target[0] = '/';
    target[GUARD_TARGET_MAX] = '\0';
    assert_int_equal(check_target(target), ERR_OK);
    target[GUARD_TARGET_MAX] = 'a';
    target[GUARD_TARGET_MAX + 1] = '\0';
    assert_int_equal(check_target(target), ERR_URI_TOO_LONG);
    free(target);
}

static void refuses_two_framings(void **state) {
    (void)state;
    struct fixture f = plain("/x");
    header(&f, "Content-Length", "3");
    header(&f, "Transfer-Encoding", "chunked");
    assert_int_equal(check(&f), ERR_BAD_REQUEST);
}

static void refuses_repeated_headers(void **state) {
    (void)state;
    static const char *const twice[][2] = {{"Content-Length", "3"},
                                           {"Transfer-Encoding", "chunked"},
                                           {"Authorization", "Bearer x"},
                                           {"Content-Type", "application/json"}};
    for (size_t i = 0; i < sizeof twice / sizeof *twice; i++) {
        struct fixture f = plain("/x");
        header(&f, twice[i][0], twice[i][1]);
        assert_int_equal(check(&f), ERR_OK);
        header(&f, twice[i][0], twice[i][1]);
        assert_int_equal(check(&f), ERR_BAD_REQUEST);
    }
    struct fixture f = plain("/x");
    header(&f, "hOST", "usher.example:8080");
    assert_int_equal(check(&f), ERR_BAD_REQUEST);
}

static void understands_chunked_only(void **state) {
    (void)state;
    static const char *const codings[] = {"gzip", "chunked, chunked", "gzip, chunked", "identity",
                                          "",     "xchunked",         "chunked "};
    struct fixture good = plain("/x");
    header(&good, "Transfer-Encoding", "Chunked");
    assert_int_equal(check(&good), ERR_OK);
    assert_true(good.facts.chunked);
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++) {
        struct fixture f = plain("/x");
        header(&f, "Transfer-Encoding", codings[i]);
        assert_int_equal(check(&f), ERR_BAD_REQUEST);
    }
    struct fixture old = plain("/x");
    old.request.version = "HTTP/1.0";
    header(&old, "Transfer-Encoding", "chunked");
    assert_int_equal(check(&old), ERR_BAD_REQUEST);
}

static void refuses_bad_lengths(void **state) {
    (void)state;
    static const char *const lengths[] = {"", "-1", "+3", "3 ", " 3", "3,3", "0x10", "1e3", "3;"};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct fixture f = plain("/x");
        header(&f, "Content-Length", lengths[i]);
        assert_int_equal(check(&f), ERR_BAD_REQUEST);
    }
    struct fixture f = plain("/x");
    header(&f, "Content-Length", "99999999999999999999999999");
    assert_int_equal(check(&f), ERR_OK);
    assert_true(f.facts.length == ULLONG_MAX);
}

static void needs_a_host(void **state) {
    (void)state;
    static const char *const hosts[] = {"", "a b", "a\"b", "a/b", "a@b", "<h>"};
    struct fixture none = {
        .request = {.method = "GET", .whole = true, .version = "HTTP/1.1", .target = "/x"}};
    assert_int_equal(check(&none), ERR_BAD_REQUEST);
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        struct fixture f = {
            .request = {.method = "GET", .whole = true, .version = "HTTP/1.1", .target = "/x"}};
        header(&f, "Host", hosts[i]);
        assert_int_equal(check(&f), ERR_BAD_REQUEST);
    }
    struct fixture v6 = {.request = {.method = "GET", .whole = true, .version = "HTTP/1.1", .target = "/x"}};
    header(&v6, "Host", "[::1]:8080");
    assert_int_equal(check(&v6), ERR_OK);
}

static void refuses_bad_header_text(void **state) {
    (void)state;
    struct fixture f = plain("/x");
    header(&f, "X Y", "1");
    assert_int_equal(check(&f), ERR_BAD_REQUEST);
    struct fixture g = plain("/x");
    header(&g, "X-Y", "1\r2");
    assert_int_equal(check(&g), ERR_BAD_REQUEST);
    struct fixture h = plain("/x");
    h.headers[h.request.nheaders++] = (struct guard_header){GUARD_HEADER, "X-Y", 3, "a\0b", 3};
    assert_int_equal(check(&h), ERR_BAD_REQUEST);
    struct fixture tab = plain("/x");
    header(&tab, "X-Y", "a\tb");
    assert_int_equal(check(&tab), ERR_OK);
}

static void refuses_what_the_library_has_not_read_whole(void **state) {
    (void)state;
    struct fixture f = plain("/x");
    f.request.whole = false;
    assert_int_equal(check(&f), ERR_BAD_REQUEST);
}

static void refuses_odd_methods_and_versions(void **state) {
    (void)state;
    static const char *const methods[] = {"G T", "G\x1b", "G(", "G\xc3\xa9"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        struct fixture f = plain("/x");
        f.request.method = methods[i];
        assert_int_equal(check(&f), ERR_BAD_REQUEST);
    }
    struct fixture f = plain("/x");
    f.request.version = "HTTP/1.2";
    assert_int_equal(check(&f), ERR_HTTP_VERSION);
}

static void bounds_headers(void **state) {
    (void)state;
    struct fixture many = plain("/x");
    while (many.request.nheaders < GUARD_HEADERS_MAX)
        header(&many, "X-A", "1");
    assert_int_equal(check(&many), ERR_OK);
    header(&many, "X-A", "1");
    assert_int_equal(check(&many), ERR_HEADERS_TOO_LARGE);

    char *large = malloc(GUARD_HEADER_BYTES_MAX + 1);
    memset(large, 'x', GUARD_HEADER_BYTES_MAX);
    large[GUARD_HEADER_BYTES_MAX] = '\0';
    struct fixture f = plain("/x");
    header(&f, "X-A", large);
    assert_int_equal(check(&f), ERR_HEADERS_TOO_LARGE);
    free(large);
}

/* Trailers are not headers: whatever they say changes nothing. */
static void ignores_trailers(void **state) {
    (void)state;
    struct fixture f = plain("/x");
    header(&f, "Transfer-Encoding", "chunked");
    f.headers[f.request.nheaders++] = (struct guard_header){GUARD_TRAILER, "Content-Length", 14, "5", 1};
    f.headers[f.request.nheaders++] = (struct guard_header){GUARD_TRAILER, "Host", 4, "evil", 4};
    assert_int_equal(check(&f), ERR_OK);
    assert_string_equal(f.facts.host, "usher.example:8080");
    assert_false(f.facts.has_length);
}

static void judges_traceparent(void **state) {
    (void)state;
    assert_true(guard_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    static const char *const bad[] = {
        "",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-011",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(guard_traceparent(bad[i]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_ordinary_requests),
        cmocka_unit_test(accepts_odd_but_legal_targets),
        cmocka_unit_test(takes_the_path_of_an_absolute_target),
        cmocka_unit_test(the_target_s_host_comes_before_the_header),
        cmocka_unit_test(sees_coded_bodies),
        cmocka_unit_test(refuses_tricky_targets),
        cmocka_unit_test(refuses_long_targets),
        cmocka_unit_test(refuses_two_framings),
        cmocka_unit_test(refuses_repeated_headers),
        cmocka_unit_test(understands_chunked_only),
        cmocka_unit_test(refuses_bad_lengths),
        cmocka_unit_test(needs_a_host),
        cmocka_unit_test(refuses_bad_header_text),
        cmocka_unit_test(refuses_what_the_library_has_not_read_whole),
        cmocka_unit_test(refuses_odd_methods_and_versions),
        cmocka_unit_test(bounds_headers),
        cmocka_unit_test(ignores_trailers),
        cmocka_unit_test(judges_traceparent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
