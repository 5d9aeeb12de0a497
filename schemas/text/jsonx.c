#include "schemas/text/jsonx.h"

#include <stdio.h>
#include <stdlib.h>

static int append_chunk(const char *chunk, size_t size, void *out) {
    jb_mem(out, chunk, size);
    return 0;
}

/* The number of digits that tells this number from all others: 15 for most numbers that people write, 17 for
 * some. */
static size_t digits_of(double number) {
    char text[40];
    for (int digits = 15; digits < 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            return (size_t)digits;
    }
    return 17;
}

/* The highest number of digits that a number in the tree needs; 0 where none has a fraction. */
static size_t digits_in(const json_t *value) {
    size_t most = json_is_real(value) ? digits_of(json_real_value(value)) : 0, n;
    const char *name;
    json_t *member;
    for (size_t i = 0; i < json_array_size(value); i++)
        if ((n = digits_in(json_array_get(value, i))) > most)
            most = n;
    if (json_is_object(value)) {
        json_object_foreach((json_t *)value, name, member) {
            if ((n = digits_in(member)) > most)
                most = n;
        }
    }
    return most;
}

static void dump(const json_t *value, size_t flags, struct jbuf *out) {
    if (value == NULL) {
        jb_raw(out, "null");
        return;
    }
    flags |= JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits_in(value));
    if (json_dump_callback(value, append_chunk, out, flags) != 0)
        abort();
}

void jsonx_text(const json_t *value, struct jbuf *out) {
    dump(value, 0, out);
}

void jsonx_text_sorted(const json_t *value, struct jbuf *out) {
    dump(value, JSON_SORT_KEYS, out);
}

json_t *jsonx_string(const char *s, size_t n) {
    json_t *v = json_stringn_nocheck(s, n);
    if (v == NULL)
        abort();
    return v;
}

json_t *jsonx_number(const char *s, size_t n) {
    if (n == 0 || !(s[0] == '-' || (s[0] >= '0' && s[0] <= '9')) || s[n - 1] < '0' || s[n - 1] > '9')
        return NULL;
    return json_loadb(s, n, JSON_DECODE_ANY, NULL);
}

void jsonx_put(json_t *object, const char *name, json_t *value) {
    if (json_object_set_new_nocheck(object, name, value) != 0)
        abort();
}

void jsonx_push(json_t *array, json_t *value) {
    if (json_array_append_new(array, value) != 0)
        abort();
}

json_t *jsonx_copy(const json_t *value) {
    json_t *copy = json_deep_copy(value);
    if (copy == NULL)
        abort();
    return copy;
}
