/* Proof files as strangers write them. What is taken is written the same, byte for byte; and it is checked
 * without trouble, whatever it says. */
#include "schemas/proof/tlog_proof.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static const unsigned char seed[ED25519_SEED_SIZE] = "a seed of thirty-two bytes, or s";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    unsigned char public_key[ED25519_PUBLIC_SIZE];
    struct note_key k;
    struct checkpoint c;
    struct tlog_proof p;
    struct err err = {0};
    struct jbuf b = {0};
    struct arena *a = arena_new();
    ed25519_public(seed, public_key);
    FUZZ_CHECK(note_key_make(&k, "usher.example/audit", public_key), "no key");
    if (tlog_proof_parse((const char *)data, size, a, &p, &err) == ERR_OK) {
        tlog_proof_put(&b, &p);
        FUZZ_CHECK(b.n == size && memcmp(b.p, data, size) == 0, "a proof has two spellings");
        if (tlog_proof_check(&p, &k, 1, &c, NULL, &err) == ERR_OK)
            FUZZ_CHECK(p.index < c.size, "a record beyond the end");
    }
    jb_free(&b);
    arena_free(a);
    return 0;
}
