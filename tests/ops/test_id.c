#include "ops/runtime/clock.h"
#include "ops/runtime/id.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void uuids_are_version_7_and_carry_the_time(void **state) {
    (void)state;
    int64_t before = clock_wall_us() / 1000;
    struct uuid u = uuid_v7();
    int64_t after = clock_wall_us() / 1000;
    assert_int_equal(strlen(u.s), 36);
    assert_int_equal(u.s[14], '7');
    assert_non_null(strchr("89ab", u.s[19]));
    char head[13] = {0};
    memcpy(head, u.s, 8);
    memcpy(head + 8, u.s + 9, 4);
    int64_t ms = strtoll(head, NULL, 16);
    assert_in_range(ms, before, after);
    struct uuid again;
    assert_true(uuid_parse(u.s, &again));
    assert_true(uuid_eq(&u, &again));
}

static void uuids_rise_strictly(void **state) {
    (void)state;
    struct uuid last = uuid_v7();
    for (int i = 0; i < 50000; i++) {
        struct uuid next = uuid_v7();
        assert_true(strcmp(last.s, next.s) < 0);
        last = next;
    }
}

#define EACH 5000

static void *make_many(void *arg) {
    struct uuid *out = arg;
    for (int i = 0; i < EACH; i++)
        out[i] = uuid_v7();
    return NULL;
}

static int compare(const void *a, const void *b) {
    return strcmp(((const struct uuid *)a)->s, ((const struct uuid *)b)->s);
}

static void uuids_of_threads_differ_in_time_and_counter(void **state) {
    (void)state;
    struct uuid *all = calloc(4 * EACH, sizeof *all);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, make_many, all + i * EACH);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    qsort(all, 4 * EACH, sizeof *all, compare);
    /* Not even the ordered half (up to the counter) may be the same. */
    for (int i = 1; i < 4 * EACH; i++)
        assert_int_not_equal(memcmp(all[i - 1].s, all[i].s, 18), 0);
    free(all);
}

static void parses_only_uuids(void **state) {
    (void)state;
    struct uuid u = {""};
    assert_false(uuid_is_set(&u));
    assert_true(uuid_parse("0192F1B4-5C6D-7E8F-9A0B-1C2D3E4F5A6B", &u));
    assert_string_equal(u.s, "0192f1b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b");
    assert_true(uuid_is_set(&u));
    assert_true(uuid_parse(UUID_NIL, &u));
    static const char *const bad[] = {
        "",
        "0192f1b4",
        "0192f1b4-5c6d-7e8f-9a0b-1c2d3e4f5a6",
        "0192f1b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b0",
        "0192f1b45c6d7e8f9a0b1c2d3e4f5a6b",
        "0192f1b4-5c6d-7e8f-9a0b-1c2d3e4f5a6g",
        "{0192f1b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b}",
        "0192f1b4-5c6d-7e8f-9a0b_1c2d3e4f5a6b",
        " 192f1b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b",
        "0192f1b4-5c6d-7e8f-9a0b-1c2d3e4f5a6-",
    };
    struct uuid kept = u;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(uuid_parse(bad[i], &u));
    assert_false(uuid_parse(NULL, &u));
    assert_true(uuid_eq(&u, &kept));
}

/* The vectors of Kafka's own UtilsTest.testMurmur2. */
static void murmur2_is_kafkas(void **state) {
    (void)state;
    static const struct {
        const char *key;
        int32_t hash;
    } cases[] = {
        {"21", -973932308},
        {"foobar", -790332482},
        {"a-little-bit-long-string", -985981536},
        {"a-little-bit-longer-string", -1486304829},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
        {"abc", 479470107},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal((int32_t)murmur2(cases[i].key, strlen(cases[i].key)), cases[i].hash);
}

static void partitions_agree_with_librdkafka(void **state) {
    (void)state;
    char key[64];
    for (int n = 1; n <= 48; n++)
        for (int i = 0; i < 40; i++) {
            int len = snprintf(key, sizeof key, "%.*s", i, "0192f1b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b-and-more");
            assert_int_equal(workspace_partition(key, n),
                             rd_kafka_msg_partitioner_murmur2(NULL, key, (size_t)len, n, NULL, NULL));
        }
    for (int i = 0; i < 1000; i++) {
        struct uuid u = uuid_v7();
        int32_t p = workspace_partition(u.s, 12);
        assert_in_range(p, 0, 11);
        assert_int_equal(p, rd_kafka_msg_partitioner_murmur2(NULL, u.s, 36, 12, NULL, NULL));
    }
}

static void derived_ones_are_found_again(void **state) {
    (void)state;
    struct uuid of = uuid_v7(), other = uuid_v7(), parsed;
    for (uint32_t i = 0; i < 1000; i++) {
        struct uuid a = uuid_derive(&of, i), b = uuid_derive(&of, i);
        assert_string_equal(a.s, b.s);
        assert_true(uuid_parse(a.s, &parsed));
        assert_memory_equal(a.s, of.s, 13);
        assert_int_equal(a.s[14], '7');
        assert_non_null(strchr("89ab", a.s[19]));
        assert_string_not_equal(a.s, of.s);
        assert_string_not_equal(a.s, uuid_derive(&of, i + 1).s);
        assert_string_not_equal(a.s, uuid_derive(&other, i).s);
    }
}

static void bytes_say_the_same_in_the_same_order(void **state) {
    const char *a = "0190d6a0-9F3c-7000-8000-00000000000a", *b = "0190d6a1-0000-7000-8000-000000000000";
    struct uuid_bytes x, y;
    (void)state;
    assert_true(uuid_pack(a, &x));
    assert_true(uuid_pack(b, &y));
    assert_string_equal(uuid_unpack(&x).s, "0190d6a0-9f3c-7000-8000-00000000000a");
    assert_string_equal(uuid_unpack(&y).s, b);
    assert_true(memcmp(&x, &y, sizeof x) < 0);
    assert_false(uuid_pack("0190d6a1-0000-7000-8000-00000000000", &x));
    assert_false(uuid_pack("nobody", &x));
    assert_false(uuid_pack(NULL, &x));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uuids_are_version_7_and_carry_the_time),
        cmocka_unit_test(uuids_rise_strictly),
        cmocka_unit_test(uuids_of_threads_differ_in_time_and_counter),
        cmocka_unit_test(parses_only_uuids),
        cmocka_unit_test(derived_ones_are_found_again),
        cmocka_unit_test(murmur2_is_kafkas),
        cmocka_unit_test(partitions_agree_with_librdkafka),
        cmocka_unit_test(bytes_say_the_same_in_the_same_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
