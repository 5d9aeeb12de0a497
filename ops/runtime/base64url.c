#include "ops/runtime/base64url.h"

#include <sodium.h>
#include <string.h>

bool base64url_decode(const char *text, size_t len, void *out, size_t max, size_t *n) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *end;
    /* The decoder reads bytes beyond ASCII as '_'. */
    for (size_t i = 0; i < len; i++)
        if (memchr(alphabet, text[i], sizeof alphabet - 1) == NULL)
            return false;
    return sodium_base642bin(out, max, text, len, NULL, n, &end, sodium_base64_VARIANT_URLSAFE_NO_PADDING) ==
               0 &&
           end == text + len;
}
