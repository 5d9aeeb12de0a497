/* The keys of events: those that /.well-known/jwks.json shows, and the own keys, which sign outcomes, and the
 * tokens of streams that are polled. */
#ifndef USHER_INGEST_SCIM_JWKS_H
#define USHER_INGEST_SCIM_JWKS_H

#include "ingest/request/request.h"
#include "ops/runtime/jws.h"
#include "sql/db.h"

/* Reads the own keys from the PEM files; "": makes a new one. Before any thread starts. */
enum err_code jwks_open(const char *file, const char *rsa_file, struct err *err);
void jwks_close(void);
const struct jws_key *jwks_own(void);     /* signs with ES256 */
const struct jws_key *jwks_own_rsa(void); /* with RS256 */

/* Publishes the own keys once, and reads all published keys every few seconds. For one thread, with its own
 * connection. */
enum err_code jwks_refresh(struct db *db, struct err *err);
/* GET /.well-known/jwks.json (RFC 7517 section 5): the keys that were read last. 503 before the first
 * reading. */
extern const struct handler jwks_get;

#endif
