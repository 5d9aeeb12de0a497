/* Signed tokens: compact JWS with ES256 or RS256 (RFC 7515, RFC 7518 sections 3.3 and 3.4), and the public
 * key as a JSON Web Key (RFC 7517). Verified here is ES256 alone. OpenSSL does it. A key is constant once
 * made: any number of threads may use it. */
#ifndef USHER_RUNTIME_JWS_H
#define USHER_RUNTIME_JWS_H

#include "ops/runtime/err.h"
#include "ops/runtime/jbuf.h"

#include <stdbool.h>
#include <stddef.h>

struct jws_key;

/* A private key from a PEM file (EC, curve P-256, without password). NULL and ERR_CONFIG, which names the
 * file. */
struct jws_key *jws_key_load(const char *file, struct err *err);
/* The same of an RSA key, of 2048 to 4096 bits: it signs with RS256. */
struct jws_key *jws_key_load_rsa(const char *file, struct err *err);
/* A new private key. It exists in this process only, and is gone with it. */
struct jws_key *jws_key_new(void);
struct jws_key *jws_key_new_rsa(void); /* of 2048 bits; takes some tenths of a second */
/* A public key, which can verify but not sign, from the coordinates of a JWK (base64url, 32 bytes each). NULL
 * if they are no point of the curve. */
struct jws_key *jws_key_public(const char *x, const char *y);
void jws_key_free(struct jws_key *k); /* NULL is fine */

/* The SHA-256 of the public key in the spelling of RFC 7638, so that equal keys have equal names. */
const char *jws_kid(const struct jws_key *k);
/* {"kty":"EC","crv":"P-256","x":…,"y":…,"use":"sig","alg":"ES256","kid":…}, or
 * {"kty":"RSA","n":…,"e":…,"use":"sig","alg":"RS256","kid":…} */
const char *jws_jwk(const struct jws_key *k);

/* Appends "header.payload.signature" with the header {"alg":…,"typ":typ,"kid":…}. k must be a private key.
 * Each call gives another signature with ES256, which uses a random number. */
void jws_sign(const struct jws_key *k, const char *typ, const char *payload, size_t len, struct jbuf *out);
/* True if text is a compact JWS with ES256 that was signed with the key of k. Then the payload is appended to
 * out (may be NULL). Other members of the header are not checked. */
USHER_MUST_CHECK bool jws_verify(const struct jws_key *k, const char *text, size_t len, struct jbuf *out);
/* Is raw the ES256 signature of text, as JWS has it: two numbers of 32 bytes? */
USHER_MUST_CHECK bool jws_signature_fits(const struct jws_key *k, const char *text, size_t len,
                                         const void *raw, size_t nraw);

#endif
