#include "schemas/jsonx.h"

#include <stdlib.h>

static int append(const char *chunk, size_t size, void *out) {
    jb_mem(out, chunk, size);
    return 0;
}

static void dump(const json_t *value, size_t flags, struct jbuf *out) {
    if (value == NULL)
        jb_raw(out, "null");
    else if (json_dump_callback(value, append, out, flags | JSON_COMPACT | JSON_ENCODE_ANY) != 0)
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
