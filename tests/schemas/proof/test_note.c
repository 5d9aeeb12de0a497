/* Signed notes and checkpoints: a key, a note and a signature that Go's sumdb/note has in its documentation,
 * the test vector of RFC 8032, and what a reader must refuse. */
#include "ops/runtime/base64.h"
#include "schemas/proof/note.h"
#include "tests/schemas/support.h"

#include <sodium.h>

#define VKEY "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define SEED "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
#define SAYING                                                                                               \
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
#define SIGNATURE                                                                                            \
    "\xe2\x80\x94 PeterNeumann "                                                                             \
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"

static void read_seed(unsigned char seed[ED25519_SEED_SIZE]) {
    unsigned char typed[1 + ED25519_SEED_SIZE];
    size_t n;
    assert_true(base64_decode(SEED, strlen(SEED), typed, sizeof typed, &n));
    memcpy(seed, typed + 1, ED25519_SEED_SIZE);
}

static void test_ed25519(void **state) {
    (void)state;
    unsigned char seed[32], want_key[32], key[32], want[64], got[64];
    sodium_hex2bin(seed, 32, "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", 64, NULL,
                   NULL, NULL);
    sodium_hex2bin(want_key, 32, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", 64, NULL,
                   NULL, NULL);
    sodium_hex2bin(
        want, 64,
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
        "b46bd25bf5f0595bbe24655141438e7a100b",
        128, NULL, NULL, NULL);
    ed25519_public(seed, key);
    assert_memory_equal(key, want_key, 32);
    ed25519_sign(seed, "", 0, got);
    assert_memory_equal(got, want, 64);
    assert_true(ed25519_verify(key, "", 0, got));
    assert_false(ed25519_verify(key, "x", 1, got));
    got[63] ^= 1;
    assert_false(ed25519_verify(key, "", 0, got));
}

static void test_key_of_go(void **state) {
    (void)state;
    struct note_key k;
    struct err err = {0};
    unsigned char seed[ED25519_SEED_SIZE], public_key[ED25519_PUBLIC_SIZE];
    struct jbuf b = {0};
    assert_int_equal(note_vkey_parse(VKEY, &k, &err), ERR_OK);
    assert_string_equal(k.name, "PeterNeumann");
    assert_int_equal(k.id, 0xc74f20a3);
    note_vkey_put(&b, &k);
    assert_string_equal(b.p, VKEY);
    read_seed(seed);
    ed25519_public(seed, public_key);
    assert_memory_equal(public_key, k.key, sizeof public_key);
    jb_reset(&b);
    note_signature_put(&b, SAYING, strlen(SAYING), &k, seed);
    assert_string_equal(b.p, SIGNATURE);
    jb_free(&b);
}

static void test_keys_that_are_none(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        "PeterNeumann+c74f20a3+",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+Ahpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct note_key k;
        struct err err = {0};
        if (note_vkey_parse(bad[i], &k, &err) == ERR_OK)
            fail_msg("'%s' is taken for a key", bad[i]);
    }
}

static unsigned char seed_a[ED25519_SEED_SIZE] = "a seed of thirty-two bytes, or s";
static unsigned char seed_b[ED25519_SEED_SIZE] = "another seed of thirty-two bytes";
static struct note_key key_a, key_b;
static struct checkpoint some;

static int make_keys(void **state) {
    (void)state;
    unsigned char public_key[ED25519_PUBLIC_SIZE];
    ed25519_public(seed_a, public_key);
    assert_true(note_key_make(&key_a, "usher.example/audit", public_key));
    ed25519_public(seed_b, public_key);
    assert_true(note_key_make(&key_b, "usher.example/audit", public_key));
    assert_true(key_a.id != key_b.id);
    some = (struct checkpoint){.origin = "usher.example/audit/w/changes", .size = 1034};
    memset(some.root.bytes, 0xab, sizeof some.root.bytes);
    return 0;
}

static char *some_note(void) {
    struct jbuf b = {0};
    checkpoint_put(&b, &some, &key_a, seed_a);
    return jb_take(&b);
}

static enum err_code open_with(const char *note, const struct note_key *keys, size_t n,
                               struct checkpoint *out) {
    struct err err = {0};
    const struct note_key *signer;
    return checkpoint_open(note, strlen(note), keys, n, out, &signer, &err);
}

static void test_round_trip(void **state) {
    (void)state;
    char *note = some_note();
    struct checkpoint c;
    static const char begin[] =
        "usher.example/audit/w/changes\n1034\n"
        "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n\n\xe2\x80\x94 usher.example/audit ";
    assert_memory_equal(note, begin, sizeof begin - 1);
    assert_int_equal(open_with(note, &key_a, 1, &c), ERR_OK);
    assert_string_equal(c.origin, some.origin);
    assert_int_equal(c.size, some.size);
    assert_true(tree_hash_equal(&c.root, &some.root));
    free(note);
}

static void test_every_bit_counts(void **state) {
    (void)state;
    char *note = some_note();
    struct checkpoint c;
    size_t n = strlen(note);
    for (size_t i = 0; i < n; i++) {
        char was = note[i];
        note[i] = (char)(was ^ 1);
        if (strlen(note) == n && open_with(note, &key_a, 1, &c) == ERR_OK)
            fail_msg("byte %zu does not count", i);
        note[i] = was;
        char end = note[i];
        note[i] = '\0';
        if (open_with(note, &key_a, 1, &c) == ERR_OK)
            fail_msg("a note that is cut at %zu is taken", i);
        note[i] = end;
    }
    free(note);
}

/* A rotation: both keys sign, and a reader with either is served. A wrong signature of a known key spoils
 * all. */
static void test_two_signatures(void **state) {
    (void)state;
    struct jbuf b = {0};
    struct checkpoint c;
    char *note = some_note();
    const size_t ntext = (size_t)(strstr(note, "\n\n") - note) + 1;
    const struct note_key both[] = {key_b, key_a};
    assert_int_not_equal(open_with(note, &key_b, 1, &c), ERR_OK);
    assert_int_equal(open_with(note, both, 2, &c), ERR_OK);
    jb_raw(&b, note);
    note_signature_put(&b, note, ntext, &key_b, seed_b);
    assert_int_equal(open_with(b.p, &key_a, 1, &c), ERR_OK);
    assert_int_equal(open_with(b.p, &key_b, 1, &c), ERR_OK);
    jb_reset(&b);
    jb_raw(&b, note);
    note_signature_put(&b, note, ntext, &key_b, seed_a);
    assert_int_equal(open_with(b.p, &key_a, 1, &c), ERR_OK); /* a stranger's: ignored */
    assert_int_not_equal(open_with(b.p, both, 2, &c), ERR_OK);
    free(note);
    jb_free(&b);
}

#define ROOT "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="
#define LINE "\xe2\x80\x94 x AAAAAAAA\n"

static void test_what_is_no_checkpoint(void **state) {
    (void)state;
    static const struct {
        const char *note;
        bool good;
    } v[] = {
        {"o\n1\n" ROOT "\n\n" LINE, true},
        {"o\n0\n" ROOT "\n\n" LINE, true},
        {"o\n1\n" ROOT "\nan extension\n\n" LINE, true},
        {"o\n1\n" ROOT "\n\n" LINE LINE, true},
        {"o\n9223372036854775807\n" ROOT "\n\n" LINE, true},
        {"o\n9223372036854775808\n" ROOT "\n\n" LINE, false},
        {"o\n01\n" ROOT "\n\n" LINE, false},
        {"o\n-1\n" ROOT "\n\n" LINE, false},
        {"o\n\n" ROOT "\n\n" LINE, false},
        {"\n1\n" ROOT "\n\n" LINE, false},
        {"o\n1\n" ROOT "\n" LINE, false},
        {"o\n1\n" ROOT "\n\n", false},
        {"o\n1\n" ROOT "\n\n" LINE "\n", false},
        {"o\n1\n" ROOT "\n\nx AAAAAAAA\n", false},
        {"o\n1\n" ROOT "\n\n\xe2\x80\x94 x\n", false},
        {"o\n1\n" ROOT "\n\n\xe2\x80\x94 x AAAA\n", false},
        {"o\n1\nq6ur\n\n" LINE, false},
        {"o\n1\nq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6t=\n\n" LINE, false},
        {"o\n1\n" ROOT "\n\n" LINE "more", false},
        {"o\t\n1\n" ROOT "\n\n" LINE, false},
        {"o\r\n1\n" ROOT "\n\n" LINE, false},
        {"\xff\n1\n" ROOT "\n\n" LINE, false},
        {"", false},
        {"\n", false},
        {"\n\n", false},
    };
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        struct checkpoint c;
        struct err err = {0};
        if ((checkpoint_read(v[i].note, strlen(v[i].note), &c, &err) == ERR_OK) != v[i].good)
            fail_msg("note %zu is %s", i, v[i].good ? "refused" : "taken");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ed25519),
        cmocka_unit_test(test_key_of_go),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_every_bit_counts),
        cmocka_unit_test(test_two_signatures),
        cmocka_unit_test(test_what_is_no_checkpoint),
        cmocka_unit_test(test_keys_that_are_none),
    };
    return cmocka_run_group_tests(tests, make_keys, NULL);
}
