/* When a body is read, and how much of it. What arrives before its client is admitted is bounded: a body that
 * is larger, or that asks first (Expect: 100-continue), waits until the gate has admitted the client. Small
 * bodies are read at once, so that their requests pass the gate only once. */
#ifndef USHER_INGEST_HTTP_BODY_H
#define USHER_INGEST_HTTP_BODY_H

#include "ingest/http/guard.h"
#include "ingest/request/request.h"

enum body_next {
    BODY_MORE,  /* the piece was taken */
    BODY_ASK,   /* the client must be admitted first; nothing of the piece was taken */
    BODY_CLOSE, /* too much is sent that nobody reads: close the connection */
};

/* At the headers: sets r->body_waits. */
void body_expect(struct request *r, const struct guard_facts *facts);
/* A piece of the body has come. */
enum body_next body_take(struct request *r, const char *data, size_t n);

#endif
