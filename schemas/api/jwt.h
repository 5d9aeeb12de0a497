/* Signed JWTs of others (RFC 7519, compact JWS of RFC 7515): read first, without belief; whoever reads one
 * has its signature checked (key_set.h) and its claims judged (client_assertion.h, id_token.h). All errors
 * are ERR_UNAUTHORIZED, with a sentence that names the token by `what`: "The assertion". */
#ifndef USHER_SCHEMAS_API_JWT_H
#define USHER_SCHEMAS_API_JWT_H

#include "ops/runtime/arena.h"
#include "ops/runtime/jwk.h"

#include <jansson.h>
#include <stdint.h>

#define JWT_BYTES 8192

struct jwt {
    enum jwk_alg alg;
    const char *kid; /* NULL: none */
    const json_t *header, *claims;
    const char *text;  /* of it, the first … */
    size_t signed_len; /* … bytes are what was signed */
    const unsigned char *signature;
    size_t nsignature;
};

/* text must live as long as the arena. Refused are tokens that are too long, that have another algorithm than
 * RS256, PS256 and ES256, and those with extensions (crit). */
enum err_code jwt_read(const char *text, const char *what, struct arena *a, struct jwt *out, struct err *err);

/* Seconds since 1970, perhaps with a fraction. 0 where there are none, or none that can be. */
int64_t jwt_moment(const json_t *claims, const char *name);
/* Does the claim aud, a text or a list of texts, name `audience`? */
bool jwt_is_for(const json_t *aud, const char *audience);

#endif
