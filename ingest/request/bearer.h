/* What is wrong with an Authorization header that should carry a bearer token (RFC 6750 section 2.1), told to
 * whoever sets up a client: these are the mistakes that are made when a token is copied. The sentences name
 * the form alone. No part of the token stands in them, and they are found without looking anything up, so
 * whoever guesses learns nothing. */
#ifndef USHER_INGEST_REQUEST_BEARER_H
#define USHER_INGEST_REQUEST_BEARER_H

#include "ops/runtime/arena.h"

/* "Bearer <token>" -> the token (borrowed), NULL for anything else. */
const char *bearer_token(const char *authorization);
/* Why there is no token in the header; it may be NULL. */
const char *bearer_missing(const char *authorization);
/* What is wrong with a token that is not well-formed: the end of a sentence, "it is cut: …". */
const char *bearer_fault(const char *token, struct arena *a);

#endif
