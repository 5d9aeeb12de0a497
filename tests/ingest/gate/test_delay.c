/* Answers that are held back: a bounded number of them. When they go out is shown in
 * tests/integration/test_throttle.py. */
#include "ingest/gate/delay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void no_more_than_there_is_room_for(void **state) {
    (void)state;
    static struct request requests[HOLD_MOST + 1];
    struct hold *h = hold_new();
    for (size_t i = 0; i < HOLD_MOST; i++)
        assert_true(hold_add(h, &requests[i], 1000));
    assert_false(hold_add(h, &requests[HOLD_MOST], 1000));
    hold_tick(h, 999, false); /* nobody's time has come: nobody is touched */
    assert_false(hold_add(h, &requests[HOLD_MOST], 1000));
    hold_free(h);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_more_than_there_is_room_for)};
    return cmocka_run_group_tests_name("ingest/hold", tests, NULL, NULL);
}
