/* The form of the Management API and the admin API: plain JSON, and errors as problem details (RFC 9457). */
#ifndef USHER_INGEST_API_FORM_H
#define USHER_INGEST_API_FORM_H

#include "ingest/request/form.h"
#include "ops/runtime/jbuf.h"

#define API_PREFIX "/api/v1"
#define PROBLEM_JSON "application/problem+json"

extern const struct form api_form, portal_form;

/* The last part of the type, which never changes: INVALID_VALUE -> "invalid-value". out: 40 bytes. */
char *problem_name(enum err_code code, char out[40]);

/* Appends
 * {"type":"urn:usher:problem:…","title","status","detail","instance":"urn:uuid:…","errors":[{"path"}]}. txn:
 * NULL = no instance; path: NULL or "" = no errors. */
void problem_put(struct jbuf *out, enum err_code code, const char *detail, const char *txn, const char *path);

#endif
