/* The portal's cookie: when it is safe, which one counts, and from which pages it may be used. */
#include "ingest/request/cookie.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct ingest ingest;
static struct request *r;

static int set_up(void **state) {
    (void)state;
    ingest.settings.public_url = "";
    r = request_new(&ingest);
    r->head.host = "localhost:8080";
    strcpy(r->head.method, "POST");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    request_release(r);
    request_pool_free();
    return 0;
}

static void where_a_session_is_safe(void **state) {
    static const struct {
        const char *url, *host;
        bool safe;
        const char *name;
    } rows[] = {
        {"", "localhost:8080", true, COOKIE_PLAIN},
        {"", "LOCALHOST", true, COOKIE_PLAIN},
        {"", "127.0.0.1:8080", true, COOKIE_PLAIN},
        {"", "127.8.9.1", true, COOKIE_PLAIN},
        {"", "[::1]:8080", true, COOKIE_PLAIN},
        {"", "usher.example.com", false, NULL},
        {"", "localhost.example.com", false, NULL},
        {"", "127.0.0.1.example.com", false, NULL},
        {"", "127.", false, NULL},
        {"", "[::10]", false, NULL},
        {"https://usher.example.com", "localhost", true, COOKIE_SECURE},
        {"https://usher.example.com/", "10.0.0.7:8080", true, COOKIE_SECURE},
        {"http://usher.example.com", "localhost", false, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ingest.settings.public_url = rows[i].url;
        r->head.host = rows[i].host;
        r->head.cookie = COOKIE_SECURE "=secure; " COOKIE_PLAIN "=plain";
        print_message("%s %s\n", rows[i].url, rows[i].host);
        assert_int_equal(cookie_is_safe(r), rows[i].safe);
        const char *found = cookie_session(r);
        if (rows[i].name == NULL)
            assert_null(found);
        else
            assert_string_equal(found, strcmp(rows[i].name, COOKIE_SECURE) == 0 ? "secure" : "plain");
        if (rows[i].name != NULL)
            assert_int_equal(strstr(cookie_set(r, "x"), "; Secure") != NULL, found[0] == 's');
    }
}

static void which_cookie_counts(void **state) {
    static const struct {
        const char *header, *due;
    } rows[] = {
        {NULL, NULL},
        {"", NULL},
        {"usher-session", NULL},
        {"usher-session=", ""},
        {"usher-session=abc", "abc"},
        {"a=b; usher-session=abc; c=d", "abc"},
        {"a=b;usher-session=abc ;c=d", "abc"},
        {"usher-session=one; usher-session=two", "one"},
        {"xusher-session=abc", NULL},
        {"usher-sessions=abc", NULL},
        {"Usher-Session=abc", NULL},
        {"a=usher-session=abc", NULL},
        {";;; ; usher-session=abc;", "abc"},
        {"__Host-usher=abc", NULL}, /* over plain HTTP anybody on the way could have set it */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        r->head.cookie = rows[i].header;
        const char *found = cookie_session(r);
        print_message("%s\n", rows[i].header != NULL ? rows[i].header : "none");
        if (rows[i].due == NULL)
            assert_null(found);
        else
            assert_string_equal(found, rows[i].due);
    }
}

static void how_it_is_set(void **state) {
    (void)state;
    assert_string_equal(cookie_set(r, "abc"), "usher-session=abc; Path=/; HttpOnly; SameSite=Strict");
    ingest.settings.public_url = "https://usher.example.com";
    assert_string_equal(cookie_set(r, "abc"), "__Host-usher=abc; Path=/; HttpOnly; SameSite=Strict; Secure");
    assert_string_equal(cookie_set(r, ""),
                        "__Host-usher=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0");
}

/* A sign-in that is under way: the way back comes from another site, so browsers must send it then. */
static void that_of_a_sign_in(void **state) {
    (void)state;
    assert_string_equal(cookie_flow_set(r, "abc"),
                        "usher-oidc=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=600");
    r->head.cookie = "usher-session=one; usher-oidc=two; __Host-usher-oidc=three";
    assert_string_equal(cookie_flow(r), "two");
    assert_string_equal(cookie_session(r), "one");
    ingest.settings.public_url = "https://usher.example.com";
    assert_string_equal(cookie_flow(r), "three");
    assert_null(cookie_session(r));
    assert_string_equal(cookie_flow_set(r, ""),
                        "__Host-usher-oidc=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0");
    r->head.cookie = NULL;
    assert_null(cookie_flow(r));
}

#define JSON "application/json"
static void from_which_pages(void **state) {
    static const struct {
        const char *method, *site, *origin, *type;
        enum err_code due;
    } rows[] = {
        {"POST", "same-origin", NULL, JSON, ERR_OK},
        {"POST", "Same-Origin", NULL, JSON, ERR_OK},
        {"POST", "same-origin", "https://evil.example", JSON, ERR_OK}, /* the browser's word goes first */
        {"POST", "same-site", NULL, JSON, ERR_FORBIDDEN},
        {"POST", "cross-site", NULL, JSON, ERR_FORBIDDEN},
        {"POST", "none", NULL, JSON, ERR_FORBIDDEN},
        {"POST", "", NULL, JSON, ERR_FORBIDDEN},
        {"POST", "cross-site", "http://localhost:8080", JSON, ERR_FORBIDDEN},
        {"POST", NULL, "http://localhost:8080", JSON, ERR_OK},
        {"POST", NULL, "http://localhost", JSON, ERR_FORBIDDEN},
        {"POST", NULL, "https://localhost:8080", JSON, ERR_FORBIDDEN},
        {"POST", NULL, "http://localhost:8080.evil.example", JSON, ERR_FORBIDDEN},
        {"POST", NULL, "null", JSON, ERR_FORBIDDEN},
        {"POST", NULL, NULL, JSON, ERR_FORBIDDEN},
        {"DELETE", NULL, NULL, JSON, ERR_FORBIDDEN},
        {"PATCH", "same-origin", NULL, "application/merge-patch+json", ERR_OK},
        {"POST", "same-origin", NULL, "application/json; charset=utf-8", ERR_OK},
        {"POST", "same-origin", NULL, "APPLICATION/JSON", ERR_OK},
        {"DELETE", "same-origin", NULL, NULL, ERR_MEDIA_TYPE},
        {"POST", "same-origin", NULL, "text/plain", ERR_MEDIA_TYPE},
        {"POST", "same-origin", NULL, "text/plain; application/json", ERR_MEDIA_TYPE},
        {"POST", "same-origin", NULL, "application/x-www-form-urlencoded", ERR_MEDIA_TYPE},
        {"POST", "same-origin", NULL, "multipart/form-data; boundary=application/json", ERR_MEDIA_TYPE},
        {"GET", "same-origin", NULL, NULL, ERR_OK},
        {"GET", "none", NULL, NULL, ERR_OK},
        {"GET", NULL, NULL, NULL, ERR_OK},
        {"HEAD", "cross-site", NULL, NULL, ERR_FORBIDDEN},
        {"GET", "same-site", NULL, NULL, ERR_FORBIDDEN},
        {"GET", "cross-site", NULL, NULL, ERR_FORBIDDEN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err err = {0};
        strcpy(r->head.method, rows[i].method);
        r->head.fetch_site = rows[i].site;
        r->head.origin = rows[i].origin;
        r->head.content_type = rows[i].type;
        print_message("row %zu\n", i);
        assert_int_equal(cookie_check_site(r, &err), rows[i].due);
    }
}

/* Behind a proxy that changes Host, public-url says what the origin is. */
static void behind_a_proxy(void **state) {
    struct err err = {0};
    (void)state;
    ingest.settings.public_url = "https://usher.example.com";
    r->head.host = "10.0.0.7:8080";
    r->head.content_type = JSON;
    r->head.origin = "https://usher.example.com";
    assert_int_equal(cookie_check_site(r, &err), ERR_OK);
    r->head.origin = "http://10.0.0.7:8080";
    assert_int_equal(cookie_check_site(r, &err), ERR_FORBIDDEN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(where_a_session_is_safe, set_up, tear_down),
        cmocka_unit_test_setup_teardown(which_cookie_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(how_it_is_set, set_up, tear_down),
        cmocka_unit_test_setup_teardown(that_of_a_sign_in, set_up, tear_down),
        cmocka_unit_test_setup_teardown(from_which_pages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(behind_a_proxy, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
