/* Makes a document of a POST or PUT body: rules C1, C2, C5, S1 to S8, and rule 0.13 (unknown attributes are
 * ignored, and what usher sets is not taken from the client). */
#include "schemas/resource/body.h"
#include "schemas/resource/resource.h"
#include "schemas/resource/value.h"
#include "schemas/text/jsonx.h"

#include <stdbool.h>
#include <string.h>

struct normaliser {
    const struct resource_type *rt;
    json_t *doc;
    json_t *cleared; /* paths; NULL while there are none */
    json_t *members; /* ids, where the body has the attribute whose values are rows apart */
    struct err *err;
};

/* Notes that an attribute which a PUT would keep is named without a value, so that it is cleared. Not for
 * `active`, which always has a value: a missing value must not reactivate anybody. Not for an empty string in
 * the place of a boolean: some clients send that for "unknown". */
static void note_cleared(struct normaliser *n, const struct attr_path *path, const json_t *given) {
    const struct attr *a = attr_path_target(path);
    char text[ATTR_PATH_SIZE];
    if ((!a->keep_on_put && a->mutability != ATTR_IMMUTABLE) || a->default_true)
        return;
    if (a->type == ATTR_BOOLEAN && json_is_string(given))
        return;
    if (n->cleared == NULL)
        n->cleared = json_array();
    attr_path_text(path, text, sizeof(text));
    jsonx_push(n->cleared, jsonx_string(text, strlen(text)));
}

/* The parts of a complex value that are named without a value. */
static void note_cleared_parts(struct normaliser *n, const struct attr_path *path, const json_t *given,
                               const json_t *value) {
    const char *name;
    json_t *part;
    if (path->attr->multi)
        return;
    json_object_foreach((json_t *)given, name, part) {
        struct attr_path at = *path;
        at.sub = attr_sub(path->attr, name, strlen(name));
        if (at.sub != NULL && json_object_get(value, at.sub->name) == NULL)
            note_cleared(n, &at, part);
    }
}

/* Takes one attribute's value into `into` (the document, or an extension's object). */
static enum err_code take_value(struct normaliser *n, const struct attr_path *path, const json_t *given,
                                json_t *into) {
    const struct attr *a = path->attr;
    json_t *value = NULL;
    if (a->mutability == ATTR_READ_ONLY)
        return ERR_OK;
    if (a->apart)
        return value_member_ids(path, json_is_null(given) ? NULL : given, &n->members, n->err);
    enum err_code code = value_normalise(path, given, &value, n->err);
    if (code != ERR_OK)
        return code;
    note_cleared_parts(n, path, given, value);
    if (value == NULL)
        note_cleared(n, path, given);
    else if (a->dropped)
        json_decref(value);
    else
        jsonx_put(into, a->name, value);
    return ERR_OK;
}

static enum err_code take_extension(struct normaliser *n, const struct schema *extension,
                                    const json_t *given) {
    struct attr_path path = {.extension = extension};
    enum err_code code = ERR_OK;
    const char *name;
    json_t *value;
    given = body_unlist(given);
    if (json_is_null(given) || (json_is_array(given) && json_array_size(given) == 0))
        return ERR_OK;
    if (!json_is_object(given))
        return err_set_path(n->err, ERR_INVALID_VALUE, extension->id, "'%s' must be an object",
                            extension->id);
    json_t *object = json_object();
    json_object_foreach((json_t *)given, name, value) {
        path.attr = schema_attr(extension, name, strlen(name));
        if (path.attr != NULL && code == ERR_OK)
            code = take_value(n, &path, value, object);
    }
    jsonx_put(n->doc, extension->id, object); /* tidied away if empty */
    return code;
}

static enum err_code take_member(struct normaliser *n, const char *name, const json_t *given) {
    struct attr_path path = {0};
    size_t len = strlen(name);
    const struct schema *extension = resource_type_extension(n->rt, name, len);
    if (extension != NULL)
        return take_extension(n, extension, given);
    path.attr = schema_attr(n->rt->schema, name, len);
    if (path.attr == NULL)
        path.attr = common_attr(name, len);
    if (path.attr == NULL || strcmp(path.attr->name, "schemas") == 0)
        return ERR_OK;
    return take_value(n, &path, given, n->doc);
}

static enum err_code check_required(const struct schema *s, const struct schema *extension,
                                    const json_t *object, struct err *err) {
    for (size_t i = 0; i < s->nattrs; i++) {
        const struct attr *a = &s->attrs[i];
        if (!a->required || a->apart || a->mutability == ATTR_READ_ONLY || a->dropped ||
            json_object_get(object, a->name) != NULL)
            continue;
        const struct attr_path path = {.extension = extension, .attr = a};
        return attr_path_refuse(&path, ERR_INVALID_VALUE, "is required", err);
    }
    return ERR_OK;
}

/* An extension's required attributes are due where the extension is used, or is required itself. */
static enum err_code check_all_required(const struct normaliser *n) {
    enum err_code code = check_required(n->rt->schema, NULL, n->doc, n->err);
    for (size_t i = 0; i < n->rt->nextensions && code == ERR_OK; i++) {
        const struct schema *extension = n->rt->extensions[i].schema;
        const json_t *object = json_object_get(n->doc, extension->id);
        if (object == NULL && n->rt->extensions[i].required)
            return err_set_path(n->err, ERR_INVALID_VALUE, extension->id, "'%s' is required", extension->id);
        if (object != NULL)
            code = check_required(extension, extension, object, n->err);
    }
    return code;
}

enum err_code resource_normalise(const struct resource_type *rt, enum dialect dialect, const json_t *body,
                                 json_t **doc, json_t **members, json_t **cleared, struct err *err) {
    struct normaliser n = {.rt = rt, .err = err};
    const char *name;
    json_t *value;
    /* Every deviation that a body may show is taken from all dialects (ops/DESIGN.md, "Decided points"). */
    (void)dialect;
    *doc = NULL;
    *members = NULL;
    if (cleared != NULL)
        *cleared = NULL;
    if (!json_is_object(body))
        return err_set(err, ERR_INVALID_SYNTAX, "A resource must be a JSON object");
    enum err_code code = body_check_schemas(body, rt->schema->id, err);
    if (code != ERR_OK)
        return code;

    n.doc = json_object();
    jsonx_put(n.doc, "schemas", json_array()); /* first of all members; filled by resource_tidy */
    json_object_foreach((json_t *)body, name, value) {
        if (code == ERR_OK)
            code = take_member(&n, name, value);
    }
    if (code == ERR_OK) {
        resource_tidy(rt, n.doc);
        code = check_all_required(&n);
    }
    if (code != ERR_OK) {
        json_decref(n.doc);
        json_decref(n.members);
        json_decref(n.cleared);
        return code;
    }
    if (cleared != NULL)
        *cleared = n.cleared;
    else
        json_decref(n.cleared);
    *doc = n.doc;
    *members = n.members;
    return ERR_OK;
}
