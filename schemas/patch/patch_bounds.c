#include "schemas/patch/patch_bounds.h"

#include "schemas/resource/value.h"

#include <stdio.h>
#include <string.h>

#define COST_BYTES 256
#define NODE_BYTES 8 /* of what is no text */

static enum err_code too_many(const struct patch_path *path, const char *what, int limit, struct err *err) {
    char why[120];
    snprintf(why, sizeof why, "%s %d", what, limit);
    return attr_path_refuse(&path->at, ERR_TOO_MANY, why, err);
}

/* ---- what it costs to look at values ---- */

static size_t bytes_in(const json_t *value) {
    size_t bytes = NODE_BYTES;
    const char *name;
    json_t *member;
    if (json_is_string(value))
        return json_string_length(value);
    for (size_t i = 0; i < json_array_size(value); i++)
        bytes += bytes_in(json_array_get(value, i));
    if (json_is_object(value)) {
        json_object_foreach((json_t *)value, name, member) {
            bytes += bytes_in(member);
        }
    }
    return bytes;
}

size_t patch_cost(const json_t *value) {
    size_t cost = 0;
    if (value == NULL || json_is_null(value))
        return 0;
    if (!json_is_array(value))
        return 1 + bytes_in(value) / COST_BYTES;
    for (size_t i = 0; i < json_array_size(value); i++)
        cost += 1 + bytes_in(json_array_get(value, i)) / COST_BYTES;
    return cost;
}

static size_t terms_of(const struct filter *f) {
    if (f == NULL)
        return 1;
    if (f->kind == FILTER_AND || f->kind == FILTER_OR)
        return terms_of(f->left) + terms_of(f->right);
    return f->kind == FILTER_NOT ? terms_of(f->left) : 1;
}

enum err_code patch_count_work(struct patch_work *w, const struct patch_path *path, size_t stored,
                               const json_t *value, struct err *err) {
    size_t given = json_array_size(value), terms = terms_of(path->filter);
    bool first = stored > 0 && w->lists++ == 0;
    if (first && w->work + given <= PATCH_MAX_WORK && terms == 1 && stored > PATCH_MAX_WORK) {
        w->work = PATCH_MAX_WORK; /* and it is the last one that costs anything */
        return ERR_OK;
    }
    w->work += given + stored * terms;
    return w->work <= PATCH_MAX_WORK
               ? ERR_OK
               : too_many(path, "has too many values for so many operations: together they may look at",
                          PATCH_MAX_WORK, err);
}

/* ---- what the ingest knows ---- */

static size_t *known_cost(struct patch_work *w, const struct attr_path *at, const json_t *doc,
                          struct arena *a) {
    const struct attr *attr = at->attr;
    for (size_t i = 0; i < w->nknown; i++)
        if (w->known[i].attr == attr)
            return &w->known[i].cost;
    if (w->nknown == w->cap) {
        size_t cap = w->cap * 2 + 8;
        struct patch_known *known = arena_alloc(a, cap * sizeof *known);
        if (w->nknown > 0)
            memcpy(known, w->known, w->nknown * sizeof *known);
        w->known = known;
        w->cap = cap;
    }
    const json_t *object = at->extension != NULL ? json_object_get(doc, at->extension->id) : doc;
    w->known[w->nknown] =
        (struct patch_known){.attr = attr, .cost = patch_cost(json_object_get(object, attr->name))};
    return &w->known[w->nknown++].cost;
}

/* What the list costs at least after the operation. Where values may leave it, or become the same, nothing is
 * known any more. */
static size_t cost_after(enum patch_op op, const struct patch_path *path, const json_t *value,
                         size_t before) {
    size_t given = patch_cost(value);
    bool whole = path->filter == NULL && path->at.sub == NULL;
    if (whole && op == PATCH_REPLACE)
        return given;
    if (whole && op == PATCH_ADD)
        return before > given ? before : given;
    if (whole && value != NULL)
        return before > given ? before - given : 0;
    bool stays = op != PATCH_REMOVE && path->at.sub != NULL && !json_is_null(value) &&
                 strcmp(path->at.sub->name, "value") != 0;
    return stays ? before : 0;
}

enum err_code patch_count_known(struct patch_work *w, enum patch_op op, const struct patch_path *path,
                                const json_t *value, const json_t *doc, struct arena *a, struct err *err) {
    const struct attr *attr = path->at.attr;
    if (attr == NULL || attr->apart || !attr->multi)
        return ERR_OK;
    size_t *known = known_cost(w, &path->at, doc, a);
    enum err_code code = patch_count_work(w, path, *known, value, err);
    *known = cost_after(op, path, value, *known);
    return code;
}

/* ---- operations ---- */

size_t patch_filter_ids(const struct filter *f) {
    if (f->kind == FILTER_OR) {
        size_t left = patch_filter_ids(f->left), right = patch_filter_ids(f->right);
        return left > 0 && right > 0 ? left + right : 0;
    }
    return f->kind == FILTER_COMPARE && f->op == FILTER_EQ && strcmp(f->path.attr->name, "value") == 0 ? 1
                                                                                                       : 0;
}

static enum err_code count_members(struct patch_work *w, enum patch_op op, const struct patch_path *path,
                                   const json_t *value, struct err *err) {
    size_t ids = path->filter != NULL ? patch_filter_ids(path->filter) : json_array_size(value);
    bool sweeps = path->filter != NULL ? ids == 0 : op == PATCH_REPLACE || value == NULL;
    if (sweeps && ++w->sweeps > PATCH_MAX_SWEEPS)
        return too_many(path, "has too many operations that look at all members: at most", PATCH_MAX_SWEEPS,
                        err);
    w->members += ids > 0 ? ids : 1;
    return w->members <= MEMBERS_MAX ? ERR_OK : value_too_many_members(&path->at, err);
}

enum err_code patch_count(struct patch_work *w, enum patch_op op, const struct patch_path *path,
                          const json_t *value, struct err *err) {
    if (path->at.attr != NULL && path->at.attr->apart)
        return count_members(w, op, path, value, err);
    return ++w->operations <= PATCH_MAX_OPERATIONS
               ? ERR_OK
               : too_many(path, "is in one operation too many: one PATCH has at most", PATCH_MAX_OPERATIONS,
                          err);
}

/* ---- what an operation gives ---- */

static enum err_code check_given(const char *path, const json_t *value, const struct resource_bounds *bounds,
                                 struct err *err) {
    size_t bytes, n = json_array_size(value);
    if (n > bounds->max_values)
        return err_set_path(err, ERR_INVALID_VALUE, path,
                            "'%s' would have %zu values; an attribute has at most %zu (max-values)", path, n,
                            bounds->max_values);
    if (value == NULL || (bytes = resource_bytes(value)) <= bounds->max_bytes)
        return ERR_OK;
    return err_set_path(err, ERR_INVALID_VALUE, path,
                        "'%s' would have %zu bytes as JSON; a resource has at most %zu (max-resource-bytes)",
                        path, bytes, bounds->max_bytes);
}

enum err_code patch_check_given(const struct resource_type *rt, const json_t *ops,
                                const struct resource_bounds *bounds, struct err *err) {
    const struct attr *refs = resource_type_refs(rt);
    for (size_t i = 0; i < json_array_size(ops); i++) {
        const json_t *op = json_array_get(ops, i);
        const char *path = json_string_value(json_object_get(op, "path"));
        const char *name = json_string_value(json_object_get(op, "op"));
        bool apart =
            refs != NULL && strcmp(path, refs->name) == 0; /* ids of members, bounded by patch_count */
        if (!apart && strcmp(name, patch_op_names[PATCH_REMOVE]) != 0 &&
            check_given(path, json_object_get(op, "value"), bounds, err) != ERR_OK)
            return err->code;
    }
    return ERR_OK;
}
