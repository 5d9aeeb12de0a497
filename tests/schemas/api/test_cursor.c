/* Cursors (RFC 9865): what comes back, and what is refused (G5, G7, G10). */
#include "schemas/api/cursor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ID "0190c5a4-0000-7000-8000-0000000000fa"
#define NOW INT64_C(1700000000000000)

static struct arena *arena;
static const unsigned char secret[CURSOR_SECRET_SIZE] = "one secret of thirty-two bytes..";
static const char *const bound[] = {"workspace", "key", NULL, "title pr"};
static const struct cursor_seal seal = {secret, bound, 4};

static const struct cursor samples[] = {
    {.placed = true, .id = {ID}, .key = "ana", .count = 7, .total = 42, .expires_us = NOW + 1},
    {.backward = true, .placed = true, .id = {ID}, .count = 200, .total = 0, .expires_us = NOW + 600000000},
    {.placed = true, .id = {ID}, .key = "", .count = 1, .total = INT64_MAX, .expires_us = INT64_MAX},
    {.placed = true,
     .id = {ID},
     .key = "-1700000000000000",
     .count = 1,
     .total = -1,
     .expires_us = INT64_MAX},
    {.placed = true,
     .id = {ID},
     .key = "\xc3\xa9\xf0\x9f\x98\x80",
     .count = 1,
     .total = 1,
     .expires_us = NOW + 1},
    {.count = 100, .total = 5, .expires_us = NOW + 1},
    {.backward = true, .count = 100, .total = 5, .expires_us = NOW + 1},
};
#define SAMPLES (sizeof samples / sizeof *samples)

static enum err_code decode(const char *text, const struct cursor_seal *with, int64_t now,
                            struct cursor *out) {
    struct err err = {0};
    enum err_code code = cursor_decode(text, with, now, arena, out, &err);
    assert_int_equal(code, err.code);
    return code;
}

static void brings_back_what_was_put_in(void **state) {
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        const struct cursor *in = &samples[i];
        struct cursor out;
        assert_int_equal(decode(cursor_encode(in, &seal, arena), &seal, NOW, &out), ERR_OK);
        assert_int_equal(out.backward, in->backward);
        assert_int_equal(out.placed, in->placed);
        assert_int_equal(out.count, in->count);
        assert_true(out.total == in->total && out.expires_us == in->expires_us);
        if (in->placed)
            assert_string_equal(out.id.s, ID);
        if (in->placed && in->key != NULL)
            assert_string_equal(out.key, in->key);
        else
            assert_null(out.key);
    }
}

/* G5: nothing that a query would have to escape; and a reader learns nothing of the row. */
static void g5_opaque_and_unreserved(void **state) {
    (void)state;
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
    for (size_t i = 0; i < SAMPLES; i++) {
        const char *text = cursor_encode(&samples[i], &seal, arena);
        assert_int_equal(strspn(text, unreserved), strlen(text));
    }
    /* two rows that differ in one letter have nothing in common */
    struct cursor a = samples[0], b = samples[0];
    b.key = "anb";
    const char *x = cursor_encode(&a, &seal, arena), *y = cursor_encode(&b, &seal, arena);
    assert_int_equal(strlen(x), strlen(y));
    size_t same = 0;
    for (size_t i = 0; x[i] != '\0'; i++)
        same += x[i] == y[i];
    assert_true(same < strlen(x) / 4);
}

/* G7, G10: each bit counts. */
static void g7_forged(void **state) {
    (void)state;
    struct cursor out;
    const char *good = cursor_encode(&samples[0], &seal, arena);
    size_t n = strlen(good);
    for (size_t i = 0; i < n; i++) {
        char *bad = arena_strdup(arena, good);
        bad[i] = bad[i] == 'A' ? 'B' : 'A';
        assert_int_equal(decode(bad, &seal, NOW, &out), ERR_INVALID_CURSOR);
        bad = arena_strdup(arena, good);
        bad[i] = '\0';
        assert_int_equal(decode(bad, &seal, NOW, &out), ERR_INVALID_CURSOR);
    }
    static const char *const nonsense[] = {"", "x", "AAAA", "====", "a b", "\xff\xff", "../../etc"};
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++)
        assert_int_equal(decode(nonsense[i], &seal, NOW, &out), ERR_INVALID_CURSOR);
    assert_int_equal(decode(arena_printf(arena, "%sAAAA", good), &seal, NOW, &out), ERR_INVALID_CURSOR);
    char *huge = arena_alloc(arena, 100001);
    memset(huge, 'A', 100000);
    assert_int_equal(decode(huge, &seal, NOW, &out), ERR_INVALID_CURSOR);
}

/* G10: of another tenant, principal or query, or of another installation: the same refusal. */
static void g10_bound(void **state) {
    (void)state;
    static const char *const others[][4] = {{"workspacf", "key", NULL, "title pr"},
                                            {"workspace", "kez", NULL, "title pr"},
                                            {"workspace", "key", "", "title pr"},
                                            {"workspace", "key", NULL, NULL},
                                            {"workspacek", "ey", NULL, "title pr"}};
    static const unsigned char other_secret[CURSOR_SECRET_SIZE] = "two secret of thirty-two bytes..";
    struct cursor out;
    const char *good = cursor_encode(&samples[0], &seal, arena);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const struct cursor_seal other = {secret, others[i], 4};
        assert_int_equal(decode(good, &other, NOW, &out), ERR_INVALID_CURSOR);
    }
    const struct cursor_seal fewer = {secret, bound, 3}, elsewhere = {other_secret, bound, 4};
    assert_int_equal(decode(good, &fewer, NOW, &out), ERR_INVALID_CURSOR);
    assert_int_equal(decode(good, &elsewhere, NOW, &out), ERR_INVALID_CURSOR);
}

static void g7_expired(void **state) {
    (void)state;
    struct cursor out;
    const char *good = cursor_encode(&samples[0], &seal, arena);
    assert_int_equal(decode(good, &seal, NOW, &out), ERR_OK);
    assert_int_equal(decode(good, &seal, NOW + 1, &out), ERR_EXPIRED_CURSOR);
    const struct cursor_seal other = {secret, bound, 2};
    assert_int_equal(decode(good, &other, NOW + 1, &out), ERR_INVALID_CURSOR); /* says nothing of others' */
}

static int setup(void **state) {
    (void)state;
    arena = arena_new();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_free(arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brings_back_what_was_put_in),
        cmocka_unit_test(g5_opaque_and_unreserved),
        cmocka_unit_test(g7_forged),
        cmocka_unit_test(g10_bound),
        cmocka_unit_test(g7_expired),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
