#include "ops/runtime/jwk.h"

#include "ops/runtime/base64url.h"
#include "ops/runtime/jws.h"
#include "ops/runtime/mem.h"
#include "ops/runtime/pkey.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define MODULUS_MIN_BITS 2048
#define MODULUS_MAX 512 /* bytes */
#define EXPONENT_MAX 4
#define HASH_SIZE 32
#define COORDINATE 32
#define COORDINATE_TEXT 44 /* in base64url, with its end */

struct jwk {
    EVP_PKEY *rsa; /* one of the two */
    struct jws_key *ec;
};

static const char *const names[JWK_ALGS] = {"RS256", "PS256", "ES256"};

const char *jwk_alg_name(enum jwk_alg alg) {
    return names[alg];
}

bool jwk_alg_parse(const char *name, enum jwk_alg *out) {
    for (size_t i = 0; name != NULL && i < JWK_ALGS; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (enum jwk_alg)i;
            return true;
        }
    }
    return false;
}

static bool number_of(const char *text, size_t most, BIGNUM **out) {
    unsigned char bytes[MODULUS_MAX];
    size_t n;
    if (text == NULL || !base64url_decode(text, strlen(text), bytes, most, &n) || n == 0)
        return false;
    *out = BN_bin2bn(bytes, (int)n, NULL);
    pkey_must(*out != NULL);
    return true;
}

static bool is_usable(const BIGNUM *n, const BIGNUM *e) {
    return BN_num_bits(n) >= MODULUS_MIN_BITS && BN_is_odd(n) && BN_is_odd(e) && !BN_is_one(e);
}

static EVP_PKEY *rsa_of(const BIGNUM *n, const BIGNUM *e) {
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    pkey_must(build != NULL && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
              OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1);
    return pkey_public("RSA", build);
}

static struct jwk *jwk_of(EVP_PKEY *rsa, struct jws_key *ec) {
    if (rsa == NULL && ec == NULL)
        return NULL;
    struct jwk *k = xcalloc(1, sizeof *k);
    k->rsa = rsa;
    k->ec = ec;
    return k;
}

struct jwk *jwk_rsa(const char *n, const char *e) {
    BIGNUM *modulus = NULL, *exponent = NULL;
    bool good = number_of(n, MODULUS_MAX, &modulus) && number_of(e, EXPONENT_MAX, &exponent) &&
                is_usable(modulus, exponent);
    EVP_PKEY *pkey = good ? rsa_of(modulus, exponent) : NULL;
    BN_free(modulus);
    BN_free(exponent);
    return jwk_of(pkey, NULL);
}

/* A coordinate has 32 bytes (RFC 7518 section 6.2.1.2). Some programs leave zeros at its front away. */
static bool coordinate_of(const char *text, char out[COORDINATE_TEXT]) {
    unsigned char given[COORDINATE], whole[COORDINATE] = {0};
    size_t n;
    if (text == NULL || !base64url_decode(text, strlen(text), given, sizeof given, &n) || n == 0)
        return false;
    memcpy(whole + sizeof whole - n, given, n);
    sodium_bin2base64(out, COORDINATE_TEXT, whole, sizeof whole, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return true;
}

struct jwk *jwk_ec(const char *x, const char *y) {
    char whole_x[COORDINATE_TEXT], whole_y[COORDINATE_TEXT];
    bool good = coordinate_of(x, whole_x) && coordinate_of(y, whole_y);
    return jwk_of(NULL, good ? jws_key_public(whole_x, whole_y) : NULL);
}

void jwk_free(struct jwk *k) {
    if (k == NULL)
        return;
    EVP_PKEY_free(k->rsa);
    jws_key_free(k->ec);
    free(k);
}

bool jwk_suits(const struct jwk *k, enum jwk_alg alg) {
    return alg == JWK_ES256 ? k->ec != NULL : k->rsa != NULL;
}

/* PS256: MGF1 with SHA-256, and a salt as long as the hash (RFC 7518 section 3.5). */
static bool set_pss(EVP_PKEY_CTX *ctx) {
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, HASH_SIZE) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1;
}

bool jwk_signed(const struct jwk *k, enum jwk_alg alg, const char *text, size_t len,
                const unsigned char *signature, size_t n) {
    if (!jwk_suits(k, alg))
        return false;
    if (alg == JWK_ES256)
        return jws_signature_fits(k->ec, text, len, signature, n);
    EVP_PKEY_CTX *params = NULL; /* belongs to ctx */
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    pkey_must(ctx != NULL && EVP_DigestVerifyInit(ctx, &params, EVP_sha256(), NULL, k->rsa) == 1);
    pkey_must(alg == JWK_RS256 || set_pss(params));
    bool right = EVP_DigestVerify(ctx, signature, n, (const unsigned char *)text, len) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return right;
}
