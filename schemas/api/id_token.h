/* What an OpenID provider says of somebody who signs in: its metadata (OpenID Connect Discovery 1.0), the
 * answer of its token endpoint, and the ID token in it (OpenID Connect Core 1.0 section 2). Pure functions:
 * what they judge was fetched and its signature is checked elsewhere (ingest/portal/oidc.c). */
#ifndef USHER_SCHEMAS_API_ID_TOKEN_H
#define USHER_SCHEMAS_API_ID_TOKEN_H

#include "schemas/api/jwt.h"

#include <stdbool.h>

#define ID_TOKEN_SKEW_S 60      /* so far the clocks of provider and service may differ */
#define ID_TOKEN_AGE_S 600      /* no older one is taken: it was made just now, for this sign-in */
#define PROVIDER_BYTES 65536    /* of a document that is fetched */
#define PROVIDER_ISSUER_MAX 512 /* bytes */

/* Of the metadata what is needed. Texts live as long as the arena. */
struct provider {
    const char *authorization, *token, *jwks; /* endpoints, all https */
    bool basic;                               /* the client's secret goes into a header, else into the form */
    bool claims;                              /* it can be asked for claims, such as the e-mail address */
    bool says_issuer; /* its answers name their issuer (RFC 9207), so one that does not is none of it */
};

/* An issuer: https, with a host, without user, query and fragment. */
enum err_code provider_check_issuer(const char *issuer, struct err *err);
/* Where the metadata of an issuer is; in the arena. */
char *provider_metadata_url(const char *issuer, struct arena *a);
/* NULL, or the few words that say what is wrong with the document. */
const char *provider_read(const char *text, size_t n, const char *issuer, struct arena *a,
                          struct provider *out);
/* The ID token in an answer of the token endpoint, in the arena; NULL: there is none. */
char *provider_id_token(const char *text, size_t n, struct arena *a);

/* Who somebody is, as a provider says. */
struct identity {
    const char *subject;
    const char *email; /* NULL: none, or the provider has not verified it */
    bool unverified;   /* there is one, which was not verified */
};
/* Judges the claims of a token whose signature is good. ERR_UNAUTHORIZED says what does not fit. Texts of out
 * live as long as the token. */
enum err_code id_token_check(const struct jwt *t, const char *issuer, const char *client, const char *nonce,
                             int64_t now_s, struct identity *out, struct err *err);

#endif
