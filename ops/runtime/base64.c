#include "ops/runtime/base64.h"

#include "ops/runtime/mem.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define VARIANT sodium_base64_VARIANT_ORIGINAL

void base64_put(struct jbuf *b, const void *bytes, size_t n) {
    size_t size = sodium_base64_encoded_len(n, VARIANT);
    char *text = xmalloc(size);
    sodium_bin2base64(text, size, bytes, n, VARIANT);
    jb_raw(b, text);
    free(text);
}

bool base64_decode(const char *text, size_t len, void *out, size_t max, size_t *n) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    const char *end;
    /* The decoder reads bytes beyond ASCII as '/'. */
    for (size_t i = 0; i < len; i++)
        if (memchr(alphabet, text[i], sizeof alphabet - 1) == NULL)
            return false;
    return len % 4 == 0 && sodium_base642bin(out, max, text, len, NULL, n, &end, VARIANT) == 0 &&
           end == text + len;
}
