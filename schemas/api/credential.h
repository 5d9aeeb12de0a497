/* What commands carry of a credential, a key's or an owner's: of its token the hash and the first digits. The
 * token itself is shown once, to the client that asked for it, and stored nowhere. */
#ifndef USHER_SCHEMAS_API_CREDENTIAL_H
#define USHER_SCHEMAS_API_CREDENTIAL_H

#include <jansson.h>
#include <stdint.h>

#define KEY_NETWORKS_MAX                                                                                     \
    64 /* of one key: the source of each of its requests is compared with all of them                        \
        */

/* Puts "tokenHash" (SHA-256 as hex) and "prefix" of a new token into the command's resource. */
void credential_put_token(json_t *resource, const char *token);
/* Puts a moment that is optional ("expires", "overlapUntil"): microseconds since 1970, or null for 0. */
void credential_put_moment(json_t *resource, const char *name, int64_t us);

#endif
