#include "sql/filter/contain.h"

#include "ops/runtime/mem.h"

#include <ctype.h>
#include <stdlib.h>

/* Can be said by containment? Decimals cannot: their texts may differ though the doubles are equal. */
static bool is_containable(const struct filter *f, const struct attr *leaf) {
    return f->kind == FILTER_COMPARE && f->op == FILTER_EQ && leaf->type != ATTR_DECIMAL;
}

static void json_name(struct jbuf *json, const char *name) {
    char *lower = xstrdup(name);
    for (char *c = lower; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    jb_key(json, lower);
    free(lower);
}

static void json_value(struct jbuf *json, const struct filter *f, const struct attr *leaf) {
    switch (f->value.type) {
    case FILTER_STRING:
        jb_str(json, leaf->case_exact ? f->value.text : f->value.folded);
        break;
    case FILTER_BOOL:
        jb_bool(json, f->value.boolean);
        break;
    case FILTER_NUMBER:
        jb_raw(json, f->value.text);
        break;
    case FILTER_TIME:
        jb_int(json, f->value.time_us);
        break;
    }
}

/* A sub-attribute: in a list of its own where it may have several values. */
static void json_part(struct jbuf *json, const struct filter *f, const struct attr *sub) {
    json_name(json, sub->name);
    jb_raw(json, sub->multi ? "[" : "");
    json_value(json, f, sub);
    jb_raw(json, sub->multi ? "]" : "");
}

/* The members of one element that satisfies f; false where f is more than equalities of different
 * sub-attributes. */
static bool json_element(struct jbuf *json, const struct filter *f, const struct attr **seen, size_t *nseen,
                         size_t max) {
    if (f->kind == FILTER_AND)
        return json_element(json, f->left, seen, nseen, max) &&
               json_element(json, f->right, seen, nseen, max);
    const struct attr *leaf = f->path.attr;
    if (!is_containable(f, leaf) || *nseen == max)
        return false;
    for (size_t i = 0; i < *nseen; i++)
        if (seen[i] == leaf)
            return false;
    seen[(*nseen)++] = leaf;
    json_part(json, f, leaf);
    return true;
}

/* What stands in the place of the attribute: a value, an object or a list of one. */
static bool json_attribute(struct jbuf *json, const struct filter *f) {
    const struct attr_path *p = &f->path;
    const struct attr *seen[8];
    size_t nseen = 0;
    bool ok = true;
    jb_raw(json, p->attr->multi ? "[" : "");
    if (f->kind == FILTER_VALUE_PATH && p->attr->type == ATTR_COMPLEX) {
        jb_raw(json, "{");
        ok = json_element(json, f->left, seen, &nseen, 8);
        jb_raw(json, "}");
    } else if (f->kind == FILTER_VALUE_PATH) {
        ok = is_containable(f->left, p->attr);
        if (ok)
            json_value(json, f->left, p->attr);
    } else if (p->sub != NULL) {
        ok = is_containable(f, p->sub);
        jb_raw(json, "{");
        if (ok)
            json_part(json, f, p->sub);
        jb_raw(json, "}");
    } else {
        ok = is_containable(f, p->attr);
        if (ok)
            json_value(json, f, p->attr);
    }
    jb_raw(json, p->attr->multi ? "]" : "");
    return ok;
}

bool contain_put(struct builder *b, const struct filter *f) {
    struct jbuf json = {0};
    if (b->rt->kind == RESOURCE_MEMBERSHIP) /* it has columns alone */
        return false;
    jb_raw(&json, "{");
    if (f->path.extension != NULL) {
        json_name(&json, f->path.extension->id);
        jb_raw(&json, "{");
    }
    json_name(&json, f->path.attr->name);
    bool ok = json_attribute(&json, f);
    jb_raw(&json, f->path.extension != NULL ? "}}" : "}");
    const char *text = builder_keep(b, &json);
    if (ok)
        jb_printf(b->out, "(r.search @> $%d::jsonb)", sql_params_add(b->params, text));
    return ok;
}
