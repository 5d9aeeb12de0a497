/* base64 with padding (RFC 4648 section 4), read strictly: each content has one spelling. */
#ifndef USHER_RUNTIME_BASE64_H
#define USHER_RUNTIME_BASE64_H

#include "ops/runtime/err.h"
#include "ops/runtime/jbuf.h"

#include <stdbool.h>
#include <stddef.h>

void base64_put(struct jbuf *b, const void *bytes, size_t n);
/* False unless text[0..len) is valid and its content fits into out. */
USHER_MUST_CHECK bool base64_decode(const char *text, size_t len, void *out, size_t max, size_t *n);

#endif
