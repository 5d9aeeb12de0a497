#include "ops/runtime/hs256.h"

#include "ops/runtime/base64url.h"
#include "ops/runtime/mem.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SIGNATURE 32
#define TOKEN_MAX 16384

static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";

static void put_base64url(struct jbuf *out, const void *bytes, size_t n) {
    size_t size = sodium_base64_encoded_len(n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *text = xmalloc(size);
    sodium_bin2base64(text, size, bytes, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    jb_raw(out, text);
    free(text);
}

static void mac_of(const char *secret, const char *text, size_t len, unsigned char mac[SIGNATURE]) {
    unsigned n = SIGNATURE;
    if (HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)text, len, mac, &n) == NULL)
        abort(); /* only memory can be short */
}

void hs256_sign(const char *secret, const char *payload, size_t len, struct jbuf *out) {
    unsigned char mac[SIGNATURE];
    size_t begin = out->n;
    put_base64url(out, header, sizeof header - 1);
    jb_raw(out, ".");
    put_base64url(out, payload, len);
    mac_of(secret, out->p + begin, out->n - begin, mac);
    jb_raw(out, ".");
    put_base64url(out, mac, sizeof mac);
}

/* Where header, payload and signature stand. False: there are not three parts. */
struct parts {
    const char *payload, *signature;
    size_t nheader, npayload, nsignature;
};

static bool split_token(const char *text, size_t len, struct parts *p) {
    const char *first = len <= TOKEN_MAX ? memchr(text, '.', len) : NULL;
    const char *second = first != NULL ? memchr(first + 1, '.', len - (size_t)(first + 1 - text)) : NULL;
    if (second == NULL)
        return false;
    *p = (struct parts){.payload = first + 1,
                        .signature = second + 1,
                        .nheader = (size_t)(first - text),
                        .npayload = (size_t)(second - first - 1),
                        .nsignature = len - (size_t)(second + 1 - text)};
    return true;
}

static bool append_decoded(const char *text, size_t len, struct jbuf *out) {
    char *bytes = xmalloc(len + 1);
    size_t n;
    bool good = base64url_decode(text, len, bytes, len, &n);
    if (good)
        jb_mem(out, bytes, n);
    free(bytes);
    return good;
}

bool hs256_peek(const char *text, size_t len, struct jbuf *out) {
    struct parts p;
    return split_token(text, len, &p) && append_decoded(p.payload, p.npayload, out);
}

/* No other algorithm counts, "none" least of all (RFC 8725 section 3.1). */
static bool is_hs256(const char *text, size_t len) {
    struct jbuf decoded = {0};
    json_t *tree = append_decoded(text, len, &decoded)
                       ? json_loadb(decoded.p, decoded.n, JSON_REJECT_DUPLICATES, NULL)
                       : NULL;
    const char *alg = json_string_value(json_object_get(tree, "alg"));
    bool is = alg != NULL && strcmp(alg, "HS256") == 0;
    json_decref(tree);
    jb_free(&decoded);
    return is;
}

bool hs256_verify(const char *secret, const char *text, size_t len, struct jbuf *out) {
    unsigned char given[SIGNATURE], due[SIGNATURE];
    struct parts p;
    size_t n;
    if (!split_token(text, len, &p) || !is_hs256(text, p.nheader) ||
        !base64url_decode(p.signature, p.nsignature, given, sizeof given, &n) || n != sizeof given)
        return false;
    mac_of(secret, text, p.nheader + 1 + p.npayload, due);
    return CRYPTO_memcmp(given, due, sizeof due) == 0 && append_decoded(p.payload, p.npayload, out);
}
