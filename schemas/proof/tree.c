#include "schemas/proof/tree.h"

#include "ops/runtime/sha256.h"

#include <string.h>

bool tree_hash_equal(const struct tree_hash *a, const struct tree_hash *b) {
    return memcmp(a->bytes, b->bytes, TREE_HASH_SIZE) == 0;
}

void tree_leaf_hash(const void *bytes, size_t n, struct tree_hash *out) {
    const struct sha256_part parts[] = {{"\x00", 1}, {bytes, n}};
    sha256_of(parts, 2, out->bytes);
}

/* out may be one of the two. */
void tree_node_hash(const struct tree_hash *left, const struct tree_hash *right, struct tree_hash *out) {
    unsigned char both[1 + 2 * TREE_HASH_SIZE] = {1};
    memcpy(both + 1, left->bytes, TREE_HASH_SIZE);
    memcpy(both + 1 + TREE_HASH_SIZE, right->bytes, TREE_HASH_SIZE);
    sha256_of(&(struct sha256_part){both, sizeof both}, 1, out->bytes);
}

void tree_append(struct tree_range *t, const struct tree_hash *leaf, tree_put *put, void *ctx) {
    struct tree_hash h = *leaf;
    uint64_t index = t->size;
    unsigned level = 0;
    if (put != NULL)
        put(ctx, 0, index, &h);
    for (; (t->size >> level & 1) != 0; level++) {
        tree_node_hash(&t->hashes[level], &h, &h);
        index >>= 1;
        if (put != NULL)
            put(ctx, level + 1, index, &h);
    }
    t->hashes[level] = h;
    t->size++;
}

uint64_t tree_hashes_before(uint64_t n) {
    return 2 * n - (uint64_t)__builtin_popcountll(n);
}

unsigned tree_completes(uint64_t n) {
    return (unsigned)__builtin_ctzll(n + 1);
}

/* The root over subtrees that stand beside each other, the smallest at the right. */
void tree_root(const struct tree_range *t, struct tree_hash *out) {
    bool any = false;
    for (unsigned level = 0; level < TREE_LEVELS; level++) {
        if ((t->size >> level & 1) == 0)
            continue;
        if (any)
            tree_node_hash(&t->hashes[level], out, out);
        else
            *out = t->hashes[level];
        any = true;
    }
    if (!any)
        sha256_of(NULL, 0, out->bytes);
}

/* The subtrees of the leaves from start, so many; start is a multiple of the largest. */
static bool load_range(uint64_t start, uint64_t size, tree_get *get, void *ctx, struct tree_range *out) {
    uint64_t at = start;
    out->size = size;
    for (unsigned level = TREE_LEVELS; level-- > 0;) {
        if ((size >> level & 1) == 0)
            continue;
        if (!get(ctx, level, at >> level, &out->hashes[level]))
            return false;
        at += UINT64_C(1) << level;
    }
    return true;
}

bool tree_open(struct tree_range *out, uint64_t size, tree_get *get, void *ctx) {
    *out = (struct tree_range){0};
    return size >> TREE_LEVELS == 0 && load_range(0, size, get, ctx, out);
}

static bool add_root(uint64_t start, uint64_t size, tree_get *get, void *ctx, struct tree_proof *out) {
    struct tree_range part = {0};
    if (!load_range(start, size, get, ctx, &part))
        return false;
    tree_root(&part, &out->hashes[out->n++]);
    return true;
}

/* The largest power of two below n; n is 2 or more. */
static uint64_t split_of(uint64_t n) {
    return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

static bool walk_inclusion(uint64_t index, uint64_t start, uint64_t size, tree_get *get, void *ctx,
                           struct tree_proof *out) {
    if (size == 1)
        return true;
    uint64_t k = split_of(size);
    if (index < k)
        return walk_inclusion(index, start, k, get, ctx, out) && add_root(start + k, size - k, get, ctx, out);
    return walk_inclusion(index - k, start + k, size - k, get, ctx, out) && add_root(start, k, get, ctx, out);
}

bool tree_prove_inclusion(uint64_t index, uint64_t size, tree_get *get, void *ctx, struct tree_proof *out) {
    out->n = 0;
    return index < size && size >> TREE_LEVELS == 0 && walk_inclusion(index, 0, size, get, ctx, out);
}

/* whole: the tree of the earlier size is this subtree, so whoever checks has its root already. */
static bool walk_consistency(uint64_t before, uint64_t start, uint64_t size, bool whole, tree_get *get,
                             void *ctx, struct tree_proof *out) {
    if (before == size)
        return whole || add_root(start, size, get, ctx, out);
    uint64_t k = split_of(size);
    if (before <= k)
        return walk_consistency(before, start, k, whole, get, ctx, out) &&
               add_root(start + k, size - k, get, ctx, out);
    return walk_consistency(before - k, start + k, size - k, false, get, ctx, out) &&
           add_root(start, k, get, ctx, out);
}

bool tree_prove_consistency(uint64_t before, uint64_t now, tree_get *get, void *ctx, struct tree_proof *out) {
    out->n = 0;
    if (before > now || now >> TREE_LEVELS != 0)
        return false;
    return before == 0 || walk_consistency(before, 0, now, true, get, ctx, out);
}

/* RFC 9162 section 2.1.3.2. */
bool tree_check_inclusion(uint64_t index, uint64_t size, const struct tree_hash *leaf,
                          const struct tree_proof *proof, const struct tree_hash *root) {
    if (index >= size)
        return false;
    uint64_t node = index, last = size - 1;
    struct tree_hash h = *leaf;
    for (size_t i = 0; i < proof->n; i++) {
        if (last == 0)
            return false;
        if ((node & 1) != 0 || node == last) {
            tree_node_hash(&proof->hashes[i], &h, &h);
            while ((node & 1) == 0 && node != 0) {
                node >>= 1;
                last >>= 1;
            }
        } else {
            tree_node_hash(&h, &proof->hashes[i], &h);
        }
        node >>= 1;
        last >>= 1;
    }
    return last == 0 && tree_hash_equal(&h, root);
}

/* As tree_check_inclusion goes up: a hash is to the left where the node is a right child, perhaps of several
 * levels above, if it is the last one. */
bool tree_range_of_proof(struct tree_range *out, uint64_t index, uint64_t size,
                         const struct tree_proof *proof) {
    *out = (struct tree_range){.size = index};
    if (index >= size)
        return false;
    uint64_t node = index, last = size - 1, there = 0;
    unsigned level = 0;
    for (size_t i = 0; i < proof->n && last != 0 && level < TREE_LEVELS; i++) {
        if ((node & 1) != 0 || node == last) {
            for (; (node & 1) == 0 && node != 0 && level < TREE_LEVELS - 1; level++) {
                node >>= 1;
                last >>= 1;
            }
            out->hashes[level] = proof->hashes[i];
            there |= UINT64_C(1) << level;
        }
        node >>= 1;
        last >>= 1;
        level++;
    }
    return there == index;
}

/* RFC 9162 section 2.1.4.2, steps 4 to 7: from a subtree that both trees have, up to both roots. */
static bool climb(uint64_t before, uint64_t now, const struct tree_hash *first, const struct tree_hash *path,
                  size_t n, struct tree_hash *root_before, struct tree_hash *root_now) {
    uint64_t node = before - 1, last = now - 1;
    while ((node & 1) != 0) {
        node >>= 1;
        last >>= 1;
    }
    *root_before = *root_now = *first;
    for (size_t i = 0; i < n; i++) {
        if (last == 0)
            return false;
        if ((node & 1) != 0 || node == last) {
            tree_node_hash(&path[i], root_before, root_before);
            tree_node_hash(&path[i], root_now, root_now);
            while ((node & 1) == 0 && node != 0) {
                node >>= 1;
                last >>= 1;
            }
        } else {
            tree_node_hash(root_now, &path[i], root_now);
        }
        node >>= 1;
        last >>= 1;
    }
    return last == 0;
}

bool tree_check_consistency(uint64_t before, const struct tree_hash *root_before, uint64_t now,
                            const struct tree_hash *root, const struct tree_proof *proof) {
    struct tree_hash computed_before, computed;
    if (before > now)
        return false;
    if (before == 0) {
        tree_root(&(struct tree_range){0}, &computed_before);
        return proof->n == 0 && tree_hash_equal(&computed_before, root_before);
    }
    if (before == now)
        return proof->n == 0 && tree_hash_equal(root_before, root);
    bool whole = (before & (before - 1)) == 0;
    if (!whole && proof->n == 0)
        return false;
    const struct tree_hash *first = whole ? root_before : &proof->hashes[0];
    const struct tree_hash *path = whole ? proof->hashes : proof->hashes + 1;
    return climb(before, now, first, path, whole ? proof->n : proof->n - 1, &computed_before, &computed) &&
           tree_hash_equal(&computed_before, root_before) && tree_hash_equal(&computed, root);
}
