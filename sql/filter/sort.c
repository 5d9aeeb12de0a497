#include "sql/filter/sort.h"

#include "sql/filter/column.h"

#include <string.h>

bool sort_is_text(const struct attr_path *path) {
    switch (attr_path_target(path)->type) {
    case ATTR_BOOLEAN:
    case ATTR_INTEGER:
    case ATTR_DECIMAL:
    case ATTR_DATETIME:
        return false;
    default:
        return true;
    }
}

/* A value as a key: text, or numeric. */
static const char *key_of(struct builder *b, const struct expr *e) {
    struct arena *a = b->params->arena;
    switch (e->form) {
    case EXPR_TEXT:
        return arena_printf(a, "left(%s, %d)", e->sql, SORT_KEY_CHARS);
    case EXPR_UUID:
        return arena_printf(a, "(%s)::text", e->sql);
    case EXPR_LOCATION:
        return arena_printf(a, "left(%s, %d)", expr_location(b, e), SORT_KEY_CHARS);
    case EXPR_BOOL:
        return arena_printf(a, "(%s)::int::numeric", e->sql);
    case EXPR_TIME:
        return arena_printf(a, "micros(%s)::numeric", e->sql);
    case EXPR_MICROS:
    case EXPR_NUMERIC:
    case EXPR_FLOAT:
        break;
    }
    return e->sql;
}

/* Decimals are kept as they stand in the document: as float8 different ones could be the same. */
static struct expr json_value(struct builder *b, const struct attr *leaf, const char *json,
                              const char *name) {
    struct attr exact = *leaf;
    if (name != NULL && leaf->multi) { /* a sub-attribute with several values: the first */
        struct jbuf first = {0};
        jb_printf(&first, "(%s->", json);
        builder_name(&first, name);
        jb_raw(&first, "->0)");
        json = builder_keep(b, &first);
        name = NULL;
    }
    if (exact.type == ATTR_DECIMAL)
        exact.type = ATTR_INTEGER;
    return expr_json(b, &exact, json, name);
}

/* The key of the element that counts. */
static bool put_multi(struct builder *b, const struct attr_path *path) {
    const struct attr_path of = {.extension = path->extension, .attr = path->attr};
    struct expr e;
    b->uses_other = false;
    if (of.attr->apart) {
        const struct column_refs *refs = column_refs(b->rt);
        if (!column_ref(b, path->sub, &e))
            return false;
        const char *key = key_of(b, &e);
        SQL_FILL(b->out, sql_part_filter_first_member, {"key", key}, {"rows", column_elements(b, &of)},
                 {"id", refs->id});
        return true;
    }
    const char *json = column_search(b, &of);
    e = json_value(b, attr_path_target(path), "e.v", path->sub != NULL ? path->sub->name : NULL);
    SQL_FILL(b->out, path->sub != NULL ? sql_part_filter_primary_element : sql_part_filter_first_element,
             {"key", key_of(b, &e)}, {"json", json});
    return true;
}

static bool put_single(struct builder *b, const struct attr_path *path) {
    struct expr e;
    if (!column_of(b, path, &e)) {
        if (column_is_meta(path))
            return false;
        struct attr_path whole = {.extension = path->extension,
                                  .attr = path->sub != NULL ? path->attr : NULL};
        const struct attr *leaf = attr_path_target(path);
        e = json_value(b, leaf, column_search(b, &whole), leaf->name);
    }
    jb_raw(b->out, key_of(b, &e));
    return true;
}

enum err_code sort_key(const struct resource_type *rt, const struct attr_path *path, bool as_text,
                       struct jbuf *out, struct sql_params *params, struct err *err) {
    struct builder b = {.rt = rt, .out = out, .params = params, .err = err};
    bool text = sort_is_text(path);
    jb_raw(out, "(");
    bool said = path->attr->multi ? put_multi(&b, path) : put_single(&b, path);
    jb_raw(out, text ? " COLLATE \"C\")" : as_text ? "::text COLLATE \"C\")" : ")");
    if (said)
        return ERR_OK;
    char name[sizeof err->path];
    attr_path_text(path, name, sizeof name);
    return err_set_path(err, ERR_INVALID_VALUE, "sortBy", "'%s' cannot be sorted by", name);
}
