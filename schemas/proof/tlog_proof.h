/* The proof that a record stands in a tree, as one file that needs nothing else to be checked but a public
 * key: a C2SP tlog-proof.
 *
 *     c2sp.org/tlog-proof@v1
 *     extra BASE64(record)
 *     index N
 *     BASE64(hash), a line each, the leaf's sibling first
 *
 *     the checkpoint, as it is
 *
 * `extra` is not protected by the format. Here it is the record itself: whoever checks hashes it to the leaf,
 * so it is protected all the same. */
#ifndef USHER_SCHEMAS_PROOF_TLOG_PROOF_H
#define USHER_SCHEMAS_PROOF_TLOG_PROOF_H

#include "ops/runtime/arena.h"
#include "ops/runtime/err.h"
#include "ops/runtime/jbuf.h"
#include "schemas/proof/note.h"
#include "schemas/proof/tree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLOG_PROOF_MAX (4 << 20) /* bytes of a file that is read; a record has 1 MiB at most */

struct tlog_proof {
    const void *record; /* NULL: the file has none, and whoever checks must have the record */
    size_t nrecord;
    uint64_t index;
    struct tree_proof path;
    const char *note; /* the checkpoint */
    size_t nnote;
};

void tlog_proof_put(struct jbuf *b, const struct tlog_proof *p);
/* Only the form is looked at. What the proof points to lives in the arena or in text. */
enum err_code tlog_proof_parse(const char *text, size_t n, struct arena *a, struct tlog_proof *out,
                               struct err *err);

/* Does the record stand in the tree that one of the keys has signed? out: the checkpoint. signer may be NULL.
 */
enum err_code tlog_proof_check(const struct tlog_proof *p, const struct note_key *keys, size_t nkeys,
                               struct checkpoint *out, const struct note_key **signer, struct err *err);

#endif
