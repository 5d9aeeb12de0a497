/* Signatures with Ed25519 (RFC 8032). A private key is its seed of 32 bytes, of which everything else
 * follows.
 */
#ifndef USHER_RUNTIME_ED25519_H
#define USHER_RUNTIME_ED25519_H

#include "ops/runtime/err.h"

#include <stdbool.h>
#include <stddef.h>

#define ED25519_SEED_SIZE 32
#define ED25519_PUBLIC_SIZE 32
#define ED25519_SIGNATURE_SIZE 64

/* The public key of a seed. */
void ed25519_public(const unsigned char seed[ED25519_SEED_SIZE], unsigned char out[ED25519_PUBLIC_SIZE]);
void ed25519_sign(const unsigned char seed[ED25519_SEED_SIZE], const void *text, size_t n,
                  unsigned char out[ED25519_SIGNATURE_SIZE]);
USHER_MUST_CHECK bool ed25519_verify(const unsigned char key[ED25519_PUBLIC_SIZE], const void *text, size_t n,
                                     const unsigned char signature[ED25519_SIGNATURE_SIZE]);

#endif
