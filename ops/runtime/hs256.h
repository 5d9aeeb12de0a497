/* Tokens that two sides sign with one secret: compact JWS with HS256 (RFC 7515, RFC 7518 section 3.2), as
 * LiveKit has them. (Tokens with a key pair: jws.h.) */
#ifndef USHER_RUNTIME_HS256_H
#define USHER_RUNTIME_HS256_H

#include "ops/runtime/err.h"
#include "ops/runtime/jbuf.h"

#include <stdbool.h>
#include <stddef.h>

/* Appends "header.payload.signature" with the header {"alg":"HS256","typ":"JWT"}. The same payload and secret
 * give the same token. */
void hs256_sign(const char *secret, const char *payload, size_t len, struct jbuf *out);
/* Appends the payload of a token whose signature has not been looked at: to find out whose secret it would
 * have to be. False if it is no compact JWS, or larger than 16 KiB. */
USHER_MUST_CHECK bool hs256_peek(const char *text, size_t len, struct jbuf *out);
/* True if text is a compact JWS with HS256 that was signed with the secret. Then the payload is appended to
 * out. The signature is compared in constant time; times and other claims are the caller's. */
USHER_MUST_CHECK bool hs256_verify(const char *secret, const char *text, size_t len, struct jbuf *out);

#endif
