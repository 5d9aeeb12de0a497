/* Normalised operations, applied to a document. Lists are in patch_list.c. */
#include "schemas/patch/patch_impl.h"

#include "schemas/resource/resource.h"
#include "schemas/resource/value.h"
#include "schemas/text/jsonx.h"

#include <stdlib.h>
#include <string.h>

/* P13, P32. When the value of a reference changes, its old $ref is removed, unless the operation gives a new
 * one. */
static enum err_code merge_parts(const struct patch_step *s, json_t *object, const json_t *parts,
                                 struct err *err) {
    enum err_code rc = ERR_OK;
    const char *name;
    json_t *part;
    const json_t *value = json_object_get(parts, "value");
    if (value != NULL && !json_equal(json_object_get(object, "value"), value))
        json_object_del(object, "$ref");
    json_object_foreach((json_t *)parts, name, part) {
        const struct attr *sub = attr_sub(s->path.at.attr, name, strlen(name));
        if (sub != NULL && rc == ERR_OK)
            rc = patch_set_part(s, sub, object, part, err);
    }
    return rc;
}

/* In a copy, because the attribute may be immutable as a whole. */
static enum err_code merge_complex(const struct patch_step *s, json_t *container, const json_t *parts,
                                   struct err *err) {
    const struct attr *attr = s->path.at.attr;
    json_t *old = json_object_get(container, attr->name);
    json_t *object = json_is_object(old) ? jsonx_copy(old) : json_object();
    enum err_code rc = merge_parts(s, object, parts, err);
    if (rc == ERR_OK)
        rc = patch_set(s, attr, container, json_object_size(object) > 0 ? object : NULL, err);
    json_decref(object);
    return rc;
}

static enum err_code merge_sub(const struct patch_step *s, json_t *container, struct err *err) {
    json_t *parts = json_object();
    jsonx_put(parts, s->path.at.sub->name, s->value != NULL ? jsonx_copy(s->value) : json_null());
    enum err_code rc = merge_complex(s, container, parts, err);
    json_decref(parts);
    return rc;
}

static enum err_code apply_single(const struct patch_step *s, json_t *container, struct err *err) {
    const struct attr_path *at = &s->path.at;
    if (at->sub != NULL)
        return merge_sub(s, container, err);
    if (at->attr->type == ATTR_COMPLEX && s->op != PATCH_REMOVE && json_is_object(s->value))
        return merge_complex(s, container, s->value, err);
    return patch_set(s, at->attr, container, s->op == PATCH_REMOVE ? NULL : s->value, err);
}

/* Where the attribute stands: the document, or its extension's object, which is made where there is none. */
static json_t *container_of(const struct patch_step *s, json_t *doc) {
    const struct schema *extension = s->path.at.extension;
    if (extension == NULL)
        return doc;
    json_t *container = json_object_get(doc, extension->id);
    if (container == NULL) {
        container = json_object();
        jsonx_put(doc, extension->id, container);
    }
    return container;
}

/* Only a remove can name a whole extension. It is refused where a part of the extension cannot be changed. */
static enum err_code remove_extension(const struct patch_step *s, json_t *doc, struct err *err) {
    const struct schema *extension = s->path.at.extension;
    const json_t *object = json_object_get(doc, extension->id);
    for (size_t i = 0; i < extension->nattrs; i++) {
        const struct attr *a = &extension->attrs[i];
        const json_t *value = json_object_get(object, a->name);
        if (value != NULL && (a->mutability == ATTR_IMMUTABLE || patch_has_immutable_part(a, value)))
            return patch_refuse(s, ERR_MUTABILITY, "has an attribute that is immutable and set", err);
    }
    json_object_del(doc, extension->id);
    return ERR_OK;
}

static enum err_code apply_step(const struct patch_step *s, enum dialect dialect, json_t *doc,
                                struct patch_work *work, struct err *err) {
    const struct attr_path *at = &s->path.at;
    if (at->attr == NULL)
        return remove_extension(s, doc, err);
    json_t *container = container_of(s, doc);
    enum err_code rc = ERR_OK;
    if (at->attr->type == ATTR_COMPLEX || at->attr->multi)
        rc = patch_count_work(work, &s->path, patch_cost(json_object_get(container, at->attr->name)),
                              s->value, err);
    if (rc == ERR_OK)
        rc = at->attr->multi ? patch_apply_list(s, dialect == DIALECT_ENTRA, container, err)
                             : apply_single(s, container, err);
    if (at->extension != NULL && json_object_size(container) == 0)
        json_object_del(doc, at->extension->id);
    return rc;
}

/* These operations were written by patch_normalise, so an error here means that they were not. */
static enum err_code decode_step(const struct resource_type *rt, const json_t *operation, struct arena *a,
                                 struct patch_step *s, struct err *err) {
    const char *op = json_string_value(json_object_get(operation, "op"));
    const char *path = json_string_value(json_object_get(operation, "path"));
    size_t i = 0;
    while (i < PATCH_OPS && (op == NULL || strcmp(op, patch_op_names[i]) != 0))
        i++;
    if (i == PATCH_OPS || path == NULL)
        return err_set(err, ERR_INVALID_SYNTAX, "Not a normalised operation");
    s->op = (enum patch_op)i;
    s->value = json_object_get(operation, "value");
    if (s->op != PATCH_REMOVE && s->value == NULL)
        return err_set(err, ERR_INVALID_SYNTAX, "A normalised operation without value");
    return patch_path_parse(rt, DIALECT_RFC, path, strlen(path), a, &s->path, err);
}

/* P25: after the step, its attribute must have its required parts, and the extension around it its required
 * attributes. */
static enum err_code check_complete(const struct patch_step *s, json_t *doc, struct err *err) {
    const struct attr_path *at = &s->path.at;
    const json_t *object = at->extension != NULL ? json_object_get(doc, at->extension->id) : doc;
    if (at->attr == NULL || at->attr->apart || object == NULL)
        return ERR_OK;
    const struct attr_path whole = {.extension = at->extension, .attr = at->attr};
    const json_t *value = json_object_get(object, at->attr->name);
    if (value == NULL && at->attr->required)
        return patch_refuse(s, s->op == PATCH_REMOVE ? ERR_MUTABILITY : ERR_INVALID_VALUE,
                            "is required and must have a value", err);
    for (size_t i = 0; at->extension != NULL && i < at->extension->nattrs; i++) {
        const struct attr *a = &at->extension->attrs[i];
        struct patch_step missing = {.path = {.at = {.extension = at->extension, .attr = a}}};
        if (a->required && json_object_get(object, a->name) == NULL)
            return patch_refuse(&missing, ERR_INVALID_VALUE, "is required", err);
    }
    return value_check_parts(&whole, value, err);
}

/* Is this the first step on its attribute? Each attribute is looked at once, because it may be a long list.
 * Members are not part of the document. */
static bool is_first(const struct patch_step *steps, size_t n) {
    const struct attr_path *at = &steps[n].path.at;
    if (at->attr != NULL && at->attr->apart)
        return false;
    for (size_t i = 0; i < n; i++)
        if (steps[i].path.at.attr == at->attr && steps[i].path.at.extension == at->extension)
            return false;
    return true;
}

/* Decodes all operations. What is too much for this document is mostly seen here, before anything is done. */
static enum err_code decode_steps(const struct resource_type *rt, const json_t *ops, const json_t *doc,
                                  struct arena *a, struct patch_step *steps, struct err *err) {
    struct patch_work work = {0};
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < json_array_size(ops) && rc == ERR_OK; i++) {
        struct patch_step *s = &steps[i];
        rc = decode_step(rt, json_array_get(ops, i), a, s, err);
        if (rc == ERR_OK)
            rc = patch_count(&work, s->op, &s->path, s->value, err);
        if (rc == ERR_OK)
            rc = patch_count_known(&work, s->op, &s->path, s->value, doc, a, err);
    }
    return rc;
}

enum err_code patch_apply(const struct resource_type *rt, enum dialect dialect, const json_t *ops,
                          json_t *doc, struct arena *a, struct member_delta **deltas, size_t *ndeltas,
                          struct err *err) {
    return patch_apply_under(&patch_rules_none, rt, dialect, ops, doc, a, deltas, ndeltas, err);
}

enum err_code patch_apply_under(const struct patch_rules *rules, const struct resource_type *rt,
                                enum dialect dialect, const json_t *ops, json_t *doc, struct arena *a,
                                struct member_delta **deltas, size_t *ndeltas, struct err *err) {
    size_t n = json_array_size(ops);
    struct patch_work work = {0};
    struct patch_step *steps = arena_alloc(a, (n + 1) * sizeof *steps);
    *deltas = arena_alloc(a, (n + 1) * sizeof **deltas);
    *ndeltas = 0;
    enum err_code rc = decode_steps(rt, ops, doc, a, steps, err);
    for (size_t i = 0; i < n && rc == ERR_OK; i++) {
        steps[i].one_element = rules->one_element;
        if (steps[i].path.at.attr != NULL && steps[i].path.at.attr->apart)
            patch_member_delta(&steps[i], a, &(*deltas)[(*ndeltas)++]);
        else
            rc = apply_step(&steps[i], dialect, doc, &work, err);
    }
    if (rc == ERR_OK)
        resource_tidy(rt, doc);
    /* Not in between: one operation may need the next. */
    for (size_t i = 0; i < n && rc == ERR_OK; i++)
        if (is_first(steps, i))
            rc = check_complete(&steps[i], doc, err);
    return rc;
}
