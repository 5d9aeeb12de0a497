/* What a version before has stored with a command, and has not emitted, goes into the outbox when the command
 * comes again from where it was applied; once. */
#include "tests/support/memory_unit.h"
#include "workers/apply/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>

#define PARTITIONS 12
#define WORKSPACE "018f0000-0000-7000-8000-000000000001"
#define TXN "0193a1c2-4d5e-7f60-8a9b-0c1d2e3f4051"
#define CLAIM WORKSPACE "/" TXN

static const char command[] =
    "{\"v\":1,\"type\":\"user.delete\",\"txn\":\"" TXN "\",\"workspace\":\"" WORKSPACE "\",\"id\":\"" TXN
    "\",\"actor\":{\"kind\":\"operator\",\"id\":null,\"name\":\"op\"},\"dialect\":\"rfc\",\"reason\":\"scim\","
    "\"replyPartition\":-1,\"time\":\"2026-01-01T12:00:00.000000Z\",\"notAfter\":null}";
static const char records[] =
    "[\"\",[\"usher.audit\",\"" WORKSPACE "\",\"" WORKSPACE "/audit/1\",\"usher.audit.change\",\"users/" TXN
    "\",1767268800000000,1,\"{}\"]]";

static size_t emitted;

static int64_t noon(void) {
    return INT64_C(1767268800000000);
}

static bool never(void *arg, int tries) {
    (void)arg, (void)tries;
    return false;
}

static enum err_code no_patience(void *arg, size_t bytes, struct err *err) {
    (void)arg, (void)bytes, (void)err;
    return ERR_OK;
}

static void count_rows(void *arg, struct row *rows) {
    (void)arg;
    for (struct row *next; rows != NULL; rows = next) {
        next = rows->next;
        emitted += rows->records;
        row_free(rows);
    }
}

static void deliver(struct memory *m, struct place *places, int64_t offset) {
    struct apply apply = {.store = unit_memory(m),
                          .partitions = PARTITIONS,
                          .places = places,
                          .events_issuer = "x",
                          .now_us = noon,
                          .again = never,
                          .patience = no_patience,
                          .committed = count_rows};
    char text[sizeof command];
    memcpy(text, command, sizeof command);
    struct batch *b = batch_new();
    struct err err = {0};
    rd_kafka_message_t message = {.partition = workspace_partition(WORKSPACE, PARTITIONS),
                                  .offset = offset,
                                  .payload = text,
                                  .len = strlen(text)};
    emitted = 0;
    assert_int_equal(batch_add(b, &message, noon(), &err), ERR_OK);
    if (!b->deliveries[0].decoded)
        fail_msg("%s", err_text(&b->deliveries[0].decode_err));
    if (apply_batch(&apply, b, &err) != ERR_OK)
        fail_msg("%s", err_text(&err));
    assert_true(b->deliveries[0].repeated);
    assert_true(b->deliveries[0].reply_due);
    batch_free(b);
}

static void begin(struct memory *m, struct place places[PARTITIONS], int64_t from_offset) {
    for (int i = 0; i < PARTITIONS; i++)
        places[i] = (struct place){.epoch = 1, .from_offset = from_offset};
    struct reply reply = {.code = ERR_OK};
    struct jbuf outcome = {0};
    assert_true(uuid_parse(TXN, &reply.txn) && uuid_parse(TXN, &reply.id));
    reply_encode(&reply, &outcome);
    memory_init(m,
                json_pack("{s:{s:{s:s, s:s, s:i, s:i, s:s}}}", "claims", CLAIM, "type", "user.delete",
                          "outcome", outcome.p, "partition", (int)workspace_partition(WORKSPACE, PARTITIONS),
                          "offset", 7, "records", records));
    jb_free(&outcome);
}

static void it_goes_out_once(void **state) {
    (void)state;
    struct memory m;
    struct place places[PARTITIONS];
    begin(&m, places, 7);
    deliver(&m, places, 7);
    assert_int_equal(emitted, 1);
    assert_null(json_object_get(memory_row(m.tables, "claims", CLAIM), "records"));
    assert_int_equal(json_object_size(json_object_get(m.tables, "outbox")), 1);
    deliver(&m, places, 7);
    assert_int_equal(emitted, 0);
    memory_clear(&m);
}

static void a_copy_elsewhere_emits_nothing(void **state) {
    (void)state;
    struct memory m;
    struct place places[PARTITIONS];
    begin(&m, places, 7);
    deliver(&m, places, 8);
    assert_int_equal(emitted, 0);
    memory_clear(&m);
}

static void what_was_emitted_before_does_not(void **state) {
    (void)state;
    struct memory m;
    struct place places[PARTITIONS];
    begin(&m, places, 8);
    deliver(&m, places, 7);
    assert_int_equal(emitted, 0);
    assert_non_null(json_object_get(memory_row(m.tables, "claims", CLAIM), "records"));
    memory_clear(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_goes_out_once),
        cmocka_unit_test(a_copy_elsewhere_emits_nothing),
        cmocka_unit_test(what_was_emitted_before_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
