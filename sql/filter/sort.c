#include "sql/filter/sort.h"

#include "sql/filter/builder.h"

#include <string.h>

bool sort_sql_is_text(const struct attr_path *path) {
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
    case FORM_TEXT:
        return arena_printf(a, "left(%s, %d)", e->sql, SORT_KEY_CHARS);
    case FORM_UUID:
        return arena_printf(a, "(%s)::text", e->sql);
    case FORM_LOCATION:
        return arena_printf(a, "left(%s, %d)", filter_sql_location(b, e), SORT_KEY_CHARS);
    case FORM_BOOL:
        return arena_printf(a, "(%s)::int::numeric", e->sql);
    case FORM_TIME:
        return arena_printf(a, "(extract(epoch FROM %s) * 1000000)::bigint::numeric", e->sql);
    case FORM_MICROS:
    case FORM_NUMERIC:
    case FORM_FLOAT:
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
        filter_sql_name(&first, name);
        jb_raw(&first, "->0)");
        json = filter_sql_keep(b, &first);
        name = NULL;
    }
    if (exact.type == ATTR_DECIMAL)
        exact.type = ATTR_INTEGER;
    return filter_sql_json(b, &exact, json, name);
}

/* The key of the element that counts. */
static bool put_multi(struct builder *b, const struct attr_path *path) {
    const struct attr_path of = {.extension = path->extension, .attr = path->attr};
    struct expr e;
    b->uses_other = false;
    if (of.attr->apart) {
        const struct refs *refs = filter_sql_refs(b->rt);
        if (!filter_sql_ref(b, path->sub, &e))
            return false;
        const char *key = key_of(b, &e);
        jb_printf(b->out, "(SELECT %s FROM members m", key);
        if (b->uses_other)
            jb_printf(b->out, " JOIN %s t ON %s", refs->other, refs->join);
        jb_printf(b->out, " WHERE %s ORDER BY %s LIMIT 1)", refs->of, refs->id);
        return true;
    }
    const char *json = filter_sql_node(b, &of);
    e = json_value(b, attr_path_target(path), "e.v", path->sub != NULL ? path->sub->name : NULL);
    jb_printf(b->out,
              "(SELECT %s FROM jsonb_array_elements(CASE WHEN jsonb_typeof(%s) = 'array' THEN %s END) WITH "
              "ORDINALITY AS e(v, n) ORDER BY ",
              key_of(b, &e), json, json);
    if (path->sub != NULL)
        jb_raw(b->out, "((e.v->'primary') = 'true'::jsonb) IS TRUE DESC, ");
    jb_raw(b->out, "e.n LIMIT 1)");
    return true;
}

static bool put_single(struct builder *b, const struct attr_path *path) {
    struct expr e;
    if (!filter_sql_column(b, path, &e)) {
        if (filter_sql_is_meta(path))
            return false;
        struct attr_path whole = {.extension = path->extension,
                                  .attr = path->sub != NULL ? path->attr : NULL};
        const struct attr *leaf = attr_path_target(path);
        e = json_value(b, leaf, filter_sql_node(b, &whole), leaf->name);
    }
    jb_raw(b->out, key_of(b, &e));
    return true;
}

enum err_code sort_sql(const struct resource_type *rt, const struct attr_path *path, bool as_text,
                       struct jbuf *out, struct sql_params *params, struct err *err) {
    struct builder b = {.rt = rt, .out = out, .params = params, .err = err};
    bool text = sort_sql_is_text(path);
    jb_raw(out, "(");
    bool said = path->attr->multi ? put_multi(&b, path) : put_single(&b, path);
    jb_raw(out, text ? " COLLATE \"C\")" : as_text ? "::text COLLATE \"C\")" : ")");
    if (said)
        return ERR_OK;
    char name[sizeof err->path];
    attr_path_text(path, name, sizeof name);
    return err_set_path(err, ERR_INVALID_VALUE, "sortBy", "'%s' cannot be sorted by", name);
}
