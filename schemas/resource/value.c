/* Values made to fit their attribute. What is done with whole lists is in value_list.c. */
#include "schemas/resource/value.h"

#include "ops/runtime/clock.h"
#include "schemas/resource/body.h"
#include "schemas/text/fold.h"
#include "schemas/text/jsonx.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What a type is called in a refusal. */
static const char *const type_words[] = {
    [ATTR_STRING] = "a string",
    [ATTR_BOOLEAN] = "true or false",
    [ATTR_DECIMAL] = "a number",
    [ATTR_INTEGER] = "an integer",
    [ATTR_DATETIME] = "a date and time such as 2026-11-22T10:15:30Z",
    [ATTR_BINARY] = "base64 text",
    [ATTR_REFERENCE] = "a string that is a URI",
    [ATTR_COMPLEX] = "an object",
};

static enum err_code wrong_type(const struct attr_path *path, struct err *err) {
    char text[sizeof(err->path)];
    attr_path_text(path, text, sizeof(text));
    return err_set_path(err, ERR_INVALID_VALUE, text, "'%s' must be %s", text,
                        type_words[attr_path_target(path)->type]);
}

/* An XML Schema dateTime (RFC 7643 section 2.3.5). rfc3339_parse alone accepts more, for filters. */
static bool is_datetime(const char *s) {
    int64_t ignored;
    if (!rfc3339_parse(s, &ignored) || s[10] != 'T' || strpbrk(s, "tz") != NULL || s[17] == '6')
        return false;
    const char *zone = strpbrk(s + 19, "+-");
    return zone == NULL || strncmp(zone + 1, "14", 2) < 0 || strcmp(zone + 1, "14:00") == 0;
}

/* RFC 4648: one of its two alphabets, with or without padding (RFC 7643 section 2.3.6). */
static bool is_base64(const char *s, size_t len) {
    size_t pad = 0;
    while (pad < 2 && pad < len && s[len - 1 - pad] == '=')
        pad++;
    for (size_t i = 0; i < len - pad; i++) {
        char c = s[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
              c == '/' || c == '-' || c == '_'))
            return false;
    }
    if (strpbrk(s, "+/") != NULL && strpbrk(s, "-_") != NULL)
        return false;
    return pad > 0 ? len % 4 == 0 : len % 4 != 1;
}

enum err_code value_too_long(const struct attr_path *path, size_t len, size_t max, struct err *err) {
    char why[120];
    snprintf(why, sizeof why, "is too long: it has %zu bytes, at most %zu are allowed", len, max);
    return attr_path_refuse(path, ERR_INVALID_VALUE, why, err);
}

/* An index must hold the folded form too, and folding can make text many times longer. */
static enum err_code check_size(const struct attr_path *path, const char *s, size_t len, struct err *err) {
    const struct attr *a = attr_path_target(path);
    size_t max = a->max_bytes > 0 ? a->max_bytes : VALUE_MAX_BYTES;
    if (len > max)
        return value_too_long(path, len, max, err);
    if (a->max_bytes == 0 || a->case_exact)
        return ERR_OK;
    char *folded = fold_text(s);
    size_t n = strlen(folded);
    free(folded);
    return n <= max ? ERR_OK : value_too_long(path, n, max, err);
}

/* Strings and what JSON writes as strings. */
static enum err_code normalise_text(const struct attr_path *path, const json_t *in, json_t **out,
                                    struct err *err) {
    const struct attr *a = attr_path_target(path);
    if (!json_is_string(in))
        return wrong_type(path, err);
    const char *s = json_string_value(in);
    size_t len = json_string_length(in);
    if (a->type == ATTR_DATETIME && !is_datetime(s))
        return wrong_type(path, err);
    if (a->type == ATTR_BINARY && !is_base64(s, len))
        return wrong_type(path, err);
    if (a->required && fold_is_blank(s))
        return attr_path_refuse(path, ERR_INVALID_VALUE, "must not be blank", err);
    if (check_size(path, s, len, err) != ERR_OK)
        return err->code;
    *out = jsonx_string(s, len);
    return ERR_OK;
}

/* Entra and Keycloak send booleans as strings (Q09). */
static enum err_code normalise_boolean(const struct attr_path *path, const json_t *in, json_t **out,
                                       struct err *err) {
    const char *s = json_string_value(in);
    if (json_is_true(in) || (s != NULL && strcasecmp(s, "true") == 0))
        *out = json_true();
    else if (json_is_false(in) || (s != NULL && strcasecmp(s, "false") == 0))
        *out = json_false();
    else
        return wrong_type(path, err);
    return ERR_OK;
}

/* Some clients send every value as a text. */
static enum err_code normalise_number(const struct attr_path *path, const json_t *in, json_t **out,
                                      struct err *err) {
    bool integer_due = attr_path_target(path)->type == ATTR_INTEGER;
    json_t *number =
        json_is_string(in) ? jsonx_number(json_string_value(in), json_string_length(in)) : jsonx_copy(in);
    if (!json_is_number(number) || (integer_due && !json_is_integer(number))) {
        json_decref(number);
        return wrong_type(path, err);
    }
    *out = number;
    return ERR_OK;
}

bool value_only_labels(json_t *element) {
    const char *name;
    json_t *value;
    json_object_foreach(element, name, value) {
        if (strcmp(name, "type") != 0 && strcmp(name, "primary") != 0)
            return false;
    }
    return true;
}

/* A complex value must have its required parts. */
static enum err_code check_parts(const struct attr_path *path, const json_t *object, struct err *err) {
    for (size_t i = 0; i < path->attr->nsubs; i++) {
        struct attr_path at = *path;
        at.sub = &path->attr->subs[i];
        if (at.sub->required && json_object_get(object, at.sub->name) == NULL)
            return attr_path_refuse(&at, ERR_INVALID_VALUE, "is required", err);
    }
    return ERR_OK;
}

enum err_code value_check_parts(const struct attr_path *path, const json_t *value, struct err *err) {
    enum err_code code = ERR_OK;
    if (path->attr->type != ATTR_COMPLEX || value == NULL)
        return ERR_OK;
    if (!json_is_array(value))
        return check_parts(path, value, err);
    for (size_t i = 0; i < json_array_size(value) && code == ERR_OK; i++)
        code = check_parts(path, json_array_get(value, i), err);
    return code;
}

static enum err_code normalise_object(const struct attr_path *path, const json_t *in, json_t **out,
                                      struct err *err) {
    json_t *object = json_object();
    bool emptied = false;
    const char *name;
    json_t *given;
    json_object_foreach((json_t *)in, name, given) {
        struct attr_path at = *path;
        json_t *value = NULL;
        at.sub = attr_sub(path->attr, name, strlen(name));
        if (at.sub == NULL || at.sub->mutability == ATTR_READ_ONLY)
            continue;
        enum err_code code = value_normalise(&at, given, &value, err);
        if (code != ERR_OK) {
            json_decref(object);
            return code;
        }
        if (value == NULL)
            emptied = true;
        else
            jsonx_put(object, at.sub->name, value);
    }
    if (emptied && value_only_labels(object)) {
        json_decref(object);
        return ERR_OK;
    }
    enum err_code code = json_object_size(object) > 0 ? check_parts(path, object, err) : ERR_OK;
    if (code != ERR_OK || json_object_size(object) == 0)
        json_decref(object);
    else
        *out = object;
    return code;
}

/* A simple value v stands for {"value": v} where there is such a sub-attribute (Q25, emails: ["a@b"]). */
static enum err_code normalise_complex(const struct attr_path *path, const json_t *in, json_t **out,
                                       struct err *err) {
    if (json_is_object(in))
        return normalise_object(path, in, out, err);
    struct attr_path at = *path;
    at.sub = attr_sub(path->attr, "value", strlen("value"));
    if (at.sub == NULL || json_is_array(in))
        return wrong_type(path, err);
    json_t *value = NULL;
    enum err_code code = value_normalise(&at, in, &value, err);
    if (code != ERR_OK || value == NULL)
        return code;
    json_t *object = json_object();
    jsonx_put(object, at.sub->name, value);
    code = check_parts(path, object, err);
    if (code == ERR_OK)
        *out = object;
    else
        json_decref(object);
    return code;
}

enum err_code value_normalise_element(const struct attr_path *path, const json_t *in, json_t **out,
                                      struct err *err) {
    *out = NULL;
    if (in == NULL || json_is_null(in) || (json_is_string(in) && json_string_length(in) == 0))
        return ERR_OK;
    switch (attr_path_target(path)->type) {
    case ATTR_COMPLEX:
        return normalise_complex(path, in, out, err);
    case ATTR_BOOLEAN:
        return normalise_boolean(path, in, out, err);
    case ATTR_DECIMAL:
    case ATTR_INTEGER:
        return normalise_number(path, in, out, err);
    case ATTR_STRING:
    case ATTR_DATETIME:
    case ATTR_BINARY:
    case ATTR_REFERENCE:
        return normalise_text(path, in, out, err);
    }
    return wrong_type(path, err);
}

static enum err_code append_element(const struct attr_path *path, const json_t *in, json_t *list,
                                    struct err *err) {
    json_t *element = NULL;
    enum err_code code = value_normalise_element(path, in, &element, err);
    if (code == ERR_OK && element != NULL)
        jsonx_push(list, element);
    return code;
}

static enum err_code normalise_list(const struct attr_path *path, const json_t *in, json_t **out,
                                    struct err *err) {
    enum err_code code = ERR_OK;
    json_t *list = json_array();
    if (json_is_array(in)) {
        for (size_t i = 0; i < json_array_size(in) && code == ERR_OK; i++)
            code = append_element(path, json_array_get(in, i), list, err);
    } else {
        code = append_element(path, in, list, err);
    }
    if (code == ERR_OK)
        code = value_tidy_list(path, list, err);
    if (code == ERR_OK && json_array_size(list) > 0)
        *out = list;
    else
        json_decref(list);
    return code;
}

/* A single value that comes as a list: [] assigns nothing; a list of one stands for its value, as in old
 * Entra manuals for manager (Q25). */
static enum err_code normalise_single(const struct attr_path *path, const json_t *in, json_t **out,
                                      struct err *err) {
    if (json_is_array(in)) {
        size_t n = json_array_size(in);
        if (n == 0)
            return ERR_OK;
        if (n > 1)
            return attr_path_refuse(path, ERR_INVALID_VALUE, "takes one value, not a list", err);
        in = body_unlist(in);
    }
    return value_normalise_element(path, in, out, err);
}

enum err_code value_normalise(const struct attr_path *path, const json_t *in, json_t **out, struct err *err) {
    *out = NULL;
    if (attr_path_target(path)->multi)
        return normalise_list(path, in, out, err);
    return normalise_single(path, in, out, err);
}

void value_hide_secrets(const struct attr *a, json_t *value) {
    for (size_t i = 0; i < json_array_size(value); i++)
        value_hide_secrets(a, json_array_get(value, i));
    for (size_t i = 0; json_is_object(value) && i < a->nsubs; i++)
        if (attr_is_secret(&a->subs[i]))
            json_object_del(value, a->subs[i].name);
}
