/* The searchable form of a document. It is what filters see in SQL, so it must say the same as filter_match
 * sees in memory: names without letter case, strings folded unless caseExact, instants as numbers. */
#include "schemas/resource/resource.h"

#include "ops/runtime/clock.h"
#include "schemas/text/fold.h"
#include "schemas/text/jsonx.h"

#include <stdlib.h>
#include <string.h>

/* Names are ASCII without anything to escape (RFC 7643 section 2.1), and so are URNs. */
static void put_name(struct jbuf *out, const char *name) {
    jb_sep(out);
    jb_mem(out, "\"", 1);
    for (; *name != '\0'; name++) {
        char c = *name >= 'A' && *name <= 'Z' ? (char)(*name + ('a' - 'A')) : *name;
        jb_mem(out, &c, 1);
    }
    jb_mem(out, "\":", 2);
}

static void put_string(const struct attr *a, const json_t *value, struct jbuf *out) {
    int64_t us;
    if (a->type == ATTR_DATETIME && rfc3339_parse(json_string_value(value), &us)) {
        jb_int(out, us);
    } else if (a->case_exact) {
        jb_strn(out, json_string_value(value), json_string_length(value));
    } else {
        char *folded = fold_text(json_string_value(value));
        jb_str(out, folded);
        free(folded);
    }
}

/* The value of an attribute, or of one of its elements. */
static void search_value(const struct attr *a, const json_t *value, struct jbuf *out) {
    if (json_is_array(value)) {
        jb_raw(out, "[");
        for (size_t i = 0; i < json_array_size(value); i++) {
            jb_sep(out);
            search_value(a, json_array_get(value, i), out);
        }
        jb_raw(out, "]");
    } else if (json_is_object(value)) {
        const char *name;
        json_t *member;
        jb_raw(out, "{");
        json_object_foreach((json_t *)value, name, member) {
            const struct attr *sub = attr_sub(a, name, strlen(name));
            if (sub == NULL || attr_is_secret(sub))
                continue;
            put_name(out, sub->name);
            search_value(sub, member, out);
        }
        jb_raw(out, "}");
    } else if (json_is_string(value)) {
        put_string(a, value, out);
    } else {
        jsonx_text(value, out);
    }
}

static void search_extension(const struct schema *extension, const json_t *object, struct jbuf *out) {
    const char *name;
    json_t *value;
    put_name(out, extension->id);
    jb_raw(out, "{");
    json_object_foreach((json_t *)object, name, value) {
        const struct attr *a = schema_attr(extension, name, strlen(name));
        if (a == NULL || attr_is_secret(a))
            continue;
        put_name(out, a->name);
        search_value(a, value, out);
    }
    jb_raw(out, "}");
}

char *resource_search_text(const struct resource_type *rt, const json_t *doc) {
    struct jbuf out = {0};
    const char *name;
    json_t *value;
    jb_raw(&out, "{");
    json_object_foreach((json_t *)doc, name, value) {
        size_t len = strlen(name);
        const struct schema *extension = resource_type_extension(rt, name, len);
        if (extension != NULL) {
            search_extension(extension, value, &out);
            continue;
        }
        const struct attr *a = schema_attr(rt->schema, name, len);
        if (a == NULL)
            a = common_attr(name, len);
        if (a == NULL || attr_is_secret(a))
            continue;
        put_name(&out, a->name);
        search_value(a, value, &out);
    }
    jb_raw(&out, "}");
    return jb_take(&out);
}
