/* Credentials in the Authorization header. */
#include "ingest/http/headers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void bearer_tokens(void **state) {
    (void)state;
    assert_string_equal(headers_bearer("Bearer abc"), "abc");
    assert_string_equal(headers_bearer("bEARER   abc"), "abc");
    assert_null(headers_bearer(NULL));
    assert_null(headers_bearer("Basic abc"));
    assert_string_equal(headers_basic("bAsic  dTpw"), "dTpw");
    assert_null(headers_basic("Bearer abc"));
    assert_null(headers_basic(NULL));
    assert_null(headers_bearer("Bearerabc"));
    assert_null(headers_bearer(""));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(bearer_tokens)};
    return cmocka_run_group_tests_name("ingest/headers", tests, NULL, NULL);
}
