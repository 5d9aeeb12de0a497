/* PUT, and the differences between two documents. */
#include "schemas/resource/resource.h"

#include "schemas/resource/value.h"
#include "schemas/text/jsonx.h"
#include "schemas/types/attr_path.h"

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

/* PUT */

struct replacement {
    const json_t *old;
    const json_t *cleared;
    json_t *out; /* a copy of what was given */
    struct err *err;
};

static enum err_code refuse_change(const struct replacement *r, const struct attr_path *path) {
    return attr_path_refuse(path, ERR_MUTABILITY, "cannot be changed once it is set", r->err);
}

static bool is_cleared(const struct replacement *r, const struct attr_path *path) {
    char text[ATTR_PATH_SIZE];
    attr_path_text(path, text, sizeof(text));
    for (size_t i = 0; i < json_array_size(r->cleared); i++)
        if (strcmp(json_string_value(json_array_get(r->cleared, i)), text) == 0)
            return true;
    return false;
}

/* Decides about one value, of the attribute or of a part of it (path->sub). *kept: the old value that the new
 * document must have instead, borrowed; NULL: the given value stays. */
static enum err_code judge_replacement(const struct replacement *r, const struct attr_path *path,
                                       const json_t *old, const json_t *given, const json_t **kept) {
    const struct attr *a = attr_path_target(path);
    bool immutable = a->mutability == ATTR_IMMUTABLE;
    *kept = NULL;
    if (old == NULL || (!immutable && !a->keep_on_put))
        return ERR_OK;
    if (given != NULL && immutable && !value_same(old, given))
        return refuse_change(r, path);
    if (given != NULL && !immutable)
        return ERR_OK;
    if (given != NULL || !is_cleared(r, path))
        *kept = old;
    else if (immutable)
        return refuse_change(r, path);
    return ERR_OK;
}

static bool has_kept_parts(const struct attr *a) {
    for (size_t i = 0; i < a->nsubs; i++)
        if (a->subs[i].mutability == ATTR_IMMUTABLE || a->subs[i].keep_on_put)
            return true;
    return false;
}

/* A complex value, or an element of a list, that replaces `old`. */
static enum err_code keep_parts(const struct replacement *r, const struct attr_path *path, const json_t *old,
                                json_t *given) {
    for (size_t i = 0; i < path->attr->nsubs; i++) {
        struct attr_path at = *path;
        const json_t *kept;
        at.sub = &path->attr->subs[i];
        enum err_code code = judge_replacement(r, &at, json_object_get(old, at.sub->name),
                                               json_object_get(given, at.sub->name), &kept);
        if (code != ERR_OK)
            return code;
        if (kept != NULL)
            jsonx_put(given, at.sub->name, jsonx_copy(kept));
    }
    return ERR_OK;
}

struct element_replacement {
    const struct replacement *r;
    const struct attr_path *path;
};

static enum err_code keep_element(const json_t *before, json_t *element, void *ctx) {
    const struct element_replacement *e = ctx;
    return keep_parts(e->r, e->path, before, element);
}

static enum err_code replace_parts(const struct replacement *r, const struct attr_path *path,
                                   const json_t *old, json_t *given) {
    /* Elements may be added and removed. An element that stays keeps its parts that cannot be changed or read
     * back. */
    if (path->attr->multi)
        return value_each_same(old, given, keep_element, &(struct element_replacement){r, path});
    if (given != NULL)
        return keep_parts(r, path, old, given);
    json_t *left = json_object(); /* what is immutable in it stays */
    for (size_t i = 0; i < path->attr->nsubs; i++) {
        const struct attr *sub = &path->attr->subs[i];
        json_t *value = json_object_get(old, sub->name);
        if (sub->mutability == ATTR_IMMUTABLE && value != NULL)
            jsonx_put(left, sub->name, jsonx_copy(value));
    }
    put_at(r->out, path, left); /* tidied away if empty */
    return ERR_OK;
}

static enum err_code replace_attr(const struct attr_path *path, void *ctx) {
    const struct replacement *r = ctx;
    const json_t *old = value_at(r->old, path), *kept;
    json_t *given = value_at(r->out, path);
    enum err_code code = judge_replacement(r, path, old, given, &kept);
    if (code != ERR_OK)
        return code;
    if (kept != NULL)
        put_at(r->out, path, jsonx_copy(kept));
    else if (old != NULL && has_kept_parts(path->attr))
        return replace_parts(r, path, old, given);
    return ERR_OK;
}

enum err_code resource_replace(const struct resource_type *rt, const json_t *old, const json_t *given,
                               const json_t *cleared, json_t **out, struct err *err) {
    struct replacement r = {.old = old, .cleared = cleared, .out = jsonx_copy(given), .err = err};
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

/* What differs */

struct difference {
    const json_t *before, *after;
    struct arena *arena;
    struct resource_change *rows;
    size_t n, cap;
};

static void decref(void *value) {
    json_decref(value);
}

/* The value as readers may see it: NULL for a secret, a copy without the secret parts where there are any. */
static json_t *public_value(struct difference *d, const struct attr_path *path, json_t *value) {
    bool parts = false;
    if (value == NULL || attr_is_secret(path->attr) || attr_is_secret(attr_path_target(path)))
        return NULL;
    for (size_t i = 0; path->sub == NULL && i < path->attr->nsubs; i++)
        parts = parts || attr_is_secret(&path->attr->subs[i]);
    if (!parts)
        return value;
    json_t *copy = jsonx_copy(value);
    value_hide_secrets(path->attr, copy);
    arena_defer(d->arena, decref, copy);
    return copy;
}

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
    char text[ATTR_PATH_SIZE];
    row->path = arena_strdup(d->arena, attr_path_text(path, text, sizeof(text)));
    row->op = from == NULL ? "add" : to == NULL ? "remove" : "replace";
    row->from = public_value(d, path, from);
    row->to = public_value(d, path, to);
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

static enum err_code hide_attr(const struct attr_path *path, void *ctx) {
    json_t *doc = ctx;
    json_t *object = path->extension != NULL ? json_object_get(doc, path->extension->id) : doc;
    json_t *value = json_object_get(object, path->attr->name);
    if (value != NULL && attr_is_secret(path->attr))
        json_object_del(object, path->attr->name);
    else if (value != NULL)
        value_hide_secrets(path->attr, value);
    return ERR_OK;
}

json_t *resource_public(const struct resource_type *rt, const json_t *doc) {
    json_t *copy = jsonx_copy(doc);
    (void)each_attr(rt, hide_attr, copy);
    resource_tidy(rt, copy);
    return copy;
}
