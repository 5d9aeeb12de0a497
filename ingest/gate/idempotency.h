/* The Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header): a write of the Management API that
 * is sent again has no second effect and gets the same answer. The key is written down durably before
 * anything is done, the answer before it is sent; where a process dies in between, the command's txn tells
 * whether it was done (ops/DESIGN.md, "The way through"). */
#ifndef USHER_INGEST_GATE_IDEMPOTENCY_H
#define USHER_INGEST_GATE_IDEMPOTENCY_H

#include "ingest/request/request.h"
#include "sql/ask/idempotency.h"

/* The part of a request that has such a key; it lives in the request's arena. */
struct repeat {
    struct idempotency claim;
    bool keeps; /* the answer is to be kept before it is sent */
};

/* A write with that header: to be claimed before anything else. */
bool idempotency_is_asked(const struct request *r);
/* Makes r->repeat. ERR_BAD_REQUEST: a malformed key. */
enum err_code idempotency_prepare(struct request *r, struct err *err);
/* After the claim (code: of its round trip). True: it is to be done now; false: it is answered. */
bool idempotency_on_claimed(struct request *r, enum err_code code);
/* The answer is made. True: it is to be kept before it is sent, and r->repeat says what; once. */
bool idempotency_take_answer(struct request *r);
/* After that (code: of its round trip): where it could not be kept, whoever asks again finds out by the txn;
 * where somebody was faster who did the same, his answer is given. */
void idempotency_on_kept(struct request *r, enum err_code code);

/* The text of the key in the header, a string of RFC 8941 or the bare word; NULL for anything else. */
char *idempotency_key(const char *header, struct arena *a);

#endif
