/* Common attributes, the list of resource types and schemas, and the look-ups in all tables. Tables are
 * short, so look-ups walk them. */
#include "schemas/types/schema.h"

#include "ops/runtime/mem.h"
#include "schemas/types/schema_impl.h"
#include "schemas/types/schema_names.h"

#include <string.h>
#include <strings.h>

const char *const attr_type_names[ATTR_TYPES] = {
    [ATTR_STRING] = "string",       [ATTR_BOOLEAN] = "boolean",   [ATTR_DECIMAL] = "decimal",
    [ATTR_INTEGER] = "integer",     [ATTR_DATETIME] = "dateTime", [ATTR_BINARY] = "binary",
    [ATTR_REFERENCE] = "reference", [ATTR_COMPLEX] = "complex",
};
const char *const attr_mutability_names[ATTR_MUTABILITIES] = {
    [ATTR_READ_WRITE] = "readWrite",
    [ATTR_READ_ONLY] = "readOnly",
    [ATTR_IMMUTABLE] = "immutable",
    [ATTR_WRITE_ONLY] = "writeOnly",
};
const char *const attr_returned_names[ATTR_RETURNEDS] = {
    [ATTR_RETURNED_DEFAULT] = "default",
    [ATTR_RETURNED_ALWAYS] = "always",
    [ATTR_RETURNED_NEVER] = "never",
    [ATTR_RETURNED_REQUEST] = "request",
};
const char *const attr_uniqueness_names[ATTR_UNIQUENESSES] = {
    [ATTR_UNIQUE_NONE] = "none",
    [ATTR_UNIQUE_SERVER] = "server",
    [ATTR_UNIQUE_GLOBAL] = "global",
};

static const struct attr meta_subs[] = {
    {.name = "resourceType",
     .case_exact = true,
     .mutability = ATTR_READ_ONLY,
     .description = "The name of the resource type."},
    {.name = "created",
     .type = ATTR_DATETIME,
     .mutability = ATTR_READ_ONLY,
     .description = "When the resource was added."},
    {.name = "lastModified",
     .type = ATTR_DATETIME,
     .mutability = ATTR_READ_ONLY,
     .description = "When the resource was changed the last time."},
    {.name = "location",
     .type = ATTR_REFERENCE,
     .case_exact = true,
     .mutability = ATTR_READ_ONLY,
     .description = "The address of the resource."},
    {.name = "version",
     .case_exact = true,
     .mutability = ATTR_READ_ONLY,
     .description = "The version of the resource: its ETag."},
};

const struct attr common_attrs[] = {
    {.name = "schemas",
     .multi = true,
     .required = true,
     .case_exact = true,
     .returned = ATTR_RETURNED_ALWAYS,
     .description = "The schemas that the resource follows."},
    {.name = "id",
     .case_exact = true,
     .mutability = ATTR_READ_ONLY,
     .returned = ATTR_RETURNED_ALWAYS,
     .uniqueness = ATTR_UNIQUE_SERVER,
     .column = true,
     .description = "The identifier that the service gave to the resource."},
    {.name = "externalId",
     .case_exact = true,
     .max_bytes = INDEXED_MAX_BYTES,
     .keep_on_put = true,
     .column = true,
     .description = "The identifier that the provisioning client gave to the resource."},
    {.name = "meta",
     SUBS(meta_subs),
     .mutability = ATTR_READ_ONLY,
     .description = "What the service knows about the resource."},
};
const size_t ncommon_attrs = TABLE_COUNT(common_attrs);

static const struct schema_extension user_extensions[] = {
    {&schema_enterprise, false},
    {&schema_usher_user, false},
};

/* The built-in types. Their list of extensions is copied when an operator's files add to it. */
static struct resource_type builtin_types[] = {
    {.kind = RESOURCE_USER,
     .index = 0,
     .name = "User",
     .endpoint = "/Users",
     .description = "User accounts",
     .schema = &schema_user,
     .extensions = user_extensions,
     .nextensions = TABLE_COUNT(user_extensions)},
    {.kind = RESOURCE_ROOM,
     .index = 1,
     .name = "Group",
     .endpoint = "/Groups",
     .description = "Groups: the rooms",
     .schema = &schema_group},
};

static const struct schema *const builtin_schemas[] = {&schema_user, &schema_group, &schema_enterprise,
                                                       &schema_usher_user};

/* What an operator's files have added. */
static struct resource_type **more_types;
static const struct schema **more_schemas;
static size_t nmore_types, nmore_schemas;

void schema_add(const struct schema *s) {
    more_schemas = xreallocarray(more_schemas, nmore_schemas + 1, sizeof(struct schema *));
    more_schemas[nmore_schemas++] = s;
}

void resource_type_add(struct resource_type *rt) {
    rt->index = TABLE_COUNT(builtin_types) + nmore_types;
    more_types = xreallocarray(more_types, nmore_types + 1, sizeof(struct resource_type *));
    more_types[nmore_types++] = rt;
}

void resource_type_extend(enum resource_kind kind, const struct schema_extension *more, size_t n) {
    struct resource_type *rt = &builtin_types[kind == RESOURCE_USER ? 0 : 1];
    struct schema_extension *all = xcalloc(rt->nextensions + n, sizeof(*all));
    for (size_t i = 0; i < rt->nextensions; i++)
        all[i] = rt->extensions[i];
    for (size_t i = 0; i < n; i++)
        all[rt->nextensions + i] = more[i];
    rt->extensions = all;
    rt->nextensions += n;
}

const struct resource_type *resource_type_at(size_t i) {
    size_t builtin = TABLE_COUNT(builtin_types);
    if (i < builtin)
        return &builtin_types[i];
    return i - builtin < nmore_types ? more_types[i - builtin] : NULL;
}

const struct resource_type *resource_type_of(enum resource_kind kind) {
    for (size_t i = 0; i < TABLE_COUNT(builtin_types); i++)
        if (builtin_types[i].kind == kind)
            return &builtin_types[i];
    return NULL;
}

const struct resource_type *resource_type_by_endpoint(const char *name) {
    const struct resource_type *rt;
    for (size_t i = 0; (rt = resource_type_at(i)) != NULL; i++)
        if (strcasecmp(rt->endpoint + 1, name) == 0)
            return rt;
    return NULL;
}

const struct resource_type *resource_type_by_name(const char *name) {
    const struct resource_type *rt;
    for (size_t i = 0; (rt = resource_type_at(i)) != NULL; i++)
        if (strcmp(rt->name, name) == 0)
            return rt;
    return NULL;
}

const struct schema *schema_at(size_t i) {
    size_t builtin = TABLE_COUNT(builtin_schemas);
    if (i < builtin)
        return builtin_schemas[i];
    return i - builtin < nmore_schemas ? more_schemas[i - builtin] : NULL;
}

const struct schema *schema_by_urn(const char *urn) {
    const struct schema *s;
    for (size_t i = 0; (s = schema_at(i)) != NULL; i++)
        if (strcasecmp(s->id, urn) == 0)
            return s;
    return NULL;
}

static bool is_urn_of(const struct schema *s, const char *urn, size_t len) {
    return strlen(s->id) == len && memcmp(s->id, urn, len) == 0;
}

bool schema_is_builtin(const char *urn, size_t len) {
    const struct resource_type *rt;
    for (size_t i = 0; i < TABLE_COUNT(builtin_schemas); i++)
        if (is_urn_of(builtin_schemas[i], urn, len))
            return true;
    for (size_t i = 0; i < nmore_types; i++) {
        rt = more_types[i];
        if (rt->kind == RESOURCE_MEMBERSHIP &&
            (is_urn_of(rt->schema, urn, len) || is_urn_of(rt->extensions->schema, urn, len)))
            return true;
    }
    return false;
}

static bool same_name(const char *name, const char *text, size_t len) {
    return strlen(name) == len && strncasecmp(name, text, len) == 0;
}

static const struct attr *attr_named(const struct attr *attrs, size_t n, const char *name, size_t len) {
    for (size_t i = 0; i < n; i++)
        if (same_name(attrs[i].name, name, len))
            return &attrs[i];
    return NULL;
}

const struct attr *schema_attr(const struct schema *s, const char *name, size_t len) {
    return attr_named(s->attrs, s->nattrs, name, len);
}

const struct attr *common_attr(const char *name, size_t len) {
    return attr_named(common_attrs, ncommon_attrs, name, len);
}

const struct attr *attr_sub(const struct attr *a, const char *name, size_t len) {
    return attr_named(a->subs, a->nsubs, name, len);
}

bool attr_is_secret(const struct attr *a) {
    return a->mutability == ATTR_WRITE_ONLY || a->returned == ATTR_RETURNED_NEVER;
}

const struct attr *resource_type_refs(const struct resource_type *rt) {
    for (size_t i = 0; i < rt->schema->nattrs; i++)
        if (rt->schema->attrs[i].apart)
            return &rt->schema->attrs[i];
    return NULL;
}

const struct schema *resource_type_extension(const struct resource_type *rt, const char *urn, size_t len) {
    for (size_t i = 0; i < rt->nextensions; i++) {
        const struct schema *s = rt->extensions[i].schema;
        if (same_name(s->id, urn, len))
            return s;
    }
    return NULL;
}
