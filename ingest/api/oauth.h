/* Access tokens for OAuth 2.0 clients (RFC 6749 section 4.4): client_id is an API key's id, client_secret its
 * token. The secret goes through the gate like a bearer token, so that rate, networks, revocation and audit
 * are the key's; nothing is stored of what is given out (ops/runtime/access_token.h). */
#ifndef USHER_INGEST_API_OAUTH_H
#define USHER_INGEST_API_OAUTH_H

#include "ingest/request/request.h"

/* POST /oauth2/token. */
extern const struct handler oauth_token;

/* Errors are those of RFC 6749 section 5.2; the client's credentials are asked for, no bearer token. */
extern const struct form oauth_form;

#endif
