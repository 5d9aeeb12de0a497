/* Shared by the readers of schema-dir: members of an object, and refusals that name file and place. */
#include "schemas/types/schema_load_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum err_code loader_refuse(struct loader *l, const char *where, const char *fmt, ...) {
    char what[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    return err_set_path(l->err, ERR_CONFIG, where, "%s: %s%s%s", l->file, where, *where != '\0' ? ": " : "",
                        what);
}

enum err_code loader_members(struct loader *l, const char *where, const json_t *object,
                             const char *const *names) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        size_t i = 0;
        while (names[i] != NULL && strcmp(names[i], key) != 0)
            i++;
        if (names[i] == NULL)
            return loader_refuse(l, where, "unknown member '%.60s'", key);
    }
    return ERR_OK;
}

const json_t *loader_member(const json_t *object, const char *name) {
    const json_t *value = json_object_get(object, name);
    return json_is_null(value) ? NULL : value;
}

enum err_code loader_text(struct loader *l, const char *where, const json_t *object, const char *name,
                          bool required, const char **out) {
    if (!json_is_object(object))
        return loader_refuse(l, where, "must be an object");
    const json_t *value = loader_member(object, name);
    if (value == NULL && !required)
        return ERR_OK;
    if (value == NULL)
        return loader_refuse(l, where, "'%s' is missing", name);
    if (!json_is_string(value) || json_string_length(value) == 0)
        return loader_refuse(l, where, "'%s' must be a string that is not empty", name);
    *out = arena_strdup(l->arena, json_string_value(value));
    return ERR_OK;
}

enum err_code loader_description(struct loader *l, const char *where, const json_t *object,
                                 const char **out) {
    const json_t *value = loader_member(object, "description");
    if (json_is_string(value) && json_string_length(value) == 0)
        return ERR_OK;
    return loader_text(l, where, object, "description", false, out);
}

enum err_code loader_bool(struct loader *l, const char *where, const json_t *object, const char *name,
                          bool *out) {
    const json_t *value = loader_member(object, name);
    if (value == NULL)
        return ERR_OK;
    if (!json_is_boolean(value))
        return loader_refuse(l, where, "'%s' must be true or false", name);
    *out = json_is_true(value);
    return ERR_OK;
}

enum err_code loader_list(struct loader *l, const char *where, const json_t *object, const char *name,
                          const json_t **out) {
    *out = loader_member(object, name);
    if (*out != NULL && !json_is_array(*out))
        return loader_refuse(l, where, "'%s' must be an array", name);
    return ERR_OK;
}

const struct schema *loader_schema(const struct loader *l, const char *urn) {
    for (size_t i = 0; i < l->nschemas; i++)
        if (strcasecmp(l->schemas[i]->id, urn) == 0)
            return l->schemas[i];
    return schema_by_urn(urn);
}
