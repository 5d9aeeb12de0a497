/* How long a certificate is good. */
#include "ops/runtime/cert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char pem[] = "-----BEGIN CERTIFICATE-----\n"
                          "MIIBhDCCASugAwIBAgIUcByIr+uHh6cPp8KkXeOVkY8OI+8wCgYIKoZIzj0EAwIw\n"
                          "GDEWMBQGA1UEAwwNdXNoZXIuZXhhbXBsZTAeFw0yNjExMzAxNjIyMjhaFw0zNjEx\n"
                          "MjcxNjIyMjhaMBgxFjAUBgNVBAMMDXVzaGVyLmV4YW1wbGUwWTATBgcqhkjOPQIB\n"
                          "BggqhkjOPQMBBwNCAARrlbaIHe4YcO0DBj7sXIJK9vzjrnGOjB81vXOb3sdhhtJ5\n"
                          "bhvSBjmYKj4MUKf6L8y1lqcvqF9hz35Ju1dq+5Bqo1MwUTAdBgNVHQ4EFgQUENx8\n"
                          "Yd/3BNjzWPqyvE02Ffae3tkwHwYDVR0jBBgwFoAUENx8Yd/3BNjzWPqyvE02Ffae\n"
                          "3tkwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiA4RRHNPoGiSDZa\n"
                          "i3+JRjh2SpiPwVoRhmBN7Ciz3g5UQgIgKOXHiH359piuNcY+M+UCljkJRCbEz1tI\n"
                          "H9uhaEU35fc=\n"
                          "-----END CERTIFICATE-----\n";
#define ENDS_US (2111415748LL * 1000000) /* 2036-11-27T16:22:28Z */

static char path[64];

static void write_file(const char *before, const char *text, const char *after) {
    snprintf(path, sizeof path, "/tmp/usher-cert-XXXXXX");
    int fd = mkstemp(path);
    FILE *f = fdopen(fd, "w");
    assert_non_null(f);
    fprintf(f, "%s%s%s", before, text, after);
    fclose(f);
}

static void the_first_certificate_counts(void **state) {
    (void)state;
    static const struct {
        const char *before, *after;
    } cases[] = {{"", ""},
                 {"a line of text\n", ""},
                 {"", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        int64_t at = 0;
        write_file(cases[i].before, pem, cases[i].after);
        assert_int_equal(cert_expiry(path, &at, &err), ERR_OK);
        assert_int_equal(at, ENDS_US);
        unlink(path);
    }
}

static void what_is_none_is_said(void **state) {
    (void)state;
    struct err err = {0};
    int64_t at = 0;
    write_file("no certificate", "", "");
    assert_int_equal(cert_expiry(path, &at, &err), ERR_CONFIG);
    assert_non_null(strstr(err_text(&err), "holds no certificate"));
    unlink(path);
    assert_int_equal(cert_expiry(path, &at, &err), ERR_CONFIG);
    assert_non_null(strstr(err_text(&err), "No such file"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_certificate_counts),
        cmocka_unit_test(what_is_none_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
