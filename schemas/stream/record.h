/* Records of the streams that readers downstream get: usher.membership, usher.rooms, usher.audit (and
 * usher.events: record_event.h); exactly as the stream contract (schemas/README.md) says. A record is built
 * once, inside the transaction that made the change, stored with the command's outcome, and produced from
 * there, so that a redelivery gives the same bytes. */
#ifndef USHER_SCHEMAS_STREAM_RECORD_H
#define USHER_SCHEMAS_STREAM_RECORD_H

#include "ops/runtime/arena.h"
#include "ops/runtime/err.h"
#include "ops/runtime/jbuf.h"
#include "schemas/resource/resource.h"
#include "schemas/stream/audit_action.h"
#include "schemas/stream/command.h"

#include <stdbool.h>
#include <stdint.h>

enum record_topic { RECORD_MEMBERSHIP, RECORD_ROOMS, RECORD_EVENTS, RECORD_AUDIT };

struct record {
    enum record_topic topic;
    const char *key;     /* message key text */
    const char *value;   /* JSON text; NULL = tombstone */
    const char *ce_id;   /* "{workspace}/membership/{seq}" */
    const char *ce_type; /* "usher.member.added" */
    const char *ce_subject;
    int64_t time_us;    /* ce_time */
    int64_t epoch, seq; /* usher-epoch, usher-seq */
};

struct record_list {
    struct record *rows;
    size_t n, cap;
};

/* A zeroed new row at the end; valid until the next one. */
struct record *record_list_add(struct record_list *l);
void record_list_clear(struct record_list *l); /* frees the rows, not the texts, which are an arena's */

/* How much a workspace's SCIM events tell (record_event.h). */
enum events_mode { EVENTS_OFF, EVENTS_NOTICE, EVENTS_FULL };

/* What all records of one command share. */
struct record_context {
    const char *workspace; /* id */
    const char *txn;
    const struct actor *actor;
    const char *reason;      /* default reason of membership events: scim | api */
    const char *traceparent; /* "" if none */
    int64_t time_us;
    int64_t epoch;           /* in which the workspace's numbers count */
    int64_t *membership_seq; /* the workspace's counters: each record takes the next number */
    int64_t *audit_seq;
    int64_t *events_seq;
    enum events_mode events_mode;
    const char *events_issuer; /* claim iss */
    const char *events_txn;    /* claim txn: what a client was told, or the command's */
    struct arena *arena;       /* texts live there */
    struct record_list *out;   /* appended to */
};

struct record_room {
    const char *id, *name;
};
struct record_user {
    const char *id, *user_name;
};

/* Each also appends the usher.rooms state (or tombstone) of the change. */
void record_room_created(struct record_context *c, const struct record_room *room);
void record_room_renamed(struct record_context *c, const struct record_room *room, const char *from);
void record_room_deleted(struct record_context *c, const struct record_room *room);
/* reason: NULL = the context's. transmit: after the change; on removal before it. */
void record_member_added(struct record_context *c, const struct record_room *room,
                         const struct record_user *user, bool transmit, const char *reason);
void record_member_removed(struct record_context *c, const struct record_room *room,
                           const struct record_user *user, bool transmit, const char *reason);
void record_member_transmit_changed(struct record_context *c, const struct record_room *room,
                                    const struct record_user *user, bool transmit, const char *reason);

/* The same states of usher.rooms told once more, under a number that is no event's (schemas/README.md, "A new
 * epoch"). A name of NULL: it is gone. */
void record_room_again(struct record_context *c, const struct record_room *room, int64_t seq);
void record_member_again(struct record_context *c, const char *room, const struct record_user *user,
                         bool transmit, int64_t seq);

/* The last number of the epoch before that the database knew. */
struct record_epoch_before {
    int64_t epoch, seq;
};
/* usher.stream.epoch: the first record of c->epoch in a numbered topic, with the reason of c. */
void record_epoch(struct record_context *c, enum record_topic topic, int64_t seq,
                  const struct record_epoch_before *before);

/* Numbers are gapless within an epoch. A workspace begins with this one; a restore of an older state begins
 * the next (schemas/README.md, section 4). */
#define STREAM_EPOCH_FIRST 1

/* No record of a stream is larger, with key and headers. Kafka's own default (max.message.bytes, which also
 * counts 61 bytes around a batch), so that it holds on topics that somebody else has made. */
#define RECORD_MAX (1024 * 1024)
/* The text of all changes of an audit record. Values that make it longer are cut: schemas/README.md,
 * section 7. */
#define AUDIT_CHANGES_MAX (512 * 1024)

/* What a change of a user has done to the seat, told in its record (member `seat`). */
enum audit_seat { AUDIT_SEAT_SAME, AUDIT_SEAT_TAKEN, AUDIT_SEAT_FREED };

/* A change record of usher.audit. */
struct audit_change {
    enum audit_action action;
    enum audit_seat seat; /* AUDIT_SEAT_SAME: the member is left out */
    struct audit_target target, subject;
    const char *outcome;                   /* "applied" or "refused" */
    const char *reason;                    /* NULL = null */
    const struct resource_change *changes; /* documents' changes; may be NULL */
    size_t nchanges;
    const char *changes_json; /* or ready JSON array text (members, settings); NULL = use changes */
};
void record_audit_change(struct record_context *c, const struct audit_change *a);

/* A request record of usher.audit, made by the ingest. Appends the JSON value to out. NULL strings become
 * null. */
struct audit_request {
    const char *workspace, *workspace_name; /* NULL: credential unknown */
    const char *instance;
    int64_t n;
    int64_t time_us;
    const char *txn;
    const char *key_id, *key_name, *key_class; /* NULL id: "key":null */
    const char *prefix;                /* of a token that is not known; NULL = not shown, member left out */
    const char *room, *user;           /* ids that the path names; NULL = none, member left out */
    const char *method, *path, *query; /* query: with values of filters replaced, see X2; NULL = none */
    int status;
    const char *error, *detail; /* name of the error, and what the client was told; NULL = "error":null */
    const char *scim_type;
    bool rate_limited;
    int64_t duration_us;
    const char *source_ip, *user_agent;
    int64_t bytes_in, bytes_out;
    int operations;
    const char *bulk;   /* of an operation of a Bulk: that one's txn; NULL = none, member left out */
    bool dry_run;       /* it was only tried; false: member left out */
    int64_t supersedes; /* n of the record that this one takes back, because its acknowledgement came too late
                           for the answer; 0 = none, member left out */
    const char *const *ignored; /* members of the body that nobody knows, NULL-terminated; NULL = none, member
                                   left out */
    int64_t requests;           /* so many requests in one record; 0 = it is about one, member left out */
};
void record_audit_request(const struct audit_request *r, struct jbuf *out);

/* The value of usher.stream.stub, with the number of the record that it stands for, so that nobody takes that
 * for lost. reason: the name of an error. Appends to out. */
void record_stub(const struct record *r, const char *workspace, const char *txn, const char *reason,
                 struct jbuf *out);

/* The stored form of a command's records: one JSON array text, byte-exact for values (record_store.c).
 * traceparent is kept with it. Decoding appends to out; the texts, and *traceparent ("" if none), live in the
 * arena. */
void record_list_encode(const struct record *rows, size_t n, const char *traceparent, struct jbuf *out);
enum err_code record_list_decode(const char *text, struct arena *a, struct record_list *out,
                                 const char **traceparent, struct err *err);

const char *record_topic_name(enum record_topic t);

#endif
