#include "schemas/patch/strict.h"

#include "ops/runtime/arena.h"
#include "schemas/patch/patch_path.h"
#include "schemas/resource/body.h"

#include <string.h>

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

enum err_code strict_body(const struct resource_type *rt, const json_t *body, struct err *err) {
    const char *name;
    json_t *value;
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
            code = a != NULL ? check_value(a, value, err) : refuse_unknown(name, err);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

static enum err_code check_operation(const struct resource_type *rt, enum dialect dialect, const json_t *op,
                                     struct arena *arena, struct err *err) {
    const json_t *path = body_member(op, "path"), *value = body_member(op, "value");
    struct patch_path at = {0};
    struct err ignored = {0};
    if (json_is_object(op) && (path == NULL || json_is_null(path)))
        return err_set(err, ERR_INVALID_PATH, "Each operation needs a \"path\"; this workspace is strict");
    if (!json_is_string(path) || patch_path_parse(rt, dialect, json_string_value(path),
                                                  json_string_length(path), arena, &at, &ignored) != ERR_OK)
        return ERR_OK;
    if (at.at.attr == NULL)
        return check_extension(at.at.extension, value, err);
    return check_value(attr_path_target(&at.at), value, err);
}

enum err_code strict_patch(const struct resource_type *rt, enum dialect dialect, const json_t *body,
                           struct err *err) {
    const json_t *operations = json_is_object(body) ? body_member(body, "Operations") : NULL;
    struct arena *arena = arena_new();
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < json_array_size(operations) && code == ERR_OK; i++)
        code = check_operation(rt, dialect, json_array_get(operations, i), arena, err);
    arena_free(arena);
    return code;
}
