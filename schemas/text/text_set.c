#include "schemas/text/text_set.h"

#include "ops/runtime/jbuf.h"
#include "ops/runtime/mem.h"

#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    uint64_t hash;
    size_t offset, len; /* in bytes */
};

struct text_set {
    unsigned char key[crypto_shorthash_KEYBYTES];
    struct jbuf bytes;
    struct entry *entries;
    size_t n, cap;
    size_t *slots; /* entry number + 1; 0 = free. Open addressing, at most half full */
    size_t nslots; /* a power of two */
};

struct text_set *text_set_new(size_t expected) {
    struct text_set *set = xcalloc(1, sizeof(*set));
    set->nslots = 16;
    while (set->nslots < expected * 2)
        set->nslots *= 2;
    set->slots = xcalloc(set->nslots, sizeof(*set->slots));
    set->cap = set->nslots / 2;
    set->entries = xmalloc(set->cap * sizeof(*set->entries));
    crypto_shorthash_keygen(set->key);
    return set;
}

void text_set_free(struct text_set *set) {
    if (set == NULL)
        return;
    jb_free(&set->bytes);
    free(set->entries);
    free(set->slots);
    free(set);
}

static bool same_text(const struct text_set *set, const struct entry *e, uint64_t hash, const char *s,
                      size_t n) {
    return e->hash == hash && e->len == n && (n == 0 || memcmp(set->bytes.p + e->offset, s, n) == 0);
}

/* The slot that holds the string, or the free one where it belongs. */
static size_t *find_slot(struct text_set *set, uint64_t hash, const char *s, size_t n) {
    size_t mask = set->nslots - 1;
    size_t i = (size_t)hash & mask;
    while (set->slots[i] != 0 && !same_text(set, &set->entries[set->slots[i] - 1], hash, s, n))
        i = (i + 1) & mask;
    return &set->slots[i];
}

static void grow(struct text_set *set) {
    set->nslots *= 2;
    set->cap = set->nslots / 2;
    set->entries = xrealloc(set->entries, set->cap * sizeof(*set->entries));
    free(set->slots);
    set->slots = xcalloc(set->nslots, sizeof(*set->slots));
    for (size_t i = 0; i < set->n; i++) {
        size_t at = (size_t)set->entries[i].hash & (set->nslots - 1);
        while (set->slots[at] != 0)
            at = (at + 1) & (set->nslots - 1);
        set->slots[at] = i + 1;
    }
}

bool text_set_add(struct text_set *set, const char *s, size_t n, size_t *index) {
    unsigned char out[crypto_shorthash_BYTES];
    uint64_t hash;
    _Static_assert(sizeof(hash) == sizeof(out), "SipHash gives 64 bits");
    crypto_shorthash(out, (const unsigned char *)s, n, set->key);
    memcpy(&hash, out, sizeof(hash));

    size_t *slot = find_slot(set, hash, s, n);
    bool fresh = *slot == 0;
    if (fresh) {
        if (set->n == set->cap) {
            grow(set);
            slot = find_slot(set, hash, s, n);
        }
        set->entries[set->n] = (struct entry){hash, set->bytes.n, n};
        jb_mem(&set->bytes, s, n);
        *slot = ++set->n;
    }
    if (index != NULL)
        *index = *slot - 1;
    return fresh;
}
