#include "schemas/patch/flat.h"

#include "schemas/patch/patch_impl.h"
#include "schemas/resource/body.h"
#include "schemas/text/jsonx.h"

#include <string.h>

struct flattener {
    const struct resource_type *rt;
    enum dialect dialect;
    struct arena *arena;
    json_t *out;            /* a copy of the body, whose parts may be changed */
    const char **ignored;   /* has room for IGNORED_MAX and a NULL */
    size_t nignored, named; /* named: members that were looked up as paths */
    size_t work;            /* elements that were looked at */
    struct err *err;
};

static bool holds_nothing(const json_t *v) {
    return v == NULL || json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0) ||
           (json_is_array(v) && json_array_size(v) == 0) || (json_is_object(v) && json_object_size(v) == 0);
}

/* ---- what nobody knows ---- */

static void note_ignored(struct flattener *f, const char *name, const json_t *value) {
    if (f->nignored == IGNORED_MAX || holds_nothing(value))
        return;
    size_t n = strlen(name);
    if (n > IGNORED_MAX_BYTES)
        n = IGNORED_MAX_BYTES;
    while (n > 0 && ((unsigned char)name[n] & 0xC0) == 0x80) /* no half character */
        n--;
    f->ignored[f->nignored++] = arena_strndup(f->arena, name, n);
}

/* ---- values in their places ---- */

/* The member's own spelling of `name`, so that no second one comes beside it. */
static const char *spelling_in(json_t *object, const char *name) {
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) {
        if (strcasecmp(key, name) == 0)
            return key;
    }
    return name;
}

static enum err_code put_once(struct flattener *f, const struct attr_path *at, json_t *object,
                              const char *name, json_t *value) {
    const char *key = spelling_in(object, name);
    const json_t *old = json_object_get(object, key);
    if (old != NULL && !json_equal((json_t *)old, value))
        return attr_path_refuse(at, ERR_INVALID_SYNTAX, "is given twice, with two values", f->err);
    if (old == NULL)
        jsonx_put(object, key, jsonx_copy(value));
    return ERR_OK;
}

/* The object that stands under a name, made where there is none. NULL: something else stands there. */
static json_t *object_under(json_t *parent, const char *name) {
    const char *key = spelling_in(parent, name);
    json_t *object = (json_t *)body_unlist(json_object_get(parent, key));
    if (holds_nothing(object)) {
        jsonx_put(parent, key, object = json_object());
        return object;
    }
    return json_is_object(object) ? object : NULL;
}

/* The list that stands under a name; a single value becomes one. */
static json_t *list_under(json_t *parent, const char *name) {
    const char *key = spelling_in(parent, name);
    json_t *old = json_object_get(parent, key);
    if (json_is_array(old))
        return old;
    json_t *list = json_array();
    if (!holds_nothing(old))
        jsonx_push(list, json_incref(old));
    jsonx_put(parent, key, list);
    return list;
}

static bool has_parts(const json_t *element, json_t *parts) {
    const char *name;
    json_t *part;
    json_object_foreach(parts, name, part) {
        json_t *own = body_member(element, name);
        if (own == NULL || !json_equal(own, part))
            return false;
    }
    return true;
}

/* Into one element: at its part, or part by part. */
static enum err_code put_into(struct flattener *f, const struct patch_path *path, json_t *element,
                              json_t *value) {
    enum err_code code = ERR_OK;
    const char *name;
    json_t *part;
    if (path->at.sub != NULL)
        return put_once(f, &path->at, element, path->at.sub->name, value);
    if (!json_is_object(value))
        return put_once(f, &path->at, element, "value", value);
    json_object_foreach(value, name, part) {
        if (code == ERR_OK)
            code = put_once(f, &path->at, element, name, part);
    }
    return code;
}

static enum err_code put_element(struct flattener *f, const struct patch_path *path, json_t *list,
                                 json_t *value) {
    json_t *parts = json_object();
    enum err_code code = ERR_OK;
    size_t met = 0;
    if (path->filter != NULL)
        patch_take_equalities(path->filter, parts);
    for (size_t i = 0; i < json_array_size(list) && code == ERR_OK; i++) {
        json_t *element = json_array_get(list, i);
        if (json_is_object(element) && has_parts(element, parts)) {
            met++;
            code = put_into(f, path, element, value);
        }
    }
    if (code == ERR_OK && met == 0) {
        code = put_into(f, path, parts, value);
        if (code == ERR_OK && path->filter != NULL && !filter_match_element(path->filter, parts))
            code = attr_path_refuse(&path->at, ERR_NO_TARGET, "has no value that the path's filter matches",
                                    f->err);
        if (code == ERR_OK)
            jsonx_push(list, json_incref(parts));
    }
    json_decref(parts);
    return code;
}

static enum err_code put_value(struct flattener *f, const struct patch_path *path, json_t *value) {
    const struct attr_path *at = &path->at;
    json_t *container = at->extension != NULL ? object_under(f->out, at->extension->id) : f->out;
    if (container == NULL) /* what stands there is refused when it is normalised */
        return ERR_OK;
    if (path->filter == NULL && at->sub == NULL)
        return put_once(f, at, container, at->attr->name, value);
    if (!at->attr->multi) {
        json_t *object = object_under(container, at->attr->name);
        return object != NULL
                   ? put_once(f, at, object, at->sub->name, value)
                   : attr_path_refuse(at, ERR_INVALID_SYNTAX, "is given twice, with two values", f->err);
    }
    if (holds_nothing(value))
        return ERR_OK;
    if (at->attr->type != ATTR_COMPLEX)
        return attr_path_refuse(at, ERR_NO_TARGET, "has no value that the path's filter matches", f->err);
    json_t *list = list_under(container, at->attr->name);
    f->work += json_array_size(list);
    if (f->work > PATCH_MAX_WORK)
        return err_set(f->err, ERR_TOO_MANY, "The members that are paths look at more than %d values",
                       PATCH_MAX_WORK);
    return put_element(f, path, list, value);
}

/* ---- members ---- */

/* A member that is no attribute by its name alone: of the body, or of an extension's object. */
static enum err_code resolve_member(struct flattener *f, const struct schema *extension, const char *name,
                                    json_t *value) {
    struct patch_path path;
    struct err ignored = {0};
    const char *text = extension != NULL ? arena_printf(f->arena, "%s:%s", extension->id, name) : name;
    if (++f->named > FLAT_MAX)
        return err_set(f->err, ERR_TOO_MANY, "More than %d members are no attributes", FLAT_MAX);
    if (patch_path_parse(f->rt, f->dialect, text, strlen(text), f->arena, &path, &ignored) == ERR_OK &&
        path.at.attr != NULL)
        return put_value(f, &path, value);
    note_ignored(f, text, value);
    return ERR_OK;
}

static bool is_known(const struct flattener *f, const char *name) {
    size_t len = strlen(name);
    return schema_attr(f->rt->schema, name, len) != NULL || common_attr(name, len) != NULL ||
           resource_type_extension(f->rt, name, len) != NULL;
}

static bool is_flat_free(const struct flattener *f, const json_t *body) {
    const char *name, *inner;
    json_t *value, *part;
    json_object_foreach((json_t *)body, name, value) {
        const struct schema *extension = resource_type_extension(f->rt, name, strlen(name));
        if (extension == NULL && !is_known(f, name))
            return false;
        json_object_foreach((json_t *)(extension != NULL ? body_unlist(value) : NULL), inner, part) {
            if (schema_attr(extension, inner, strlen(inner)) == NULL)
                return false;
        }
    }
    return true;
}

/* The names come from the body and the values go into the copy, which therefore may change under way. */
static enum err_code resolve_members(struct flattener *f, const struct schema *extension,
                                     const json_t *from) {
    enum err_code code = ERR_OK;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)from, name, value) {
        const struct schema *inner =
            extension == NULL ? resource_type_extension(f->rt, name, strlen(name)) : NULL;
        if (code != ERR_OK)
            break;
        if (inner != NULL)
            code = resolve_members(f, inner, body_unlist(value));
        else if (extension != NULL ? schema_attr(extension, name, strlen(name)) == NULL : !is_known(f, name))
            code = resolve_member(f, extension, name, value);
    }
    return code;
}

enum err_code flat_body(const struct resource_type *rt, enum dialect dialect, const json_t *body,
                        struct arena *a, json_t **out, const char *const **ignored, struct err *err) {
    struct flattener f = {.rt = rt, .dialect = dialect, .arena = a, .err = err};
    *ignored = NULL;
    *out = NULL;
    if (is_flat_free(&f, body)) {
        *out = json_incref((json_t *)body);
        return ERR_OK;
    }
    f.ignored = arena_alloc(a, (IGNORED_MAX + 1) * sizeof *f.ignored);
    f.out = jsonx_copy(body);
    enum err_code code = resolve_members(&f, NULL, body);
    if (code != ERR_OK) {
        json_decref(f.out);
        return code;
    }
    f.ignored[f.nignored] = NULL;
    *ignored = f.nignored > 0 ? f.ignored : NULL;
    *out = f.out;
    return ERR_OK;
}
