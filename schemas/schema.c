/* Common attributes, resource types, and the look-ups in all tables. Tables are short, so look-ups walk them.
 */
#include "schemas/schema.h"
#include "schemas/schema_tables.h"

#include <string.h>
#include <strings.h>

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
     .description = "The identifier that the service gave to the resource."},
    {.name = "externalId",
     .case_exact = true,
     .max_bytes = INDEXED_MAX_BYTES,
     .keep_on_put = true,
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

static const struct resource_type resource_types[] = {
    {.kind = RESOURCE_USER,
     .name = "User",
     .endpoint = "/Users",
     .description = "User accounts",
     .schema = &schema_user,
     .extensions = user_extensions,
     .nextensions = TABLE_COUNT(user_extensions)},
    {.kind = RESOURCE_ROOM,
     .name = "Group",
     .endpoint = "/Groups",
     .description = "Groups: the rooms",
     .schema = &schema_group},
};

static const struct schema *const schemas[] = {&schema_user, &schema_group, &schema_enterprise,
                                               &schema_usher_user};

const struct resource_type *resource_type_at(size_t i) {
    return i < TABLE_COUNT(resource_types) ? &resource_types[i] : NULL;
}

const struct resource_type *resource_type_of(enum resource_kind kind) {
    for (size_t i = 0; i < TABLE_COUNT(resource_types); i++)
        if (resource_types[i].kind == kind)
            return &resource_types[i];
    return NULL;
}

const struct resource_type *resource_type_by_endpoint(const char *name) {
    for (size_t i = 0; i < TABLE_COUNT(resource_types); i++)
        if (strcasecmp(resource_types[i].endpoint + 1, name) == 0)
            return &resource_types[i];
    return NULL;
}

const struct resource_type *resource_type_by_name(const char *name) {
    for (size_t i = 0; i < TABLE_COUNT(resource_types); i++)
        if (strcmp(resource_types[i].name, name) == 0)
            return &resource_types[i];
    return NULL;
}

const struct schema *schema_at(size_t i) {
    return i < TABLE_COUNT(schemas) ? schemas[i] : NULL;
}

const struct schema *schema_by_urn(const char *urn) {
    for (size_t i = 0; i < TABLE_COUNT(schemas); i++)
        if (strcasecmp(schemas[i]->id, urn) == 0)
            return schemas[i];
    return NULL;
}

static bool same_name(const char *name, const char *text, size_t len) {
    return strlen(name) == len && strncasecmp(name, text, len) == 0;
}

static const struct attr *find(const struct attr *attrs, size_t n, const char *name, size_t len) {
    for (size_t i = 0; i < n; i++)
        if (same_name(attrs[i].name, name, len))
            return &attrs[i];
    return NULL;
}

const struct attr *schema_attr(const struct schema *s, const char *name, size_t len) {
    return find(s->attrs, s->nattrs, name, len);
}

const struct attr *common_attr(const char *name, size_t len) {
    return find(common_attrs, ncommon_attrs, name, len);
}

const struct attr *attr_sub(const struct attr *a, const char *name, size_t len) {
    return find(a->subs, a->nsubs, name, len);
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
