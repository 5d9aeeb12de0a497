/* Cursors of RFC 9865: a place in a list, sealed, so that the service stores nothing of it (rule G10). A
 * cursor is good for one tenant, one principal and one query. Used elsewhere, or changed in one bit, it is
 * refused like nonsense. Its content (a value of the row at the place) is encrypted. Form: base64url without
 * padding of the seal (24 bytes) and the encrypted content. The seal is a keyed hash over the content and
 * what it is bound to. It is also the nonce of the encryption (a synthetic one, as in RFC 5297). So no random
 * numbers are needed, and the same place has the same cursor within a second. */
#ifndef USHER_SCHEMAS_API_CURSOR_H
#define USHER_SCHEMAS_API_CURSOR_H

#include "ops/runtime/arena.h"
#include "ops/runtime/err.h"
#include "ops/runtime/id.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CURSOR_SECRET_SIZE 32
#define CURSOR_KEY_MAX 4096 /* bytes of a sort key, of which 256 characters or a number count */

struct cursor {
    bool backward;
    bool placed;     /* behind (backward: before) the row with this id and key; else from the list's beginning
                        (backward: its end) */
    struct uuid id;  /* placed */
    const char *key; /* placed: the row's sort key; NULL = it has none, or the list is not sorted */
    int count;       /* of the first page */
    int64_t total;   /* as the first page said it */
    int64_t expires_us;
};

struct cursor_seal {
    const unsigned char *secret; /* CURSOR_SECRET_SIZE bytes */
    /* What the cursor is bound to: tenant, principal, query. NULL is another text than "". */
    const char *const *bound;
    size_t nbound;
};

/* Lives in the arena. Only characters that a query may have as they are (RFC 9865 section 2). */
char *cursor_encode(const struct cursor *c, const struct cursor_seal *seal, struct arena *a);
/* ERR_INVALID_CURSOR, or ERR_EXPIRED_CURSOR for one that was good. */
enum err_code cursor_decode(const char *text, const struct cursor_seal *seal, int64_t now_us, struct arena *a,
                            struct cursor *out, struct err *err);

#endif
