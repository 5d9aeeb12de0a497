#include "ops/runtime/ed25519.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>

/* Called where only memory can be short. Then the process ends, as after every allocation that fails. */
static void need(bool ok) {
    if (!ok)
        abort();
}

static EVP_PKEY *private_of(const unsigned char seed[ED25519_SEED_SIZE]) {
    EVP_PKEY *k = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_SEED_SIZE);
    need(k != NULL);
    return k;
}

void ed25519_public(const unsigned char seed[ED25519_SEED_SIZE], unsigned char out[ED25519_PUBLIC_SIZE]) {
    EVP_PKEY *k = private_of(seed);
    size_t n = ED25519_PUBLIC_SIZE;
    need(EVP_PKEY_get_raw_public_key(k, out, &n) == 1 && n == ED25519_PUBLIC_SIZE);
    EVP_PKEY_free(k);
}

void ed25519_sign(const unsigned char seed[ED25519_SEED_SIZE], const void *text, size_t n,
                  unsigned char out[ED25519_SIGNATURE_SIZE]) {
    EVP_PKEY *k = private_of(seed);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t size = ED25519_SIGNATURE_SIZE;
    need(ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, k) == 1 &&
         EVP_DigestSign(ctx, out, &size, text, n) == 1 && size == ED25519_SIGNATURE_SIZE);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(k);
}

bool ed25519_verify(const unsigned char key[ED25519_PUBLIC_SIZE], const void *text, size_t n,
                    const unsigned char signature[ED25519_SIGNATURE_SIZE]) {
    EVP_PKEY *k = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, ED25519_PUBLIC_SIZE);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    need(ctx != NULL);
    bool good = k != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, k) == 1 &&
                EVP_DigestVerify(ctx, signature, ED25519_SIGNATURE_SIZE, text, n) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(k);
    ERR_clear_error();
    return good;
}
