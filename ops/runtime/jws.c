#include "ops/runtime/jws.h"

#include "ops/runtime/mem.h"
#include "ops/runtime/pkey.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COORDINATE 32 /* bytes of a coordinate, and of each half of a signature */
#define POINT_MAX (1 + 2 * COORDINATE)
#define SIGNATURE (2 * COORDINATE)
#define ALPHABET sodium_base64_VARIANT_URLSAFE_NO_PADDING

#define RSA_MIN_BITS 2048
#define RSA_MAX_BITS 4096
#define RSA_MAX_BYTES (RSA_MAX_BITS / 8)

struct jws_key {
    EVP_PKEY *pkey;
    bool is_rsa;  /* RS256; else ES256 */
    char kid[44]; /* of 32 bytes */
    char *jwk;
};

/* ---- base64url without padding (RFC 7515 section 2) ---- */

static void put_base64(struct jbuf *out, const void *bytes, size_t n) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const unsigned char *p = bytes;
    char chunk[1024];
    size_t at = 0;
    for (size_t i = 0; i < n; i += 3) {
        unsigned v =
            (unsigned)p[i] << 16 | (i + 1 < n ? (unsigned)p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0u);
        size_t have = n - i < 3 ? n - i + 1 : 4;
        for (size_t k = 0; k < have; k++)
            chunk[at++] = digits[v >> (18 - 6 * k) & 63];
        if (at > sizeof chunk - 4) {
            jb_mem(out, chunk, at);
            at = 0;
        }
    }
    jb_mem(out, chunk, at);
}

/* False unless the text is valid base64url and fits. */
static bool from_base64(const char *text, size_t len, unsigned char *out, size_t max, size_t *n) {
    const char *end;
    return sodium_base642bin(out, max, text, len, NULL, n, &end, ALPHABET) == 0 && end == text + len;
}

/* ---- keys ---- */

static bool on_curve(const EVP_PKEY *pkey) {
    char name[64];
    size_t n;
    return EVP_PKEY_is_a(pkey, "EC") &&
           EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, name, sizeof name, &n) == 1 &&
           strcmp(name, SN_X9_62_prime256v1) == 0;
}

static void coordinate(const EVP_PKEY *pkey, const char *name, struct jbuf *out) {
    BIGNUM *number = NULL;
    unsigned char bytes[COORDINATE];
    pkey_must(EVP_PKEY_get_bn_param(pkey, name, &number) == 1);
    pkey_must(BN_bn2binpad(number, bytes, sizeof bytes) == (int)sizeof bytes);
    BN_free(number);
    put_base64(out, bytes, sizeof bytes);
}

/* RFC 7638 section 3: the hash of the members that make the key, in this spelling alone. */
static void name_key(struct jws_key *k, const struct jbuf *members) {
    struct jbuf text = {0};
    unsigned char hash[32];
    crypto_hash_sha256(hash, (const unsigned char *)members->p, members->n);
    put_base64(&text, hash, sizeof hash);
    memcpy(k->kid, text.p, sizeof k->kid);
    jb_free(&text);
}

/* Takes ownership of pkey. */
static struct jws_key *key_of(EVP_PKEY *pkey) {
    struct jws_key *k = xcalloc(1, sizeof *k);
    struct jbuf x = {0}, y = {0}, text = {0};
    k->pkey = pkey;
    coordinate(pkey, OSSL_PKEY_PARAM_EC_PUB_X, &x);
    coordinate(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, &y);
    jb_printf(&text, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", x.p, y.p);
    name_key(k, &text);
    jb_free(&text);
    k->jwk = xasprintf(
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\",\"use\":\"sig\",\"alg\":\"ES256\","
        "\"kid\":\"%s\"}",
        x.p, y.p, k->kid);
    jb_free(&x);
    jb_free(&y);
    return k;
}

static void put_number(const EVP_PKEY *pkey, const char *name, struct jbuf *out) {
    BIGNUM *number = NULL;
    unsigned char bytes[RSA_MAX_BYTES];
    pkey_must(EVP_PKEY_get_bn_param(pkey, name, &number) == 1 && BN_num_bytes(number) <= RSA_MAX_BYTES);
    int n = BN_bn2bin(number, bytes);
    BN_free(number);
    put_base64(out, bytes, (size_t)n);
}

/* The same of an RSA key. */
static struct jws_key *rsa_key_of(EVP_PKEY *pkey) {
    struct jws_key *k = xcalloc(1, sizeof *k);
    struct jbuf n = {0}, e = {0}, text = {0};
    k->pkey = pkey;
    k->is_rsa = true;
    put_number(pkey, OSSL_PKEY_PARAM_RSA_N, &n);
    put_number(pkey, OSSL_PKEY_PARAM_RSA_E, &e);
    jb_printf(&text, "{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}", e.p, n.p);
    name_key(k, &text);
    jb_free(&text);
    k->jwk = xasprintf(
        "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\",\"use\":\"sig\",\"alg\":\"RS256\",\"kid\":\"%s\"}", n.p,
        e.p, k->kid);
    jb_free(&n);
    jb_free(&e);
    return k;
}

/* OpenSSL asks for the password of the file. There is none: the program has no terminal. */
static int no_password(char *buf, int size, int writing, void *ctx) {
    (void)buf, (void)size, (void)writing, (void)ctx;
    return -1;
}

/* NULL: there is none; the error says so. */
static EVP_PKEY *read_private(const char *file, struct err *err) {
    FILE *f = fopen(file, "re");
    if (f == NULL) {
        (void)err_set(err, ERR_CONFIG, "%s: %m", file);
        return NULL;
    }
    EVP_PKEY *pkey = PEM_read_PrivateKey(f, NULL, no_password, NULL);
    (void)fclose(f);
    ERR_clear_error();
    if (pkey == NULL)
        (void)err_set(err, ERR_CONFIG, "%s: there is no private key in PEM form without password", file);
    return pkey;
}

struct jws_key *jws_key_load(const char *file, struct err *err) {
    EVP_PKEY *pkey = read_private(file, err);
    if (pkey == NULL || on_curve(pkey))
        return pkey != NULL ? key_of(pkey) : NULL;
    (void)err_set(err, ERR_CONFIG, "%s: the key is not an EC key on the curve P-256", file);
    EVP_PKEY_free(pkey);
    return NULL;
}

struct jws_key *jws_key_load_rsa(const char *file, struct err *err) {
    EVP_PKEY *pkey = read_private(file, err);
    if (pkey == NULL)
        return NULL;
    int bits = EVP_PKEY_is_a(pkey, "RSA") ? EVP_PKEY_get_bits(pkey) : 0;
    if (bits >= RSA_MIN_BITS && bits <= RSA_MAX_BITS)
        return rsa_key_of(pkey);
    (void)err_set(err, ERR_CONFIG, "%s: the key is not an RSA key of %d to %d bits", file, RSA_MIN_BITS,
                  RSA_MAX_BITS);
    EVP_PKEY_free(pkey);
    return NULL;
}

struct jws_key *jws_key_new(void) {
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    pkey_must(pkey != NULL);
    return key_of(pkey);
}

struct jws_key *jws_key_new_rsa(void) {
    EVP_PKEY *pkey = EVP_RSA_gen(RSA_MIN_BITS);
    pkey_must(pkey != NULL);
    return rsa_key_of(pkey);
}

/* NULL where the point is not on the curve. */
static EVP_PKEY *public_of(const unsigned char point[POINT_MAX]) {
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    pkey_must(build != NULL &&
              OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, SN_X9_62_prime256v1, 0) ==
                  1 &&
              OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, POINT_MAX) == 1);
    return pkey_public("EC", build);
}

struct jws_key *jws_key_public(const char *x, const char *y) {
    unsigned char point[POINT_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
    size_t nx, ny;
    if (!from_base64(x, strlen(x), point + 1, COORDINATE, &nx) || nx != COORDINATE ||
        !from_base64(y, strlen(y), point + 1 + COORDINATE, COORDINATE, &ny) || ny != COORDINATE)
        return NULL;
    EVP_PKEY *pkey = public_of(point);
    return pkey != NULL ? key_of(pkey) : NULL;
}

void jws_key_free(struct jws_key *k) {
    if (k == NULL)
        return;
    EVP_PKEY_free(k->pkey);
    free(k->jwk);
    free(k);
}

const char *jws_kid(const struct jws_key *k) {
    return k->kid;
}

const char *jws_jwk(const struct jws_key *k) {
    return k->jwk;
}

/* ---- signatures: OpenSSL has them as DER, JWS as the two numbers side by side ---- */

static void raw_of_der(const unsigned char *der, size_t len, unsigned char raw[SIGNATURE]) {
    ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &der, (long)len);
    pkey_must(s != NULL);
    pkey_must(BN_bn2binpad(ECDSA_SIG_get0_r(s), raw, COORDINATE) == COORDINATE);
    pkey_must(BN_bn2binpad(ECDSA_SIG_get0_s(s), raw + COORDINATE, COORDINATE) == COORDINATE);
    ECDSA_SIG_free(s);
}

/* The caller frees it with OPENSSL_free. */
static unsigned char *der_of_raw(const unsigned char raw[SIGNATURE], int *len) {
    unsigned char *der = NULL;
    ECDSA_SIG *s = ECDSA_SIG_new();
    BIGNUM *a = BN_bin2bn(raw, COORDINATE, NULL), *b = BN_bin2bn(raw + COORDINATE, COORDINATE, NULL);
    pkey_must(s != NULL && a != NULL && b != NULL && ECDSA_SIG_set0(s, a, b) == 1);
    *len = i2d_ECDSA_SIG(s, &der);
    pkey_must(*len > 0);
    ECDSA_SIG_free(s);
    return der;
}

void jws_sign(const struct jws_key *k, const char *typ, const char *payload, size_t len, struct jbuf *out) {
    size_t begin = out->n;
    unsigned char made[RSA_MAX_BYTES], raw[SIGNATURE]; /* ES256: DER of two numbers of 33 bytes, 72 */
    size_t nmade = sizeof made;
    struct jbuf header = {0};
    jb_raw(&header, "{");
    jb_kstr(&header, "alg", k->is_rsa ? "RS256" : "ES256");
    jb_kstr(&header, "typ", typ);
    jb_kstr(&header, "kid", k->kid);
    jb_raw(&header, "}");
    put_base64(out, header.p, header.n);
    jb_free(&header);
    jb_raw(out, ".");
    put_base64(out, payload, len);

    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    pkey_must(ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, k->pkey) == 1);
    pkey_must(EVP_DigestSign(ctx, made, &nmade, (const unsigned char *)out->p + begin, out->n - begin) == 1);
    EVP_MD_CTX_free(ctx);
    jb_raw(out, ".");
    if (k->is_rsa) {
        put_base64(out, made, nmade);
        return;
    }
    raw_of_der(made, nmade, raw);
    put_base64(out, raw, sizeof raw);
}

bool jws_signature_fits(const struct jws_key *k, const char *text, size_t len, const void *raw, size_t nraw) {
    if (nraw != SIGNATURE)
        return false;
    int nder;
    unsigned char *der = der_of_raw(raw, &nder);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    pkey_must(ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, k->pkey) == 1);
    bool right = EVP_DigestVerify(ctx, der, (size_t)nder, (const unsigned char *)text, len) == 1;
    EVP_MD_CTX_free(ctx);
    OPENSSL_free(der);
    ERR_clear_error();
    return right;
}

/* Accepts a header with "alg":"ES256" that names nothing else which changes how to verify: "crit" would name
 * extensions that a verifier must know (RFC 7515 section 4.1.11). */
static bool header_is_ours(const char *text, size_t len) {
    static const char begin[] = "{\"alg\":\"ES256\"";
    unsigned char header[512];
    size_t n;
    return from_base64(text, len, header, sizeof header, &n) && n >= sizeof begin &&
           memcmp(header, begin, sizeof begin - 1) == 0 &&
           (header[sizeof begin - 1] == ',' || header[sizeof begin - 1] == '}') &&
           memmem(header, n, "\"crit\"", 6) == NULL;
}

bool jws_verify(const struct jws_key *k, const char *text, size_t len, struct jbuf *out) {
    const char *first = memchr(text, '.', len);
    const char *last = memrchr(text, '.', len);
    unsigned char raw[SIGNATURE];
    size_t n;
    if (first == NULL || first == last || memchr(first + 1, '.', (size_t)(last - first - 1)) != NULL)
        return false;
    if (!header_is_ours(text, (size_t)(first - text)) ||
        !from_base64(last + 1, (size_t)(text + len - last - 1), raw, sizeof raw, &n) || n != sizeof raw)
        return false;
    size_t npayload = (size_t)(last - first - 1);
    unsigned char *payload = xmalloc(npayload + 1);
    bool right = from_base64(first + 1, npayload, payload, npayload, &n) &&
                 jws_signature_fits(k, text, (size_t)(last - text), raw, sizeof raw);
    if (right && out != NULL)
        jb_mem(out, (const char *)payload, n);
    free(payload);
    return right;
}
