/* Credentials in the Authorization header. */
#include "ingest/http/headers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void basic_credentials(void **state) {
    (void)state;
    assert_string_equal(headers_basic("bAsic  dTpw"), "dTpw");
    assert_null(headers_basic("Bearer abc"));
    assert_null(headers_basic(NULL));
    assert_null(headers_basic("Basicabc"));
    assert_null(headers_basic(""));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(basic_credentials)};
    return cmocka_run_group_tests_name("ingest/headers", tests, NULL, NULL);
}
