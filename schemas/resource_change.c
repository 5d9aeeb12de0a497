/* PUT, and what differs between two documents. */
#include "schemas/resource.h"

#include "schemas/attr_path.h"
#include "schemas/jsonx.h"

#include <stdbool.h>
#include <string.h>

/* Calls fn for every attribute of the type: common ones, core, extensions. Stops at the first code that is
 * not ERR_OK. */
static enum err_code each_attr(const struct resource_type *rt,
                               enum err_code (*fn)(const struct attr_path *path, void *ctx), void *ctx) {
    enum err_code code = ERR_OK;
    struct attr_path path = {0};
    for (size_t i = 0; i < ncommon_attrs && code == ERR_OK; i++) {
        path.attr = &common_attrs[i];
        if (strcmp(path.attr->name, "schemas") != 0) /* follows from the rest */
            code = fn(&path, ctx);
    }
    for (size_t i = 0; i < rt->schema->nattrs && code == ERR_OK; i++) {
        path.attr = &rt->schema->attrs[i];
        code = fn(&path, ctx);
    }
    for (size_t e = 0; e < rt->nextensions && code == ERR_OK; e++) {
        path.extension = rt->extensions[e].schema;
        for (size_t i = 0; i < path.extension->nattrs && code == ERR_OK; i++) {
            path.attr = &path.extension->attrs[i];
            code = fn(&path, ctx);
        }
    }
    return code;
}

static json_t *value_at(const json_t *doc, const struct attr_path *path) {
    const json_t *object = path->extension != NULL ? json_object_get(doc, path->extension->id) : doc;
    return json_object_get(object, path->attr->name);
}

static void put_at(json_t *doc, const struct attr_path *path, json_t *value) {
    json_t *object = doc;
    if (path->extension != NULL) {
        object = json_object_get(doc, path->extension->id);
        if (object == NULL) {
            object = json_object();
            jsonx_put(doc, path->extension->id, object);
        }
    }
    jsonx_put(object, path->attr->name, value);
}

struct replacement {
    const json_t *old;
    json_t *out; /* a copy of what was given */
    struct err *err;
};

static enum err_code replace_attr(const struct attr_path *path, void *ctx) {
    struct replacement *r = ctx;
    bool immutable = path->attr->mutability == ATTR_IMMUTABLE;
    if (!immutable && !path->attr->keep_on_put)
        return ERR_OK;
    const json_t *old = value_at(r->old, path);
    const json_t *given = value_at(r->out, path);
    if (old == NULL)
        return ERR_OK;
    if (given == NULL) {
        put_at(r->out, path, jsonx_copy(old));
    } else if (immutable && !json_equal(old, given)) {
        char text[sizeof(r->err->path)];
        attr_path_text(path, text, sizeof(text));
        return err_set_path(r->err, ERR_MUTABILITY, text, "'%s' cannot be changed once it is set", text);
    }
    return ERR_OK;
}

enum err_code resource_replace(const struct resource_type *rt, const json_t *old, const json_t *given,
                               json_t **out, struct err *err) {
    struct replacement r = {.old = old, .out = jsonx_copy(given), .err = err};
    *out = NULL;
    enum err_code code = each_attr(rt, replace_attr, &r);
    if (code != ERR_OK) {
        json_decref(r.out);
        return code;
    }
    resource_tidy(rt, r.out);
    *out = r.out;
    return ERR_OK;
}

struct difference {
    const json_t *before, *after;
    struct arena *arena;
    struct resource_change *rows;
    size_t n, cap;
};

static void add_change(struct difference *d, const struct attr_path *path, json_t *from, json_t *to) {
    if (from == to || (from != NULL && to != NULL && json_equal(from, to)))
        return;
    if (d->n == d->cap) {
        size_t cap = d->cap > 0 ? d->cap * 2 : 8;
        struct resource_change *rows = arena_alloc(d->arena, cap * sizeof(*rows));
        if (d->n > 0)
            memcpy(rows, d->rows, d->n * sizeof(*rows));
        d->rows = rows;
        d->cap = cap;
    }
    struct resource_change *row = &d->rows[d->n++];
    char text[256];
    row->path = arena_strdup(d->arena, attr_path_text(path, text, sizeof(text)));
    row->op = from == NULL ? "add" : to == NULL ? "remove" : "replace";
    row->from = from;
    row->to = to;
}

static enum err_code diff_attr(const struct attr_path *path, void *ctx) {
    struct difference *d = ctx;
    const struct attr *a = path->attr;
    json_t *from = value_at(d->before, path);
    json_t *to = value_at(d->after, path);
    if (from == NULL && to == NULL)
        return ERR_OK;
    if (a->type != ATTR_COMPLEX || a->multi) {
        add_change(d, path, from, to);
        return ERR_OK;
    }
    for (size_t i = 0; i < a->nsubs; i++) {
        struct attr_path at = *path;
        at.sub = &a->subs[i];
        add_change(d, &at, json_object_get(from, at.sub->name), json_object_get(to, at.sub->name));
    }
    return ERR_OK;
}

size_t resource_diff(const struct resource_type *rt, const json_t *before, const json_t *after,
                     struct arena *a, struct resource_change **rows) {
    struct difference d = {.before = before, .after = after, .arena = a};
    (void)each_attr(rt, diff_attr, &d);
    *rows = d.rows;
    return d.n;
}
