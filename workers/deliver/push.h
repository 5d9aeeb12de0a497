/* A stream of signals (schemas/api/ssf.h) while it is pushed to (RFC 8935): the tokens of the message that is
 * being sent, and what its receiver says to them. */
#ifndef USHER_WORKERS_DELIVER_PUSH_H
#define USHER_WORKERS_DELIVER_PUSH_H

#include "ops/runtime/jws.h"
#include "ops/runtime/post.h"
#include "schemas/api/ssf_set.h"
#include "sql/ask/delivery.h"

/* The keys of this process that tokens are signed with. */
struct push_keys {
    struct jws_key *es256, *rs256;
};

struct push {
    const char *stream; /* its id */
    json_t *doc;        /* of the endpoint */
    const char *header; /* "Authorization: …"; NULL: none is sent */
    const struct push_keys *keys;
    struct ssf_set sets[SSF_SETS_MAX]; /* of the message … */
    size_t n, at;                      /* … and which one is next */
};

/* Makes the tokens of a message. False: there is none for this stream. Texts are the arena's. */
bool push_begin(struct push *p, const struct delivery_message *m, struct arena *a);
/* A trial: a verification that nobody has asked for, which has no state. */
void push_trial(struct push *p, const char *event, int64_t now_us, struct arena *a);
/* The next token, signed, as it is posted: appended to body. */
void push_letter(const struct push *p, struct jbuf *body, struct post_message *out);
/* What a receiver says to a token that it will never take (RFC 8935 section 2.4), in the arena; NULL: it does
 * not say so, and the token is sent again. A key that it does not know may be one that it has not read yet.
 */
const char *push_refused(const struct post_answer *answer, struct arena *a);

#endif
