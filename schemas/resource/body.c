/* A body is read in two passes. The first looks at bytes only and limits what the second may build. A parsed
 * value takes up to 77 bytes of memory for each byte of text, so a check of the finished tree would come too
 * late. */
#include "schemas/resource/body.h"

#include "ops/runtime/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Objects up to this size are compared pair by pair, larger ones by sorting their names. */
#define FEW_MEMBERS 16

/* Past the closing quote of the string that begins at buf[i], or len. */
static size_t skip_string(const char *buf, size_t len, size_t i) {
    for (i++; i < len; i++) {
        if (buf[i] == '\\')
            i++;
        else if (buf[i] == '"')
            return i + 1;
    }
    return len;
}

static bool is_scalar_byte(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '+' || c == '.';
}

/* Counts values and depth. The count is exact for correct JSON. For wrong JSON it is never less than what the
 * parser builds before it meets the error: a string is counted as a name only where a colon follows directly.
 */
static enum err_code measure(const char *buf, size_t len, const struct body_limits *limits, struct err *err) {
    size_t depth = 0;
    size_t values = 0, containers = 0;
    bool after_string = false;
    for (size_t i = 0; i < len;) {
        char c = buf[i];
        if (c == '"') {
            i = skip_string(buf, len, i);
            values++;
            after_string = true;
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            i++;
            continue;
        } else if (is_scalar_byte(c)) {
            while (i < len && is_scalar_byte(buf[i]))
                i++;
            values++;
            after_string = false;
        } else {
            if (c == '{' || c == '[') {
                containers++;
                if (++depth > limits->max_depth)
                    return err_set(err, ERR_INVALID_SYNTAX, "The body is nested deeper than %zu levels",
                                   limits->max_depth);
            } else if ((c == '}' || c == ']') && depth > 0) {
                depth--;
            } else if (c == ':' && after_string) {
                values--;
            }
            after_string = false;
            i++;
        }
        if (values > limits->max_elements + 1 || containers > limits->max_elements)
            break; /* (one may still turn out to be a name) */
    }
    if (values > limits->max_elements || containers > limits->max_elements)
        return err_set(err, ERR_INVALID_SYNTAX, "The body has more than %zu values", limits->max_elements);
    return ERR_OK;
}

/* The parser's own message quotes the input, which may be a secret, so it is not used. */
static const char *parse_problem(const json_error_t *e) {
    switch (json_error_code(e)) {
    case json_error_duplicate_key:
        return "a member occurs twice in one object";
    case json_error_premature_end_of_input:
        return "it ends too early";
    case json_error_end_of_input_expected:
        return "something follows the object";
    case json_error_invalid_utf8:
        return "it is not UTF-8";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "it holds a NUL character";
    case json_error_numeric_overflow:
        return "a number is out of range";
    default:
        return "it is not JSON";
    }
}

static int by_name(const void *a, const void *b) {
    return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

/* Two names of one object that differ in nothing but letter case; NULL if there are none. */
static const char *duplicate_name(json_t *object) {
    size_t n = json_object_size(object);
    const char *few[FEW_MEMBERS];
    const char **names = n <= FEW_MEMBERS ? few : xmalloc(n * sizeof(*names));
    const char *found = NULL;
    const char *name;
    json_t *value;
    size_t i = 0;

    json_object_foreach(object, name, value) {
        names[i++] = name;
    }
    n = i; /* the same number, which the analyser cannot know */
    if (n <= FEW_MEMBERS) {
        for (size_t a = 1; a < n && found == NULL; a++)
            for (size_t b = 0; b < a && found == NULL; b++)
                if (strcasecmp(names[a], names[b]) == 0)
                    found = names[a];
    } else {
        qsort(names, n, sizeof(*names), by_name);
        for (size_t a = 1; a < n && found == NULL; a++)
            if (strcasecmp(names[a], names[a - 1]) == 0)
                found = names[a];
        free(names);
    }
    return found;
}

/* Recursion is bounded: measure() has checked the depth. */
static enum err_code check_names(json_t *value, struct err *err) {
    enum err_code code = ERR_OK;
    if (json_is_object(value)) {
        const char *name;
        json_t *member;
        if (duplicate_name(value) != NULL)
            return err_set(err, ERR_INVALID_SYNTAX,
                           "A member occurs twice in one object, in different letter case");
        json_object_foreach(value, name, member) {
            code = check_names(member, err);
            if (code != ERR_OK)
                return code;
        }
    } else if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value) && code == ERR_OK; i++)
            code = check_names(json_array_get(value, i), err);
    }
    return code;
}

enum err_code body_parse(const char *buf, size_t len, const struct body_limits *limits, json_t **out,
                         struct err *err) {
    json_error_t error;
    *out = NULL;
    if (len > limits->max_bytes)
        return err_set(err, ERR_TOO_LARGE, "The body has %zu bytes, at most %zu are allowed", len,
                       limits->max_bytes);
    enum err_code code = measure(buf, len, limits, err);
    if (code != ERR_OK)
        return code;

    json_t *root = json_loadb(buf, len, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL)
        return err_set(err, ERR_INVALID_SYNTAX, "The body cannot be read: %s (line %d, column %d)",
                       parse_problem(&error), error.line, error.column);
    if (!json_is_object(root))
        code = err_set(err, ERR_INVALID_SYNTAX, "The body must be a JSON object");
    else
        code = check_names(root, err);
    if (code != ERR_OK) {
        json_decref(root);
        return code;
    }
    *out = root;
    return ERR_OK;
}

json_t *body_member(const json_t *object, const char *name) {
    json_t *exact = json_object_get(object, name);
    if (exact != NULL || !json_is_object(object))
        return exact;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        if (strcasecmp(key, name) == 0)
            return value;
    }
    return NULL;
}

const json_t *body_unlist(const json_t *v) {
    return json_array_size(v) == 1 ? json_array_get(v, 0) : v;
}

static const char *const old_schemas_prefix = "urn:scim:schemas:"; /* SCIM 1.0 and 1.1 */

static bool names_schema(const json_t *urn, const char *id) {
    return json_is_string(urn) && strcasecmp(json_string_value(urn), id) == 0;
}

enum err_code body_check_schemas(const json_t *body, const char *urn, struct err *err) {
    const json_t *schemas = body_member(body, "schemas");
    bool old = false;
    if (schemas == NULL || names_schema(schemas, urn))
        return ERR_OK;
    if (!json_is_array(schemas))
        return err_set_path(err, ERR_INVALID_SYNTAX, "schemas", "'schemas' must be an array that holds '%s'",
                            urn);
    for (size_t i = 0; i < json_array_size(schemas); i++) {
        const json_t *given = json_array_get(schemas, i);
        if (names_schema(given, urn))
            return ERR_OK;
        if (json_is_string(given) &&
            strncasecmp(json_string_value(given), old_schemas_prefix, strlen(old_schemas_prefix)) == 0)
            old = true;
    }
    if (old)
        return err_set_path(err, ERR_INVALID_SYNTAX, "schemas",
                            "'schemas' names a schema of SCIM 1; this is SCIM 2.0: use '%s'", urn);
    return err_set_path(err, ERR_INVALID_SYNTAX, "schemas", "'schemas' must hold '%s'", urn);
}
