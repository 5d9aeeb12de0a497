/* The key that signs the heads of the archive's trees: Ed25519, from a PEM file as `openssl genpkey
 * -algorithm ED25519` writes it. */
#ifndef USHER_WORKERS_ARCHIVE_AUDIT_KEY_H
#define USHER_WORKERS_ARCHIVE_AUDIT_KEY_H

#include "ops/runtime/ed25519.h"

struct audit_key {
    unsigned char seed[ED25519_SEED_SIZE], public_key[ED25519_PUBLIC_SIZE];
};

/* file "": a fresh key, which is gone with this process; a warning in the log says so. ERR_CONFIG where the
 * file holds none. */
enum err_code audit_key_open(const char *file, struct audit_key *out, struct err *err);

#endif
