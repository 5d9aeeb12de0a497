/* Records of usher.audit as the archive reads them, and what they add up to. */
#include "ops/runtime/clock.h"
#include "ops/runtime/id.h"
#include "workers/archive/entry.h"
#include "workers/archive/sums.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PARTITIONS 12
#define WS "018f3b6e-7c11-7a2b-9d3e-5a1b2c3d4e5f"
#define KEY "0188e9d0-5566-7778-899a-abbccddeeff0"
#define ROOM "01917d2e-0a1b-7c2d-8e3f-405162738495"

static struct arena *arena;

static bool read_text(const char *text, struct entry *out, const char **why) {
    struct entry_source source = {.partition = workspace_partition(WS, PARTITIONS),
                                  .offset = 7,
                                  .time_us = 1000000,
                                  .event = "e",
                                  .value = text,
                                  .n = strlen(text)};
    return entry_read(&source, PARTITIONS, arena, out, why);
}

static const char *request(const char *more) {
    return arena_printf(
        arena,
        "{\"kind\":\"request\",\"workspace\":\"" WS "\",\"n\":3,\"time\":\"2026-11-22T10:15:30.123456Z\","
        "\"key\":{\"id\":\"" KEY "\",\"name\":\"Entra\",\"class\":\"scim\"},\"operations\":1,%s}",
        more);
}

static void a_change_has_its_columns(void **state) {
    (void)state;
    struct entry e;
    const char *why;
    assert_true(read_text(
        "{\"kind\":\"change\",\"workspace\":\"" WS
        "\",\"epoch\":2,\"seq\":9,\"time\":\"2026-11-22T10:15:30Z\","
        "\"actor\":{\"kind\":\"operator\",\"id\":null,\"name\":\"root\"},\"action\":\"member.removed\","
        "\"target\":{\"type\":\"Room\",\"id\":\"" ROOM "\",\"name\":\"Ops\"},\"subject\":null,"
        "\"outcome\":\"applied\",\"reason\":\"held\"}",
        &e, &why));
    assert_int_equal(e.leaf.tree, ARCHIVE_CHANGES);
    assert_int_equal(e.leaf.epoch, 2);
    assert_int_equal(e.leaf.seq, 9);
    assert_null(e.leaf.actor_id);
    assert_string_equal(e.leaf.action, "member.removed");
    assert_string_equal(e.leaf.target_id, ROOM);
    assert_null(e.leaf.subject_id);
    assert_int_equal(e.requests, 0);
}

static void what_writes_and_what_reads(void **state) {
    (void)state;
    static const struct {
        const char *what;
        bool writes;
    } cases[] = {{"\"method\":\"POST\",\"path\":\"/scim/v2/Users\"", true},
                 {"\"method\":\"POST\",\"path\":\"/scim/v2/Users/.search\"", false},
                 {"\"method\":\"GET\",\"path\":\"/scim/v2/Users\"", false},
                 {"\"method\":\"DELETE\",\"path\":\"/scim/v2/Users/x\",\"bulk\":\"t\"", false},
                 {"\"method\":\"PATCH\",\"path\":\"/scim/v2/Groups/x\",\"supersedes\":\"i/2\"", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct entry e;
        const char *why;
        assert_true(read_text(request(cases[i].what), &e, &why));
        assert_int_equal(e.is_write, cases[i].writes);
    }
}

static void what_nobody_can_read_is_said(void **state) {
    (void)state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"{", "it is no JSON"},
        {"[]", "it is neither a change nor a request"},
        {"{\"kind\":\"other\"}", "it is neither a change nor a request"},
        {"{\"kind\":\"request\",\"workspace\":\"" WS "\"}", "it has no number"},
        {"{\"kind\":\"change\",\"workspace\":\"" WS "\",\"epoch\":1}", "it has no number"},
        {"{\"kind\":\"change\",\"workspace\":\"" WS "\",\"epoch\":0,\"seq\":1}", "it has no number"},
        {"{\"kind\":\"change\",\"workspace\":null,\"epoch\":1,\"seq\":1}", "it has no workspace"},
        {"{\"kind\":\"request\",\"workspace\":\"x\",\"n\":1}", "it has no workspace"},
        {"{\"kind\":\"request\",\"workspace\":\"" WS "\",\"n\":1,\"status\":1000}", "its status is none"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct entry e;
        const char *why = NULL;
        assert_false(read_text(cases[i].text, &e, &why));
        assert_string_equal(why, cases[i].why);
        assert_int_equal(e.offset, 7);
        assert_int_equal(e.leaf.bytes.n, strlen(cases[i].text));
    }
}

static void a_workspace_has_one_partition(void **state) {
    (void)state;
    struct entry e;
    const char *why, *text = request("\"status\":200");
    struct entry_source source = {.partition = (workspace_partition(WS, PARTITIONS) + 1) % PARTITIONS,
                                  .event = "e",
                                  .value = text,
                                  .n = strlen(text)};
    assert_false(entry_read(&source, PARTITIONS, arena, &e, &why));
    assert_string_equal(why, "its workspace lives in another partition");
}

static void a_record_of_0_3_0_is_of_the_first_epoch(void **state) {
    (void)state;
    struct entry e;
    const char *why;
    assert_true(read_text("{\"kind\":\"change\",\"workspace\":\"" WS "\",\"seq\":7}", &e, &why));
    assert_int_equal(e.leaf.epoch, 1);
    assert_int_equal(e.leaf.seq, 7);
}

static void a_time_that_is_none_is_the_log_s(void **state) {
    (void)state;
    struct entry e;
    const char *why;
    assert_true(read_text("{\"kind\":\"request\",\"workspace\":\"" WS "\",\"n\":1,\"time\":\"yesterday\"}",
                          &e, &why));
    assert_int_equal(e.leaf.at_us, 1000000);
}

/* ---- sums ---- */

static void classes_and_spans(void **state) {
    (void)state;
    static const int statuses[] = {200, 204, 304, 404, 409, 429, 503};
    struct sums *s = sums_new();
    struct archive_batch out = {0};
    for (size_t i = 0; i < 7; i++) {
        struct entry e;
        const char *why;
        assert_true(read_text(
            request(arena_printf(arena,
                                 "\"method\":\"PUT\",\"path\":\"/x\",\"status\":%d,\"durationUs\":%d,"
                                 "\"bytesIn\":10,\"bytesOut\":100,\"sourceIp\":\"203.0.113.%zu\"",
                                 statuses[i], 100 << i, i % 2)),
            &e, &why));
        e.leaf.at_us += (int64_t)i * 20000000; /* over three minutes of one hour */
        sums_add(s, &e);
    }
    sums_put(s, &out);
    assert_int_equal(out.nsums[0], 3);
    assert_int_equal(out.nsums[1], 1);
    assert_int_equal(out.nsums[2], 1);
    const struct archive_sum *day = out.sums[2];
    const int64_t found[] = {day->requests, day->ok,     day->redirected, day->refused,
                             day->limited,  day->failed, day->writes};
    const int64_t wanted[] = {7, 2, 1, 2, 1, 1, 7};
    assert_memory_equal(found, wanted, sizeof wanted);
    assert_int_equal(day->bytes_in, 70);
    assert_int_equal(day->bytes_out, 700);
    assert_int_equal(day->at_us % INT64_C(86400000000), 0);
    assert_true(day->first_us < day->last_us && day->write_us == day->last_us);
    for (int i = 0; i < 7; i++) /* 100 us << i: less than 2^(7+i) */
        assert_int_equal(day->latency[i], 1);
    assert_int_equal(out.nsources, 2);
    assert_int_equal(out.sources[0].requests + out.sources[1].requests, 7);
    sums_free(s);
}

/* An operation of a Bulk is none: the Bulk has a record of its own. One record may stand for many requests.
 */
static void what_counts_as_a_request(void **state) {
    (void)state;
    static const char *const records[] = {
        "\"method\":\"POST\",\"path\":\"/Bulk\",\"status\":200",
        "\"method\":\"PUT\",\"path\":\"/x\",\"status\":200,\"bulk\":\"t\"",
        "\"method\":\"GET\",\"path\":\"/x\",\"status\":401,\"requests\":50",
        "\"method\":\"PUT\",\"path\":\"/x\",\"status\":503,\"supersedes\":\"i/1\""};
    struct sums *s = sums_new();
    struct archive_batch out = {0};
    for (size_t i = 0; i < 4; i++) {
        struct entry e;
        const char *why;
        assert_true(read_text(request(records[i]), &e, &why));
        sums_add(s, &e);
    }
    sums_put(s, &out);
    assert_int_equal(out.sums[0]->requests, 51);
    assert_int_equal(out.sums[0]->refused, 50);
    assert_int_equal(out.sums[0]->failed, 0);
    assert_int_equal(out.sums[0]->superseded, 1);
    sums_free(s);
}

static int make_arena(void **state) {
    (void)state;
    arena = arena_new();
    return 0;
}

static int free_arena(void **state) {
    (void)state;
    arena_free(arena);
    return 0;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, make_arena, free_arena)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_change_has_its_columns),
        CASE(what_writes_and_what_reads),
        CASE(what_nobody_can_read_is_said),
        CASE(a_workspace_has_one_partition),
        CASE(a_time_that_is_none_is_the_log_s),
        CASE(classes_and_spans),
        CASE(a_record_of_0_3_0_is_of_the_first_epoch),
        CASE(what_counts_as_a_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
