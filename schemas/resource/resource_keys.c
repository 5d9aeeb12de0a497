#include "schemas/resource/resource_keys.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/mem.h"
#include "schemas/text/fold.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool attr_is_unique(const struct attr *a) {
    return a->uniqueness != ATTR_UNIQUE_NONE;
}

bool attr_is_keyed(const struct attr_path *path) {
    const struct attr *a = attr_path_target(path);
    return a != NULL && a->type != ATTR_COMPLEX && !a->column && (a->lookup || attr_is_unique(a));
}

char *resource_key(const struct attr *a, const json_t *value) {
    int64_t us;
    switch (json_typeof(value)) {
    case JSON_STRING:
        if (a->type == ATTR_DATETIME && rfc3339_parse(json_string_value(value), &us))
            return xasprintf("%" PRId64, us);
        return a->case_exact ? xstrdup(json_string_value(value)) : fold_text(json_string_value(value));
    case JSON_INTEGER:
        if (a->type != ATTR_DECIMAL)
            return xasprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return xasprintf("%.17g", json_number_value(value));
    case JSON_REAL:
        return xasprintf("%.17g", json_real_value(value) + 0.0); /* -0 and 0 are equal */
    case JSON_TRUE:
        return xstrdup("true");
    case JSON_FALSE:
        return xstrdup("false");
    default:
        return NULL;
    }
}

static bool keeps_unique(const struct schema *s) {
    for (size_t i = 0; i < s->nattrs; i++) {
        struct attr_path path = {.attr = &s->attrs[i]};
        bool unique = attr_is_keyed(&path) && attr_is_unique(path.attr);
        for (size_t k = 0; k < path.attr->nsubs && !unique; k++) {
            path.sub = &path.attr->subs[k];
            unique = attr_is_keyed(&path) && attr_is_unique(path.sub);
        }
        if (unique)
            return true;
    }
    return false;
}

bool resource_type_keeps_unique(const struct resource_type *rt) {
    bool unique = keeps_unique(rt->schema);
    for (size_t i = 0; i < rt->nextensions && !unique; i++)
        unique = keeps_unique(rt->extensions[i].schema);
    return unique;
}

struct visit {
    void (*fn)(const char *path, const char *key, bool unique, void *ctx);
    void *ctx;
};

static void visit_values(const struct visit *v, const struct attr_path *path, const json_t *value) {
    char text[ATTR_PATH_SIZE];
    for (size_t i = 0; i < json_array_size(value); i++)
        visit_values(v, path, json_array_get(value, i));
    if (value == NULL || json_is_array(value))
        return;
    char *key = resource_key(attr_path_target(path), value);
    if (key != NULL)
        v->fn(attr_path_text(path, text, sizeof(text)), key, attr_is_unique(attr_path_target(path)), v->ctx);
    free(key);
}

/* A sub-attribute, of each element where there are several. */
static void visit_parts(const struct visit *v, const struct attr_path *path, const json_t *value) {
    for (size_t i = 0; i < json_array_size(value); i++)
        visit_values(v, path, json_object_get(json_array_get(value, i), path->sub->name));
    if (json_is_object(value))
        visit_values(v, path, json_object_get(value, path->sub->name));
}

static void visit_attrs(const struct visit *v, const struct schema *s, const struct schema *extension,
                        const json_t *object) {
    for (size_t i = 0; i < s->nattrs; i++) {
        struct attr_path path = {.extension = extension, .attr = &s->attrs[i]};
        if (attr_is_keyed(&path)) /* asked first, because few attributes are keyed */
            visit_values(v, &path, json_object_get(object, path.attr->name));
        for (size_t k = 0; k < path.attr->nsubs; k++) {
            path.sub = &path.attr->subs[k];
            if (attr_is_keyed(&path))
                visit_parts(v, &path, json_object_get(object, path.attr->name));
        }
    }
}

void resource_keys_each(const struct resource_type *rt, const json_t *doc,
                        void (*fn)(const char *path, const char *key, bool unique, void *ctx), void *ctx) {
    const struct visit v = {fn, ctx};
    visit_attrs(&v, rt->schema, NULL, doc);
    for (size_t i = 0; i < rt->nextensions; i++) {
        const struct schema *s = rt->extensions[i].schema;
        visit_attrs(&v, s, s, json_object_get(doc, s->id));
    }
}
