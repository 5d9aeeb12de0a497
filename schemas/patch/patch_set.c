/* What operations do to one value: set it, set a part of it, add to a list and take out of it. */
#include "schemas/patch/patch_impl.h"

#include "schemas/resource/value.h"
#include "schemas/text/fold.h"
#include "schemas/text/jsonx.h"
#include "schemas/text/text_set.h"

#include <stdlib.h>
#include <string.h>

enum err_code patch_refuse(const struct patch_step *s, enum err_code code, const char *why, struct err *err) {
    return attr_path_refuse(&s->path.at, code, why, err);
}

bool patch_has_immutable_part(const struct attr *attr, const json_t *value) {
    for (size_t i = 0; i < attr->nsubs; i++)
        if (attr->subs[i].mutability == ATTR_IMMUTABLE && json_object_get(value, attr->subs[i].name) != NULL)
            return true;
    return false;
}

/* P7: if a given element becomes primary, the others are primary no longer. */
void patch_clear_primaries(json_t *list) {
    size_t i;
    json_t *element;
    json_array_foreach(list, i, element) {
        if (value_is_primary(element))
            jsonx_put(element, "primary", json_false());
    }
}

static bool list_holds(const json_t *list, const json_t *value) {
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(json_array_get(list, i), value))
            return true;
    return false;
}

/* Duplicates are removed when the list is tidied (P14). A new primary element makes the others secondary,
 * unless the very same element is in the list already. */
void patch_append(const json_t *value, json_t *list) {
    bool had = json_array_size(list) > 0;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *one = json_array_get(value, i);
        if (had && value_is_primary(one)) { /* one at most, since the value is normalised */
            if (list_holds(list, one))
                continue;
            patch_clear_primaries(list);
        }
        jsonx_push(list, jsonx_copy(one));
    }
}

/* How a remove names elements: by value and type, by value alone, or in full where there is no value. The
 * names are kept in a set of texts, so that the work per element is constant. */
enum identity { BY_VALUE = 'v', BY_VALUE_AND_TYPE = 't', IN_FULL = 'f' };

/* As the attribute compares it. */
static void put_part(const struct attr *attr, const json_t *part, struct jbuf *key) {
    if (attr == NULL || attr->case_exact || !json_is_string(part)) {
        jsonx_text_sorted(part, key);
        return;
    }
    char *folded = fold_text(json_string_value(part));
    jb_str(key, folded);
    free(folded);
}

/* False if the element has no such identity. */
static bool identity_key(const struct attr *attr, const json_t *element, enum identity kind,
                         struct jbuf *key) {
    const char tag = (char)kind;
    jb_reset(key);
    jb_mem(key, &tag, 1);
    if (kind == IN_FULL) {
        put_part(attr, element, key);
        return true;
    }
    const json_t *value = json_object_get(element, "value"), *type = json_object_get(element, "type");
    if (value == NULL || (kind == BY_VALUE_AND_TYPE && type == NULL))
        return false;
    put_part(attr_sub(attr, "value", strlen("value")), value, key);
    if (kind == BY_VALUE_AND_TYPE)
        put_part(attr_sub(attr, "type", strlen("type")), type, key);
    return true;
}

static enum identity identity_of(const json_t *given) {
    if (json_object_get(given, "value") == NULL)
        return IN_FULL;
    return json_object_get(given, "type") != NULL ? BY_VALUE_AND_TYPE : BY_VALUE;
}

void patch_take_out(const struct attr *attr, const json_t *value, json_t *list) {
    static const enum identity kinds[] = {BY_VALUE, BY_VALUE_AND_TYPE, IN_FULL};
    size_t listed = 0, index;
    struct text_set *set = text_set_new(json_array_size(value));
    struct jbuf key = {0};
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *given = json_array_get(value, i);
        if (identity_key(attr, given, identity_of(given), &key) && text_set_add(set, key.p, key.n, NULL))
            listed++;
    }
    json_t *kept = json_array();
    for (size_t i = 0; i < json_array_size(list); i++) {
        bool goes = false;
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0] && !goes; k++)
            if (identity_key(attr, json_array_get(list, i), kinds[k], &key))
                goes = !text_set_add(set, key.p, key.n, &index) && index < listed;
        if (!goes)
            jsonx_push(kept, json_incref(json_array_get(list, i)));
    }
    json_array_clear(list);
    json_array_extend(list, kept);
    json_decref(kept);
    jb_free(&key);
    text_set_free(set);
}

enum err_code patch_set(const struct patch_step *s, const struct attr *attr, json_t *object,
                        const json_t *value, struct err *err) {
    const json_t *old = json_object_get(object, attr->name);
    bool unassign = value == NULL || json_is_null(value);
    if (attr->mutability == ATTR_IMMUTABLE && old != NULL) {
        if (!unassign && value_same(old, value))
            return ERR_OK;
        return patch_refuse(s, ERR_MUTABILITY, "is immutable and has another value", err);
    }
    if (unassign && !attr->multi && patch_has_immutable_part(attr, old))
        return patch_refuse(s, ERR_MUTABILITY, "has a part that is immutable and set", err);
    if (unassign)
        json_object_del(object, attr->name);
    else if (!json_equal(old, value)) /* an equal one keeps its place */
        jsonx_put(object, attr->name, jsonx_copy(value));
    return ERR_OK;
}

enum err_code patch_set_part(const struct patch_step *s, const struct attr *sub, json_t *object,
                             const json_t *value, struct err *err) {
    if (!sub->multi || !json_is_array(value) || s->op == PATCH_REPLACE)
        return patch_set(s, sub, object, value, err);
    const json_t *old = json_object_get(object, sub->name);
    json_t *list = json_is_array(old) ? jsonx_copy(old) : json_array();
    if (s->op == PATCH_ADD)
        patch_append(value, list);
    else
        patch_take_out(sub, value, list);
    const struct attr_path at = {.attr = s->path.at.attr, .sub = sub};
    enum err_code rc = value_tidy_list(&at, list, err);
    if (rc == ERR_OK)
        rc = patch_set(s, sub, object, json_array_size(list) > 0 ? list : NULL, err);
    json_decref(list);
    return rc;
}
