/* Makes a tree of filter text, by recursive descent over the grammar of rule F1. Each comparison gets the
 * type of its attribute, so that the tree can be evaluated without further checks. */
#include "schemas/filter/filter_parse_impl.h"

#include "ops/runtime/clock.h"
#include "schemas/text/fold.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const op_names[] = {
    [FILTER_EQ] = "eq", [FILTER_NE] = "ne", [FILTER_CO] = "co", [FILTER_SW] = "sw", [FILTER_EW] = "ew",
    [FILTER_GT] = "gt", [FILTER_GE] = "ge", [FILTER_LT] = "lt", [FILTER_LE] = "le",
};
#define OP_COUNT (sizeof(op_names) / sizeof(op_names[0]))

const char *filter_op_name(enum filter_op op) {
    return op_names[op];
}

static enum err_code refuse_over(struct parser *p, size_t at, int most, const char *of_what) {
    char text[64];
    snprintf(text, sizeof text, "the filter has more than %d %s", most, of_what);
    return lex_refuse(p, at, text);
}

/* Typing */

static struct filter *new_node(struct parser *p, enum filter_kind kind) {
    struct filter *f = arena_alloc(p->arena, sizeof *f);
    f->kind = kind;
    return f;
}

static struct filter *new_pair(struct parser *p, enum filter_kind kind, const struct filter *left,
                               const struct filter *right) {
    struct filter *f = new_node(p, kind);
    f->left = left;
    f->right = right;
    return f;
}

static const struct attr *leaf_of(const struct attr_path *path) {
    return path->sub != NULL ? path->sub : path->attr;
}

/* What is never returned cannot be filtered by either: the result would tell it (X3, F16). */
static bool is_secret(const struct attr *a) {
    return a != NULL && attr_is_secret(a);
}

static bool is_substring_op(enum filter_op op) {
    return op == FILTER_CO || op == FILTER_SW || op == FILTER_EW;
}

static bool is_order_op(enum filter_op op) {
    return op == FILTER_GT || op == FILTER_GE || op == FILTER_LT || op == FILTER_LE;
}

/* F5: which operators a type has. */
static bool op_allowed(enum attr_type type, enum filter_op op) {
    switch (type) {
    case ATTR_BOOLEAN:
        return !is_substring_op(op) && !is_order_op(op);
    case ATTR_BINARY:
        return !is_order_op(op);
    case ATTR_DECIMAL:
    case ATTR_INTEGER:
    case ATTR_DATETIME:
        return !is_substring_op(op);
    default:
        return true;
    }
}

static bool is_texty(const struct literal *l, enum dialect dialect) {
    return l->kind == LITERAL_STRING || l->kind == LITERAL_BARE ||
           (dialect == DIALECT_ENTRA && l->kind != LITERAL_NULL);
}

static enum err_code type_string(struct parser *p, size_t at, const struct attr *leaf,
                                 const struct literal *l, struct filter_value *v) {
    if (!is_texty(l, p->dialect))
        return lex_refuse(p, at, "the attribute is a string: compare it with one");
    v->type = FILTER_STRING;
    v->text = v->folded = l->text;
    if (!leaf->case_exact) {
        char *folded = fold_text(l->text);
        v->folded = arena_strdup(p->arena, folded);
        free(folded);
    }
    return ERR_OK;
}

static enum err_code type_boolean(struct parser *p, size_t at, const struct literal *l,
                                  struct filter_value *v) {
    v->type = FILTER_BOOL;
    v->text = l->text;
    v->boolean = strcasecmp(l->text, "true") == 0; /* also "True" as a string (F13) */
    if (!v->boolean && strcasecmp(l->text, "false") != 0)
        return lex_refuse(p, at, "the attribute is a boolean: compare it with true or false");
    return ERR_OK;
}

static enum err_code type_number(struct parser *p, size_t at, const struct literal *l,
                                 struct filter_value *v) {
    if (l->kind != LITERAL_NUMBER)
        return lex_refuse(p, at, "the attribute is a number: compare it with one");
    errno = 0;
    v->type = FILTER_NUMBER;
    v->number = strtod(l->text, NULL);
    if (errno == ERANGE)
        return lex_refuse(p, at, "the number is out of range");
    /* Digits as they are, anything else in the one form that all readers of the text agree on. */
    bool digits = strpbrk(l->text, ".eE") == NULL;
    v->text = digits ? l->text : arena_printf(p->arena, "%.17g", v->number);
    return ERR_OK;
}

static enum err_code type_time(struct parser *p, size_t at, const struct literal *l, struct filter_value *v) {
    v->type = FILTER_TIME;
    v->text = l->text;
    if (!is_texty(l, p->dialect) || !rfc3339_parse(l->text, &v->time_us)) /* F11 */
        return lex_refuse(
            p, at, "the attribute is a dateTime: compare it with one, such as \"2026-01-31T08:00:00Z\"");
    return ERR_OK;
}

static enum err_code type_value(struct parser *p, size_t at, const struct attr *leaf, const struct literal *l,
                                struct filter_value *v) {
    switch (leaf->type) {
    case ATTR_BOOLEAN:
        return type_boolean(p, at, l, v);
    case ATTR_DECIMAL:
    case ATTR_INTEGER:
        return type_number(p, at, l, v);
    case ATTR_DATETIME:
        return type_time(p, at, l, v);
    case ATTR_COMPLEX:
        return lex_refuse(p, at, "the attribute is complex: name a sub-attribute");
    default:
        return type_string(p, at, leaf, l, v);
    }
}

/* Parsing */

/* Stands for an attribute that the type does not have: an empty path, without parts. */
static const struct attr nothing = {.name = "", .type = ATTR_COMPLEX};

static bool is_unknown(const struct attr_path *path) {
    return path->attr == NULL && path->extension == NULL;
}

/* Notes that the type does not have the attribute, where that is allowed. */
static bool may_be_unknown(struct parser *p) {
    if (p->unknown == NULL)
        return false;
    p->unknown[p->terms - 1] = true;
    err_clear(p->err);
    return true;
}

static struct filter *new_constant(struct parser *p, bool holds) {
    struct filter *f = new_node(p, FILTER_CONSTANT);
    f->value.type = FILTER_BOOL;
    f->value.boolean = holds;
    return f;
}

static enum err_code parse_or(struct parser *p, const struct filter **out);

/* Behind an attribute path: "pr", or operator and value. */
static enum err_code parse_condition(struct parser *p, const struct attr_path *path,
                                     const struct filter **out) {
    size_t at = p->pos;
    struct filter *f = is_unknown(path) ? new_constant(p, false) : new_node(p, FILTER_PRESENT);
    f->path = *path;
    *out = f;
    if (!lex_skip_space(p))
        return lex_refuse(p, at, "an operator is expected");
    at = p->pos;
    size_t n = lex_token_length(p);
    if (lex_token_is(p, "pr")) {
        p->pos += n;
        return ERR_OK;
    }
    size_t op = 0;
    while (op < OP_COUNT && !lex_token_is(p, op_names[op]))
        op++;
    if (op == OP_COUNT)
        return lex_refuse(p, at, "unknown operator");
    p->pos += n;
    if (!lex_skip_space(p))
        return lex_refuse(p, p->pos, "a value is expected");
    f->op = (enum filter_op)op;
    struct literal literal = {.text = ""};
    size_t value_at = p->pos;
    enum err_code rc = lex_take_literal(p, &literal);
    if (rc != ERR_OK)
        return rc;
    if (literal.kind == LITERAL_NULL) {
        if (f->op == FILTER_EQ) /* F12 */
            *out = new_pair(p, FILTER_NOT, f, NULL);
        else if (f->op != FILTER_NE)
            return lex_refuse(p, at, "null can only be compared with eq and ne");
        return ERR_OK;
    }
    if (is_unknown(path)) { /* without a value it differs from any */
        f->value.boolean = f->op == FILTER_NE;
        return ERR_OK;
    }
    f->kind = FILTER_COMPARE;
    if (f->path.attr != NULL && f->path.attr->type == ATTR_COMPLEX && f->path.sub == NULL)
        f->path.sub = attr_sub(f->path.attr, "value", strlen("value")); /* F6 */
    const struct attr *leaf = leaf_of(&f->path);
    if (leaf == NULL || leaf->type == ATTR_COMPLEX)
        return lex_refuse(p, at, "the attribute is complex: name a sub-attribute");
    if (!op_allowed(leaf->type, f->op))
        return lex_refuse(p, at, "the operator does not fit the attribute's type");
    return type_value(p, value_at, leaf, &literal, &f->value);
}

const struct attr *filter_element_attr(const struct attr *of, const char *name, size_t len) {
    if (of->type == ATTR_COMPLEX)
        return attr_sub(of, name, len);
    return len == strlen("value") && strncasecmp(name, "value", len) == 0 ? of : NULL;
}

/* The filter in brackets; the position is behind "[" and will be behind "]". */
static enum err_code parse_brackets(struct parser *p, const struct attr *of, const struct filter **out) {
    p->of = of;
    if (++p->depth > FILTER_MAX_DEPTH)
        return refuse_over(p, p->pos, FILTER_MAX_DEPTH, "levels");
    enum err_code rc = parse_or(p, out);
    if (rc == ERR_OK)
        rc = lex_take_byte(p, ']', "\"]\" is expected");
    p->depth--;
    p->of = NULL;
    return rc;
}

/* A filter in brackets behind an attribute that the type does not have: there are no elements. */
static enum err_code parse_unknown_path(struct parser *p, const struct filter **out) {
    static const struct attr_path none = {0};
    const struct filter *ignored = NULL;
    if (p->of != NULL)
        return lex_refuse(p, p->pos, "brackets inside brackets");
    p->pos++;
    *out = new_constant(p, false);
    enum err_code rc = parse_brackets(p, &nothing, &ignored);
    if (rc != ERR_OK || lex_peek(p) != '.')
        return rc;
    p->pos++;
    p->pos += lex_token_length(p);
    return parse_condition(p, &none, &ignored);
}

/* attr "[" filter "]", and with the condition on a sub-attribute behind it that Entra sends (F14): one
 * element must do both. */
static enum err_code parse_value_path(struct parser *p, const struct attr_path *path,
                                      const struct filter **out) {
    size_t at = p->pos++;
    if (p->of != NULL)
        return lex_refuse(p, at, "brackets inside brackets");
    if (path->attr == NULL || path->sub != NULL || (!path->attr->multi && path->attr->type != ATTR_COMPLEX))
        return lex_refuse(p, at, "the attribute before \"[\" has no elements");
    struct filter *f = new_node(p, FILTER_VALUE_PATH);
    f->path = *path;
    *out = f;
    enum err_code rc = parse_brackets(p, path->attr, &f->left);
    if (rc != ERR_OK || lex_peek(p) != '.')
        return rc;
    at = ++p->pos;
    size_t n = lex_token_length(p);
    struct attr_path sub = {.attr = filter_element_attr(path->attr, p->text + at, n)};
    if (sub.attr == NULL || is_secret(sub.attr))
        return lex_refuse(p, at, "unknown sub-attribute");
    p->pos += n;
    const struct filter *condition = NULL;
    rc = parse_condition(p, &sub, &condition);
    f->left = new_pair(p, FILTER_AND, f->left, condition);
    return rc;
}

static enum err_code parse_attribute(struct parser *p, const struct filter **out) {
    size_t at = p->pos, n = lex_token_length(p);
    if (n == 0)
        return lex_refuse(p, at, "an attribute name is expected");
    if (++p->terms > FILTER_MAX_TERMS)
        return refuse_over(p, at, FILTER_MAX_TERMS, "terms");
    struct attr_path path = {0};
    if (p->of != NULL) {
        path.attr = filter_element_attr(p->of, p->text + at, n);
        if (path.attr == NULL && !may_be_unknown(p))
            return lex_refuse(p, at, "unknown sub-attribute");
    } else {
        enum err_code rc = attr_path_resolve(p->rt, p->text + at, n, ERR_INVALID_FILTER, &path, p->err);
        if (rc != ERR_OK && !may_be_unknown(p))
            return rc;
        if (rc != ERR_OK)
            path = (struct attr_path){0};
    }
    if (is_secret(path.attr) || is_secret(path.sub))
        return lex_refuse(p, at, "the attribute cannot be filtered on");
    p->pos += n;
    if (is_unknown(&path) && lex_peek(p) == '[')
        return parse_unknown_path(p, out);
    return lex_peek(p) == '[' ? parse_value_path(p, &path, out) : parse_condition(p, &path, out);
}

static enum err_code parse_group(struct parser *p, const struct filter **out) {
    if (++p->depth > FILTER_MAX_DEPTH)
        return refuse_over(p, p->pos, FILTER_MAX_DEPTH, "levels");
    p->pos++;
    enum err_code rc = parse_or(p, out);
    if (rc == ERR_OK)
        rc = lex_take_byte(p, ')', "\")\" is expected");
    p->depth--;
    return rc;
}

static enum err_code parse_term(struct parser *p, const struct filter **out) {
    lex_skip_space(p);
    if (lex_peek(p) == '(')
        return parse_group(p, out);
    if (!lex_token_is(p, "not"))
        return parse_attribute(p, out);
    p->pos += strlen("not");
    lex_skip_space(p);
    if (lex_peek(p) != '(')
        return lex_refuse(p, p->pos, "\"(\" is expected after \"not\"");
    struct filter *f = new_node(p, FILTER_NOT);
    *out = f;
    return parse_group(p, &f->left);
}

static enum err_code parse_and(struct parser *p, const struct filter **out) {
    enum err_code rc = parse_term(p, out);
    while (rc == ERR_OK && lex_take_junction(p, "and")) {
        const struct filter *right = NULL;
        rc = parse_term(p, &right);
        *out = new_pair(p, FILTER_AND, *out, right);
    }
    return rc;
}

static enum err_code parse_or(struct parser *p, const struct filter **out) {
    enum err_code rc = parse_and(p, out);
    while (rc == ERR_OK && lex_take_junction(p, "or")) {
        const struct filter *right = NULL;
        rc = parse_and(p, &right);
        *out = new_pair(p, FILTER_OR, *out, right);
    }
    return rc;
}

static enum err_code parse_whole(struct parser *p, const struct filter **out) {
    if (p->len > FILTER_MAX_BYTES) /* F16 */
        return err_set(p->err, ERR_INVALID_FILTER, "The filter has %zu bytes, at most %d are allowed", p->len,
                       FILTER_MAX_BYTES);
    if (memchr(p->text, '\0', p->len) != NULL)
        return err_set(p->err, ERR_INVALID_FILTER, "The filter contains a NUL");
    enum err_code rc = parse_or(p, out);
    if (rc != ERR_OK)
        return rc;
    lex_skip_space(p);
    return lex_at_end(p)
               ? ERR_OK
               : lex_refuse(p, p->pos, "the filter should end here, or go on with \"and\" or \"or\"");
}

enum err_code filter_parse(const struct resource_type *rt, enum dialect dialect, const char *text, size_t len,
                           struct arena *a, const struct filter **out, struct err *err) {
    struct parser p = {.rt = rt, .dialect = dialect, .text = text, .len = len, .arena = a, .err = err};
    return parse_whole(&p, out);
}

enum err_code filter_parse_types(const struct resource_type *const *types, size_t ntypes,
                                 enum dialect dialect, const char *text, size_t len, struct arena *a,
                                 const struct filter **out, struct err *err) {
    bool by_all[FILTER_MAX_TERMS];
    memset(by_all, true, sizeof by_all);
    for (size_t i = 0; i < ntypes; i++) {
        bool unknown[FILTER_MAX_TERMS] = {false};
        struct parser p = {.rt = types[i], .dialect = dialect, .text = text, .len = len};
        p.unknown = unknown;
        p.arena = a;
        p.err = err;
        enum err_code rc = parse_whole(&p, &out[i]);
        if (rc != ERR_OK)
            return rc;
        /* The text is the same for all types, and so are the numbers of the terms. A term that no type knows
         * is an error. */
        for (int t = 0; t < FILTER_MAX_TERMS; t++)
            by_all[t] = by_all[t] && unknown[t];
    }
    for (int t = 0; ntypes > 0 && t < FILTER_MAX_TERMS; t++)
        if (by_all[t])
            return err_set(err, ERR_INVALID_FILTER,
                           "The filter's term %d is about no attribute of the resource types that are asked",
                           t + 1);
    return ERR_OK;
}

enum err_code filter_parse_element(const struct attr *of, enum dialect dialect, const char *text, size_t len,
                                   struct arena *a, const struct filter **out, struct err *err) {
    struct parser p = {.of = of, .dialect = dialect, .text = text, .len = len, .arena = a, .err = err};
    return parse_whole(&p, out);
}
