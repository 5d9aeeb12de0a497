/* Batches: what is committed when a batch is done. */
#include "workers/delivery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>

static enum err_code try_add(struct batch *b, int32_t partition, int64_t offset, const char *value) {
    char text[256];
    memcpy(text, value, strlen(value) + 1);
    rd_kafka_message_t m = {.partition = partition, .offset = offset, .payload = text, .len = strlen(text)};
    struct err err = {0};
    enum err_code code = batch_add(b, &m, 0, &err);
    memset(text, '#', sizeof text); /* the batch must have its own copy */
    return code;
}

static void add(struct batch *b, int32_t partition, int64_t offset, const char *value) {
    assert_int_equal(try_add(b, partition, offset, value), ERR_OK);
}

static void the_next_offset_of_each_partition_is_known(void **state) {
    (void)state;
    struct batch *b = batch_new();
    add(b, 3, 10, "x");
    add(b, 5, 7, "y");
    add(b, 3, 11, "z");
    add(b, 3, 14, "z"); /* offsets have gaps: transaction markers */
    assert_int_equal(b->noffsets, 2);
    assert_int_equal(b->offsets[0].partition, 3);
    assert_int_equal(b->offsets[0].first, 10);
    assert_int_equal(b->offsets[0].next, 15);
    assert_int_equal(b->offsets[1].partition, 5);
    assert_int_equal(b->offsets[1].first, 7);
    assert_int_equal(b->offsets[1].next, 8);
    batch_free(b);
}

static void what_cannot_be_decoded_keeps_its_bytes(void **state) {
    (void)state;
    struct batch *b = batch_new();
    add(b, 0, 1, "no command");
    assert_false(b->deliveries[0].decoded);
    assert_int_equal(b->deliveries[0].decode_err.code, ERR_DECODE);
    assert_string_equal(b->deliveries[0].value, "no command");
    assert_int_equal(b->deliveries[0].value_len, strlen("no command"));
    batch_free(b);
}

/* What a newer version wrote is left for it, and its offset is not committed. */
static void a_newer_version_s_command_is_not_taken(void **state) {
    (void)state;
    struct batch *b = batch_new();
    add(b, 3, 10, "x");
    assert_int_equal(try_add(b, 3, 11, "{\"v\":3,\"type\":\"user.create\"}"), ERR_NOT_IMPLEMENTED);
    assert_int_equal(try_add(b, 3, 11, "{\"v\":1,\"type\":\"user.explode\"}"), ERR_NOT_IMPLEMENTED);
    add(b, 3, 11, "{\"v\":0,\"type\":\"user.create\"}");
    add(b, 3, 12, "{\"v\":1,\"type\":7}");
    assert_int_equal(b->n, 3);
    assert_int_equal(b->offsets[0].next, 13);
    batch_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_offset_of_each_partition_is_known),
        cmocka_unit_test(what_cannot_be_decoded_keeps_its_bytes),
        cmocka_unit_test(a_newer_version_s_command_is_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
