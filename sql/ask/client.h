/* OAuth clients that authenticate with a private key: whose key a client names, and that each assertion is
 * taken once, by whichever ingest. */
#ifndef USHER_SQL_ASK_CLIENT_H
#define USHER_SQL_ASK_CLIENT_H

#include "ops/runtime/arena.h"
#include "ops/runtime/id.h"
#include "ops/runtime/token.h"
#include "sql/db.h"

struct client_key {
    bool known;
    const char *workspace, *workspace_name; /* texts live in the arena */
    unsigned char token_hash[TOKEN_HASH_SIZE];
    const char *jwks, *jwks_uri; /* at most one of them; NULL: none */
};

/* One round trip. */
enum err_code client_find(struct db *db, const char *key, struct arena *a, struct client_key *out,
                          struct err *err);

/* Takes the assertion with this jti, for the request `txn`. *first: nobody has taken it before. One round
 * trip, which must be durable. */
enum err_code client_claim(struct db *db, const char *workspace, const char *key, const char *jti,
                           const char *txn, bool *first, struct err *err);

/* Forgets assertions that have expired long ago. For a worker. */
enum err_code client_prune(struct db *db, struct err *err);

#endif
