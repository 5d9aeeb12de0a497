/* Every type of command: one row each. The codec (command.c, command_decode.c), the headers and the outcomes
 * of events go by it; the JSON Schema and the table in schemas/README.md are written from it (`make facts`).
 * What a worker does with a type is a row of workers/apply/verbs.c. */
#ifndef USHER_SCHEMAS_STREAM_COMMAND_TYPE_H
#define USHER_SCHEMAS_STREAM_COMMAND_TYPE_H

#include "schemas/stream/target.h"

/* What a command carries besides the envelope: decode demands what it must carry, and refuses what it may
 * not. */
enum command_carries {
    CARRY_RESOURCE = 1,     /* "resource" */
    CARRY_OPS = 2,          /* "ops" */
    CARRY_TYPE = 4,         /* "resourceType", of a type that an operator defined */
    CARRY_REFUSAL = 8,      /* "refusal" */
    MAY_TYPE = 16,          /* "resourceType", of any type */
    MAY_MEMBERS = 32,       /* "members" */
    MAY_CLEARED = 64,       /* "cleared" */
    CARRY_OPERATIONS = 128, /* "operations"; such a command is only tried */
};

/* X(symbol, name, what "id" names, what it carries, HTTP status that tells a SCIM client of success, words
 * for the documents) */
#define COMMAND_TYPES(X)                                                                                                 \
    X(USER_CREATE, "user.create", USER, CARRY_RESOURCE, 201,                                                             \
      "`resource`: the normalised document. The id is made by the ingest, so that a retry "                              \
      "of the log converges")                                                                                            \
    X(USER_REPLACE, "user.replace", USER, CARRY_RESOURCE | MAY_CLEARED, 200,                                             \
      "`resource`: the normalised document")                                                                             \
    X(USER_PATCH, "user.patch", USER, CARRY_OPS, 200, "`ops`: normalised operations, in order")                          \
    X(USER_DELETE, "user.delete", USER, 0, 204, "")                                                                      \
    X(ROOM_CREATE, "room.create", ROOM, CARRY_RESOURCE | MAY_MEMBERS, 201,                                               \
      "`resource`: the normalised document; `members` (ids): absent = not asserted, empty ="                             \
      " none")                                                                                                           \
    X(ROOM_REPLACE, "room.replace", ROOM, CARRY_RESOURCE | MAY_MEMBERS | MAY_CLEARED, 200,                               \
      "`resource`: the normalised document; `members` (ids): absent = not asserted, empty ="                             \
      " none")                                                                                                           \
    X(ROOM_PATCH, "room.patch", ROOM, CARRY_OPS, 204, "`ops`: normalised operations, in order")                          \
    X(ROOM_DELETE, "room.delete", ROOM, 0, 204, "")                                                                      \
    X(RESOURCE_CREATE, "resource.create", RESOURCE, CARRY_TYPE | CARRY_RESOURCE, 201,                                    \
      "`resourceType`: the name of the type that an operator defined; `resource`: the "                                  \
      "normalised document")                                                                                             \
    X(RESOURCE_REPLACE, "resource.replace", RESOURCE, CARRY_TYPE | CARRY_RESOURCE | MAY_CLEARED, 200,                    \
      "`resourceType`, `resource`: the normalised document")                                                             \
    X(RESOURCE_PATCH, "resource.patch", RESOURCE, CARRY_TYPE | CARRY_OPS, 200,                                           \
      "`resourceType`; `ops`: normalised operations, in order")                                                          \
    X(RESOURCE_DELETE, "resource.delete", RESOURCE, CARRY_TYPE, 204, "`resourceType`")                                   \
    X(REQUEST_REFUSED, "request.refused", COMMAND, MAY_TYPE | CARRY_REFUSAL, 200,                                        \
      "`refusal`: `code` (§12) and `detail`; `resourceType` where the path names one. An "                              \
      "operation of an asynchronous Bulk that the ingest has refused: it gets an outcome "                               \
      "and an event like the others, and counts as a failure in its place. Or a request "                                \
      "that the log has lost (`LOST`), under its own txn")                                                               \
    X(BULK_TRY, "bulk.try", COMMAND, CARRY_OPERATIONS, 200,                                                              \
      "`operations`: the commands of a Bulk or an import, whole, in the order in which they are tried: each "            \
      "sees what those before it would have done. Always with `v` 2")                                                    \
    X(WORKSPACE_CREATE, "workspace.create", WORKSPACE, CARRY_RESOURCE, 200,                                              \
      "`resource`: as `workspace.set`, with a `name`")                                                                   \
    X(WORKSPACE_SET, "workspace.set", WORKSPACE, CARRY_RESOURCE, 200,                                                    \
      "`resource`: the settings given, and only those: {settings}. `seats` null: no limit")                              \
    X(KEY_CREATE, "key.create", KEY, CARRY_RESOURCE, 200,                                                                \
      "`resource`: `name`, `scopes`, `tokenHash` (SHA-256, hex; never the token), `prefix`,"                             \
      " `expires` (µs since 1970, or null), `dialect`, `networks` (ranges of addresses, or "                            \
      "null), `rate` (its own, or null), and `jwks` or `jwksUri`, and `dryRun`, as in `key.set`")                        \
    X(KEY_SET, "key.set", KEY, CARRY_RESOURCE, 200,                                                                      \
      "`resource`: how an OAuth client authenticates: `jwks` (its public keys, a JSON Web Key Set) "                     \
      "or `jwksUri` (where they are fetched), one of the two; null: with the token alone. `dryRun`: true, every change " \
      "with it is only tried from now on")                                                                               \
    X(KEY_REVOKE, "key.revoke", KEY, 0, 200, "")                                                                         \
    X(KEY_ROTATE, "key.rotate", KEY, CARRY_RESOURCE, 200,                                                                \
      "`resource`: the new `tokenHash` and `prefix`; `overlapUntil` (µs since 1970): so "                               \
      "long the old token is good too, null: dead at once")                                                              \
    X(OWNER_CREATE, "owner.create", OWNER, CARRY_RESOURCE, 200,                                                          \
      "`resource`: `name`, `role` (`owner`, `administrator`), `tokenHash`, `prefix`, "                                   \
      "`expires`")                                                                                                       \
    X(OWNER_REVOKE, "owner.revoke", OWNER, 0, 200, "")                                                                   \
    X(USER_LOGIN, "user.login", USER, CARRY_RESOURCE, 200,                                                               \
      "`resource`: `at` (µs since 1970), the moment that the sign-on service reports")                                   \
    X(MEMBER_PUT, "member.put", ROOM, CARRY_RESOURCE, 200,                                                               \
      "`resource`: `user`, and `transmit` (null: the workspace's default for a new member, "                             \
      "as it is for another). `was`, if it is there: what must be so far, or nothing is done: "                          \
      "`absent` (no member), `present`, `transmit` (a member who may), `mute` (one who may not), "                       \
      "`never` (a precondition that nothing meets)")                                                                     \
    X(MEMBER_DELETE, "member.delete", ROOM, CARRY_RESOURCE, 200, "`resource`: `user`, `was` as above")                   \
    X(GUARD_RELEASE, "guard.release", KEY, 0, 200, "")                                                                   \
    X(AUDIT_EXPORT, "audit.export", WORKSPACE, CARRY_RESOURCE, 200,                                                      \
      "`resource`: `format`, and what was asked for, as texts (`kind`, `from`, `to` …). It changes nothing: "          \
      "an export of the audit begins when this is on record")                                                            \
    X(AUDIT_RESUME, "audit.resume", WORKSPACE, CARRY_RESOURCE, 200,                                                      \
      "`resource`: `tree`, `why`, `stopped`, `refused`, as texts. It changes nothing: the tree goes on when "            \
      "this is on record")                                                                                               \
    X(DELIVERY_CREATE, "delivery.create", DELIVERY, CARRY_RESOURCE, 200,                                                 \
      "`resource`: `name`, `url`, `events` (types that are wanted, or null: all), `signature` "                          \
      "(`hmac`, `ed25519`), `state` (`enabled`, `paused`), `secret` (sealed), `prefix` (how it "                         \
      "begins), `publicKey` (of `ed25519`, else null). Of a stream, which a key makes for itself: `kind` "               \
      "(`stream`), `iss`, `aud`, `method`, `url`, `requested`, `format`, `signature` (`RS256`, `ES256`), "               \
      "`description`, `secret` (the Authorization header of a push, sealed, or empty)")                                  \
    X(DELIVERY_SET, "delivery.set", DELIVERY, CARRY_RESOURCE, 200,                                                       \
      "`resource`: what changes of `name`, `url`, `events`, `state` (also `disabled`, then with a "                      \
      "`reason`); of a stream what its creation carries, without `iss` and `aud`, and a subject to `add` or "            \
      "to `remove`")                                                                                                     \
    X(DELIVERY_ROTATE, "delivery.rotate", DELIVERY, CARRY_RESOURCE, 200,                                                 \
      "`resource`: the new `secret`, `prefix` and `publicKey`; `overlapUntil` (µs since 1970): so "                     \
      "long messages are signed with the old secret too, null: with the new one alone")                                  \
    X(DELIVERY_REPLAY, "delivery.replay", DELIVERY, CARRY_RESOURCE, 200,                                                 \
      "`resource`: one of `since` (µs since 1970: all that came since then once more), `after` "                        \
      "(go on behind the message of this number), `number` (this message once more, beside the "                         \
      "others; 0: a message that says nothing, to try the endpoint)")                                                    \
    X(DELIVERY_DELETE, "delivery.delete", DELIVERY, 0, 200, "")                                                          \
    X(SIGN_IN_SET, "signin.set", WORKSPACE, CARRY_RESOURCE, 200,                                                         \
      "`resource`: what changes of how people sign in to the portal by an OpenID provider: `issuer` (null: "             \
      "nobody does any more), `clientId`, `secret` (sealed, or null), `people` (`email` or `subject`, and the "          \
      "id of the `owner` that he is here)")                                                                              \
    X(DELIVERY_VERIFY, "delivery.verify", DELIVERY, CARRY_RESOURCE, 200,                                                 \
      "`resource`: `state`, which the verification of a stream repeats, or null")

enum command_type {
#define COMMAND_ENUM(sym, name, target, carries, status, words) COMMAND_##sym,
    COMMAND_TYPES(COMMAND_ENUM)
#undef COMMAND_ENUM
        COMMAND_TYPE_COUNT
};

struct command_row {
    const char *name; /* "user.create" */
    enum target_kind target;
    unsigned carries; /* enum command_carries */
    int status;
    const char *words;
};
const struct command_row *command_row(enum command_type t);
const char *command_type_text(enum command_type t); /* the name; "unknown" for what is no type */
/* The type of that name; COMMAND_TYPE_COUNT for an unknown one, or NULL. */
enum command_type command_type_parse(const char *name);

#endif
