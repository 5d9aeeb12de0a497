/* The public keys of OAuth clients that have them at an address (jwks_uri), and of the OpenID providers by
 * which people sign in to the portal: fetched when they are needed, kept for a while, fetched again when a
 * token names a key that is not among them. Fetching has a thread of its own (ops/runtime/fetch.h); a request
 * that needs it waits here, and no thread waits with it.
 *
 * Bounds: of one key of usher KEY_SETS_FETCHES begin in KEY_SETS_WINDOW_US, and KEY_SETS_WAITING requests
 * wait; of one workspace KEY_SETS_PER_WORKSPACE fetches are under way; in all KEY_SETS_AT_ONCE fetches, and
 * KEY_SETS_MOST sets are kept. */
#ifndef USHER_INGEST_GATE_KEY_SETS_H
#define USHER_INGEST_GATE_KEY_SETS_H

#include "ingest/request/request.h"
#include "schemas/api/jwt.h"
#include "schemas/api/key_set.h"

#define KEY_SETS_FETCHES 6
#define KEY_SETS_WINDOW_US 60000000
#define KEY_SETS_FRESH_US 300000000  /* a set is asked for again after this time … */
#define KEY_SETS_STALE_US 3600000000 /* … and is good for so long where that fails */
#define KEY_SETS_WAITING 64
#define KEY_SETS_PER_WORKSPACE 4
#define KEY_SETS_AT_ONCE 64
#define KEY_SETS_MOST 4096

struct key_sets;
struct key_sets *key_sets_new(struct ingest *in, struct err *err);
/* No request may wait any more. NULL is fine. */
void key_sets_close(struct key_sets *s);

/* Whose keys: texts are copied. */
struct key_sets_client {
    const char *key, *workspace; /* ids; of a provider, both that of the workspace */
    const char *uri;
};

enum key_sets_verdict {
    KEY_SETS_SIGNED,
    KEY_SETS_NOT_SIGNED, /* by none of the client's keys, or there is no such key */
    KEY_SETS_AWAY,       /* the keys cannot be had now */
    KEY_SETS_WAITS,      /* they are being fetched; then the gate gets r again, for JOB_ASK */
};

/* Was the token signed with one of the keys? waited: r comes back from KEY_SETS_WAITS, and takes
 * what there is now. After KEY_SETS_WAITS the caller no longer owns r. */
enum key_sets_verdict key_sets_check(struct key_sets *s, struct request *r, const struct key_sets_client *c,
                                     const struct jwt *t, bool waited);

#endif
