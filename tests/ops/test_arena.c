#include "ops/runtime/arena.h"
#include "ops/runtime/mem.h"

#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void memory_is_zeroed_aligned_and_apart(void **state) {
    (void)state;
    struct arena *a = arena_new();
    for (int round = 0; round < 3; round++) {
        char *p[300];
        for (size_t i = 0; i < 300; i++) {
            size_t n = i * 37 % 5000;
            p[i] = arena_alloc(a, n);
            assert_int_equal((uintptr_t)p[i] % _Alignof(max_align_t), 0);
            for (size_t j = 0; j < n; j++)
                assert_int_equal(p[i][j], 0);
            memset(p[i], (int)(i % 127) + 1, n);
        }
        for (size_t i = 0; i < 300; i++)
            for (size_t j = 0; j < i * 37 % 5000; j++)
                assert_int_equal(p[i][j], (int)(i % 127) + 1);
        arena_reset(a);
    }
    arena_free(a);
}

static void large_and_small_mix(void **state) {
    (void)state;
    struct arena *a = arena_new();
    char *small = arena_strdup(a, "small");
    char *large = arena_alloc(a, 3u << 20);
    memset(large, 'L', 3u << 20);
    char *after = arena_strdup(a, "after");
    assert_string_equal(small, "small");
    assert_string_equal(after, "after");
    assert_int_equal(large[(3u << 20) - 1], 'L');
    arena_reset(a);
    assert_string_equal(arena_strdup(a, "again"), "again");
    arena_free(a);
}

static void strings(void **state) {
    (void)state;
    struct arena *a = arena_new();
    assert_null(arena_strdup(a, NULL));
    assert_null(arena_strndup(a, NULL, 3));
    assert_string_equal(arena_strndup(a, "abcdef", 3), "abc");
    assert_string_equal(arena_strndup(a, "ab", 30), "ab");
    assert_string_equal(arena_printf(a, "%s/%d", "rooms", 7), "rooms/7");
    char *text = arena_printf(a, "%*d", 20000, 1);
    assert_int_equal(strlen(text), 20000);
    arena_free(a);
    arena_free(NULL);
}

static char order[8];

static void note(void *ptr) {
    strncat(order, ptr, 1);
}

static void deferred_calls_run_last_first_and_once(void **state) {
    (void)state;
    order[0] = 0;
    struct arena *a = arena_new();
    arena_defer(a, note, "1");
    arena_defer(a, note, "2");
    arena_defer(a, free, xstrdup("freed by the arena, or the leak checker complains"));
    arena_defer(a, note, "3");
    assert_string_equal(order, "");
    arena_reset(a);
    assert_string_equal(order, "321");
    arena_defer(a, note, "4");
    arena_free(a);
    assert_string_equal(order, "3214");
}

static void what_is_not_allocated_is_poisoned(void **state) {
    (void)state;
#if defined(__SANITIZE_ADDRESS__)
    struct arena *a = arena_new();
    char *p = arena_alloc(a, 16);
    assert_false(__asan_address_is_poisoned(p + 15));
    assert_true(__asan_address_is_poisoned(p + 16));
    arena_reset(a);
    assert_true(__asan_address_is_poisoned(p));
    arena_free(a);
#else
    skip();
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(large_and_small_mix),
        cmocka_unit_test(strings),
        cmocka_unit_test(deferred_calls_run_last_first_and_once),
        cmocka_unit_test(what_is_not_allocated_is_poisoned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
