/* The public keys of those who sign events, ours and those before ours: what /.well-known/jwks.json
 * shows.
 */
#ifndef USHER_SQL_ASK_SIGNING_KEY_H
#define USHER_SQL_ASK_SIGNING_KEY_H

#include "ops/runtime/jbuf.h"
#include "ops/runtime/jws.h"
#include "sql/db.h"

/* The key of this process: from the PEM file, or, if file is "", a fresh one, with a warning in the log. NULL
 * and ERR_CONFIG where the file holds none. */
struct jws_key *signing_key_open(const char *file, struct err *err);
struct jws_key *signing_key_open_rsa(const char *file, struct err *err); /* the same of an RSA key */
/* Publishes it; again does nothing. One round trip. */
enum err_code signing_key_publish(struct db *db, const struct jws_key *k, struct err *err);
/* Appends {"keys":[…]}, the oldest first. One round trip. */
enum err_code signing_key_set(struct db *db, struct jbuf *out, struct err *err);

#endif
