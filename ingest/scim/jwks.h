/* The keys of SCIM events as a server of HTTP needs them: what /.well-known/jwks.json shows, and our own to
 * sign outcomes with. */
#ifndef USHER_INGEST_SCIM_JWKS_H
#define USHER_INGEST_SCIM_JWKS_H

#include "ingest/request/request.h"
#include "ops/runtime/jws.h"
#include "sql/db.h"

/* Reads ours from the PEM file ("": a fresh one). Before any thread is started. */
enum err_code jwks_open(const char *file, struct err *err);
void jwks_close(void);
const struct jws_key *jwks_own(void);

/* Publishes ours, once, and reads all that are published, every few seconds. One thread, with its own
 * connection. */
enum err_code jwks_refresh(struct db *db, struct err *err);
/* /.well-known/jwks.json (RFC 7517 section 5), from what was read last; without credentials. 503 while
 * nothing was read yet. */
extern const struct handler jwks_get;

#endif
