/* Access tokens of OAuth 2.0 (RFC 6749 section 4.4) stand for an API key for a short time, with all or some
 * of its scopes. Nothing of them is stored. A token carries the hash of the key's own token, and the key is
 * looked up by it at every use, so an access token dies with its key. Scopes and expiry are sealed with the
 * service's secret. Form: "ust_" + base64url. */
#ifndef USHER_RUNTIME_ACCESS_TOKEN_H
#define USHER_RUNTIME_ACCESS_TOKEN_H

#include "ops/runtime/err.h"
#include "ops/runtime/token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACCESS_TOKEN_TEXT_SIZE 96
#define ACCESS_TOKEN_LENGTH 80

struct access_token {
    unsigned char key_hash[TOKEN_HASH_SIZE]; /* SHA-256 of the key's token */
    unsigned char scopes;                    /* bits of enum scope */
    int64_t expires_s;                       /* Unix time */
};

/* secret: 32 bytes at least. */
void access_token_seal(const struct access_token *t, const unsigned char *secret, size_t n,
                       char text[ACCESS_TOKEN_TEXT_SIZE]);
bool access_token_is(const char *text); /* by its prefix alone */
/* False for a text that was not sealed with that secret. The caller checks the expiry. */
USHER_MUST_CHECK bool access_token_open(const char *text, const unsigned char *secret, size_t n,
                                        struct access_token *out);

#endif
