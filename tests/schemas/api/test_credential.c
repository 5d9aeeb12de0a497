#include "schemas/api/credential.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TOKEN "ush_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg"
#define HASH "b6d56a332f90ba06d40a56a2c607b3719075fc2361f5a8a01048c9effd68bc64"

static void a_token_leaves_its_hash_and_first_digits(void **state) {
    (void)state;
    json_t *resource = json_object();
    credential_put_token(resource, TOKEN);
    assert_int_equal(json_object_size(resource), 2);
    assert_string_equal(json_string_value(json_object_get(resource, "tokenHash")), HASH);
    assert_string_equal(json_string_value(json_object_get(resource, "prefix")), "ush_01234567");
    char *text = json_dumps(resource, JSON_COMPACT);
    assert_null(strstr(text, TOKEN));
    free(text);
    json_decref(resource);
}

static void a_moment_or_null(void **state) {
    (void)state;
    json_t *resource = json_object();
    credential_put_moment(resource, "expires", 1893456000000000);
    credential_put_moment(resource, "overlapUntil", 0);
    assert_int_equal(json_integer_value(json_object_get(resource, "expires")), 1893456000000000);
    assert_true(json_is_null(json_object_get(resource, "overlapUntil")));
    json_decref(resource);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_leaves_its_hash_and_first_digits),
        cmocka_unit_test(a_moment_or_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
