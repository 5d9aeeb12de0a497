/* Lists of values: elements that say the same, the one that is primary, and ids of members. Constant work per
 * element, since a room's list may have a hundred thousand. */
#include "schemas/resource/value.h"

#include "ops/runtime/id.h"
#include "schemas/resource/body.h"
#include "schemas/text/jsonx.h"
#include "schemas/text/text_set.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What makes an element the same as another one: type and value (RFC 7643 section 2.4), all of it where it
 * has no value. */
static void element_key(const json_t *element, struct jbuf *key) {
    const json_t *value = json_object_get(element, "value");
    jb_reset(key);
    if (json_is_string(value)) {
        const json_t *type = json_object_get(element, "type");
        jb_mem(key, "v", 1);
        jb_mem(key, json_string_value(value), json_string_length(value));
        jb_mem(key, "", 1); /* no string has a NUL, so it separates the two parts */
        if (json_is_string(type))
            jb_mem(key, json_string_value(type), json_string_length(type));
    } else {
        jb_mem(key, "j", 1);
        jsonx_text_sorted(element, key);
    }
}

bool value_is_primary(const json_t *element) {
    return json_is_true(json_object_get(element, "primary"));
}

static void collapse(json_t *list) {
    size_t n = json_array_size(list);
    struct text_set *seen = text_set_new(n);
    struct jbuf key = {0};
    json_t *kept = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *element = json_array_get(list, i);
        size_t first;
        element_key(element, &key);
        if (text_set_add(seen, key.p, key.n, &first)) {
            jsonx_push(kept, json_incref(element));
        } else if (value_is_primary(element)) {
            jsonx_put(json_array_get(kept, first), "primary", json_true());
        }
    }
    if (json_array_size(kept) < n && (json_array_clear(list) != 0 || json_array_extend(list, kept) != 0))
        abort();
    json_decref(kept);
    jb_free(&key);
    text_set_free(seen);
}

enum err_code value_tidy_list(const struct attr_path *path, json_t *list, struct err *err) {
    if (json_array_size(list) < 2)
        return ERR_OK;
    collapse(list);
    size_t primaries = 0;
    for (size_t i = 0; i < json_array_size(list); i++)
        primaries += value_is_primary(json_array_get(list, i)) ? 1 : 0;
    if (primaries > 1)
        return attr_path_refuse(path, ERR_INVALID_VALUE, "has more than one primary value", err);
    return ERR_OK;
}

enum err_code value_each_same(const json_t *old, json_t *given,
                              enum err_code (*fn)(const json_t *before, json_t *element, void *ctx),
                              void *ctx) {
    enum err_code code = ERR_OK;
    size_t n = json_array_size(old), index;
    struct text_set *known = text_set_new(n);
    struct jbuf key = {0};
    /* They are distinct since they were normalised, so the number in the set is the index. */
    for (size_t i = 0; i < n; i++) {
        element_key(json_array_get(old, i), &key);
        text_set_add(known, key.p, key.n, NULL);
    }
    for (size_t i = 0; i < json_array_size(given) && code == ERR_OK; i++) {
        element_key(json_array_get(given, i), &key);
        if (!text_set_add(known, key.p, key.n, &index) && index < n)
            code = fn(json_array_get(old, index), json_array_get(given, i), ctx);
    }
    jb_free(&key);
    text_set_free(known);
    return code;
}

bool value_same(const json_t *a, const json_t *b) {
    if (!json_is_array(a) || !json_is_array(b) || json_equal((json_t *)a, (json_t *)b))
        return json_equal((json_t *)a, (json_t *)b);
    size_t n = json_array_size(a);
    bool same = json_array_size(b) == n;
    struct text_set *set = text_set_new(n);
    struct jbuf key = {0};
    for (size_t i = 0; i < n && same; i++) { /* elements are distinct since they were normalised */
        jb_reset(&key);
        jsonx_text_sorted(json_array_get(a, i), &key);
        text_set_add(set, key.p, key.n, NULL);
    }
    for (size_t i = 0; i < n && same; i++) {
        jb_reset(&key);
        jsonx_text_sorted(json_array_get(b, i), &key);
        same = !text_set_add(set, key.p, key.n, NULL);
    }
    jb_free(&key);
    text_set_free(set);
    return same;
}

/* {"value": id, "type": "User" or nothing, …}, or the id itself. *id stays NULL where the element is null. */
static enum err_code member_id(const struct attr_path *path, const json_t *element, const json_t **id,
                               struct err *err) {
    *id = NULL;
    if (json_is_null(element))
        return ERR_OK;
    if (json_is_object(element)) {
        const json_t *type = body_member(element, "type");
        if (type != NULL && !json_is_null(type) && !json_is_string(type))
            return attr_path_refuse(path, ERR_INVALID_VALUE, "has an element whose type is not a string",
                                    err);
        if (json_is_string(type) && strcasecmp(json_string_value(type), "Group") == 0)
            return attr_path_refuse(path, ERR_INVALID_VALUE,
                                    "takes users only: groups within groups are not supported", err);
        element = body_member(element, "value");
    }
    if (!json_is_string(element) || json_string_length(element) == 0)
        return attr_path_refuse(path, ERR_INVALID_VALUE, "has an element whose value is not the id of a user",
                                err);
    const struct attr *value = attr_sub(path->attr, "value", strlen("value"));
    if (value->max_bytes > 0 && json_string_length(element) > value->max_bytes)
        return value_too_long(path, json_string_length(element), value->max_bytes, err);
    *id = element;
    return ERR_OK;
}

static enum err_code add_member(const struct attr_path *path, const json_t *element, struct text_set *seen,
                                json_t *ids, struct err *err) {
    const json_t *given;
    struct uuid uuid;
    enum err_code code = member_id(path, element, &given, err);
    if (code != ERR_OK || given == NULL)
        return code;
    bool known_form = uuid_parse(json_string_value(given), &uuid);
    const char *id = known_form ? uuid.s : json_string_value(given);
    size_t len = known_form ? sizeof(uuid.s) - 1 : json_string_length(given);
    if (text_set_add(seen, id, len, NULL))
        jsonx_push(ids, jsonx_string(id, len));
    return ERR_OK;
}

enum err_code value_too_many_members(const struct attr_path *path, struct err *err) {
    char why[80];
    snprintf(why, sizeof why, "has too many values: one request names at most %d", MEMBERS_MAX);
    return attr_path_refuse(path, ERR_TOO_LARGE, why, err);
}

enum err_code value_member_ids(const struct attr_path *path, const json_t *in, json_t **ids,
                               struct err *err) {
    enum err_code code = ERR_OK;
    *ids = NULL;
    if (json_array_size(in) > MEMBERS_MAX)
        return value_too_many_members(path, err);
    json_t *list = json_array();
    struct text_set *seen = text_set_new(json_array_size(in));
    if (json_is_array(in)) {
        for (size_t i = 0; i < json_array_size(in) && code == ERR_OK; i++)
            code = add_member(path, json_array_get(in, i), seen, list, err);
    } else if (in != NULL && !(json_is_string(in) && json_string_length(in) == 0)) {
        code = add_member(path, in, seen, list, err);
    }
    text_set_free(seen);
    if (code == ERR_OK)
        *ids = list;
    else
        json_decref(list);
    return code;
}
