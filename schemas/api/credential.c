#include "schemas/api/credential.h"

#include "ops/runtime/token.h"
#include "schemas/text/jsonx.h"

#include <stdio.h>
#include <string.h>

void credential_put_token(json_t *resource, const char *token) {
    unsigned char hash[TOKEN_HASH_SIZE];
    char hex[2 * TOKEN_HASH_SIZE + 1], prefix[TOKEN_PREFIX_SIZE];
    token_hash(token, strlen(token), hash);
    token_show_prefix(token, prefix);
    for (size_t i = 0; i < TOKEN_HASH_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    jsonx_put(resource, "tokenHash", json_string(hex));
    jsonx_put(resource, "prefix", json_string(prefix));
}

void credential_put_moment(json_t *resource, const char *name, int64_t us) {
    jsonx_put(resource, name, us != 0 ? json_integer(us) : json_null());
}
