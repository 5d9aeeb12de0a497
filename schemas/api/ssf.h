/* Streams of the OpenID Shared Signals Framework 1.0: which events there are, what a receiver may ask for,
 * and how a stream is shown. Pure.
 *
 * A stream is an endpoint for events (schemas/api/delivery.h) whose document has a member "stream":
 *
 *     receiver     id of the key that it belongs to
 *     iss, aud     claims of its tokens
 *     method       SSF_PUSH or SSF_POLL
 *     requested    as the receiver asked; null: it did not
 *     delivered    what it gets: the URIs
 *     format       of the subject: "email", "iss_sub" or "scim"
 *     description  null: none
 *     from         µs since 1970: what happened before is not told (it was disabled then)
 *     verified     µs since 1970: when a verification was asked for last; 0: never
 *     removed      subjects of which nothing is told */
#ifndef USHER_SCHEMAS_API_SSF_H
#define USHER_SCHEMAS_API_SSF_H

#include "ops/runtime/err.h"
#include "ops/runtime/jbuf.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SSF_KIND "stream" /* of the endpoint; the others have none */
#define SSF_PUSH "urn:ietf:rfc:8935"
#define SSF_POLL "urn:ietf:rfc:8936"
#define SSF_VERIFICATION "https://schemas.openid.net/secevent/ssf/event-type/verification"
#define SSF_UPDATED "https://schemas.openid.net/secevent/ssf/event-type/stream-updated"
#define SSF_VERIFY_EVERY_S 1 /* a verification may be asked for so often */
#define SSF_REQUESTED_MAX 64 /* events that may be asked for */
#define SSF_TEXT_MAX 512     /* bytes of a description, an audience, an Authorization header, a state */
#define SSF_AUDIENCES_MAX 8
#define SSF_REMOVED_MAX 256 /* subjects that may be removed from a stream */
#define SSF_SUBJECT_MAX 512 /* bytes of a subject */

enum ssf_about { SSF_OF_ALL, SSF_OF_USERS, SSF_OF_IDENTIFIERS };
/* An event of a stream, and out of which records of usher.events it is made. */
struct ssf_event {
    const char *uri;
    const char *part; /* tells the tokens of one record apart; of the record itself "scim" */
    enum ssf_about about;
    const char *sources[6]; /* ce_type; up to NULL */
};
/* The i-th; NULL behind the last one. */
const struct ssf_event *ssf_event_at(size_t i);

/* What of `requested` (JSON) there is; a new reference. Nothing is delivered that nobody has asked for. */
json_t *ssf_delivered(const json_t *requested);
/* The types of records that these events are made of, with those that are about the stream itself; a new
 * reference. */
json_t *ssf_sources(const json_t *delivered);

/* Reads what a receiver sends of its stream into the members of a command: `method` and `url` of the
 * delivery, `requested`, `description`, `format`, `signature`, and `aud` where may_name_audience. whole: what
 * is left out is set to its default (a new stream, a replaced one); else it stays. *header: the Authorization
 * header that is to be sealed, "" for none; NULL: not said. It is the body's. Members that only the
 * transmitter may set are not looked at. */
enum err_code ssf_read(const json_t *body, bool whole, bool may_name_audience, json_t *out,
                       const char **header, struct err *err);
/* Are the transmitter's members of the body, where there are some, those of the stream? */
enum err_code ssf_agrees(const json_t *body, const char *id, const json_t *doc, struct err *err);
/* A subject as a receiver names it (RFC 9493). */
enum err_code ssf_check_subject(const json_t *subject, struct err *err);

/* The stream as its receiver sees it. doc: of the endpoint. Appends to out. */
void ssf_put_stream(struct jbuf *out, const char *id, const json_t *doc);
void ssf_put_supported(struct jbuf *out); /* the list of URIs */

#endif
