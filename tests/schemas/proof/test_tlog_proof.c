/* Proof files: what is written is read and holds; nothing of it can be changed without notice. */
#include "schemas/proof/tlog_proof.h"
#include "tests/schemas/support.h"

#define LEAVES 13

static const unsigned char seed[ED25519_SEED_SIZE] = "a seed of thirty-two bytes, or s";
static struct note_key key;
static struct tree_hash nodes[4][LEAVES];
static struct tree_range tree;

static void put(void *ctx, unsigned level, uint64_t index, const struct tree_hash *h) {
    (void)ctx;
    nodes[level][index] = *h;
}

static bool get(void *ctx, unsigned level, uint64_t index, struct tree_hash *out) {
    (void)ctx;
    *out = nodes[level][index];
    return true;
}

static int make_tree(void **state) {
    (void)state;
    unsigned char public_key[ED25519_PUBLIC_SIZE];
    ed25519_public(seed, public_key);
    assert_true(note_key_make(&key, "usher.example/audit", public_key));
    for (char c = 'a'; c < 'a' + LEAVES; c++) {
        struct tree_hash leaf;
        tree_leaf_hash(&c, 1, &leaf);
        tree_append(&tree, &leaf, put, NULL);
    }
    return 0;
}

static char *proof_of(uint64_t index) {
    struct jbuf note = {0}, b = {0};
    struct checkpoint c = {.origin = "usher.example/audit/w/changes", .size = tree.size};
    char record = (char)('a' + index);
    tree_root(&tree, &c.root);
    checkpoint_put(&note, &c, &key, seed);
    struct tlog_proof p = {.record = &record, .nrecord = 1, .index = index, .note = note.p, .nnote = note.n};
    assert_true(tree_prove_inclusion(index, tree.size, get, NULL, &p.path));
    tlog_proof_put(&b, &p);
    jb_free(&note);
    return jb_take(&b);
}

static enum err_code check(const char *text, size_t n, struct tlog_proof *p, struct arena *a) {
    struct err err = {0};
    struct checkpoint c;
    enum err_code code = tlog_proof_parse(text, n, a, p, &err);
    return code != ERR_OK ? code : tlog_proof_check(p, &key, 1, &c, NULL, &err);
}

static void test_each_record(void **state) {
    (void)state;
    struct arena *a = arena_new();
    for (uint64_t i = 0; i < LEAVES; i++) {
        char *text = proof_of(i);
        struct tlog_proof p;
        assert_int_equal(check(text, strlen(text), &p, a), ERR_OK);
        assert_int_equal(p.index, i);
        assert_int_equal(p.nrecord, 1);
        assert_int_equal(*(const char *)p.record, 'a' + i);
        free(text);
    }
    arena_free(a);
}

static void test_form(void **state) {
    (void)state;
    char *text = proof_of(3);
    static const char begin[] = "c2sp.org/tlog-proof@v1\nextra ZA==\nindex 3\n";
    assert_memory_equal(text, begin, sizeof begin - 1);
    size_t lines = 0;
    for (const char *at = text; strncmp(at, "\n", 1) != 0; at = strchr(at, '\n') + 1)
        lines++;
    assert_int_equal(lines, 3 + 4); /* four siblings in a tree of 13 */
    assert_non_null(strstr(text, "\n\nusher.example/audit/w/changes\n13\n"));
    free(text);
}

static void test_every_byte_counts(void **state) {
    (void)state;
    struct arena *a = arena_new();
    struct tlog_proof p;
    char *text = proof_of(7);
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        text[i] = (char)(text[i] ^ 1);
        if (check(text, n, &p, a) == ERR_OK)
            fail_msg("byte %zu does not count", i);
        text[i] = (char)(text[i] ^ 1);
        if (check(text, i, &p, a) == ERR_OK)
            fail_msg("a proof that is cut at %zu is taken", i);
    }
    free(text);
    arena_free(a);
}

static void test_without_the_record(void **state) {
    (void)state;
    struct arena *a = arena_new();
    struct tlog_proof p;
    struct err err = {0};
    char *text = proof_of(7), *extra = strstr(text, "extra "), *index = strstr(text, "index ");
    memmove(extra, index, strlen(index) + 1);
    assert_int_equal(tlog_proof_parse(text, strlen(text), a, &p, &err), ERR_OK);
    assert_null(p.record);
    assert_int_not_equal(check(text, strlen(text), &p, a), ERR_OK);
    free(text);
    arena_free(a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_record),
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_every_byte_counts),
        cmocka_unit_test(test_without_the_record),
    };
    return cmocka_run_group_tests(tests, make_tree, NULL);
}
