/* One poll of a stream (RFC 8936): acknowledges tokens, and hands out those that wait. It knows no request: a
 * gate thread does it, and for a poll that has waited the thread of polls.h. */
#ifndef USHER_INGEST_API_POLL_SETS_H
#define USHER_INGEST_API_POLL_SETS_H

#include "ops/runtime/arena.h"
#include "sql/ask/stream_poll.h"

#include <jansson.h>

#define POLL_SETS_MAX 100 /* tokens of one answer */
#define POLL_DESCRIPTION 200

struct poll_sets {
    struct stream_poll at; /* at.doc NULL afterwards: there is no such stream for this key */
    json_t *acks, *errors; /* what the receiver says it has (a list of jti), and what it cannot take (an
                              object of jti); NULL: nothing. The caller's */
    size_t most;           /* tokens that it wants; 0: none */
    struct jbuf sets;      /* out: members of the object "sets", signed */
    size_t n;              /* out: how many */
    bool more;             /* out: there are others */
};
/* Texts of p are the arena's afterwards, but for sets, which poll_sets_free frees. Acknowledgements count
 * once: those of p are gone from it when this has gone well. */
enum err_code poll_sets_work(struct db *db, struct poll_sets *p, struct arena *a, struct err *err);
/* The whole answer. */
void poll_sets_answer(const struct poll_sets *p, struct jbuf *out);
void poll_sets_free(void *p);

#endif
