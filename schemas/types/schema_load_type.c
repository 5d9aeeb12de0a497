/* Resource types in JSON (RFC 7643 section 6), and what must hold among all that was read. */
#include "schemas/types/schema_load_impl.h"

#include <string.h>
#include <strings.h>

#define TYPE_NAME_MAX_BYTES 60

static const char *const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* Names that are taken: by the protocol, or as a target type of the audit stream. */
static const char *const reserved_names[] = {
    "ServiceProviderConfig", "ResourceType", "Schema", "Room", "Workspace", "Key", "Me", "Bulk", NULL};
static const char *const reserved_endpoints[] = {
    "/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/Bulk", "/Me", "/AsyncResults", NULL};

static bool is_among(const char *text, const char *const *list) {
    for (; *list != NULL; list++)
        if (strcasecmp(*list, text) == 0)
            return true;
    return false;
}

/* A letter, then letters, digits and what else may follow. */
static bool is_word(const char *s, const char *more) {
    size_t n = strlen(s), i = 0;
    if (n == 0 || n > TYPE_NAME_MAX_BYTES || strchr(letters, s[0]) == NULL)
        return false;
    while (i < n &&
           (strchr(letters, s[i]) != NULL || (s[i] >= '0' && s[i] <= '9') || strchr(more, s[i]) != NULL))
        i++;
    return i == n;
}

/* The type with the number i: first those that were there before, then those that were read so far. NULL past
 * the end. */
static const struct resource_type *type_at(const struct loader *l, size_t i) {
    size_t known = 0;
    while (resource_type_at(known) != NULL)
        known++;
    if (i < known)
        return resource_type_at(i);
    for (size_t k = 0, n = known; k < l->ntypes; k++)
        if (l->types[k].rt != NULL && n++ == i)
            return l->types[k].rt;
    return NULL;
}

static bool name_in_use(const struct loader *l, const char *name) {
    const struct resource_type *rt;
    for (size_t i = 0; (rt = type_at(l, i)) != NULL; i++)
        if (strcasecmp(rt->name, name) == 0)
            return true;
    return false;
}

static bool endpoint_in_use(const struct loader *l, const char *endpoint) {
    const struct resource_type *rt;
    for (size_t i = 0; (rt = type_at(l, i)) != NULL; i++)
        if (strcasecmp(rt->endpoint, endpoint) == 0)
            return true;
    return false;
}

/* Is it the core schema of a type? */
static bool is_base(const struct loader *l, const struct schema *s) {
    const struct resource_type *rt;
    for (size_t i = 0; (rt = type_at(l, i)) != NULL; i++)
        if (rt->schema == s)
            return true;
    return false;
}

static bool has_extension(const struct schema_extension *list, size_t n, const struct schema *s) {
    for (size_t i = 0; i < n; i++)
        if (list[i].schema == s)
            return true;
    return false;
}

static enum err_code read_extension(struct loader *l, const char *type, const json_t *object,
                                    struct schema_extension *out) {
    static const char *const members[] = {"schema", "required", NULL};
    const char *urn;
    enum err_code code = loader_text(l, type, object, "schema", true, &urn);
    if (code != ERR_OK || (code = loader_members(l, type, object, members)) != ERR_OK ||
        (code = loader_bool(l, type, object, "required", &out->required)) != ERR_OK)
        return code;
    out->schema = loader_schema(l, urn);
    if (out->schema == NULL)
        return loader_refuse(l, type, "there is no schema \"%.120s\" to extend it with", urn);
    return ERR_OK;
}

static enum err_code read_extensions(struct loader *l, const char *type, const json_t *object,
                                     struct loaded_type *t) {
    const json_t *list;
    enum err_code code = loader_list(l, type, object, "schemaExtensions", &list);
    size_t n = json_array_size(list);
    const struct resource_type *base = t->rt != NULL ? t->rt : resource_type_of(t->extends);
    t->extensions = arena_alloc(l->arena, (n + 1) * sizeof(*t->extensions));
    for (size_t i = 0; i < n && code == ERR_OK; i++) {
        struct schema_extension *e = &t->extensions[i];
        code = read_extension(l, type, json_array_get(list, i), e);
        if (code == ERR_OK && (e->schema == base->schema || is_base(l, e->schema)))
            code = loader_refuse(l, type, "\"%s\" is a type's own schema, not an extension", e->schema->id);
        if (code == ERR_OK && (has_extension(t->extensions, i, e->schema) ||
                               has_extension(base->extensions, base->nextensions, e->schema)))
            code = loader_refuse(l, type, "the extension \"%s\" is there already", e->schema->id);
        t->nextensions++;
    }
    return code;
}

/* A ResourceType with the name of a built-in one may only have extensions. */
static enum err_code extend_builtin(struct loader *l, const struct resource_type *rt, const json_t *object,
                                    struct loaded_type *t) {
    const char *endpoint = rt->endpoint, *schema = rt->schema->id;
    enum err_code code;
    if ((code = loader_text(l, rt->name, object, "endpoint", false, &endpoint)) != ERR_OK ||
        (code = loader_text(l, rt->name, object, "schema", false, &schema)) != ERR_OK)
        return code;
    if (strcasecmp(endpoint, rt->endpoint) != 0 || strcasecmp(schema, rt->schema->id) != 0)
        return loader_refuse(l, rt->name, "endpoint and schema of a built-in type cannot be changed");
    t->extends = rt->kind;
    code = read_extensions(l, rt->name, object, t);
    if (code == ERR_OK && t->nextensions == 0)
        return loader_refuse(l, rt->name,
                             "a built-in type is named here to extend it: 'schemaExtensions' is missing");
    for (size_t i = 0; i < l->ntypes && code == ERR_OK; i++)
        if (l->types[i].rt == NULL && l->types[i].extends == rt->kind)
            for (size_t k = 0; k < t->nextensions; k++)
                if (has_extension(l->types[i].extensions, l->types[i].nextensions, t->extensions[k].schema))
                    return loader_refuse(l, rt->name, "the extension \"%s\" is there already",
                                         t->extensions[k].schema->id);
    return code;
}

/* A type's schema may not define the attributes that every resource has. */
static enum err_code check_core(struct loader *l, const char *type, const struct schema *s) {
    for (size_t i = 0; i < s->nattrs; i++)
        if (common_attr(s->attrs[i].name, strlen(s->attrs[i].name)) != NULL)
            return loader_refuse(l, type, "its schema must not have '%s': every resource has it",
                                 s->attrs[i].name);
    return ERR_OK;
}

static enum err_code new_type(struct loader *l, const json_t *object, struct loaded_type *t) {
    struct resource_type *rt = arena_alloc(l->arena, sizeof(*rt));
    const char *name = "", *urn = "";
    enum err_code code;
    rt->kind = RESOURCE_CUSTOM;
    if ((code = loader_text(l, "ResourceType", object, "name", true, &name)) != ERR_OK)
        return code;
    rt->name = rt->description = name;
    if (!is_word(name, "") || is_among(name, reserved_names))
        return loader_refuse(l, name,
                             "not a name for a resource type: letters and digits, and no word that is taken");
    if (name_in_use(l, name))
        return loader_refuse(l, name, "there is a resource type of this name already");
    if ((code = loader_description(l, name, object, &rt->description)) != ERR_OK ||
        (code = loader_text(l, name, object, "endpoint", true, &rt->endpoint)) != ERR_OK ||
        (code = loader_text(l, name, object, "schema", true, &urn)) != ERR_OK)
        return code;
    if (rt->endpoint[0] != '/' || !is_word(rt->endpoint + 1, "-_") ||
        is_among(rt->endpoint, reserved_endpoints))
        return loader_refuse(l, name,
                             "'endpoint' must be \"/\" and a word, such as \"/Devices\", that is not taken");
    if (endpoint_in_use(l, rt->endpoint))
        return loader_refuse(l, name, "the endpoint \"%s\" is another type's", rt->endpoint);
    rt->schema = loader_schema(l, urn);
    if (rt->schema == NULL)
        return loader_refuse(l, name, "there is no schema \"%.120s\"", urn);
    if (schema_by_urn(urn) != NULL)
        return loader_refuse(l, name, "\"%s\" is a schema of usher's own; a new type has one of its own",
                             rt->schema->id);
    if ((code = check_core(l, name, rt->schema)) != ERR_OK)
        return code;
    t->rt = rt;
    code = read_extensions(l, name, object, t);
    rt->extensions = t->extensions;
    rt->nextensions = t->nextensions;
    return code;
}

enum err_code loader_type(struct loader *l, const json_t *object) {
    static const char *const members[] = {
        "schemas", "id", "name", "description", "endpoint", "schema", "schemaExtensions", "meta", NULL};
    struct loaded_type *t = &l->types[l->ntypes];
    const char *name = "";
    enum err_code code = loader_text(l, "ResourceType", object, "name", true, &name);
    t->file = l->file;
    if (code != ERR_OK || (code = loader_members(l, name, object, members)) != ERR_OK)
        return code;
    const struct resource_type *builtin = resource_type_by_name(name);
    if (builtin != NULL && (builtin->kind == RESOURCE_USER || builtin->kind == RESOURCE_ROOM))
        code = extend_builtin(l, builtin, object, t);
    else
        code = new_type(l, object, t);
    l->ntypes++;
    return code;
}

/* All together */

static bool is_known_reference(const struct loader *l, const char *type) {
    return strcmp(type, "external") == 0 || strcmp(type, "uri") == 0 || name_in_use(l, type);
}

static enum err_code check_references(struct loader *l, const struct attr *attrs, size_t n) {
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < n && code == ERR_OK; i++) {
        for (const char *const *t = attrs[i].reference_types; t != NULL && *t != NULL; t++)
            if (!is_known_reference(l, *t))
                return loader_refuse(l, attrs[i].name,
                                     "'referenceTypes' has \"%.60s\", which is no resource type, \"uri\" or "
                                     "\"external\"",
                                     *t);
        code = check_references(l, attrs[i].subs, attrs[i].nsubs);
    }
    return code;
}

static bool is_used(const struct loader *l, const struct schema *s) {
    for (size_t i = 0; i < l->ntypes; i++) {
        const struct loaded_type *t = &l->types[i];
        if ((t->rt != NULL && t->rt->schema == s) || has_extension(t->extensions, t->nextensions, s))
            return true;
    }
    return false;
}

enum err_code loader_check(struct loader *l) {
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < l->nschemas && code == ERR_OK; i++) {
        const struct schema *s = l->schemas[i];
        l->file = l->schema_files[i];
        code = check_references(l, s->attrs, s->nattrs);
        if (code == ERR_OK && !is_used(l, s))
            code = loader_refuse(l, s->id, "no resource type uses this schema");
    }
    /* A schema may have become a type's own after another type took it for an extension. */
    for (size_t i = 0; i < l->ntypes && code == ERR_OK; i++) {
        const struct loaded_type *t = &l->types[i];
        l->file = t->file;
        for (size_t k = 0; k < t->nextensions && code == ERR_OK; k++)
            if (is_base(l, t->extensions[k].schema))
                code = loader_refuse(l, t->rt != NULL ? t->rt->name : resource_type_of(t->extends)->name,
                                     "\"%s\" is a type's own schema, not an extension",
                                     t->extensions[k].schema->id);
    }
    return code;
}
