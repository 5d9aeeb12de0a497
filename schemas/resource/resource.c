/* Questions to a document, and what keeps its form. */
#include "schemas/resource/resource.h"

#include "schemas/text/jsonx.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

static bool is_empty(const json_t *v) {
    return json_is_null(v) || (json_is_object(v) && json_object_size(v) == 0) ||
           (json_is_array(v) && json_array_size(v) == 0);
}

/* Drops what is empty from an attribute's value: sub-attributes, elements. True if nothing is left of it. */
static bool prune(json_t *v) {
    const char *name;
    json_t *member;
    void *next;
    if (json_is_object(v)) {
        json_object_foreach_safe(v, next, name, member) {
            if (is_empty(member))
                json_object_del(v, name);
        }
    } else if (json_is_array(v)) {
        for (size_t i = json_array_size(v); i-- > 0;)
            if (prune(json_array_get(v, i)))
                json_array_remove(v, i);
    }
    return is_empty(v);
}

static void prune_members(json_t *object) {
    const char *name;
    json_t *member;
    void *next;
    json_object_foreach_safe(object, next, name, member) {
        if (prune(member))
            json_object_del(object, name);
    }
}

/* "schemas" follows from the document: the base schema, and each extension that has data (S7). An extension
 * that an operator no longer defines is listed too, because its data stay in the document. */
static void derive_schemas(const struct resource_type *rt, json_t *doc) {
    json_t *schemas = json_array();
    jsonx_push(schemas, jsonx_string(rt->schema->id, strlen(rt->schema->id)));
    for (size_t i = 0; i < rt->nextensions; i++) {
        const char *id = rt->extensions[i].schema->id;
        if (json_object_get(doc, id) != NULL)
            jsonx_push(schemas, jsonx_string(id, strlen(id)));
    }
    const char *name;
    json_t *member;
    json_object_foreach(doc, name, member) {
        size_t len = strlen(name);
        if (strncmp(name, "urn:", 4) == 0 && resource_type_extension(rt, name, len) == NULL)
            jsonx_push(schemas, jsonx_string(name, len));
    }
    jsonx_put(doc, "schemas", schemas);
}

void resource_tidy(const struct resource_type *rt, json_t *doc) {
    for (size_t i = 0; i < rt->nextensions; i++) {
        const char *id = rt->extensions[i].schema->id;
        json_t *object = json_object_get(doc, id);
        if (object == NULL)
            continue;
        prune_members(object);
        if (is_empty(object))
            json_object_del(doc, id);
    }
    derive_schemas(rt, doc);
    prune_members(doc);
}

static void default_of(const struct schema *s, json_t *object) {
    for (size_t i = 0; i < s->nattrs; i++)
        if (s->attrs[i].default_true && json_object_get(object, s->attrs[i].name) == NULL)
            jsonx_put(object, s->attrs[i].name, json_true());
}

void resource_default(const struct resource_type *rt, json_t *doc) {
    default_of(rt->schema, doc);
}

const char *resource_string(const json_t *doc, const char *name) {
    return json_string_value(json_object_get(doc, name));
}

bool resource_active(const json_t *doc) {
    return !json_is_false(json_object_get(doc, "active"));
}

bool is_mail_shaped(const char *s) {
    const char *at = s != NULL ? strchr(s, '@') : NULL;
    return at != NULL && at != s && at[1] != '\0' && strchr(at + 1, '@') == NULL &&
           strpbrk(s, " \t\r\n") == NULL;
}

const char *resource_email(const json_t *doc) {
    const json_t *emails = json_object_get(doc, "emails");
    const char *first = NULL;
    for (size_t i = 0; i < json_array_size(emails); i++) {
        const json_t *element = json_array_get(emails, i);
        const char *value = resource_string(element, "value");
        if (value != NULL && json_is_true(json_object_get(element, "primary")))
            return value;
        if (first == NULL)
            first = value;
    }
    if (first != NULL)
        return first;
    const char *user_name = resource_string(doc, "userName");
    return is_mail_shaped(user_name) ? user_name : NULL;
}

char *resource_etag(int64_t version, char out[32]) {
    snprintf(out, 32, "W/\"%" PRId64 "\"", version);
    return out;
}

/* A room's members are part of its version. */
/* Of a membership all is shown by a join, and its version is transmit alone. It may have gone and come again.
 */
static uint32_t membership_tag(const struct resource_row *row) {
    uLong sum = crc32(0, (const Bytef *)row->doc, (uInt)strlen(row->doc));
    sum = crc32(sum, (const Bytef *)&row->created_us, sizeof row->created_us);
    return (uint32_t)sum != 0 ? (uint32_t)sum : 1;
}

uint32_t resource_refs_tag(const struct resource_type *rt, const struct resource_row *row) {
    const struct attr *refs = resource_type_refs(rt);
    if (rt->kind == RESOURCE_MEMBERSHIP)
        return membership_tag(row);
    if (refs == NULL || refs->mutability != ATTR_READ_ONLY || row->refs == NULL ||
        strcmp(row->refs, "[]") == 0)
        return 0;
    uint32_t tag = (uint32_t)crc32(0, (const Bytef *)row->refs, (uInt)strlen(row->refs));
    return tag != 0 ? tag : 1;
}

char *resource_row_etag(const struct resource_type *rt, const struct resource_row *row, char out[32]) {
    uint32_t tag = resource_refs_tag(rt, row);
    if (tag == 0)
        return resource_etag(row->version, out);
    snprintf(out, 32, "W/\"%" PRId64 ".%08" PRIx32 "\"", row->version, tag);
    return out;
}
