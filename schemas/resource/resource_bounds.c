#include "schemas/resource/resource_bounds.h"

#include "schemas/text/jsonx.h"
#include "schemas/types/attr_path.h"

#include <stdio.h>
#include <string.h>

/* ---- bytes ---- */

/* As the text of a document has it: quotes, backslashes and control characters are escaped. */
static size_t string_bytes(const char *s, size_t n) {
    size_t bytes = n + 2;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c == '"' || c == '\\' || c == '\b' || c == '\f' || c == '\n' || c == '\r' || c == '\t')
            bytes += 1;
        else if (c < 0x20)
            bytes += 5;
    }
    return bytes;
}

static size_t number_bytes(const json_t *value) {
    struct jbuf text = {0};
    jsonx_text(value, &text);
    size_t n = text.n;
    jb_free(&text);
    return n;
}

static size_t object_bytes(const json_t *object) {
    size_t bytes = json_object_size(object) > 0 ? 1 : 2; /* a comma or brace for each member, and one brace */
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)object, name, member) {
        bytes += string_bytes(name, strlen(name)) + 1 + resource_bytes(member) + 1;
    }
    return bytes;
}

static size_t array_bytes(const json_t *array) {
    size_t n = json_array_size(array), bytes = n > 0 ? 1 : 2;
    for (size_t i = 0; i < n; i++)
        bytes += resource_bytes(json_array_get(array, i)) + 1;
    return bytes;
}

size_t resource_bytes(const json_t *value) {
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return object_bytes(value);
    case JSON_ARRAY:
        return array_bytes(value);
    case JSON_STRING:
        return string_bytes(json_string_value(value), json_string_length(value));
    case JSON_INTEGER:
    case JSON_REAL:
        return number_bytes(value);
    case JSON_TRUE:
    case JSON_FALSE:
        return sizeof("false") - 1;
    case JSON_NULL:
        break;
    }
    return sizeof("null") - 1;
}

static enum err_code check_bytes(const struct resource_type *rt, const struct resource_bounds *bounds,
                                 const json_t *before, const json_t *after, struct err *err) {
    size_t bytes = resource_bytes(after);
    if (bytes <= bounds->max_bytes || (before != NULL && bytes <= resource_bytes(before)))
        return ERR_OK;
    return err_set(err, ERR_INVALID_VALUE,
                   "The %s would have %zu bytes as JSON; a resource has at most %zu (max-resource-bytes)",
                   rt->name, bytes, bounds->max_bytes);
}

/* ---- values ---- */

/* Of an attribute, or of a part of it over all elements: each can be a row of its own in the store. */
static size_t count_values(const json_t *value, const struct attr *sub) {
    size_t n = 0;
    if (sub == NULL)
        return json_array_size(value);
    if (json_is_object(value))
        return json_array_size(json_object_get(value, sub->name));
    for (size_t i = 0; i < json_array_size(value); i++)
        n += json_array_size(json_object_get(json_array_get(value, i), sub->name));
    return n;
}

static enum err_code check_value_count(const struct resource_bounds *bounds, const struct attr_path *path,
                                       const json_t *before, const json_t *after, struct err *err) {
    char why[120];
    size_t n = count_values(after, path->sub);
    if (n <= bounds->max_values || n <= count_values(before, path->sub))
        return ERR_OK;
    snprintf(why, sizeof why, "would have %zu values; an attribute has at most %zu (max-values)", n,
             bounds->max_values);
    return attr_path_refuse(path, ERR_INVALID_VALUE, why, err);
}

static enum err_code check_attr_values(const struct resource_bounds *bounds, const struct attr_path *path,
                                       const json_t *before, const json_t *after, struct err *err) {
    enum err_code code = check_value_count(bounds, path, before, after, err);
    for (size_t i = 0; i < path->attr->nsubs && code == ERR_OK; i++) {
        struct attr_path at = *path;
        at.sub = &path->attr->subs[i];
        if (at.sub->multi)
            code = check_value_count(bounds, &at, before, after, err);
    }
    return code;
}

/* The attributes of a schema in the document, or in an extension's object. */
static enum err_code check_values(const struct resource_bounds *bounds, const struct schema *s,
                                  const struct schema *extension, const json_t *before, const json_t *after,
                                  struct err *err) {
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < s->nattrs && code == ERR_OK; i++) {
        const struct attr_path path = {.extension = extension, .attr = &s->attrs[i]};
        const json_t *now = json_object_get(after, path.attr->name);
        if (now != NULL)
            code = check_attr_values(bounds, &path, json_object_get(before, path.attr->name), now, err);
    }
    return code;
}

enum err_code resource_check_bounds(const struct resource_type *rt, const struct resource_bounds *bounds,
                                    const json_t *before, const json_t *after, struct err *err) {
    enum err_code code = check_values(bounds, rt->schema, NULL, before, after, err);
    for (size_t i = 0; i < rt->nextensions && code == ERR_OK; i++) {
        const struct schema *s = rt->extensions[i].schema;
        code = check_values(bounds, s, s, json_object_get(before, s->id), json_object_get(after, s->id), err);
    }
    return code == ERR_OK ? check_bytes(rt, bounds, before, after, err) : code;
}
