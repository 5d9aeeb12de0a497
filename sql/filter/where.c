#include "sql/filter/builder.h"

#include "ops/runtime/mem.h"

#include <stdlib.h>
#include <string.h>

/* The tree. SQL knows a third truth, NULL. Here it is as good as false: AND, OR and WHERE treat it so, and
 * NOT is written IS NOT TRUE. */

static enum err_code put(struct builder *b, const struct filter *f);

void sql_params_init(struct sql_params *p, struct arena *arena) {
    *p = (struct sql_params){.arena = arena};
}

void sql_params_free(struct sql_params *p) {
    free(p->v);
    p->v = NULL;
    p->n = p->cap = 0;
}

int sql_params_add(struct sql_params *p, const char *text) {
    if (p->n == p->cap) {
        p->cap = p->cap > 0 ? p->cap * 2 : 16;
        p->v = xrealloc(p->v, (size_t)p->cap * sizeof *p->v);
    }
    p->v[p->n++] = text;
    return p->n;
}

const char *sql_params_ref(struct sql_params *p, const char *text, const char *type) {
    return arena_printf(p->arena, "$%d::%s", sql_params_add(p, text), type);
}

const char *filter_sql_keep(struct builder *b, struct jbuf *text) {
    const char *kept = arena_strndup(b->params->arena, text->p, text->n);
    jb_free(text);
    return kept;
}

static enum err_code refuse(struct builder *b, const struct attr_path *path) {
    char text[sizeof b->err->path];
    attr_path_text(path, text, sizeof text);
    return err_set_path(b->err, ERR_INVALID_FILTER, text, "'%s' cannot be filtered on", text);
}

/* F4 for what has parts: any of them is assigned and not empty. */
static void put_node_present(struct builder *b, const char *json) {
    jb_printf(b->out,
              "jsonb_path_exists(%s, 'strict $.** ? ((@.type() == \"string\" && @ != \"\") || "
              "@.type() == \"number\" || @.type() == \"boolean\")')",
              json);
}

/* The condition on a sub-attribute that may have several values, which stand in `list`: any of them does;
 * `ne` also where there is none. */
static void put_values(struct builder *b, const struct filter *f, const struct attr *sub, const char *list) {
    if (f->kind == FILTER_PRESENT) {
        put_node_present(b, list);
        return;
    }
    struct jbuf text = {0}, *out = b->out;
    struct expr e = filter_sql_json(b, sub, "s.v", NULL);
    b->out = &text;
    filter_sql_leaf(b, f, sub, &e);
    b->out = out;
    const char *cond = filter_sql_keep(b, &text);
    const char *values = arena_printf(
        b->params->arena,
        "FROM jsonb_array_elements(CASE WHEN jsonb_typeof(%s) = 'array' THEN %s END) AS s(v)", list, list);
    if (f->op == FILTER_NE)
        jb_printf(b->out, "(SELECT coalesce(bool_or(%s), true) %s)", cond, values);
    else
        jb_printf(b->out, "EXISTS (SELECT %s WHERE %s)", values, cond);
}

/* The list of values of such a sub-attribute. */
static const char *list_of(struct builder *b, const char *json, const struct attr *sub) {
    struct jbuf list = {0};
    jb_printf(&list, "%s->", json);
    filter_sql_name(&list, sub->name);
    return filter_sql_keep(b, &list);
}

static enum err_code put_single(struct builder *b, const struct filter *f, const struct attr_path *path) {
    struct expr e;
    if (path->attr == NULL ||
        (path->attr->type == ATTR_COMPLEX && path->sub == NULL)) { /* only PRESENT asks for these */
        if (path->attr != NULL && filter_sql_is_meta(path))
            jb_raw(b->out, "(true)");
        else
            put_node_present(b, filter_sql_node(b, path));
        return ERR_OK;
    }
    if (!filter_sql_column(b, path, &e)) {
        if (filter_sql_is_meta(path))
            return refuse(b, path);
        if (f->kind == FILTER_COMPARE && b->of == NULL && filter_sql_containment(b, f))
            return ERR_OK;
        struct attr_path whole = {.extension = path->extension,
                                  .attr = path->sub != NULL ? path->attr : NULL};
        const struct attr *leaf = attr_path_target(path);
        if (path->sub != NULL && leaf->multi) {
            put_values(b, f, leaf, list_of(b, filter_sql_node(b, &whole), leaf));
            return ERR_OK;
        }
        e = filter_sql_json(b, leaf, filter_sql_node(b, &whole), leaf->name);
    }
    filter_sql_leaf(b, f, attr_path_target(path), &e);
    return ERR_OK;
}

/* A condition on one element: of jsonb as e.v, of members as m (and t), of a single complex value as itself.
 */
static enum err_code put_element(struct builder *b, const struct filter *f) {
    const struct attr *sub = f->path.attr, *of = b->of->attr;
    struct expr e;
    if (!of->multi) {
        struct attr_path path = {.extension = b->of->extension, .attr = of, .sub = sub};
        return put_single(b, f, &path);
    }
    if (sub != of && sub->multi) {
        put_values(b, f, sub, list_of(b, "e.v", sub));
        return ERR_OK;
    }
    if (!of->apart)
        e = filter_sql_json(b, sub, "e.v", sub == of ? NULL : sub->name);
    else if (!filter_sql_ref(b, sub, &e))
        return refuse(b, &(struct attr_path){.attr = of, .sub = sub});
    filter_sql_leaf(b, f, sub, &e);
    return ERR_OK;
}

/* FROM … of the elements of an attribute, and the condition that picks them (NULL: all). */
static void put_elements(struct builder *b, const struct attr_path *of, const char *cond) {
    if (of->attr->apart) {
        const struct refs *refs = filter_sql_refs(b->rt);
        jb_raw(b->out, "FROM members m");
        if (b->uses_other)
            jb_printf(b->out, " JOIN %s t ON %s", refs->other, refs->join);
        jb_printf(b->out, " WHERE %s", refs->of);
        if (cond != NULL)
            jb_printf(b->out, " AND %s", cond);
        return;
    }
    const char *json = filter_sql_node(b, of);
    jb_printf(b->out, "FROM jsonb_array_elements(CASE WHEN jsonb_typeof(%s) = 'array' THEN %s END) AS e(v)",
              json, json);
    if (cond != NULL)
        jb_printf(b->out, " WHERE %s", cond);
}

/* Builds the condition on one element; *cond lives in the arena. */
static enum err_code element_condition(struct builder *b, const struct attr_path *of, const struct filter *f,
                                       const char **cond) {
    struct jbuf text = {0}, *out = b->out;
    b->out = &text;
    b->of = of;
    b->uses_other = false;
    enum err_code rc = put(b, f);
    b->of = NULL;
    b->out = out;
    *cond = rc == ERR_OK ? filter_sql_keep(b, &text) : NULL;
    jb_free(&text);
    return rc;
}

/* A path into a multi-valued attribute: any element does; `ne` also where there is none (DESIGN section 7).
 */
static enum err_code put_multi(struct builder *b, const struct filter *f) {
    const struct attr_path of = {.extension = f->path.extension, .attr = f->path.attr};
    if (f->kind == FILTER_PRESENT && f->path.sub == NULL) {
        if (!of.attr->apart) {
            put_node_present(b, filter_sql_node(b, &of));
            return ERR_OK;
        }
        b->uses_other = false;
        jb_raw(b->out, "EXISTS (SELECT ");
        put_elements(b, &of, NULL);
        jb_raw(b->out, ")");
        return ERR_OK;
    }
    if (!of.attr->apart && f->kind == FILTER_COMPARE && filter_sql_containment(b, f))
        return ERR_OK;
    struct filter one = *f;
    one.path = (struct attr_path){.attr = attr_path_target(&f->path)};
    const char *cond;
    enum err_code rc = element_condition(b, &of, &one, &cond);
    if (rc != ERR_OK)
        return rc;
    if (f->kind == FILTER_COMPARE && f->op == FILTER_NE) {
        jb_printf(b->out, "(SELECT coalesce(bool_or(%s), true) ", cond);
        put_elements(b, &of, NULL);
    } else {
        jb_raw(b->out, "EXISTS (SELECT ");
        put_elements(b, &of, cond);
    }
    jb_raw(b->out, ")");
    return ERR_OK;
}

static enum err_code put_value_path(struct builder *b, const struct filter *f) {
    const struct attr *attr = f->path.attr;
    if (!attr->apart && !filter_sql_is_meta(&f->path) && filter_sql_containment(b, f))
        return ERR_OK;
    const char *cond;
    enum err_code rc = element_condition(b, &f->path, f->left, &cond);
    if (rc != ERR_OK)
        return rc;
    if (!attr->multi) {
        jb_printf(b->out, "(%s IS NOT NULL AND %s)",
                  filter_sql_is_meta(&f->path) ? "r.id" : filter_sql_node(b, &f->path), cond);
        return ERR_OK;
    }
    jb_raw(b->out, "EXISTS (SELECT ");
    put_elements(b, &f->path, cond);
    jb_raw(b->out, ")");
    return ERR_OK;
}

static enum err_code put_pair(struct builder *b, const struct filter *f) {
    jb_raw(b->out, "(");
    enum err_code rc = put(b, f->left);
    if (rc != ERR_OK)
        return rc;
    jb_raw(b->out, f->kind == FILTER_AND ? " AND " : " OR ");
    rc = put(b, f->right);
    jb_raw(b->out, ")");
    return rc;
}

static enum err_code put_condition(struct builder *b, const struct filter *f) {
    if (f->kind == FILTER_VALUE_PATH)
        return put_value_path(b, f);
    return f->path.attr != NULL && f->path.attr->multi ? put_multi(b, f) : put_single(b, f, &f->path);
}

static enum err_code put(struct builder *b, const struct filter *f) {
    enum err_code rc;
    switch (f->kind) {
    case FILTER_AND:
    case FILTER_OR:
        return put_pair(b, f);
    case FILTER_NOT:
        jb_raw(b->out, "(");
        rc = put(b, f->left);
        jb_raw(b->out, " IS NOT TRUE)");
        return rc;
    case FILTER_CONSTANT:
        jb_raw(b->out, f->value.boolean ? "(true)" : "(false)");
        return ERR_OK;
    default:
        break;
    }
    if (b->of != NULL)
        return put_element(b, f);
    bool looked_up = filter_sql_lookup(b, f);
    rc = put_condition(b, f);
    jb_raw(b->out, looked_up ? ")" : "");
    return rc;
}

enum err_code filter_sql(const struct resource_type *rt, const struct filter *f, struct jbuf *where,
                         struct sql_params *params, struct err *err) {
    struct builder b = {.rt = rt, .out = where, .params = params, .err = err};
    return put(&b, f);
}

enum err_code filter_sql_element(const struct resource_type *rt, const struct filter *f, struct jbuf *where,
                                 struct sql_params *params, struct err *err) {
    struct builder b = {.rt = rt, .out = where, .params = params, .err = err};
    const struct attr_path of = {.attr = resource_type_refs(rt)};
    const struct refs *refs = filter_sql_refs(rt);
    const char *cond;
    enum err_code rc = element_condition(&b, &of, f, &cond);
    if (rc != ERR_OK)
        return rc;
    if (b.uses_other)
        jb_printf(where, "EXISTS (SELECT FROM %s t WHERE %s AND %s)", refs->other, refs->join, cond);
    else
        jb_raw(where, cond);
    return ERR_OK;
}
