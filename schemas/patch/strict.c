#include "schemas/patch/strict.h"

#include "ops/runtime/arena.h"
#include "schemas/patch/patch.h"
#include "schemas/patch/patch_path.h"
#include "schemas/resource/body.h"

#include <string.h>
#include <strings.h>

static enum err_code refuse_unknown(const char *name, struct err *err) {
    return err_set_path(err, ERR_INVALID_SYNTAX, name, "'%.150s' is no attribute; this workspace is strict",
                        name);
}

static enum err_code refuse_form(const char *name, const char *due, const char *given, struct err *err) {
    return err_set_path(err, ERR_INVALID_VALUE, name, "'%.150s' must be %s, not %s; this workspace is strict",
                        name, due, given);
}

static enum err_code check_value(const struct attr *a, const json_t *value, struct err *err);

/* A single value, or an element of a list. */
static enum err_code check_single(const struct attr *a, const json_t *value, struct err *err) {
    const char *name;
    json_t *part;
    enum err_code code = ERR_OK;
    if (a->type == ATTR_BOOLEAN && json_is_string(value))
        return refuse_form(a->name, "true or false", "a text", err);
    if ((a->type == ATTR_INTEGER || a->type == ATTR_DECIMAL) && json_is_string(value))
        return refuse_form(a->name, "a number", "a text", err);
    if (a->type != ATTR_COMPLEX || !json_is_object(value))
        return ERR_OK;
    json_object_foreach((json_t *)value, name, part) {
        const struct attr *sub = attr_sub(a, name, strlen(name));
        code = sub != NULL ? check_value(sub, part, err) : refuse_unknown(name, err);
        if (code != ERR_OK)
            break;
    }
    return code;
}

static enum err_code check_value(const struct attr *a, const json_t *value, struct err *err) {
    enum err_code code = ERR_OK;
    if (a->mutability == ATTR_READ_ONLY) /* usher sets it, so the given value does not matter */
        return ERR_OK;
    if (!json_is_array(value))
        return check_single(a, value, err);
    if (!a->multi && json_array_size(value) > 0)
        return refuse_form(a->name, "a single value", "a list", err);
    for (size_t i = 0; i < json_array_size(value) && code == ERR_OK; i++)
        code = check_single(a, json_array_get(value, i), err);
    return code;
}

static enum err_code check_extension(const struct schema *s, const json_t *object, struct err *err) {
    const char *name;
    json_t *value;
    if (json_is_array(object) && json_array_size(object) > 0)
        return refuse_form(s->id, "an object", "a list", err);
    if (!json_is_object(object)) /* checked when it is normalised */
        return ERR_OK;
    json_object_foreach((json_t *)object, name, value) {
        const struct attr *a = schema_attr(s, name, strlen(name));
        enum err_code code = a != NULL ? check_value(a, value, err) : refuse_unknown(name, err);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

/* `schemas` names URNs of the type alone (clause IO07). */
static enum err_code check_schemas(const struct resource_type *rt, const json_t *value, struct err *err) {
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *urn = json_string_value(json_array_get(value, i));
        if (urn != NULL && strcasecmp(urn, rt->schema->id) != 0 &&
            resource_type_extension(rt, urn, strlen(urn)) == NULL)
            return err_set_path(err, ERR_INVALID_SYNTAX, "schemas",
                                "'%.150s' is no schema of this resource type", urn);
    }
    return ERR_OK;
}

static enum err_code check_declared(enum strictness s, const struct resource_type *rt, const struct attr *a,
                                    const json_t *value, struct err *err) {
    if (s == STRICTNESS_INTEROP && strcmp(a->name, "schemas") == 0 && check_schemas(rt, value, err) != ERR_OK)
        return err->code;
    return check_value(a, value, err);
}

enum err_code strict_body(enum strictness s, const struct resource_type *rt, const json_t *body,
                          struct err *err) {
    const char *name;
    json_t *value;
    if (s == STRICTNESS_STANDARD)
        return ERR_OK;
    json_object_foreach((json_t *)body, name, value) {
        size_t len = strlen(name);
        const struct schema *extension = resource_type_extension(rt, name, len);
        const struct attr *a = schema_attr(rt->schema, name, len);
        enum err_code code;
        if (a == NULL)
            a = common_attr(name, len);
        if (extension != NULL)
            code = check_extension(extension, value, err);
        else
            code = a != NULL ? check_declared(s, rt, a, value, err) : refuse_unknown(name, err);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

enum err_code strict_passwords(const struct resource_type *rt, const json_t *body, struct err *err) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)body, name, value) {
        const struct attr *a = schema_attr(rt->schema, name, strlen(name));
        if (a != NULL && a->dropped)
            return err_set_path(err, ERR_INVALID_SYNTAX, a->name, "'%s' is no attribute in this workspace",
                                a->name);
    }
    return ERR_OK;
}

/* ---- PATCH ---- */

/* Is the path well formed, and names something that the type does not have? */
static bool names_nothing(const struct resource_type *rt, const char *text, size_t len) {
    const char *bracket = memchr(text, '[', len), *close = memrchr(text, ']', len);
    size_t open = bracket != NULL ? (size_t)(bracket - text) : len;
    struct attr_path at;
    struct err ignored = {0};
    if (attr_path_resolve(rt, text, open, ERR_INVALID_PATH, &at, &ignored) != ERR_OK)
        return attr_path_is_formed(text, open) && strcasecmp(text, rt->schema->id) != 0;
    if (at.attr == NULL || close == NULL || close[1] != '.')
        return false;
    const char *sub = close + 2;
    size_t sub_len = len - (size_t)(sub - text);
    return attr_path_is_formed(sub, sub_len) && attr_sub(at.attr, sub, sub_len) == NULL;
}

static bool removes(const json_t *op) {
    const char *name = json_string_value(body_member(op, "op"));
    return name != NULL && strcasecmp(name, patch_op_names[PATCH_REMOVE]) == 0;
}

static enum err_code refuse_pathless(enum strictness s, struct err *err) {
    return err_set(err, s == STRICTNESS_INTEROP ? ERR_INVALID_SYNTAX : ERR_INVALID_PATH,
                   "Each operation needs a \"path\"; this workspace is strict");
}

/* Clauses IO07, IO19. `bad`: the path could not be parsed. */
static enum err_code check_profiled_path(const struct resource_type *rt, const json_t *op, bool bad,
                                         const struct patch_path *at, struct err *err) {
    const json_t *path = body_member(op, "path");
    if (bad)
        return names_nothing(rt, json_string_value(path), json_string_length(path))
                   ? refuse_unknown(json_string_value(path), err)
                   : ERR_OK;
    if (at->filter == NULL || at->at.sub != NULL || removes(op))
        return ERR_OK;
    return attr_path_refuse(&at->at, ERR_INVALID_PATH,
                            "needs a sub-attribute behind the filter; this workspace is strict", err);
}

static enum err_code check_operation(enum strictness s, const struct resource_type *rt, enum dialect dialect,
                                     const json_t *op, struct arena *arena, struct err *err) {
    const json_t *path = body_member(op, "path"), *value = body_member(op, "value");
    struct patch_path at = {0};
    struct err ignored = {0};
    if (json_is_object(op) && (path == NULL || json_is_null(path)))
        return refuse_pathless(s, err);
    if (!json_is_string(path)) /* left to patch_normalise, as all that is wrong below */
        return ERR_OK;
    bool bad = patch_path_parse(rt, dialect, json_string_value(path), json_string_length(path), arena, &at,
                                &ignored) != ERR_OK;
    if (s == STRICTNESS_INTEROP && check_profiled_path(rt, op, bad, &at, err) != ERR_OK)
        return err->code;
    if (bad)
        return ERR_OK;
    if (at.at.attr == NULL)
        return check_extension(at.at.extension, value, err);
    return check_declared(s, rt, attr_path_target(&at.at), value, err);
}

enum err_code strict_patch(enum strictness s, const struct resource_type *rt, enum dialect dialect,
                           const json_t *body, struct err *err) {
    const json_t *operations = json_is_object(body) ? body_member(body, "Operations") : NULL;
    enum err_code code = ERR_OK;
    if (s == STRICTNESS_STANDARD)
        return ERR_OK;
    struct arena *arena = arena_new();
    for (size_t i = 0; i < json_array_size(operations) && code == ERR_OK; i++)
        code = check_operation(s, rt, dialect, json_array_get(operations, i), arena, err);
    arena_free(arena);
    return code;
}
