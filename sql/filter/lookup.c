#include "sql/filter/lookup.h"

#include "ops/runtime/id.h"
#include "schemas/resource/resource_keys.h"
#include "sql/filter/column.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The value as resource_key writes it; NULL where its text is not the one that the store would have. */
static const char *key_text(struct builder *b, const struct filter *f, const struct attr *leaf) {
    const struct filter_value *v = &f->value;
    switch (v->type) {
    case FILTER_STRING:
        return leaf->case_exact ? v->text : v->folded;
    case FILTER_BOOL:
        return v->boolean ? "true" : "false";
    case FILTER_TIME:
        return arena_printf(b->params->arena, "%" PRId64, v->time_us);
    case FILTER_NUMBER:
        break;
    }
    const char *digits = v->text + (v->text[0] == '-');
    bool plain = leaf->type == ATTR_INTEGER && strspn(digits, "0123456789") == strlen(digits) &&
                 strcmp(v->text, "-0") != 0;
    return plain ? v->text : NULL;
}

/* The condition in f, or among those of a value path that must all hold, that an index can answer: its path
 * is *path. */
static const struct filter *seek(const struct filter *f, const struct attr_path *of, struct attr_path *path) {
    if (f->kind == FILTER_AND) {
        const struct filter *left = seek(f->left, of, path);
        return left != NULL ? left : seek(f->right, of, path);
    }
    if (f->kind != FILTER_COMPARE || f->op != FILTER_EQ)
        return NULL;
    *path = f->path;
    if (of != NULL) {
        *path = *of;
        path->sub = f->path.attr != of->attr ? f->path.attr : NULL;
    }
    if (path->attr->apart)
        return path->sub != NULL && strcmp(path->sub->name, "value") == 0 ? f : NULL;
    return attr_is_keyed(path) ? f : NULL;
}

static const char *by_key(struct builder *b, const struct filter *f, const struct attr_path *path) {
    char text[ATTR_PATH_SIZE];
    const char *key = key_text(b, f, attr_path_target(path));
    if (key == NULL)
        return NULL;
    attr_path_text(path, text, sizeof text);
    const char *type = sql_params_ref(b->params, b->rt->name, "text");
    const char *name = sql_params_ref(b->params, arena_strdup(b->params->arena, text), "text");
    return BUILDER_PART(b, sql_part_filter_by_key, {"type", type}, {"path", name},
                        {"key", sql_params_ref(b->params, key, "text")});
}

static const char *by_member(struct builder *b, const struct filter *f) {
    const struct column_refs *refs = column_refs(b->rt);
    struct uuid id;
    if (!uuid_parse(f->value.text, &id) || strcmp(id.s, f->value.text) != 0)
        return NULL; /* equals none: the exact condition says so without a look */
    return BUILDER_PART(b, sql_part_filter_by_member, {"own", refs->own}, {"id", refs->id},
                        {"value", sql_params_ref(b->params, f->value.text, "uuid")});
}

const char *lookup_member(const struct filter *f) {
    struct attr_path path;
    struct uuid id;
    if (f->kind != FILTER_COMPARE || seek(f, NULL, &path) == NULL || !path.attr->apart)
        return NULL;
    return uuid_parse(f->value.text, &id) && strcmp(id.s, f->value.text) == 0 ? f->value.text : NULL;
}

const char *lookup_user_name(const struct resource_type *rt, const struct filter *f) {
    if (rt->kind != RESOURCE_USER || f->kind != FILTER_COMPARE || f->op != FILTER_EQ ||
        f->value.type != FILTER_STRING)
        return NULL;
    bool own = f->path.extension == NULL && f->path.sub == NULL && f->path.attr != NULL;
    return own && strcmp(f->path.attr->name, "userName") == 0 ? f->value.folded : NULL;
}

/* An indexed column of r; meta.location is the id. */
static bool has_column(const struct attr_path *path) {
    return attr_path_target(path)->column ||
           (path->sub != NULL && column_is_meta(path) && strcmp(path->sub->name, "location") == 0);
}

bool lookup_finds(const struct filter *f) {
    struct attr_path path;
    switch (f->kind) {
    case FILTER_AND:
        return lookup_finds(f->left) || lookup_finds(f->right);
    case FILTER_OR:
        return lookup_finds(f->left) && lookup_finds(f->right);
    case FILTER_COMPARE:
        return f->op == FILTER_EQ && (has_column(&f->path) || seek(f, NULL, &path) != NULL);
    case FILTER_VALUE_PATH:
        return seek(f->left, &f->path, &path) != NULL;
    case FILTER_CONSTANT:
        return !f->value.boolean;
    default:
        return false;
    }
}

const char *lookup_condition(struct builder *b, const struct filter *f) {
    struct attr_path path;
    const struct filter *hit =
        f->kind == FILTER_VALUE_PATH ? seek(f->left, &f->path, &path) : seek(f, NULL, &path);
    if (hit == NULL)
        return NULL;
    return path.attr->apart ? by_member(b, hit) : by_key(b, hit, &path);
}
