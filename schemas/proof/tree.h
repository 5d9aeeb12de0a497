/* Merkle trees as RFC 6962 (and RFC 9162) has them: what proves that a log was only ever appended to, and
 * that a record stands in it.
 *
 * Node (level, index) is the hash of the complete subtree over the leaves from index * 2^level up to, but not
 * including, (index + 1) * 2^level. Level 0 are the leaves. Such a node is written once and never changes, so
 * these are what is stored; roots and proofs of every size are computed of them. */
#ifndef USHER_SCHEMAS_PROOF_TREE_H
#define USHER_SCHEMAS_PROOF_TREE_H

#include "ops/runtime/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TREE_HASH_SIZE 32
#define TREE_LEVELS 63 /* a tree has less than 2^63 leaves, which a bigint of PostgreSQL holds */

struct tree_hash {
    unsigned char bytes[TREE_HASH_SIZE];
};
bool tree_hash_equal(const struct tree_hash *a, const struct tree_hash *b);

/* The hash of a leaf with these bytes, and of a node over two others. */
void tree_leaf_hash(const void *bytes, size_t n, struct tree_hash *out);
void tree_node_hash(const struct tree_hash *left, const struct tree_hash *right, struct tree_hash *out);

/* A tree that grows: its size, and one hash for each bit that is set in it, of the complete subtree of that
 * level. {0} is the empty tree. */
struct tree_range {
    uint64_t size;
    struct tree_hash hashes[TREE_LEVELS];
};

/* Told of each subtree that a leaf completes, from the leaf up. */
typedef void tree_put(void *ctx, unsigned level, uint64_t index, const struct tree_hash *hash);
/* put may be NULL. */
void tree_append(struct tree_range *t, const struct tree_hash *leaf, tree_put *put, void *ctx);
void tree_root(const struct tree_range *t, struct tree_hash *out);
/* How many hashes tree_append has told of when a tree has that many leaves: those of all its complete
 * subtrees. So it is the place of what leaf n tells of in the sequence of all of them, and of its levels one
 * follows the other there. */
uint64_t tree_hashes_before(uint64_t n);
/* Up to which level leaf n completes subtrees; 0: only itself. */
unsigned tree_completes(uint64_t n);

/* Fetches a node; false if there is none. */
typedef bool tree_get(void *ctx, unsigned level, uint64_t index, struct tree_hash *out);
/* What follows is false where a node is missing, or where the question makes no sense. Which nodes are asked
 * for depends on the sizes alone. So a caller can first call with a `get` that notes what is wanted, fetch
 * all of it in one go, and call again. */
USHER_MUST_CHECK bool tree_open(struct tree_range *out, uint64_t size, tree_get *get, void *ctx);

/* Hashes of a proof, the leaf's sibling first. */
struct tree_proof {
    size_t n;
    struct tree_hash hashes[TREE_LEVELS + 1];
};
/* That the leaf with this index stands in the tree of this size. */
USHER_MUST_CHECK bool tree_prove_inclusion(uint64_t index, uint64_t size, tree_get *get, void *ctx,
                                           struct tree_proof *out);
USHER_MUST_CHECK bool tree_check_inclusion(uint64_t index, uint64_t size, const struct tree_hash *leaf,
                                           const struct tree_proof *proof, const struct tree_hash *root);
/* What a tree that grows keeps of the leaves before `index`: the hashes to the left in the proof of the leaf
 * with that index. They are as good as the proof, which is to be checked. False: the proof is too short. */
USHER_MUST_CHECK bool tree_range_of_proof(struct tree_range *out, uint64_t index, uint64_t size,
                                          const struct tree_proof *proof);

/* That the first leaves of the tree of size now are those of the tree of size before. (The empty tree is the
 * beginning of each; that needs no proof and has an empty one.) */
USHER_MUST_CHECK bool tree_prove_consistency(uint64_t before, uint64_t now, tree_get *get, void *ctx,
                                             struct tree_proof *out);
USHER_MUST_CHECK bool tree_check_consistency(uint64_t before, const struct tree_hash *root_before,
                                             uint64_t now, const struct tree_hash *root,
                                             const struct tree_proof *proof);

#endif
