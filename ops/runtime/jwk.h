/* Public keys of others as JSON Web Keys (RFC 7517, RFC 7518 section 6), and what their owners have signed:
 * RS256, PS256 and ES256 (RFC 7518 section 3). OpenSSL does it. A key is
 * constant once made: any number of threads may use it. */
#ifndef USHER_RUNTIME_JWK_H
#define USHER_RUNTIME_JWK_H

#include "ops/runtime/err.h"

#include <stdbool.h>
#include <stddef.h>

enum jwk_alg { JWK_RS256, JWK_PS256, JWK_ES256, JWK_ALGS };
const char *jwk_alg_name(enum jwk_alg alg);
/* False for all others: "none", and what works with a shared secret, among them. NULL is fine. */
USHER_MUST_CHECK bool jwk_alg_parse(const char *name, enum jwk_alg *out);

struct jwk;
/* Members of a JWK, base64url. RSA: of 2048 to 4096 bits, with an odd exponent of 4 bytes at most, so that a
 * signature costs little to check. EC: a point of the curve P-256. NULL for anything else. */
struct jwk *jwk_rsa(const char *n, const char *e);
struct jwk *jwk_ec(const char *x, const char *y);
void jwk_free(struct jwk *k); /* NULL is fine */

/* Is the key of the kind that the algorithm needs? */
bool jwk_suits(const struct jwk *k, enum jwk_alg alg);
/* Is it the signature of text[0..len)? False too where the key does not suit. */
USHER_MUST_CHECK bool jwk_signed(const struct jwk *k, enum jwk_alg alg, const char *text, size_t len,
                                 const unsigned char *signature, size_t n);

#endif
