/* SCIM attributes, schemas and resource types as tables (RFC 7643 sections 2, 6, 7). All code that validates,
 * filters, patches, projects or describes resources goes by these tables, and names no attribute where a
 * table can. */
#ifndef USHER_SCHEMAS_TYPES_SCHEMA_H
#define USHER_SCHEMAS_TYPES_SCHEMA_H

#include "ops/runtime/err.h"

#include <stdbool.h>
#include <stddef.h>

#define SCHEMA_CORE "urn:ietf:params:scim:schemas:core:2.0:"
#define SCHEMA_USER "urn:ietf:params:scim:schemas:core:2.0:User"
#define SCHEMA_GROUP "urn:ietf:params:scim:schemas:core:2.0:Group"
#define SCHEMA_ENTERPRISE "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define SCHEMA_USHER_USER "urn:ietf:params:scim:schemas:extension:usher:2.0:User"
#define SCHEMA_USHER_MEMBERSHIP "urn:ietf:params:scim:schemas:extension:usher:2.0:GroupMembership"
#define MESSAGE_LIST "urn:ietf:params:scim:api:messages:2.0:ListResponse"
#define MESSAGE_PATCH "urn:ietf:params:scim:api:messages:2.0:PatchOp"
#define MESSAGE_ERROR "urn:ietf:params:scim:api:messages:2.0:Error"
#define MESSAGE_SEARCH "urn:ietf:params:scim:api:messages:2.0:SearchRequest"

enum attr_type {
    ATTR_STRING,
    ATTR_BOOLEAN,
    ATTR_DECIMAL,
    ATTR_INTEGER,
    ATTR_DATETIME,
    ATTR_BINARY,
    ATTR_REFERENCE,
    ATTR_COMPLEX
};
enum attr_mutability { ATTR_READ_WRITE, ATTR_READ_ONLY, ATTR_IMMUTABLE, ATTR_WRITE_ONLY };
enum attr_returned {
    ATTR_RETURNED_DEFAULT,
    ATTR_RETURNED_ALWAYS,
    ATTR_RETURNED_NEVER,
    ATTR_RETURNED_REQUEST
};
enum attr_uniqueness { ATTR_UNIQUE_NONE, ATTR_UNIQUE_SERVER, ATTR_UNIQUE_GLOBAL };

struct attr {
    const char *name; /* the schema's spelling */
    enum attr_type type;
    bool multi;
    bool required;
    bool case_exact;
    enum attr_mutability mutability;
    enum attr_returned returned;
    enum attr_uniqueness uniqueness;
    const char *const *canonical; /* NULL-terminated or NULL; published, not enforced */
    const char *const *reference_types;
    size_t max_bytes; /* of a string, also of its folded form, because an index must hold it; 0 =
                         VALUE_MAX_BYTES (value.h) */
    /* A PUT without this attribute leaves its value as it is (rule C6; on roles: ops/DESIGN.md,
     * "Workspaces"). */
    bool keep_on_put;
    bool column;       /* the store has a column for it, and no row in resource_keys */
    bool default_true; /* a boolean that is true on a resource created without it */
    bool lookup;       /* clients look resources up by its value: the store keeps it in resource_keys */
    bool dropped;      /* checked, and never stored: password */
    bool apart; /* its values are rows of their own, never part of a stored document: groups, members */
    const struct attr *subs; /* for ATTR_COMPLEX */
    size_t nsubs;
    const char *description;
};

struct schema {
    const char *id; /* URN */
    const char *name;
    const char *description;
    const struct attr *attrs;
    size_t nattrs;
    bool unlisted; /* found by its URN, and not in the list of all */
};

struct schema_extension {
    const struct schema *schema;
    bool required;
};

/* Users and rooms have tables and rules of their own. A membership is a row between them, which the ingest
 * shows as a resource (schema_add_memberships). All other types are an operator's (schema_load.h). */
enum resource_kind { RESOURCE_USER, RESOURCE_ROOM, RESOURCE_CUSTOM, RESOURCE_MEMBERSHIP };
#define RESOURCE_KINDS 4

struct resource_type {
    enum resource_kind kind;
    size_t index;         /* resource_type_at(index) is this one */
    const char *name;     /* "User": also its id and meta.resourceType */
    const char *endpoint; /* "/Users" */
    const char *description;
    const struct schema *schema;
    const struct schema_extension *extensions;
    size_t nextensions;
    bool unlisted; /* found by its name, and not in the list of all */
};

/* schemas, id, externalId, meta (RFC 7643 section 3.1): attributes of every resource. */
extern const struct attr common_attrs[];
extern const size_t ncommon_attrs;

/* All types and schemas: the built-in ones, then those that schema_load_folder added before any thread was
 * started. After that they are constant. */
const struct resource_type *resource_type_at(size_t i);                /* NULL past the end */
const struct resource_type *resource_type_of(enum resource_kind kind); /* users and rooms */
const struct resource_type *
resource_type_by_endpoint(const char *name); /* "Users" in any letter case, no slash; NULL if unknown */
const struct resource_type *resource_type_by_name(const char *name);
const struct schema *schema_at(size_t i);
const struct schema *schema_by_urn(const char *urn); /* letter case ignored (URNs: S1/P5) */

/* Is it one of usher's own? text[0..len), exactly as the schema writes it. */
bool schema_is_builtin(const char *urn, size_t len);

/* Memberships become a resource type of this name, with the endpoint "/<name>s"; "": they do not. listed: the
 * lists of all types and schemas have them. Before any thread is started, and before schema_load_folder;
 * later calls change nothing. ERR_CONFIG: not a name. */
enum err_code schema_add_memberships(const char *name, bool listed, struct err *err);

/* An attribute by name, letter case ignored; NULL if there is none. */
const struct attr *schema_attr(const struct schema *s, const char *name, size_t len);
const struct attr *common_attr(const char *name, size_t len);
const struct attr *attr_sub(const struct attr *a, const char *name, size_t len);

/* True if no reader may see it: no answer, filter, audit record or event (writeOnly, or returned never). */
bool attr_is_secret(const struct attr *a);

/* The attribute of the type whose values are rows apart (groups of a user, members of a room); NULL if it has
 * none. */
const struct attr *resource_type_refs(const struct resource_type *rt);
/* The type's extension with this URN, letter case ignored; NULL if it has none. */
const struct schema *resource_type_extension(const struct resource_type *rt, const char *urn, size_t len);

#endif
