#include "ops/runtime/arena.h"

#include "ops/runtime/mem.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#define GAP 16 /* poisoned bytes between allocations, so that an overrun is seen */
#else
#define POISON(p, n) ((void)0)
#define UNPOISON(p, n) ((void)0)
#define GAP 0
#endif

#define ALIGN alignof(max_align_t)
#define CHUNK_FIRST 4096
#define CHUNK_MOST ((size_t)256 * 1024)

/* Small allocations are cut from the newest chunk. A large one gets a chunk of its own, which is put behind
 * the newest, so that the rest of the newest stays in use. */
struct chunk {
    struct chunk *next;
    size_t used, size;
    alignas(max_align_t) char data[];
};

struct deferred {
    struct deferred *next;
    void (*fn)(void *);
    void *ptr;
};

struct arena {
    struct chunk *chunks;
    struct deferred *deferred;
};

static struct chunk *chunk_new(size_t size) {
    struct chunk *c = xmalloc(sizeof *c + size);
    c->next = NULL;
    c->used = 0;
    c->size = size;
    POISON(c->data, size);
    return c;
}

struct arena *arena_new(void) {
    struct arena *a = xcalloc(1, sizeof *a);
    a->chunks = chunk_new(CHUNK_FIRST);
    return a;
}

static void run_deferred(struct arena *a) {
    while (a->deferred != NULL) {
        struct deferred *d = a->deferred;
        a->deferred = d->next;
        d->fn(d->ptr);
    }
}

/* Frees all chunks but one of ordinary size, which is kept if keep is set. */
static void free_chunks(struct arena *a, bool keep) {
    struct chunk *kept = NULL;
    while (a->chunks != NULL) {
        struct chunk *c = a->chunks;
        a->chunks = c->next;
        if (keep && kept == NULL && c->size <= CHUNK_MOST) {
            kept = c;
            continue;
        }
        UNPOISON(c->data, c->size);
        free(c);
    }
    if (kept != NULL) {
        kept->next = NULL;
        kept->used = 0;
        POISON(kept->data, kept->size);
    }
    a->chunks = kept;
}

void arena_free(struct arena *a) {
    if (a == NULL)
        return;
    run_deferred(a);
    free_chunks(a, false);
    free(a);
}

void arena_reset(struct arena *a) {
    run_deferred(a);
    free_chunks(a, true);
    if (a->chunks == NULL)
        a->chunks = chunk_new(CHUNK_FIRST);
}

void *arena_alloc(struct arena *a, size_t n) {
    if (n > SIZE_MAX / 2)
        abort();
    size_t need = (n + GAP + ALIGN - 1) / ALIGN * ALIGN;
    struct chunk *c = a->chunks;
    if (c->size - c->used < need) {
        size_t size = c->size * 2 < CHUNK_MOST ? c->size * 2 : CHUNK_MOST;
        if (need > size / 4) {
            c = chunk_new(need);
            c->next = a->chunks->next;
            a->chunks->next = c;
        } else {
            c = chunk_new(size);
            c->next = a->chunks;
            a->chunks = c;
        }
    }
    char *p = c->data + c->used;
    c->used += need;
    UNPOISON(p, n);
    memset(p, 0, n);
    return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t n) {
    if (s == NULL)
        return NULL;
    n = strnlen(s, n);
    char *copy = arena_alloc(a, n + 1);
    memcpy(copy, s, n);
    return copy;
}

char *arena_strdup(struct arena *a, const char *s) {
    return s != NULL ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_printf(struct arena *a, const char *fmt, ...) {
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        abort();
    char *text = arena_alloc(a, (size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

void arena_defer(struct arena *a, void (*fn)(void *), void *ptr) {
    struct deferred *d = arena_alloc(a, sizeof *d);
    *d = (struct deferred){.next = a->deferred, .fn = fn, .ptr = ptr};
    a->deferred = d;
}
