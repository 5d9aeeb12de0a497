/* Records of usher.events: the claims of security event tokens (RFC 8417) about SCIM resources (RFC 9967),
 * unsigned. Whoever hands one out signs it for its receiver (ops/runtime/jws.h), so that neither what is
 * stored nor what is on the topic depends on a key. No record holds a password or another attribute that no
 * reader may see (attr_is_secret). */
#ifndef USHER_SCHEMAS_STREAM_RECORD_EVENT_H
#define USHER_SCHEMAS_STREAM_RECORD_EVENT_H

#include "schemas/stream/record.h"

#define EVENT_TYPE "secevent+jwt" /* the header typ (RFC 8417 section 2.3) */
#define EVENT_MEDIA_TYPE "application/secevent+jwt"
#define EVENT_ASYNC "urn:ietf:params:scim:event:misc:asyncresp"
/* Bytes of `data` at most: beyond that a full event is told as a notice (RFC 9967 section 5 on large groups).
 */
#define EVENT_DATA_MAX 262144

/* "off", "notice" or "full". */
USHER_MUST_CHECK bool events_mode_parse(const char *text, enum events_mode *mode);

/* The resource that an event is about. */
struct event_subject {
    const struct resource_type *rt; /* NULL: a Bulk's operation whose path names no type */
    const char *id;          /* NULL: no resource was created; the collection stands for it (rule Q10) */
    const char *external_id; /* may be NULL */
};

enum event_change_kind { EVENT_CREATE, EVENT_PUT, EVENT_PATCH };
struct event_change {
    enum event_change_kind kind;
    struct event_subject subject;
    int64_t version;                       /* after it */
    const struct resource_change *changes; /* what differs: their paths are told in a notice */
    size_t nchanges;
    bool members; /* and who is in the room */
    json_t *data; /* of a full event, from event_data_*: stolen; NULL: a notice */
};

/* Each takes the workspace's next number, and does nothing in a workspace whose events are off. */
void record_event_change(struct record_context *c, const struct event_change *e);
void record_event_deleted(struct record_context *c, const struct event_subject *s);
void record_event_active(struct record_context *c, const struct event_subject *s, bool active);
/* The outcome of a command for which nobody waits (command->async), applied or refused; whatever the
 * workspace's mode. */
void record_event_outcome(struct record_context *c, const struct command *command, const struct reply *reply,
                          const char *external_id);

/* What full events carry (rule Y4); new references. members: ids; NULL = not asserted.
 * A create: the representation, with id, meta and members. */
json_t *event_data_create(const struct event_subject *s, const json_t *doc, int64_t version, int64_t time_us,
                          const json_t *members);
/* A PUT: its body, as it was understood. */
json_t *event_data_put(const struct resource_type *rt, const json_t *given, const json_t *members);
/* A PATCH: its operations, as they were understood. NULL where nothing of them may be told. */
json_t *event_data_patch(const struct resource_type *rt, const json_t *ops);

/* The HTTP status that a waiting client would have got. */
int outcome_status(enum command_type type, enum err_code code);

#endif
