/* What a command or an audit record is about. One row for each kind: the target type in audit records, and
 * the collection in front of the id in ce_subject. */
#ifndef USHER_SCHEMAS_STREAM_TARGET_H
#define USHER_SCHEMAS_STREAM_TARGET_H

#include "schemas/types/schema.h"

/* X(symbol, target type in audit records or NULL, collection, words for the documents). COMMAND: nothing of
 * its own, the command stands for itself. RESOURCE: of a type that an operator defined, whose name is the
 * target type. */
#define TARGETS(X)                                                                                           \
    X(COMMAND, NULL, "commands", "what it was about")                                                        \
    X(USER, "User", "users", "the user")                                                                     \
    X(ROOM, "Room", "rooms", "the room")                                                                     \
    X(RESOURCE, NULL, "resources", "the resource")                                                           \
    X(KEY, "Key", "keys", "the key")                                                                         \
    X(OWNER, "Owner", "owners", "the owner or administrator")                                                \
    X(DELIVERY, "Delivery", "deliveries", "the endpoint that events are delivered to")                       \
    X(WORKSPACE, "Workspace", "workspaces", "the workspace")

enum target_kind {
#define TARGET_ENUM(sym, type, collection, words) TARGET_##sym,
    TARGETS(TARGET_ENUM)
#undef TARGET_ENUM
        TARGET_COUNT
};

struct target_row {
    const char *type, *collection, *words;
};
const struct target_row *target_row(enum target_kind kind);

enum target_kind target_of_type(const struct resource_type *rt);

/* The target or subject of an audit record; its texts are borrowed. All zero: none. */
struct audit_target {
    enum target_kind kind;
    const char *id, *name; /* NULL: not known */
    const char *type;      /* of TARGET_RESOURCE, the name of its type */
};
struct audit_target target_resource(const struct resource_type *rt, const char *id, const char *name);
/* "User", "Room", … or the name of an operator's type; NULL: none. */
const char *target_type(const struct audit_target *t);

#endif
