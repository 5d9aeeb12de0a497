/* Every action that a change record of usher.audit can name: one row each, from which the enum, the JSON
 * Schema's list and the table in schemas/README.md are made (`make facts`). */
#ifndef USHER_SCHEMAS_STREAM_AUDIT_ACTION_H
#define USHER_SCHEMAS_STREAM_AUDIT_ACTION_H

#include "schemas/stream/target.h"

/* X(symbol, name, target, subject, words for the documents) */
#define AUDIT_ACTIONS(X)                                                                                                            \
    X(USER_CREATED, "user.created", USER, COMMAND, "`changes`: attribute by attribute")                                             \
    X(USER_UPDATED, "user.updated", USER, COMMAND, "`changes`: attribute by attribute")                                             \
    X(USER_DEACTIVATED, "user.deactivated", USER, COMMAND,                                                                          \
      "`active` became false; `reason` `emergency`: an owner has done it, whoever manages the user")                                \
    X(USER_REACTIVATED, "user.reactivated", USER, COMMAND, "`active` became true again")                                            \
    X(USER_DELETED, "user.deleted", USER, COMMAND, "")                                                                              \
    X(USER_LINKED, "user.linked", USER, COMMAND,                                                                                    \
      "a create through SCIM has taken over the account that was there (`linkByEmail`); "                                           \
      "`changes` as for an update")                                                                                                 \
    X(USER_LOGIN, "user.login", USER, COMMAND,                                                                                      \
      "the first login that the sign-on service reported; later ones are only counted")                                             \
    X(ROOM_CREATED, "room.created", ROOM, COMMAND, "`changes`: attribute by attribute")                                             \
    X(ROOM_RENAMED, "room.renamed", ROOM, COMMAND,                                                                                  \
      "the name has changed, and perhaps more; `changes`: attribute by attribute")                                                  \
    X(ROOM_UPDATED, "room.updated", ROOM, COMMAND,                                                                                  \
      "anything but the name; `changes`: attribute by attribute")                                                                   \
    X(ROOM_DELETED, "room.deleted", ROOM, COMMAND, "")                                                                              \
    X(RESOURCE_CREATED, "resource.created", RESOURCE, COMMAND,                                                                      \
      "of a type that an operator defined; `changes`: attribute by attribute")                                                      \
    X(RESOURCE_UPDATED, "resource.updated", RESOURCE, COMMAND,                                                                      \
      "of a type that an operator defined; `changes`: attribute by attribute")                                                      \
    X(RESOURCE_DELETED, "resource.deleted", RESOURCE, COMMAND,                                                                      \
      "of a type that an operator defined; `changes`: attribute by attribute")                                                      \
    X(MEMBER_ADDED, "member.added", ROOM, USER, "one for each event of usher.membership")                                           \
    X(MEMBER_REMOVED, "member.removed", ROOM, USER,                                                                                 \
      "one for each event of usher.membership; `reason` `held`: an inactive user, who was "                                         \
      "no member, is not to become one any more")                                                                                   \
    X(MEMBER_HELD, "member.held", ROOM, USER, "added while inactive: becomes a member on reactivation")                             \
    X(MEMBER_TRANSMIT_CHANGED, "member.transmit_changed", ROOM, USER,                                                               \
      "one for each event of usher.membership; `reason` `held`: of an inactive user, "                                              \
      "without an event")                                                                                                           \
    X(SEAT_TAKEN, "seat.taken", USER, COMMAND,                                                                                      \
      "where no other record of the user is made in that transaction; else `seat` in that one says it")                             \
    X(SEAT_FREED, "seat.freed", USER, COMMAND,                                                                                      \
      "where no other record of the user is made in that transaction; else `seat` in that one says it")                             \
    X(SEAT_REFUSED, "seat.refused", COMMAND, COMMAND,                                                                               \
      "the user gets no seat, because none is left; `outcome` `refused`")                                                           \
    X(SEATS_RECOUNTED, "seats.recounted", WORKSPACE, COMMAND,                                                                       \
      "after a change of `seatMode`: everybody's seat at once. `changes`: `seatsUsed`, the "                                        \
      "number from which seats that are taken and freed count on")                                                                  \
    X(KEY_CREATED, "key.created", KEY, COMMAND, "")                                                                                 \
    X(KEY_CHANGED, "key.changed", KEY, COMMAND,                                                                                     \
      "how an OAuth client authenticates; or that the key only tries what it is asked for; `changes`: `jwks`, `jwksUri`, `dryRun`") \
    X(KEY_ROTATED, "key.rotated", KEY, COMMAND, "")                                                                                 \
    X(KEY_REVOKED, "key.revoked", KEY, COMMAND, "")                                                                                 \
    X(OWNER_CREATED, "owner.created", OWNER, COMMAND, "")                                                                           \
    X(OWNER_REVOKED, "owner.revoked", OWNER, COMMAND, "")                                                                           \
    X(GUARD_TRIPPED, "guard.tripped", KEY, COMMAND,                                                                                 \
      "the guard against mass changes; `changes`: `users` or `members`, from what the key "                                         \
      "had removed within the window to what it would have been. The command itself is "                                            \
      "refused (`command.refused`)")                                                                                                \
    X(COMMAND_TRIED, "command.tried", COMMAND, COMMAND,                                                                             \
      "a dry run: nothing was changed, and so `outcome` is `refused`, with the `reason` `dry_run`. "                                \
      "`changes`: how often each action would have been, `path` its name and `to` the number; where it "                            \
      "would have been refused, `path` `error` and why")                                                                            \
    X(GUARD_RELEASED, "guard.released", KEY, COMMAND,                                                                               \
      "the key may remove again, as if it had removed nothing so far")                                                              \
    X(DELIVERY_CREATED, "delivery.created", DELIVERY, COMMAND, "an endpoint for events over HTTP")                                  \
    X(DELIVERY_CHANGED, "delivery.changed", DELIVERY, COMMAND,                                                                      \
      "`changes`: `name`, `url`, `events`, `state`")                                                                                \
    X(DELIVERY_DISABLED, "delivery.disabled", DELIVERY, COMMAND,                                                                    \
      "nothing is sent any more; `reason`: `gone` (it has answered 410), `failing` (for days every "                                \
      "attempt has failed), or what the owner said")                                                                                \
    X(DELIVERY_ROTATED, "delivery.rotated", DELIVERY, COMMAND, "")                                                                  \
    X(DELIVERY_REPLAYED, "delivery.replayed", DELIVERY, COMMAND,                                                                    \
      "`changes`: `since`, `after` or `number`, as it was asked for")                                                               \
    X(DELIVERY_VERIFIED, "delivery.verified", DELIVERY, COMMAND,                                                                    \
      "the receiver of a stream has asked for a token that tells whether it works")                                                 \
    X(DELIVERY_DELETED, "delivery.deleted", DELIVERY, COMMAND, "")                                                                  \
    X(WORKSPACE_CREATED, "workspace.created", WORKSPACE, COMMAND, "`changes`: setting by setting")                                  \
    X(SETTINGS_CHANGED, "settings.changed", WORKSPACE, COMMAND, "`changes`: setting by setting")                                    \
    X(AUDIT_EXPORTED, "audit.exported", WORKSPACE, COMMAND,                                                                         \
      "somebody takes a copy of the audit with him; `changes`: its format, and what was asked for")                                 \
    X(AUDIT_RESUMED, "audit.resumed", WORKSPACE, COMMAND,                                                                           \
      "an operator lets a tree of the audit go on that had stopped, or was not signed any more; "                                   \
      "`changes`: `tree`, `why`, and what was wrong: `stopped`, `refused`")                                                         \
    X(COMMAND_REFUSED, "command.refused", COMMAND, USER,                                                                            \
      "`outcome` `refused`; `reason`: the error's name (§12) in lower case, or "                                                   \
      "`unknown_member`: then the subject is who was to be a member and is not known")

enum audit_action {
#define ACTION_ENUM(sym, name, target, subject, words) ACTION_##sym,
    AUDIT_ACTIONS(ACTION_ENUM)
#undef ACTION_ENUM
        ACTION_COUNT
};

struct audit_action_row {
    const char *name;         /* as records have it: "user.created" */
    enum target_kind target;  /* TARGET_COMMAND: whatever the command was about, or nothing */
    enum target_kind subject; /* TARGET_COMMAND: none */
    const char *words;
};
const struct audit_action_row *audit_action_row(enum audit_action action);

#endif
