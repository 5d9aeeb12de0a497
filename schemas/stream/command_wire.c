#include "ops/runtime/clock.h"
#include "schemas/stream/command_impl.h"

#include <string.h>

bool wire_bad(struct err *err, const char *name, const char *what) {
    (void)err_set_path(err, ERR_DECODE, name, "%s: %s", name, what);
    return false;
}

bool wire_uuid(const json_t *o, const char *name, bool may_be_null, struct uuid *out, struct err *err) {
    const json_t *v = json_object_get(o, name);
    if (may_be_null && (v == NULL || json_is_null(v))) {
        out->s[0] = '\0';
        return true;
    }
    if (!json_is_string(v) || !uuid_parse(json_string_value(v), out))
        return wire_bad(err, name, "not a UUID");
    return true;
}

bool wire_time(const json_t *o, const char *name, bool may_be_null, int64_t *us, struct err *err) {
    const json_t *v = json_object_get(o, name);
    *us = 0;
    if (may_be_null && (v == NULL || json_is_null(v)))
        return true;
    if (!json_is_string(v) || !rfc3339_parse(json_string_value(v), us))
        return wire_bad(err, name, "not a time stamp");
    return true;
}

bool wire_int(const json_t *o, const char *name, int64_t min, int64_t max, int64_t *out, struct err *err) {
    const json_t *v = json_object_get(o, name);
    if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
        return wire_bad(err, name, "not an integer in range");
    *out = json_integer_value(v);
    return true;
}

/* A text that must fit into out; every text that usher writes does. */
bool wire_text(const json_t *o, const char *name, bool may_be_null, char *out, size_t size, struct err *err) {
    const json_t *v = json_object_get(o, name);
    out[0] = '\0';
    if (may_be_null && (v == NULL || json_is_null(v)))
        return true;
    if (!json_is_string(v))
        return wire_bad(err, name, "not a string");
    if (json_string_length(v) >= size)
        return wire_bad(err, name, "too long");
    memcpy(out, json_string_value(v), json_string_length(v) + 1);
    return true;
}

bool wire_code(const json_t *o, const char *name, enum err_code *code, struct err *err) {
    const char *text = json_string_value(json_object_get(o, name));
    if (text == NULL)
        return wire_bad(err, name, "not a string");
    *code = err_from_name(text);
    return true;
}

/* The root object of a record of ours, version checked; new reference or NULL. */
json_t *wire_load(const char *buf, size_t len, int newest, struct err *err) {
    json_error_t at;
    int64_t version;
    json_t *root = buf != NULL ? json_loadb(buf, len, JSON_REJECT_DUPLICATES, &at) : NULL;
    if (root == NULL) {
        (void)err_set(err, ERR_DECODE, "%s", buf == NULL ? "no value" : at.text);
        return NULL;
    }
    const json_t *v = json_object_get(root, "v");
    if (!json_is_object(root))
        (void)err_set(err, ERR_DECODE, "not a JSON object");
    else if (json_is_integer(v) && json_integer_value(v) > newest)
        (void)err_set(err, ERR_NOT_IMPLEMENTED, "v: %" JSON_INTEGER_FORMAT " is a newer version's",
                      json_integer_value(v));
    else if (wire_int(root, "v", COMMAND_VERSION, newest, &version, err))
        return root;
    json_decref(root);
    return NULL;
}

void wire_put_time(struct jbuf *out, const char *name, int64_t us) {
    char text[RFC3339_SIZE];
    jb_kstr(out, name, us != 0 ? rfc3339_us(us, text) : NULL);
}

/* err_set cuts details at a size, perhaps within a character, and a record must be UTF-8. The length without
 * the beginning of a character at the end. */
static size_t whole_characters(const char *text) {
    size_t n = strlen(text), start = n;
    while (start > 0 && n - start < 3 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0 || (unsigned char)text[start - 1] < 0xc0)
        return n;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t due = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    return n - start + 1 < due ? start - 1 : n;
}

void wire_put_detail(struct jbuf *out, const char *detail) {
    jb_key(out, "detail");
    if (detail[0] != '\0')
        jb_strn(out, detail, whole_characters(detail));
    else
        jb_raw(out, "null");
}
