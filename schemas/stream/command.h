/* Values of usher.commands and usher.replies: ours alone, versioned ("v":1), documented in schemas/README.md.
 */
#ifndef USHER_SCHEMAS_STREAM_COMMAND_H
#define USHER_SCHEMAS_STREAM_COMMAND_H

#include "ops/runtime/err.h"
#include "ops/runtime/id.h"
#include "ops/runtime/jbuf.h"
#include "schemas/stream/command_type.h"
#include "schemas/types/dialect.h"
#include "schemas/types/schema.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum actor_kind { ACTOR_KEY, ACTOR_OPERATOR, ACTOR_OWNER };
struct actor {
    enum actor_kind kind;
    char id[37];    /* key's or owner's id; "" for an operator */
    char name[128]; /* key's or owner's name, or the operator's login */
    char host[128]; /* of an operator: the machine on which usherctl ran; "" if not known */
};
const char *actor_kind_text(enum actor_kind kind);
/* Writes the member "actor" as commands and records have it: {"kind","id" (null for an operator),"name"}, of
 * an operator also "host". */
void actor_put(struct jbuf *b, const struct actor *a);

/* A SCIM event tells the outcome to a client that did not wait for it (RFC 9967 section 2.5.1). */
struct command_async {
    char txn[64];     /* Set-Txn; in a Bulk "{Set-Txn}:{index}". "": the client waits */
    char method[8];   /* of the request or the Bulk operation */
    char bulk_id[72]; /* "" if none */
    char base[300]; /* URL that resources stand under, as the client knows it: "https://host/scim/v2"; "": not
                       known any more */
};

/* Operations of a bulk.try at most: those of a Bulk. */
#define COMMAND_OPERATIONS_MAX 1000

struct command {
    enum command_type type;
    bool dry; /* only tried: decided and answered, never applied. Travels as version 2, which no worker takes
                 that would apply it */
    struct uuid txn;
    struct uuid workspace;
    struct actor actor;
    enum dialect dialect;
    const char *reason;      /* "scim" or "api": becomes the events' reason; static text */
    int32_t reply_partition; /* of usher.replies; -1 = nobody waits */
    bool replies_together;   /* whoever waits can read several replies in one record */
    int64_t time_us;         /* when the ingest took it */
    int64_t not_after_us;    /* later than that it is expired; 0 = never */
    struct uuid id; /* the resource (also of a create: made by the ingest); key id for key.*; the workspace's
                       for workspace.* */
    char traceparent[64]; /* W3C, "" if none */
    json_t
        *resource;      /* create, replace: the document. workspace.*: the settings given. key.create:
                           {"name","scopes":[…],"tokenHash":hex,"prefix","expires":us|null,"dialect",
                           "networks":[…]|null,"rate":n|null, and as key.set}.
                           key.set: {"jwks":{…}|null} or {"jwksUri":text|null}. key.rotate: {"tokenHash","prefix",
                           "overlapUntil":us|null}. owner.create: {"name","role","tokenHash","prefix",
                           "expires"}. user.login: {"at":us}. member.put (id is the room's):
                           {"user":id,"transmit":bool|null,"was"?}; member.delete: {"user":id,"was"?} */
    json_t *ops;        /* patch: normalised operations */
    json_t *operations; /* bulk.try: whole commands, as JSON */
    json_t *members;    /* room create, replace: array of ids, NULL = not asserted */
    const struct resource_type
        *rt;               /* resource.*: the type, which travels as "resourceType"; users and rooms:
                              theirs; request.refused: of its path, NULL where that names none; else NULL */
    json_t *cleared;       /* replace: array of paths that were given as null, so that they are not kept */
    json_t *if_match;      /* array of versions; NULL = any; an empty one matches nothing */
    json_t *if_none_match; /* array of versions, or the string "*"; NULL = none */
    json_t *needs;    /* array of {"id","bulkId"}: resources of the same Bulk that must be there (rule B4) */
    struct uuid bulk; /* the Bulk that it belongs to, if bulk_fail_on > 0 */
    int bulk_fail_on; /* so many refusals among the Bulk's commands stop it (failOnErrors); 0 = never */
    struct command_async async;
    /* request.refused: the refusal. An operation of an asynchronous Bulk that the ingest has refused still
     * needs an outcome, an event and its place in the order of failures, so it travels like the others. */
    enum err_code refusal;
    char refusal_detail[512];
};

/* The target of the audit records about c: the resource where its type is known, else what the row of c's
 * type says. The id is borrowed from c. */
struct audit_target command_target(const struct command *c);

/* Appends the JSON text of c to out. Borrows the json_t. */
void command_encode(const struct command *c, struct jbuf *out);
/* Decodes and checks; json members are new references: command_clear drops them. ERR_NOT_IMPLEMENTED for a
 * version or a type that a newer program may know; ERR_DECODE with the reason for anything else that is not a
 * valid command of this version. */
enum err_code command_decode(const char *buf, size_t len, struct command *c, struct err *err);
void command_clear(struct command *c);
/* Checks what a decoded command carries, as the ingest has done before: types, required and read-only
 * attributes, paths and filters, bounds that need no stored resource. Puts `resource` and `ops` into normal
 * form, which they have if the ingest has made them. Anything but ERR_OK is the refusal. */
enum err_code command_check(struct command *c, struct err *err);

/* The worker's reply. Without the document it is also stored, as the outcome under the txn. */
struct reply {
    struct uuid txn;
    enum err_code code; /* ERR_OK: applied (or nothing to change); travels as its name */
    char detail[512];
    char path[160];  /* of a refusal: the attribute that it is about, as in struct err; "": none is known */
    struct uuid id;  /* the resource */
    bool first;      /* of a login: the user's first; of member.put: the user was no member before */
    int64_t version; /* after the change; 0 where there is none */
    int64_t created_us, modified_us;
    char *dry; /* of a command that was only tried: what it would have come to, a JSON object
                  (workers/apply/trial.h); NULL otherwise. decode: as doc */
    char *doc; /* a user's document text after the change (create, replace, patch); NULL otherwise. decode:
                  malloc'ed, reply_clear frees */
};
void reply_encode(const struct reply *r, struct jbuf *out); /* one line */
enum err_code reply_decode(const char *buf, size_t len, struct reply *r, struct err *err);
void reply_clear(struct reply *r);

#endif
