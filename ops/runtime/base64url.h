/* base64url without padding (RFC 7515 section 2), read strictly: each content has one spelling. */
#ifndef USHER_RUNTIME_BASE64URL_H
#define USHER_RUNTIME_BASE64URL_H

#include "ops/runtime/err.h"

#include <stdbool.h>
#include <stddef.h>

/* False unless text[0..len) is valid and its content fits into out. */
USHER_MUST_CHECK bool base64url_decode(const char *text, size_t len, void *out, size_t max, size_t *n);

#endif
