/* The security event tokens (RFC 8417) of a stream: out of one message of the log of deliveries none, one or
 * several, each with one event, all with the txn of what was done. Unsigned: whoever hands one out signs it.
 * The same bytes each time, so that a token that is sent again is the same one. Pure. */
#ifndef USHER_SCHEMAS_API_SSF_SET_H
#define USHER_SCHEMAS_API_SSF_SET_H

#include "ops/runtime/arena.h"
#include "schemas/api/ssf.h"

#define SSF_SETS_MAX 4 /* out of one message */

/* A message of the log: the claims of a record of usher.events, of a verification, or of a new status. */
struct ssf_message {
    const char *type, *event; /* ce_type, ce_id */
    const char *value;        /* the claims, JSON */
    const char *about; /* {"email":…,"was":…}, JSON: the subject's address now, and before; NULL: not known */
    int64_t at_us;
};
struct ssf_set {
    const char *type; /* the event's URI */
    const char *jti;  /* "{ce_id}/{part}/{stream}" */
    const char *claims;
};
/* stream: id of the stream; doc: the endpoint's. How many there are; texts are the arena's, but for type. */
size_t ssf_sets(const char *stream, const json_t *doc, const struct ssf_message *m, struct arena *a,
                struct ssf_set out[SSF_SETS_MAX]);
/* The claims of a verification, as the log keeps them. state: NULL, or what the receiver has sent. Appends.
 */
void ssf_put_verification(struct jbuf *out, const char *stream, const char *txn, const char *state);
/* Those of a status that the receiver has not set itself. reason: NULL: none. Appends. */
void ssf_put_updated(struct jbuf *out, const char *stream, const char *txn, const char *status,
                     const char *reason);
/* Is a message of this type told beside all others, and not in their order? A stream that is paused gets
 * it. */
bool ssf_is_told_at_once(const char *type);

#endif
