/* The assertion by which an OAuth client authenticates with a private key (private_key_jwt; RFC 7523
 * section 2.2 and 3): a JWT that the client has signed. Read first, without belief; then signature
 * (key_set.h) and claims are checked. That each is used once only is not seen here (sql/ask/client.h). All
 * errors are ERR_UNAUTHORIZED, with a sentence for whoever writes the client. */
#ifndef USHER_SCHEMAS_API_CLIENT_ASSERTION_H
#define USHER_SCHEMAS_API_CLIENT_ASSERTION_H

#include "ops/runtime/arena.h"
#include "ops/runtime/id.h"
#include "schemas/api/jwt.h"

#define CLIENT_ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define CLIENT_ASSERTION_JTI 256 /* bytes */
/* So far the clocks of client and server may differ. */
#define CLIENT_ASSERTION_SKEW_S 30

struct client_assertion {
    struct jwt jwt;
    struct uuid client; /* iss and sub: the id of a key of usher */
    const char *jti;
    const json_t *aud;
    int64_t exp_s, iat_s, nbf_s; /* iat and nbf: 0 where there is none */
};

/* text must live as long as the arena. */
enum err_code client_assertion_read(const char *text, struct arena *a, struct client_assertion *out,
                                    struct err *err);
/* audiences: a list that ends with NULL; aud must name one of them. max_s: how long an assertion may be good
 * at most. */
enum err_code client_assertion_check(const struct client_assertion *c, const char *const *audiences,
                                     int64_t now_s, int64_t max_s, struct err *err);

#endif
