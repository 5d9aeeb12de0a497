#include "ingest/portal/oidc_flow.h"

#include "ingest/request/cookie.h"
#include "ops/runtime/base64url.h"
#include "ops/runtime/sha256.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define NONCE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG crypto_aead_xchacha20poly1305_ietf_ABYTES
#define SEALED (NONCE + sizeof(struct oidc_flow) + TAG)
#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

static const char purpose[] = "usher portal: sign-in by a provider";

static void put_random(char out[FLOW_RANDOM]) {
    unsigned char bytes[32];
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2base64(out, FLOW_RANDOM, bytes, sizeof bytes, VARIANT);
}

static void hash_of(const char *issuer, const char *client, unsigned char out[32]) {
    const struct sha256_part parts[] = {{issuer, strlen(issuer) + 1}, {client, strlen(client)}};
    sha256_of(parts, 2, out);
}

void oidc_flow_new(struct oidc_flow *f, const char *workspace, const char *issuer, const char *client,
                   int64_t now_s) {
    memset(f, 0, sizeof *f); /* the bytes between the members too: all are sealed */
    f->expires_s = now_s + COOKIE_FLOW_S;
    snprintf(f->workspace.s, sizeof f->workspace.s, "%s", workspace);
    f->session = uuid_v7();
    hash_of(issuer, client, f->issuer_hash);
    put_random(f->state);
    put_random(f->nonce);
    put_random(f->verifier);
}

void oidc_flow_challenge(const struct oidc_flow *f, char out[FLOW_RANDOM]) {
    unsigned char hash[SHA256_SIZE];
    sha256_of(&(struct sha256_part){f->verifier, strlen(f->verifier)}, 1, hash);
    sodium_bin2base64(out, FLOW_RANDOM, hash, sizeof hash, VARIANT);
}

bool oidc_flow_is_of(const struct oidc_flow *f, const char *issuer, const char *client) {
    unsigned char hash[32];
    hash_of(issuer, client, hash);
    return memcmp(hash, f->issuer_hash, sizeof hash) == 0;
}

/* The service's secret is only used to derive keys, one for each purpose. */
static void derive(const unsigned char *service, unsigned char key[32]) {
    crypto_generichash(key, 32, (const unsigned char *)purpose, sizeof purpose - 1, service, SEAL_KEY_SIZE);
}

char *oidc_flow_seal(const struct oidc_flow *f, const unsigned char service[SEAL_KEY_SIZE], struct arena *a) {
    unsigned char key[32], bytes[SEALED];
    size_t n = sodium_base64_encoded_len(sizeof bytes, VARIANT);
    char *text = arena_alloc(a, n);
    derive(service, key);
    randombytes_buf(bytes, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(bytes + NONCE, NULL, (const unsigned char *)f, sizeof *f, NULL,
                                               0, NULL, bytes, key);
    sodium_bin2base64(text, n, bytes, sizeof bytes, VARIANT);
    sodium_memzero(key, sizeof key);
    return text;
}

bool oidc_flow_open(const char *text, const unsigned char service[SEAL_KEY_SIZE], int64_t now_s,
                    struct oidc_flow *out) {
    unsigned char key[32], bytes[SEALED];
    size_t n;
    if (!base64url_decode(text, strlen(text), bytes, sizeof bytes, &n) || n != sizeof bytes)
        return false;
    derive(service, key);
    bool good = crypto_aead_xchacha20poly1305_ietf_decrypt((unsigned char *)out, NULL, NULL, bytes + NONCE,
                                                           sizeof bytes - NONCE, NULL, 0, bytes, key) == 0;
    sodium_memzero(key, sizeof key);
    return good && out->expires_s > now_s;
}
