/* The file of the archive's key: what openssl writes is read, and nothing else. */
#include "workers/archive/audit_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* RFC 8410, section 10.3, and RFC 8032, section 7.1, test 1. */
#define RFC8410                                                                                              \
    "-----BEGIN PRIVATE KEY-----\n"                                                                          \
    "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"                                     \
    "-----END PRIVATE KEY-----\n"

static enum err_code open_text(const char *text, struct audit_key *key) {
    char name[] = "/tmp/usher-audit-key-XXXXXX";
    struct err err = {0};
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    enum err_code code = audit_key_open(name, key, &err);
    unlink(name);
    return code;
}

static void what_openssl_writes_is_read(void **state) {
    (void)state;
    struct audit_key key;
    static const unsigned char wanted[] = {0x19, 0xbf, 0x44, 0x09, 0x69, 0x84, 0xcd, 0xfe, 0x85, 0x41, 0xba,
                                           0xc1, 0x67, 0xdc, 0x3b, 0x96, 0xc8, 0x50, 0x86, 0xaa, 0x30, 0xb6,
                                           0xb6, 0xcb, 0x0c, 0x5c, 0x38, 0xad, 0x70, 0x31, 0x66, 0xe1};
    assert_int_equal(open_text(RFC8410, &key), ERR_OK);
    assert_memory_equal(key.public_key, wanted, sizeof wanted);
}

static void anything_else_is_refused(void **state) {
    (void)state;
    struct audit_key key;
    struct err err = {0};
    static const char *const texts[] = {
        "", "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC",
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n",
        /* X25519: another algorithm */
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
        "-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\n-----END PRIVATE KEY-----\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(open_text(texts[i], &key), ERR_CONFIG);
    assert_int_equal(audit_key_open("/nonexistent/key.pem", &key, &err), ERR_CONFIG);
}

static void no_file_is_a_fresh_key(void **state) {
    (void)state;
    struct audit_key one, two;
    struct err err = {0};
    assert_int_equal(audit_key_open("", &one, &err), ERR_OK);
    assert_int_equal(audit_key_open("", &two, &err), ERR_OK);
    assert_memory_not_equal(one.public_key, two.public_key, sizeof one.public_key);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_openssl_writes_is_read),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(no_file_is_a_fresh_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
