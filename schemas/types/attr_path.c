/* Attribute paths. A URN has colons and dots of its own ("core:2.0:User"), so a known URN is matched as a
 * prefix before the rest is split at its dot (rule P5). */
#include "schemas/types/attr_path.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* How many bytes of a client's text a refusal quotes: at most 100, and no half UTF-8 character. */
static int shown_length(const char *text, size_t len) {
    size_t n = len < 100 ? len : 100;
    while (n < len && n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
        n--;
    return (int)n;
}

static enum err_code refuse_text(enum err_code code, const char *text, size_t len, const char *why,
                                 struct err *err) {
    return err_set(err, code, "'%.*s' %s", shown_length(text, len), text, why);
}

/* ALPHA *("$" / "-" / "_" / DIGIT / ALPHA) of RFC 7643 section 2.1, and "$ref", which that grammar forgot
 * (rule F15). */
static bool is_name(const char *s, size_t len) {
    if (len == 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool later = (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!alpha && c != '$' && !(later && i > 0))
            return false;
    }
    return true;
}

/* Length of the URN if text begins with it (letter case ignored) and ends or goes on with ':' behind it, else
 * 0. */
static size_t urn_prefix(const char *urn, const char *text, size_t len) {
    size_t n = strlen(urn);
    if (len < n || strncasecmp(urn, text, n) != 0 || (len > n && text[n] != ':'))
        return 0;
    return n;
}

/* The longest URN of the type that text begins with; *schema is the core schema or an extension. */
static size_t known_urn(const struct resource_type *rt, const char *text, size_t len,
                        const struct schema **schema) {
    size_t best = urn_prefix(rt->schema->id, text, len);
    if (best > 0)
        *schema = rt->schema;
    for (size_t i = 0; i < rt->nextensions; i++) {
        size_t n = urn_prefix(rt->extensions[i].schema->id, text, len);
        if (n > best) {
            best = n;
            *schema = rt->extensions[i].schema;
        }
    }
    return best;
}

/* Looks the name up in the schema that the path names. Without a URN: among the core attributes, then among
 * those of the extensions (ops/DESIGN.md, "Decided points"). */
static void find_attr(const struct resource_type *rt, const struct schema *schema, const char *name,
                      size_t len, struct attr_path *out) {
    if (schema != NULL && schema != rt->schema) {
        out->extension = schema;
        out->attr = schema_attr(schema, name, len);
        return;
    }
    out->attr = schema_attr(rt->schema, name, len);
    if (out->attr == NULL)
        out->attr = common_attr(name, len);
    for (size_t i = 0; out->attr == NULL && schema == NULL && i < rt->nextensions; i++) {
        out->attr = schema_attr(rt->extensions[i].schema, name, len);
        if (out->attr != NULL)
            out->extension = rt->extensions[i].schema;
    }
}

enum err_code attr_path_resolve(const struct resource_type *rt, const char *text, size_t len,
                                enum err_code code, struct attr_path *out, struct err *err) {
    const struct schema *schema = NULL;
    const char *rest = text;
    size_t rest_len = len;

    memset(out, 0, sizeof(*out));
    size_t prefix = known_urn(rt, text, len, &schema);
    if (prefix > 0 && prefix == len) {
        if (schema == rt->schema)
            return refuse_text(code, text, len, "names a schema, not an attribute", err);
        out->extension = schema;
        return ERR_OK;
    }
    if (prefix > 0) {
        rest = text + prefix + 1;
        rest_len = len - prefix - 1;
    } else if (len >= 4 && strncasecmp(text, "urn:", 4) == 0) {
        return refuse_text(code, text, len, "begins with no schema of this resource type", err);
    }

    const char *dot = memchr(rest, '.', rest_len);
    size_t name_len = dot != NULL ? (size_t)(dot - rest) : rest_len;
    const char *sub = dot != NULL ? dot + 1 : NULL;
    size_t sub_len = dot != NULL ? rest_len - name_len - 1 : 0;
    if (!is_name(rest, name_len) || (sub != NULL && !is_name(sub, sub_len)))
        return refuse_text(code, text, len, "is not an attribute path", err);

    find_attr(rt, schema, rest, name_len, out);
    if (out->attr == NULL)
        return refuse_text(code, text, len, "is not an attribute of this resource type", err);
    if (sub == NULL)
        return ERR_OK;
    out->sub = attr_sub(out->attr, sub, sub_len);
    if (out->sub == NULL)
        return refuse_text(code, text, len, "names no sub-attribute of its attribute", err);
    return ERR_OK;
}

bool attr_path_is_formed(const char *text, size_t len) {
    const char *dot = memchr(text, '.', len);
    size_t name = dot != NULL ? (size_t)(dot - text) : len;
    if (len >= 4 && strncasecmp(text, "urn:", 4) == 0)
        return true;
    return is_name(text, name) && (dot == NULL || is_name(dot + 1, len - name - 1));
}

char *attr_path_text(const struct attr_path *path, char *out, size_t size) {
    snprintf(out, size, "%s%s%s%s%s", path->extension != NULL ? path->extension->id : "",
             path->extension != NULL && path->attr != NULL ? ":" : "",
             path->attr != NULL ? path->attr->name : "", path->sub != NULL ? "." : "",
             path->sub != NULL ? path->sub->name : "");
    return out;
}

const struct attr *attr_path_target(const struct attr_path *path) {
    return path->sub != NULL ? path->sub : path->attr;
}

enum err_code attr_path_refuse(const struct attr_path *path, enum err_code code, const char *why,
                               struct err *err) {
    char text[ATTR_PATH_SIZE];
    attr_path_text(path, text, sizeof text);
    return err_set_path(err, code, text, "'%s' %s", text, why);
}
