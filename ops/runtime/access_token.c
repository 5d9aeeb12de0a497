#include "ops/runtime/access_token.h"

#include <sodium.h>
#include <string.h>

#define PREFIX "ust_"
#define PREFIX_LEN 4
#define CONTENT (TOKEN_HASH_SIZE + 1 + 8)
#define MAC 16
/* base64 without padding */
_Static_assert(ACCESS_TOKEN_LENGTH == PREFIX_LEN + (4 * (CONTENT + MAC) + 2) / 3,
               "the length that access_token.h says");
#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The prefix is part of what is sealed, so that a seal made for something else never fits. */
static void mac(const unsigned char *content, const unsigned char *secret, size_t n, unsigned char out[MAC]) {
    crypto_auth_hmacsha256_state state;
    unsigned char full[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_init(&state, secret, n);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)PREFIX, PREFIX_LEN);
    crypto_auth_hmacsha256_update(&state, content, CONTENT);
    crypto_auth_hmacsha256_final(&state, full);
    memcpy(out, full, MAC);
}

void access_token_seal(const struct access_token *t, const unsigned char *secret, size_t n,
                       char text[ACCESS_TOKEN_TEXT_SIZE]) {
    unsigned char bytes[CONTENT + MAC];
    memcpy(bytes, t->key_hash, TOKEN_HASH_SIZE);
    bytes[TOKEN_HASH_SIZE] = t->scopes;
    for (int i = 0; i < 8; i++)
        bytes[TOKEN_HASH_SIZE + 1 + i] = (unsigned char)((uint64_t)t->expires_s >> (56 - 8 * i));
    mac(bytes, secret, n, bytes + CONTENT);
    memcpy(text, PREFIX, PREFIX_LEN);
    sodium_bin2base64(text + PREFIX_LEN, ACCESS_TOKEN_TEXT_SIZE - PREFIX_LEN, bytes, sizeof bytes, VARIANT);
}

bool access_token_is(const char *text) {
    return strncmp(text, PREFIX, PREFIX_LEN) == 0;
}

bool access_token_open(const char *text, const unsigned char *secret, size_t n, struct access_token *out) {
    unsigned char bytes[CONTENT + MAC], due[MAC];
    size_t len = 0, given = strlen(text);
    const char *end = NULL;
    /* The decoder reads bytes beyond ASCII as '_'. They are refused here, so that a token has one spelling
     * only. */
    if (!access_token_is(text) || given >= ACCESS_TOKEN_TEXT_SIZE ||
        strspn(text + PREFIX_LEN, alphabet) != given - PREFIX_LEN ||
        sodium_base642bin(bytes, sizeof bytes, text + PREFIX_LEN, given - PREFIX_LEN, NULL, &len, &end,
                          VARIANT) != 0 ||
        len != sizeof bytes || *end != '\0')
        return false;
    mac(bytes, secret, n, due);
    if (sodium_memcmp(due, bytes + CONTENT, MAC) != 0)
        return false;
    uint64_t expires = 0;
    for (int i = 0; i < 8; i++)
        expires = expires << 8 | bytes[TOKEN_HASH_SIZE + 1 + i];
    memcpy(out->key_hash, bytes, TOKEN_HASH_SIZE);
    out->scopes = bytes[TOKEN_HASH_SIZE];
    out->expires_s = (int64_t)expires;
    return true;
}
