/* Trees against the test vectors of Certificate Transparency (RFC 6962), and against a second computation
 * that follows the text of section 2.1 word by word. */
#include "ops/runtime/mem.h"
#include "schemas/proof/tree.h"
#include "tests/schemas/support.h"

#include <inttypes.h>
#include <sodium.h>

#define MOST 70
#define MANY 10007

static struct tree_hash hash_of(const char *hex) {
    struct tree_hash h;
    size_t n;
    assert_int_equal(sodium_hex2bin(h.bytes, sizeof h.bytes, hex, strlen(hex), NULL, &n, NULL), 0);
    assert_int_equal(n, sizeof h.bytes);
    return h;
}

static void assert_hash(const struct tree_hash *got, const char *want) {
    char hex[2 * TREE_HASH_SIZE + 1];
    assert_string_equal(sodium_bin2hex(hex, sizeof hex, got->bytes, sizeof got->bytes), want);
}

/* A store of nodes, as the table is one. */
struct store {
    struct tree_hash *nodes[20];
    size_t puts;
    unsigned gone_level; /* a node that is missing */
    uint64_t gone_index;
};

static void store_put(void *ctx, unsigned level, uint64_t index, const struct tree_hash *h) {
    struct store *s = ctx;
    if (s->nodes[level] == NULL)
        s->nodes[level] = xcalloc(((size_t)MANY >> level) + 1, sizeof **s->nodes);
    s->nodes[level][index] = *h;
    s->puts++;
}

static bool store_get(void *ctx, unsigned level, uint64_t index, struct tree_hash *out) {
    const struct store *s = ctx;
    if (level == s->gone_level && index == s->gone_index)
        return false;
    *out = s->nodes[level][index];
    return true;
}

static void store_free(struct store *s) {
    for (size_t i = 0; i < 20; i++)
        free(s->nodes[i]);
}

static void fill(struct store *s, struct tree_range *t, uint64_t size) {
    *s = (struct store){.gone_level = 99};
    *t = (struct tree_range){0};
    for (uint64_t i = 0; i < size; i++) {
        char text[32];
        struct tree_hash leaf;
        tree_leaf_hash(text, (size_t)snprintf(text, sizeof text, "record %" PRIu64, i), &leaf);
        tree_append(t, &leaf, store_put, s);
    }
}

/* MTH of section 2.1. */
static void naive(const struct tree_hash *leaves, uint64_t n, struct tree_hash *out) {
    struct tree_hash left, right;
    uint64_t k = 1;
    if (n == 1) {
        *out = leaves[0];
        return;
    }
    while (2 * k < n)
        k *= 2;
    naive(leaves, k, &left);
    naive(leaves + k, n - k, &right);
    tree_node_hash(&left, &right, out);
}

static void root_at(struct store *s, uint64_t size, struct tree_hash *out) {
    struct tree_range t;
    assert_true(tree_open(&t, size, store_get, s));
    tree_root(&t, out);
}

static void test_vectors(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *root;
    } v[] = {
        {"", 0, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
        {"\x00", 1, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
        {"\x10", 1, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
        {"\x20\x21", 2, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
        {"\x30\x31", 2, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
        {"\x40\x41\x42\x43", 4, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
        {"\x50\x51\x52\x53\x54\x55\x56\x57", 8,
         "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
        {"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16,
         "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
    };
    struct tree_range t = {0};
    struct tree_hash leaf, root;
    tree_root(&t, &root);
    assert_hash(&root, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        tree_leaf_hash(v[i].bytes, v[i].n, &leaf);
        tree_append(&t, &leaf, NULL, NULL);
        tree_root(&t, &root);
        assert_hash(&root, v[i].root);
    }
}

/* Each complete subtree is told once, and is the root of its leaves; all sizes have the root of section 2.1.
 */
static void test_nodes_and_roots(void **state) {
    (void)state;
    struct store s;
    struct tree_range t;
    struct tree_hash want, got;
    fill(&s, &t, MOST);
    size_t puts = 0;
    for (unsigned level = 0; (MOST >> level) > 0; level++) {
        for (uint64_t i = 0; i < (uint64_t)MOST >> level; i++, puts++) {
            naive(s.nodes[0] + (i << level), UINT64_C(1) << level, &want);
            assert_true(tree_hash_equal(&s.nodes[level][i], &want));
        }
    }
    assert_int_equal(s.puts, puts);
    for (uint64_t size = 1; size <= MOST; size++) {
        root_at(&s, size, &got);
        naive(s.nodes[0], size, &want);
        assert_true(tree_hash_equal(&got, &want));
    }
    store_free(&s);
}

static void flip(struct tree_hash *h, uint64_t where) {
    h->bytes[where % TREE_HASH_SIZE] ^= (unsigned char)(1 << where % 8);
}

/* A proof holds as it is, and with nothing changed: neither leaf, root, index, size, a hash, nor their
 * number. */
static void check_inclusion(struct store *s, uint64_t index, uint64_t size) {
    struct tree_proof p, q;
    struct tree_hash leaf = s->nodes[0][index], other = leaf, root;
    root_at(s, size, &root);
    assert_true(tree_prove_inclusion(index, size, store_get, s, &p));
    assert_true(tree_check_inclusion(index, size, &leaf, &p, &root));
    flip(&other, index);
    assert_false(tree_check_inclusion(index, size, &other, &p, &root));
    for (size_t i = 0; i < p.n; i++) {
        q = p;
        flip(&q.hashes[i], index + i);
        assert_false(tree_check_inclusion(index, size, &leaf, &q, &root));
    }
    q = p;
    q.n++;
    memset(&q.hashes[p.n], 0, TREE_HASH_SIZE);
    assert_false(tree_check_inclusion(index, size, &leaf, &q, &root));
    if (p.n > 0) {
        q.n = p.n - 1;
        assert_false(tree_check_inclusion(index, size, &leaf, &q, &root));
        assert_false(tree_check_inclusion(index ^ 1, size, &leaf, &p, &root));
    }
    flip(&root, size);
    assert_false(tree_check_inclusion(index, size, &leaf, &p, &root));
}

/* What stands left of a leaf in its proof is what a tree of the leaves before it keeps: whoever goes on with
 * it gets to the same root. */
static void check_range(struct store *s, uint64_t index, uint64_t size) {
    struct tree_proof p;
    struct tree_range t, due;
    struct tree_hash root, got;
    assert_true(tree_prove_inclusion(index, size, store_get, s, &p));
    assert_true(tree_range_of_proof(&t, index, size, &p));
    assert_true(tree_open(&due, index, store_get, s));
    tree_root(&due, &root);
    tree_root(&t, &got);
    assert_true(tree_hash_equal(&got, &root));
    for (uint64_t i = index; i < size; i++)
        tree_append(&t, &s->nodes[0][i], NULL, NULL);
    root_at(s, size, &root);
    tree_root(&t, &got);
    assert_true(tree_hash_equal(&got, &root));
    assert_false(tree_range_of_proof(&t, size, size, &p));
    p.n = 0;
    assert_int_equal(tree_range_of_proof(&t, index, size, &p), index == 0);
}

static void check_consistency(struct store *s, uint64_t before, uint64_t now) {
    struct tree_proof p, q;
    struct tree_hash first, root, other;
    root_at(s, before, &first);
    root_at(s, now, &root);
    assert_true(tree_prove_consistency(before, now, store_get, s, &p));
    assert_true(tree_check_consistency(before, &first, now, &root, &p));
    for (size_t i = 0; i < p.n; i++) {
        q = p;
        flip(&q.hashes[i], now + i);
        assert_false(tree_check_consistency(before, &first, now, &root, &q));
    }
    q = p;
    q.n++;
    memset(&q.hashes[p.n], 0, TREE_HASH_SIZE);
    assert_false(tree_check_consistency(before, &first, now, &root, &q));
    if (p.n > 0) {
        q.n = p.n - 1;
        assert_false(tree_check_consistency(before, &first, now, &root, &q));
    }
    other = first;
    flip(&other, before);
    assert_false(tree_check_consistency(before, &other, now, &root, &p));
    if (before == 0)
        return; /* the empty tree is the beginning of every tree */
    other = root;
    flip(&other, before);
    assert_false(tree_check_consistency(before, &first, now, &other, &p));
}

static void test_all_small_proofs(void **state) {
    (void)state;
    struct store s;
    struct tree_range t;
    fill(&s, &t, MOST);
    for (uint64_t size = 1; size <= MOST; size++) {
        for (uint64_t i = 0; i < size; i++)
            check_inclusion(&s, i, size);
        for (uint64_t before = 0; before <= size; before++)
            check_consistency(&s, before, size);
    }
    store_free(&s);
}

static void test_ranges_of_proofs(void **state) {
    struct store s;
    struct tree_range t;
    (void)state;
    fill(&s, &t, MOST);
    for (uint64_t size = 1; size <= MOST; size++)
        for (uint64_t index = 0; index < size; index++)
            check_range(&s, index, size);
    store_free(&s);
}

static void test_large_proofs(void **state) {
    (void)state;
    static const uint64_t some[] = {1, 2, 1023, 1024, 1025, 4096, 8191, 8192, 8193, 9999, MANY - 1, MANY};
    struct store s;
    struct tree_range t;
    fill(&s, &t, MANY);
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        check_consistency(&s, some[i], MANY);
        check_inclusion(&s, some[i] - 1, MANY);
        check_inclusion(&s, 0, some[i]);
    }
    store_free(&s);
}

/* A tree is opened where it was left, and goes on as if it had never been closed. */
static void test_open_and_go_on(void **state) {
    (void)state;
    struct store s;
    struct tree_range whole, part;
    struct tree_hash a, b;
    fill(&s, &whole, MOST);
    for (uint64_t size = 0; size < MOST; size++) {
        assert_true(tree_open(&part, size, store_get, &s));
        for (uint64_t i = size; i < MOST; i++)
            tree_append(&part, &s.nodes[0][i], NULL, NULL);
        tree_root(&part, &a);
        tree_root(&whole, &b);
        assert_true(tree_hash_equal(&a, &b));
    }
    store_free(&s);
}

/* Where in the sequence of all hashes the next one stands, as those count who store them in one piece. */
struct place {
    uint64_t leaf, at;
    unsigned level;
};

static void check_place(void *ctx, unsigned level, uint64_t index, const struct tree_hash *h) {
    struct place *p = ctx;
    (void)h;
    assert_int_equal(((index + 1) << level) - 1, p->leaf);
    assert_int_equal(level, p->level++);
    assert_int_equal(p->at++, tree_hashes_before(p->leaf) + level);
}

static void test_places(void **state) {
    (void)state;
    struct tree_range t = {0};
    struct tree_hash leaf = {{0}};
    struct place p = {0, 0, 0};
    for (; p.leaf < MANY; p.leaf++, p.level = 0) {
        assert_int_equal(tree_hashes_before(p.leaf), p.at);
        tree_append(&t, &leaf, check_place, &p);
        assert_int_equal(p.level, tree_completes(p.leaf) + 1);
    }
}

static void test_what_makes_no_sense(void **state) {
    (void)state;
    struct store s;
    struct tree_range t;
    struct tree_proof p;
    fill(&s, &t, MOST);
    assert_false(tree_prove_inclusion(5, 5, store_get, &s, &p));
    assert_false(tree_prove_consistency(6, 5, store_get, &s, &p));
    assert_false(tree_open(&t, UINT64_C(1) << 63, store_get, &s));
    assert_true(tree_prove_consistency(0, 5, store_get, &s, &p));
    assert_int_equal(p.n, 0);
    const struct tree_hash h = hash_of("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    assert_false(tree_check_inclusion(0, 0, &h, &p, &h));
    assert_false(tree_check_consistency(0, &h, 5, &h, &p)); /* not the root of the empty tree */
    s.gone_level = 2;
    s.gone_index = 3;
    assert_true(tree_prove_inclusion(17, MOST, store_get, &s, &p)); /* does not need it */
    assert_false(tree_prove_inclusion(9, MOST, store_get, &s, &p));
    store_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),          cmocka_unit_test(test_nodes_and_roots),
        cmocka_unit_test(test_all_small_proofs), cmocka_unit_test(test_large_proofs),
        cmocka_unit_test(test_open_and_go_on),   cmocka_unit_test(test_what_makes_no_sense),
        cmocka_unit_test(test_places),           cmocka_unit_test(test_ranges_of_proofs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
