/* Access tokens for OAuth 2.0 clients (RFC 6749 section 4.4): client_id is an API key's id, client_secret its
 * token. The gate treats the secret like a bearer token, so rate limit, networks, revocation and audit are
 * those of the key. Access tokens are not stored (ops/runtime/access_token.h). */
#ifndef USHER_INGEST_API_OAUTH_H
#define USHER_INGEST_API_OAUTH_H

#include "ingest/request/request.h"

/* POST /oauth2/token. */
extern const struct handler oauth_token;

/* Errors as RFC 6749 section 5.2 has them. The challenge asks for the credentials of a client, not for a
 * bearer token. */
extern const struct form oauth_form;

#endif
