/* A sign-in by a provider that is under way: what the browser keeps until it comes back from there. It is
 * sealed, so that a browser can neither read nor make one, and the service keeps nothing of it. */
#ifndef USHER_INGEST_PORTAL_OIDC_FLOW_H
#define USHER_INGEST_PORTAL_OIDC_FLOW_H

#include "ingest/gate/seal.h"
#include "ops/runtime/arena.h"
#include "ops/runtime/id.h"

#include <stdbool.h>

#define FLOW_RANDOM 44 /* 32 random bytes in base64url, and a NUL */

struct oidc_flow {
    int64_t expires_s;
    struct uuid workspace;
    struct uuid session;           /* that it will open, once */
    unsigned char issuer_hash[32]; /* which issuer and client it began with */
    char state[FLOW_RANDOM], nonce[FLOW_RANDOM], verifier[FLOW_RANDOM];
};

void oidc_flow_new(struct oidc_flow *f, const char *workspace, const char *issuer, const char *client,
                   int64_t now_s);
/* What the provider is shown of the verifier (RFC 7636, S256). */
void oidc_flow_challenge(const struct oidc_flow *f, char out[FLOW_RANDOM]);
/* Does it belong to this issuer and client? */
bool oidc_flow_is_of(const struct oidc_flow *f, const char *issuer, const char *client);

/* key: the service's own (gate/seal.h). In the arena. */
char *oidc_flow_seal(const struct oidc_flow *f, const unsigned char key[SEAL_KEY_SIZE], struct arena *a);
/* False: it is not ours, was changed, or is over. */
bool oidc_flow_open(const char *text, const unsigned char key[SEAL_KEY_SIZE], int64_t now_s,
                    struct oidc_flow *out);

#endif
