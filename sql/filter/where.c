#include "sql/filter/where.h"

#include "sql/filter/column.h"
#include "sql/filter/contain.h"
#include "sql/filter/lookup.h"

/* SQL knows a third truth, NULL. Here it is as good as false: AND, OR and WHERE treat it so, and NOT is
 * written IS NOT TRUE. */

static enum err_code put(struct builder *b, const struct filter *f);

static enum err_code refuse(struct builder *b, const struct attr_path *path) {
    char text[sizeof b->err->path];
    attr_path_text(path, text, sizeof text);
    return err_set_path(b->err, ERR_INVALID_FILTER, text, "'%s' cannot be filtered on", text);
}

/* F4 for what has parts: any of them is assigned and not empty. */
static void put_node_present(struct builder *b, const char *json) {
    SQL_FILL(b->out, sql_part_filter_present, {"json", json});
}

/* The condition on a sub-attribute that may have several values, which stand in `list`: any of them does;
 * `ne` also where there is none. */
static void put_values(struct builder *b, const struct filter *f, const struct attr *sub, const char *list) {
    if (f->kind == FILTER_PRESENT) {
        put_node_present(b, list);
        return;
    }
    struct jbuf text = {0}, *out = b->out;
    struct expr e = expr_json(b, sub, "s.v", NULL);
    b->out = &text;
    expr_condition(b, f, sub, &e);
    b->out = out;
    const char *cond = builder_keep(b, &text);
    const char *values = BUILDER_PART(b, sql_part_filter_values, {"json", list});
    SQL_FILL(b->out, f->op == FILTER_NE ? sql_part_filter_differs : sql_part_filter_any_where,
             {"rows", values}, {"condition", cond});
}

/* The list of values of such a sub-attribute. */
static const char *list_of(struct builder *b, const char *json, const struct attr *sub) {
    struct jbuf list = {0};
    jb_printf(&list, "%s->", json);
    builder_name(&list, sub->name);
    return builder_keep(b, &list);
}

static enum err_code put_single(struct builder *b, const struct filter *f, const struct attr_path *path) {
    struct expr e;
    if (path->attr == NULL ||
        (path->attr->type == ATTR_COMPLEX && path->sub == NULL)) { /* only PRESENT asks for these */
        if (path->attr != NULL && column_is_meta(path))
            jb_raw(b->out, "(true)");
        else
            put_node_present(b, column_search(b, path));
        return ERR_OK;
    }
    if (!column_of(b, path, &e)) {
        if (column_is_meta(path))
            return refuse(b, path);
        if (f->kind == FILTER_COMPARE && b->of == NULL && contain_put(b, f))
            return ERR_OK;
        struct attr_path whole = {.extension = path->extension,
                                  .attr = path->sub != NULL ? path->attr : NULL};
        const struct attr *leaf = attr_path_target(path);
        if (path->sub != NULL && leaf->multi) {
            put_values(b, f, leaf, list_of(b, column_search(b, &whole), leaf));
            return ERR_OK;
        }
        e = expr_json(b, leaf, column_search(b, &whole), leaf->name);
    }
    expr_condition(b, f, attr_path_target(path), &e);
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
        e = expr_json(b, sub, "e.v", sub == of ? NULL : sub->name);
    else if (!column_ref(b, sub, &e))
        return refuse(b, &(struct attr_path){.attr = of, .sub = sub});
    expr_condition(b, f, sub, &e);
    return ERR_OK;
}

/* One of the elements of an attribute satisfies cond. NULL: there is one. */
static void put_any(struct builder *b, const struct attr_path *of, const char *cond) {
    const char *rows = column_elements(b, of);
    if (cond == NULL)
        SQL_FILL(b->out, sql_part_filter_any, {"rows", rows});
    else if (of->attr->apart)
        SQL_FILL(b->out, sql_part_filter_any_and, {"rows", rows}, {"condition", cond});
    else
        SQL_FILL(b->out, sql_part_filter_any_where, {"rows", rows}, {"condition", cond});
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
    *cond = rc == ERR_OK ? builder_keep(b, &text) : NULL;
    jb_free(&text);
    return rc;
}

/* A path into a multi-valued attribute: any element does; `ne` also where there is none (ops/DESIGN.md,
 * "Decided points"). */
static enum err_code put_multi(struct builder *b, const struct filter *f) {
    const struct attr_path of = {.extension = f->path.extension, .attr = f->path.attr};
    if (f->kind == FILTER_PRESENT && f->path.sub == NULL) {
        if (!of.attr->apart) {
            put_node_present(b, column_search(b, &of));
            return ERR_OK;
        }
        b->uses_other = false;
        put_any(b, &of, NULL);
        return ERR_OK;
    }
    if (!of.attr->apart && f->kind == FILTER_COMPARE && contain_put(b, f))
        return ERR_OK;
    struct filter one = *f;
    one.path = (struct attr_path){.attr = attr_path_target(&f->path)};
    const char *cond;
    enum err_code rc = element_condition(b, &of, &one, &cond);
    if (rc != ERR_OK)
        return rc;
    if (f->kind == FILTER_COMPARE && f->op == FILTER_NE)
        SQL_FILL(b->out, sql_part_filter_differs, {"rows", column_elements(b, &of)}, {"condition", cond});
    else
        put_any(b, &of, cond);
    return ERR_OK;
}

static enum err_code put_value_path(struct builder *b, const struct filter *f) {
    const struct attr *attr = f->path.attr;
    if (!attr->apart && !column_is_meta(&f->path) && contain_put(b, f))
        return ERR_OK;
    const char *cond;
    enum err_code rc = element_condition(b, &f->path, f->left, &cond);
    if (rc != ERR_OK)
        return rc;
    if (!attr->multi) {
        jb_printf(b->out, "(%s IS NOT NULL AND %s)",
                  column_is_meta(&f->path) ? "r.id" : column_search(b, &f->path), cond);
        return ERR_OK;
    }
    put_any(b, &f->path, cond);
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
    const char *index = lookup_condition(b, f);
    if (index != NULL)
        jb_printf(b->out, "(%s AND ", index);
    rc = put_condition(b, f);
    jb_raw(b->out, index != NULL ? ")" : "");
    return rc;
}

enum err_code where_filter(const struct resource_type *rt, const struct filter *f, struct jbuf *out,
                           struct sql_params *params, struct err *err) {
    struct builder b = {.rt = rt, .out = out, .params = params, .err = err};
    return put(&b, f);
}

enum err_code where_element(const struct resource_type *rt, const struct filter *f, struct jbuf *out,
                            struct sql_params *params, struct err *err) {
    struct builder b = {.rt = rt, .out = out, .params = params, .err = err};
    const struct attr_path of = {.attr = resource_type_refs(rt)};
    const struct column_refs *refs = column_refs(rt);
    const char *cond;
    enum err_code rc = element_condition(&b, &of, f, &cond);
    if (rc != ERR_OK)
        return rc;
    if (b.uses_other)
        SQL_FILL(out, sql_part_filter_other_that, {"other", refs->other}, {"join", refs->join},
                 {"condition", cond});
    else
        jb_raw(out, cond);
    return ERR_OK;
}
