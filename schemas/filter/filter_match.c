/* What a filter means on JSON in memory. sql/filter/where.c must select the same. */
#include "schemas/filter/filter.h"

#include "ops/runtime/clock.h"
#include "schemas/text/fold.h"

#include <stdlib.h>
#include <string.h>

/* Values */

/* F4: assigned and not empty; a complex value if any part of it is. */
static bool is_present(const json_t *v) {
    switch (v != NULL ? json_typeof(v) : JSON_NULL) {
    case JSON_NULL:
        return false;
    case JSON_STRING:
        return json_string_length(v) > 0;
    case JSON_ARRAY:
        for (size_t i = 0; i < json_array_size(v); i++)
            if (is_present(json_array_get(v, i)))
                return true;
        return false;
    case JSON_OBJECT: {
        const char *key;
        json_t *member;
        json_object_foreach((json_t *)v, key, member) if (is_present(member)) return true;
        return false;
    }
    default:
        return true;
    }
}

static bool order_holds(enum filter_op op, int order) {
    switch (op) {
    case FILTER_EQ:
        return order == 0;
    case FILTER_NE:
        return order != 0;
    case FILTER_GT:
        return order > 0;
    case FILTER_GE:
        return order >= 0;
    case FILTER_LT:
        return order < 0;
    case FILTER_LE:
        return order <= 0;
    default:
        return false;
    }
}

/* Bytes of UTF-8 sort as code points do: the same order as PostgreSQL's "C". */
static bool text_holds(enum filter_op op, const char *have, const char *want) {
    size_t nhave = strlen(have), nwant = strlen(want);
    switch (op) {
    case FILTER_CO:
        return strstr(have, want) != NULL;
    case FILTER_SW:
        return strncmp(have, want, nwant) == 0;
    case FILTER_EW:
        return nhave >= nwant && strcmp(have + nhave - nwant, want) == 0;
    default:
        return order_holds(op, strcmp(have, want));
    }
}

static bool string_holds(const struct filter *f, const struct attr *leaf, const char *have) {
    if (leaf->case_exact)
        return text_holds(f->op, have, f->value.text);
    char *folded = fold_text(have);
    bool holds = text_holds(f->op, folded, f->value.folded);
    free(folded);
    return holds;
}

/* Integers exactly (long double holds any int64), decimals as the doubles that they are stored as. */
static bool number_holds(const struct filter *f, const struct attr *leaf, const json_t *have) {
    long double a, b;
    if (leaf->type == ATTR_INTEGER && json_is_integer(have)) {
        a = (long double)json_integer_value(have);
        b = strtold(f->value.text, NULL);
    } else {
        a = json_number_value(have);
        b = f->value.number;
    }
    return order_holds(f->op, (a > b) - (a < b));
}

/* Compares one simple value. A missing value, or one of another type, only is not equal (F12). */
static bool value_holds(const struct filter *f, const struct attr *leaf, const json_t *have) {
    int64_t us;
    switch (f->value.type) {
    case FILTER_STRING:
        if (json_is_string(have))
            return string_holds(f, leaf, json_string_value(have));
        break;
    case FILTER_BOOL:
        if (json_is_boolean(have))
            return order_holds(f->op, json_is_true(have) != f->value.boolean);
        break;
    case FILTER_NUMBER:
        if (json_is_number(have))
            return number_holds(f, leaf, have);
        break;
    case FILTER_TIME:
        if (json_is_string(have) && rfc3339_parse(json_string_value(have), &us))
            return order_holds(f->op, (us > f->value.time_us) - (us < f->value.time_us));
        break;
    }
    return f->op == FILTER_NE;
}

/* Trees */

static bool filter_holds(const struct filter *f, const json_t *node, bool element);

/* A sub-attribute may have several values; one that matches is enough. */
static bool leaf_holds(const struct filter *f, const struct attr *leaf, const json_t *v) {
    if (f->kind == FILTER_PRESENT)
        return is_present(v);
    if (!json_is_array(v))
        return value_holds(f, leaf, v);
    for (size_t i = 0; i < json_array_size(v); i++)
        if (value_holds(f, leaf, json_array_get(v, i)))
            return true;
    return json_array_size(v) == 0 && f->op == FILTER_NE;
}

/* A member of an element; an element that is a simple value is its own `value`. */
static const json_t *member_of(const json_t *element, const struct attr *attr) {
    return json_is_object(element) ? json_object_get(element, attr->name) : element;
}

/* F6: of a multi-valued attribute any value may do it; `ne` also holds where there is no value at all
 * (ops/DESIGN.md, "Decided points"). */
static bool attribute_holds(const struct filter *f, const json_t *v) {
    const struct attr *leaf = f->path.sub != NULL ? f->path.sub : f->path.attr;
    if (!json_is_array(v))
        return leaf_holds(f, leaf, f->path.sub != NULL ? json_object_get(v, f->path.sub->name) : v);
    size_t n = json_array_size(v);
    for (size_t i = 0; i < n; i++) {
        const json_t *e = json_array_get(v, i);
        if (leaf_holds(f, leaf, f->path.sub != NULL ? json_object_get(e, f->path.sub->name) : e))
            return true;
    }
    return n == 0 && f->kind == FILTER_COMPARE && f->op == FILTER_NE;
}

static bool any_element_holds(const struct filter *f, const json_t *v) {
    if (!json_is_array(v))
        return v != NULL && !json_is_null(v) && filter_holds(f, v, true);
    for (size_t i = 0; i < json_array_size(v); i++)
        if (filter_holds(f, json_array_get(v, i), true))
            return true;
    return false;
}

static bool filter_holds(const struct filter *f, const json_t *node, bool element) {
    switch (f->kind) {
    case FILTER_AND:
        return filter_holds(f->left, node, element) && filter_holds(f->right, node, element);
    case FILTER_OR:
        return filter_holds(f->left, node, element) || filter_holds(f->right, node, element);
    case FILTER_NOT:
        return !filter_holds(f->left, node, element);
    case FILTER_CONSTANT:
        return f->value.boolean;
    default:
        break;
    }
    if (element)
        return leaf_holds(f, f->path.attr, member_of(node, f->path.attr));
    if (f->path.extension != NULL)
        node = json_object_get(node, f->path.extension->id);
    if (f->path.attr == NULL)
        return is_present(node);
    const json_t *v = json_object_get(node, f->path.attr->name);
    return f->kind == FILTER_VALUE_PATH ? any_element_holds(f->left, v) : attribute_holds(f, v);
}

bool filter_match_element(const struct filter *f, const json_t *element) {
    return filter_holds(f, element, true);
}

bool filter_match(const struct filter *f, const json_t *doc) {
    return filter_holds(f, doc, false);
}
