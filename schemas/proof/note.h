/* Checkpoints: a tree's size and root, signed. In bytes, a C2SP tlog-checkpoint, which is a C2SP signed note:
 *
 *     ORIGIN
 *     SIZE
 *     BASE64(ROOT)
 *
 *     — KEYNAME BASE64(KEYID || SIGNATURE)
 *
 * The signed text is the first three lines with their ends. The signature is Ed25519. Other kinds of
 * signatures and other people's may stand beside it. */
#ifndef USHER_SCHEMAS_PROOF_NOTE_H
#define USHER_SCHEMAS_PROOF_NOTE_H

#include "ops/runtime/ed25519.h"
#include "ops/runtime/err.h"
#include "ops/runtime/jbuf.h"
#include "schemas/proof/tree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOTE_NAME_MAX 255       /* bytes of a key's name, or of an origin */
#define NOTE_SIGNATURES_MAX 100 /* more lines are refused */
#define NOTE_MAX 16384          /* bytes of a note that is read */

/* A public key, with the name that signatures are made under. */
struct note_key {
    char name[NOTE_NAME_MAX + 1];
    uint32_t id; /* follows from name and key */
    unsigned char key[ED25519_PUBLIC_SIZE];
};
/* A name: UTF-8, not empty, without blanks and '+'. */
bool note_name_good(const char *name);
/* False if the name is not good. */
USHER_MUST_CHECK bool note_key_make(struct note_key *out, const char *name,
                                    const unsigned char key[ED25519_PUBLIC_SIZE]);
/* The key as people write it down: NAME+ID+BASE64(1 || key). */
void note_vkey_put(struct jbuf *b, const struct note_key *k);
enum err_code note_vkey_parse(const char *text, struct note_key *out, struct err *err);

struct checkpoint {
    char origin[NOTE_NAME_MAX + 1];
    uint64_t size;
    struct tree_hash root;
};
/* Appends the note, with one signature. seed: the private half of key. */
void checkpoint_put(struct jbuf *b, const struct checkpoint *c, const struct note_key *key,
                    const unsigned char seed[ED25519_SEED_SIZE]);
/* Appends one more signature line to a note, for a rotation: both keys sign for a while. */
void note_signature_put(struct jbuf *b, const char *signed_text, size_t n, const struct note_key *key,
                        const unsigned char seed[ED25519_SEED_SIZE]);

/* Reads a note and checks it. It must be signed by at least one of the keys, and no signature of any of them
 * may be wrong. Signatures of others are ignored. The origin is not compared with anything: a caller that
 * expects one looks at it. signer (may be NULL): which key, the first of those that have signed. */
enum err_code checkpoint_open(const char *note, size_t n, const struct note_key *keys, size_t nkeys,
                              struct checkpoint *out, const struct note_key **signer, struct err *err);
/* The same without looking at signatures: for a note that was checked, or to see which key it names. */
enum err_code checkpoint_read(const char *note, size_t n, struct checkpoint *out, struct err *err);

#endif
