/* How an OAuth client authenticates with a key, besides with its token: by assertions that are signed with a
 * private key, whose public half the key has here (schemas/api/key_set.h). */
#ifndef USHER_WORKERS_APPLY_KEY_CLIENT_H
#define USHER_WORKERS_APPLY_KEY_CLIENT_H

#include "workers/apply/decision.h"

/* At most one of them is not NULL. Both live in the unit's arena. */
struct key_client {
    const char *jwks, *uri;
    bool given; /* one of them was named, perhaps as null */
};
enum err_code key_client_read(struct decision *d, const json_t *given, struct key_client *out);

#endif
