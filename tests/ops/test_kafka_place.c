/* The number beside a committed offset. */
#include "ops/runtime/kafka_place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int64_t number_of(const char *metadata) {
    rd_kafka_topic_partition_t place = {.metadata = (char *)(uintptr_t)metadata,
                                        .metadata_size = metadata != NULL ? strlen(metadata) : 0};
    return place_number(&place);
}

static void what_is_set_is_read(void **state) {
    (void)state;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *place = rd_kafka_topic_partition_list_add(list, "t", 0);
    place_set_number(place, 0);
    assert_int_equal(place_number(place), 0);
    place_set_number(place, INT64_C(1234567890123456789));
    assert_memory_equal(place->metadata, "usher 1 1234567890123456789", place->metadata_size);
    assert_true(place_number(place) == INT64_C(1234567890123456789));
    rd_kafka_topic_partition_list_destroy(list);
}

static void nothing_else_is_taken_for_one(void **state) {
    (void)state;
    assert_int_equal(number_of("usher 1 7"), 7);
    assert_int_equal(number_of(NULL), -1);
    assert_int_equal(number_of(""), -1);
    assert_int_equal(number_of("usher 1 "), -1);
    assert_int_equal(number_of("usher 2 7"), -1);
    assert_int_equal(number_of("usher 1 -7"), -1);
    assert_int_equal(number_of("usher 1 7 "), -1);
    assert_int_equal(number_of("usher 1 0x7"), -1);
    assert_int_equal(number_of("usher 1 9999999999999999999"), -1);
    assert_int_equal(number_of("usher 1 12345678901234567890"), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_set_is_read),
        cmocka_unit_test(nothing_else_is_taken_for_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
