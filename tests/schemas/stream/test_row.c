/* Rows of the outbox: what is written is read again, and nothing else is. */
#include "schemas/stream/row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char poison[] = "\xff\0{";

static void write_row(struct jbuf *out) {
    row_begin(out);
    row_put_source(out, &(struct row_source){"w1", "t1", "00-1-2-03", 17});
    row_put_record(out, &(struct record){.topic = RECORD_AUDIT,
                                         .key = "w1",
                                         .value = "{\"a\":\"\\\"\\u0000é\"}",
                                         .ce_id = "w1/audit/3",
                                         .ce_type = "usher.audit.change",
                                         .ce_subject = "users/u",
                                         .time_us = INT64_C(1700000000000001),
                                         .epoch = 2,
                                         .seq = 3});
    row_put_record(out, &(struct record){.topic = RECORD_ROOMS,
                                         .key = "w1/r",
                                         .ce_id = "w1/rooms/4/r",
                                         .ce_type = "usher.room.state",
                                         .ce_subject = "rooms/r",
                                         .time_us = 5,
                                         .seq = INT64_MAX});
    row_put_letter(out, &(struct row_letter){.offset = 18,
                                             .why = ERR_DECODE,
                                             .detail = "no command",
                                             .value = poison,
                                             .value_len = sizeof poison - 1,
                                             .time_us = 7});
    row_put_source(out, &(struct row_source){"w2", "t2", "", 19});
    row_put_record(out, &(struct record){.topic = RECORD_EVENTS,
                                         .key = "w2",
                                         .value = "{}",
                                         .ce_id = "w2/events/1",
                                         .ce_type = "x",
                                         .ce_subject = "users/v",
                                         .seq = 1});
}

static void what_is_written_is_read(void **state) {
    (void)state;
    struct jbuf row = {0};
    struct row_items items = {0};
    struct err err = {0};
    write_row(&row);
    assert_int_equal(row_decode(row.p, row.n, &items, &err), ERR_OK);
    assert_int_equal(items.n, 4);
    const struct row_item *i = items.items;
    assert_string_equal(i[0].source.workspace, "w1");
    assert_string_equal(i[0].source.txn, "t1");
    assert_string_equal(i[0].source.traceparent, "00-1-2-03");
    assert_int_equal(i[0].source.offset, 17);
    assert_int_equal(i[0].record.topic, RECORD_AUDIT);
    assert_string_equal(i[0].record.key, "w1");
    assert_string_equal(i[0].record.value, "{\"a\":\"\\\"\\u0000é\"}");
    assert_string_equal(i[0].record.ce_id, "w1/audit/3");
    assert_string_equal(i[0].record.ce_type, "usher.audit.change");
    assert_string_equal(i[0].record.ce_subject, "users/u");
    assert_int_equal(i[0].record.time_us, INT64_C(1700000000000001));
    assert_int_equal(i[0].record.epoch, 2);
    assert_int_equal(i[0].record.seq, 3);
    assert_string_equal(i[1].source.txn, "t1");
    assert_null(i[1].record.value); /* a tombstone */
    assert_true(i[1].record.seq == INT64_MAX);
    assert_true(i[2].is_letter);
    assert_int_equal(i[2].letter.offset, 18);
    assert_int_equal(i[2].letter.why, ERR_DECODE);
    assert_string_equal(i[2].letter.detail, "no command");
    assert_null(i[2].letter.key);
    assert_int_equal(i[2].letter.value_len, 3);
    assert_memory_equal(i[2].letter.value, poison, 3);
    assert_null(i[2].letter.sha256);
    assert_int_equal(i[2].letter.time_us, 7);
    assert_string_equal(i[3].source.workspace, "w2");
    assert_string_equal(i[3].source.traceparent, "");
    row_items_free(&items);
    jb_free(&row);
}

/* Whatever is cut off or changed is refused or read within its bounds (the sanitizer looks). */
static void damage_is_no_harm(void **state) {
    (void)state;
    struct jbuf row = {0};
    struct err err = {0};
    write_row(&row);
    for (size_t n = 0; n <= row.n; n++) {
        struct row_items items = {0};
        char *part = malloc(n + 1);
        memcpy(part, row.p, n);
        enum err_code code = row_decode(part, n, &items, &err);
        assert_true(code == ERR_OK ? items.n <= 4 : code == ERR_DECODE);
        if (n == row.n)
            assert_int_equal(code, ERR_OK);
        row_items_free(&items);
        free(part);
    }
    for (size_t at = 0; at < row.n; at++) {
        struct row_items items = {0};
        char *part = malloc(row.n);
        memcpy(part, row.p, row.n);
        part[at] = (char)(part[at] ^ 0xff);
        enum err_code code = row_decode(part, row.n, &items, &err);
        assert_true(code == ERR_OK || code == ERR_DECODE);
        if (at == 0)
            assert_int_equal(code, ERR_DECODE); /* another version */
        row_items_free(&items);
        free(part);
    }
    jb_free(&row);
}

static void a_record_needs_a_source(void **state) {
    (void)state;
    struct jbuf row = {0};
    struct row_items items = {0};
    struct err err = {0};
    row_begin(&row);
    assert_int_equal(row_decode(row.p, row.n, &items, &err), ERR_OK);
    assert_int_equal(items.n, 0);
    row_put_record(&row, &(struct record){.key = "k", .ce_id = "i", .ce_type = "t", .ce_subject = "s"});
    assert_int_equal(row_decode(row.p, row.n, &items, &err), ERR_DECODE);
    row_items_free(&items);
    jb_free(&row);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(damage_is_no_harm),
        cmocka_unit_test(a_record_needs_a_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
