/* Operations on multi-valued attributes of a document (P14, P15, P22 to P27, P33 to P36). */
#include "schemas/patch/patch_impl.h"

#include "schemas/resource/value.h"
#include "schemas/text/jsonx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Without a filter, every element is meant. */
static bool is_meant(const struct patch_step *s, const json_t *element) {
    return s->path.filter == NULL || filter_match_element(s->path.filter, element);
}

/* Whole lists */

/* Where an element is replaced by another one, its immutable parts stay. */
static enum err_code keep_immutable(const struct patch_step *s, const json_t *before, json_t *element,
                                    struct err *err) {
    const struct attr *a = s->path.at.attr;
    for (size_t i = 0; i < a->nsubs; i++) {
        const json_t *old = json_object_get(before, a->subs[i].name);
        const json_t *given = json_object_get(element, a->subs[i].name);
        if (a->subs[i].mutability != ATTR_IMMUTABLE || old == NULL)
            continue;
        if (given == NULL)
            jsonx_put(element, a->subs[i].name, jsonx_copy(old));
        else if (!value_same(old, given))
            return patch_refuse(s, ERR_MUTABILITY, "has a part that is immutable and has another value", err);
    }
    return ERR_OK;
}

struct replacing {
    const struct patch_step *s;
    struct err *err;
};

static enum err_code keep_of_same(const json_t *before, json_t *element, void *ctx) {
    const struct replacing *r = ctx;
    return keep_immutable(r->s, before, element, r->err);
}

static enum err_code apply_whole(const struct patch_step *s, json_t *list, struct err *err) {
    if (s->op == PATCH_REMOVE && s->value != NULL) {
        patch_take_out(s->path.at.attr, s->value, list);
        return ERR_OK;
    }
    if (s->op == PATCH_ADD) {
        patch_append(s->value, list);
        return ERR_OK;
    }
    if (s->op == PATCH_REPLACE && json_equal(list, s->value)) /* it keeps its form */
        return ERR_OK;
    json_t *old = json_copy(list);
    json_array_clear(list);
    enum err_code rc = ERR_OK;
    if (s->op == PATCH_REPLACE) {
        patch_append(s->value, list);
        rc = value_each_same(old, list, keep_of_same, &(struct replacing){s, err});
    }
    json_decref(old);
    return rc;
}

/* Elements */

/* NULL: no value of the attribute's type is equal to it. */
static json_t *value_as_json(const struct filter_value *v, const struct attr *attr) {
    switch (v->type) {
    case FILTER_BOOL:
        return json_boolean(v->boolean);
    case FILTER_NUMBER: {
        char *end;
        errno = 0;
        json_int_t integer = strtoll(v->text, &end, 10);
        if (attr->type != ATTR_INTEGER)
            return json_real(v->number);
        return *end == '\0' && errno == 0 ? json_integer(integer) : NULL;
    }
    default:
        return json_string(v->text);
    }
}

void patch_take_equalities(const struct filter *f, json_t *element) {
    if (f->kind == FILTER_AND) {
        patch_take_equalities(f->left, element);
        patch_take_equalities(f->right, element);
    } else if (f->kind == FILTER_COMPARE && f->op == FILTER_EQ &&
               f->path.attr->mutability != ATTR_READ_ONLY) {
        json_t *value = value_as_json(&f->value, f->path.attr);
        if (value != NULL && f->path.attr->multi) {
            json_t *list = json_array();
            jsonx_push(list, value);
            value = list;
        }
        if (value != NULL)
            jsonx_put(element, f->path.attr->name, value);
    }
}

/* P15, P36: makes one element of the values that the filter demands and the given value, and normalises it as
 * if the client had sent it, because a filter may compare with impossible values. Where the element does not
 * satisfy the filter then, there is no target. */
static enum err_code create_element(const struct patch_step *s, json_t *list, struct err *err) {
    if (json_is_null(s->value))
        return ERR_OK;
    if (s->path.at.attr->type != ATTR_COMPLEX)
        return patch_refuse(s, ERR_NO_TARGET, "has no value that the path's filter matches", err);
    json_t *element = json_object();
    if (s->path.filter != NULL)
        patch_take_equalities(s->path.filter, element);
    if (s->path.at.sub != NULL)
        jsonx_put(element, s->path.at.sub->name, jsonx_copy(s->value));
    else
        json_object_update(element, (json_t *)s->value);
    const struct attr_path at = {.extension = s->path.at.extension, .attr = s->path.at.attr};
    json_t *given = element;
    enum err_code rc = value_normalise_element(&at, given, &element, err);
    json_decref(given);
    if (rc != ERR_OK)
        return rc;
    if (element == NULL || !is_meant(s, element)) {
        json_decref(element);
        return patch_refuse(s, ERR_NO_TARGET, "has no value that the path's filter matches", err);
    }
    if (value_is_primary(element))
        patch_clear_primaries(list);
    jsonx_push(list, element);
    return ERR_OK;
}

/* Drops the elements that became null. */
static void compact(json_t *list) {
    json_t *kept = json_array();
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!json_is_null(json_array_get(list, i)))
            jsonx_push(kept, json_incref(json_array_get(list, i)));
    json_array_clear(list);
    json_array_extend(list, kept);
    json_decref(kept);
}

/* One element that is meant. *gone: it is to leave the list. */
static enum err_code change_element(const struct patch_step *s, json_t *list, size_t i, bool *gone,
                                    struct err *err) {
    json_t *element = json_array_get(list, i);
    const json_t *value = s->op == PATCH_REMOVE ? NULL : s->value;
    bool unassign = value == NULL || json_is_null(value);
    enum err_code rc = ERR_OK;
    if (s->path.at.sub != NULL) {
        rc = patch_set_part(s, s->path.at.sub, element, s->value, err);
        *gone = json_object_get(element, s->path.at.sub->name) == NULL &&
                (json_is_object(element) && value_only_labels(element));
    } else if (unassign) {
        *gone = true;
    } else if (s->op == PATCH_ADD && json_is_object(element)) { /* P15: merged */
        const char *name;
        json_t *part;
        json_object_foreach((json_t *)value, name, part) {
            const struct attr *sub = attr_sub(s->path.at.attr, name, strlen(name));
            if (sub != NULL && rc == ERR_OK)
                rc = patch_set_part(s, sub, element, part, err);
        }
    } else if (!json_equal(element, value)) { /* P34: replaced */
        json_t *other = jsonx_copy(value);
        rc = keep_immutable(s, element, other, err);
        json_array_set_new(list, i, other);
    }
    return rc;
}

static bool makes_primary(const struct patch_step *s) {
    if (s->op == PATCH_REMOVE)
        return false;
    if (s->path.at.sub != NULL)
        return strcmp(s->path.at.sub->name, "primary") == 0 && json_is_true(s->value);
    return value_is_primary(s->value);
}

/* Clears `primary` of all that the step does not mean; called before it changes anything. */
static void clear_other_primaries(const struct patch_step *s, json_t *list) {
    size_t i;
    json_t *element;
    json_array_foreach(list, i, element) {
        if (value_is_primary(element) && !is_meant(s, element))
            jsonx_put(element, "primary", json_false());
    }
}

static size_t matches(const struct patch_step *s, const json_t *list) {
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(list); i++)
        n += is_meant(s, json_array_get(list, i)) ? 1 : 0;
    return n;
}

static enum err_code apply_elements(const struct patch_step *s, bool creates, json_t *list, struct err *err) {
    size_t met = 0, left = 0;
    if (s->one_element && s->path.at.sub != NULL && s->path.filter != NULL && matches(s, list) > 1)
        return patch_refuse(s, ERR_INVALID_FILTER, "has more than one value that the path's filter matches",
                            err);
    if (makes_primary(s))
        clear_other_primaries(s, list);
    for (size_t i = 0; i < json_array_size(list); i++) {
        bool gone = false;
        if (!is_meant(s, json_array_get(list, i)))
            continue;
        met++;
        enum err_code rc = change_element(s, list, i, &gone, err);
        if (rc != ERR_OK)
            return rc;
        if (gone)
            json_array_set_new(list, i, json_null());
        left += gone ? 1 : 0;
    }
    if (left > 0)
        compact(list);
    if (met > 0)
        return ERR_OK;
    if (s->path.filter != NULL &&
        (s->op == PATCH_REMOVE || (s->op == PATCH_REPLACE && !creates))) /* P26, P36 */
        return patch_refuse(s, ERR_NO_TARGET, "has no value that the path's filter matches", err);
    return s->op == PATCH_REMOVE ? ERR_OK : create_element(s, list, err);
}

/* The list itself is changed, not a copy of it: a list can be long, and a patch can have many operations.
 * Only where the attribute is immutable as a whole, the list before and the one after are compared. */
enum err_code patch_apply_list(const struct patch_step *s, bool creates, json_t *container, struct err *err) {
    const struct attr *attr = s->path.at.attr;
    const struct attr_path at = {.extension = s->path.at.extension, .attr = attr};
    json_t *old = json_object_get(container, attr->name);
    bool in_place = json_is_array(old) && attr->mutability != ATTR_IMMUTABLE;
    json_t *list = in_place ? json_incref(old) : json_is_array(old) ? jsonx_copy(old) : json_array();
    enum err_code rc = ERR_OK;
    if (s->path.filter == NULL && s->path.at.sub == NULL)
        rc = apply_whole(s, list, err);
    else
        rc = apply_elements(s, creates, list, err);
    if (rc == ERR_OK)
        rc = value_tidy_list(&at, list, err);
    if (rc == ERR_OK && (!in_place || json_array_size(list) == 0))
        rc = patch_set(s, attr, container, json_array_size(list) > 0 ? list : NULL, err);
    json_decref(list);
    return rc;
}
