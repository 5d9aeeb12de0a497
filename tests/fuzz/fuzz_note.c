/* Checkpoints and keys as strangers write them ("k" first: a key). What is taken says the same when it is
 * written again. */
#include "schemas/proof/note.h"
#include "tests/fuzz/fuzz.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char seed[ED25519_SEED_SIZE] = "a seed of thirty-two bytes, or s";

static void offer_key(const char *text) {
    struct note_key k;
    struct err err = {0};
    struct jbuf b = {0};
    if (note_vkey_parse(text, &k, &err) != ERR_OK)
        return;
    note_vkey_put(&b, &k);
    FUZZ_CHECK(strcmp(b.p, text) == 0, "a key has two spellings: %s", text);
    jb_free(&b);
}

/* The first three lines are what the writer makes; and a note that is written can be opened. */
static void check_again(const char *note, const struct checkpoint *c) {
    unsigned char public_key[ED25519_PUBLIC_SIZE];
    struct note_key k;
    struct checkpoint d;
    struct err err = {0};
    struct jbuf b = {0};
    ed25519_public(seed, public_key);
    FUZZ_CHECK(note_key_make(&k, "fuzz.example", public_key), "no key");
    checkpoint_put(&b, c, &k, seed);
    FUZZ_CHECK(memcmp(note, b.p, (size_t)(strstr(b.p, "\n\n") - b.p)) == 0, "another text: %s", b.p);
    FUZZ_CHECK(checkpoint_open(b.p, b.n, &k, 1, &d, NULL, &err) == ERR_OK, "our own note is refused: %s",
               err.detail);
    FUZZ_CHECK(d.size == c->size && tree_hash_equal(&d.root, &c->root) && strcmp(d.origin, c->origin) == 0,
               "a checkpoint changes");
    jb_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct checkpoint c;
    struct err err = {0};
    struct arena *a = arena_new();
    const char *text = arena_strndup(a, (const char *)data, size);
    if (size > 0 && data[0] == 'k')
        offer_key(text + 1);
    else if (checkpoint_read(text, size, &c, &err) == ERR_OK)
        check_again(text, &c);
    arena_free(a);
    return 0;
}
