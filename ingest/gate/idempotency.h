/* The Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header): a write
 * of the Management API that is sent again has no second effect and gets the same answer. The key is stored
 * durably before anything is done, and the answer before it is sent. If a process dies in between, the txn of
 * the command tells whether it was done (ops/DESIGN.md, "The way through"). */
#ifndef USHER_INGEST_GATE_IDEMPOTENCY_H
#define USHER_INGEST_GATE_IDEMPOTENCY_H

#include "ingest/request/request.h"
#include "sql/ask/idempotency.h"

/* The part of a request that has an Idempotency-Key. It lives in the arena of the request. */
struct repeat {
    struct idempotency claim;
    bool keeps; /* the answer must be stored before it is sent */
};

/* Does the request have the header, and is it a write for which it counts? */
bool idempotency_is_asked(const struct request *r);
/* Makes r->repeat. ERR_BAD_REQUEST: a malformed key. */
enum err_code idempotency_prepare(struct request *r, struct err *err);
/* After the claim; code is the result of its round trip. True: the request is done now. False: it is
 * answered. */
bool idempotency_on_claimed(struct request *r, enum err_code code);
/* The answer is made. True, at most once for a request: it must be stored, and r->repeat->claim has what to
 * store. */
bool idempotency_take_answer(struct request *r);
/* After storing; code is the result of its round trip. If another request with the key was faster, its answer
 * is given. If the answer could not be stored, a success becomes ERR_OUTCOME_UNKNOWN: a repeated request
 * finds the outcome by the txn. */
void idempotency_on_kept(struct request *r, enum err_code code);

/* The key in the header: a string of RFC 8941, or a bare word. NULL for anything else. */
char *idempotency_key(const char *header, struct arena *a);

#endif
