/* Tree -> canonical filter text: what a command carries must mean the same to its worker whatever the
 * client's dialect was. */
#include "schemas/filter/filter.h"

static void format(const struct filter *f, const struct attr *of, struct jbuf *out);

void attr_path_format(const struct attr_path *p, struct jbuf *out) {
    if (p->extension != NULL)
        jb_raw(out, p->extension->id);
    if (p->attr == NULL)
        return;
    if (p->extension != NULL)
        jb_raw(out, ":");
    jb_raw(out, p->attr->name);
    if (p->sub != NULL) {
        jb_raw(out, ".");
        jb_raw(out, p->sub->name);
    }
}

static void format_path(const struct filter *f, const struct attr *of, struct jbuf *out) {
    if (of != NULL && of == f->path.attr)
        jb_raw(out, "value"); /* an element of a simple attribute */
    else
        attr_path_format(&f->path, out);
}

static void format_value(const struct filter_value *v, struct jbuf *out) {
    if (v->type == FILTER_BOOL)
        jb_bool(out, v->boolean);
    else if (v->type == FILTER_NUMBER)
        jb_raw(out, v->text);
    else
        jb_str(out, v->text);
}

static void format_group(const struct filter *f, const struct attr *of, struct jbuf *out) {
    jb_raw(out, "(");
    format(f, of, out);
    jb_raw(out, ")");
}

/* Parentheses wherever the tree does not follow from precedence and left association alone. */
static void format_pair(const struct filter *f, const struct attr *of, struct jbuf *out) {
    bool and = f->kind == FILTER_AND;
    if (and&&f->left->kind == FILTER_OR)
        format_group(f->left, of, out);
    else
        format(f->left, of, out);
    jb_raw(out, and? " and " : " or ");
    if (f->right->kind == FILTER_OR || (and&&f->right->kind == FILTER_AND))
        format_group(f->right, of, out);
    else
        format(f->right, of, out);
}

static void format(const struct filter *f, const struct attr *of, struct jbuf *out) {
    switch (f->kind) {
    case FILTER_AND:
    case FILTER_OR:
        format_pair(f, of, out);
        break;
    case FILTER_NOT:
        jb_raw(out, "not ");
        format_group(f->left, of, out);
        break;
    case FILTER_PRESENT:
        format_path(f, of, out);
        jb_raw(out, " pr");
        break;
    case FILTER_COMPARE:
        format_path(f, of, out);
        jb_raw(out, " ");
        jb_raw(out, filter_op_name(f->op));
        jb_raw(out, " ");
        format_value(&f->value, out);
        break;
    case FILTER_CONSTANT: /* true of every resource, and of none */
        jb_raw(out, f->value.boolean ? "id pr" : "not (id pr)");
        break;
    case FILTER_VALUE_PATH:
        format_path(f, of, out);
        jb_raw(out, "[");
        format(f->left, f->path.attr, out);
        jb_raw(out, "]");
        break;
    }
}

void filter_format(const struct filter *f, const struct attr *of, struct jbuf *out) {
    format(f, of, out);
}
