#include "schemas/patch/patch_path.h"

#include <string.h>

const char *const patch_op_names[PATCH_OPS] = {
    [PATCH_ADD] = "add", [PATCH_REMOVE] = "remove", [PATCH_REPLACE] = "replace"};

/* The "]" that belongs to the "[" at text[open]; len if there is none. Brackets inside strings don't count.
 */
static size_t closing_bracket(const char *text, size_t len, size_t open) {
    bool quoted = false;
    for (size_t i = open + 1; i < len; i++) {
        if (quoted && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            quoted = !quoted;
        else if (text[i] == ']' && !quoted)
            return i;
    }
    return len;
}

static enum err_code parse_path_filter(enum dialect dialect, const char *text, size_t len, size_t open,
                                       struct arena *a, struct patch_path *out, struct err *err) {
    const struct attr *attr = out->at.attr;
    if (attr == NULL || !attr->multi || out->at.sub != NULL)
        return err_set(err, ERR_INVALID_PATH,
                       "Only a multi-valued attribute can have a filter behind it in a path");
    size_t close = closing_bracket(text, len, open);
    if (close == len)
        return err_set(err, ERR_INVALID_PATH, "A \"[\" in the path is not closed");
    enum err_code rc =
        filter_parse_element(attr, dialect, text + open + 1, close - open - 1, a, &out->filter, err);
    if (rc != ERR_OK || close + 1 == len)
        return rc;
    if (text[close + 1] != '.')
        return err_set(err, ERR_INVALID_PATH,
                       "Behind \"]\" a path ends, or goes on with \".\" and a sub-attribute");
    out->at.sub = attr_sub(attr, text + close + 2, len - close - 2);
    if (out->at.sub == NULL)
        return err_set(err, ERR_INVALID_PATH, "'%s' has no such sub-attribute as the path names behind \"]\"",
                       attr->name);
    return ERR_OK;
}

enum err_code patch_path_parse(const struct resource_type *rt, enum dialect dialect, const char *text,
                               size_t len, struct arena *a, struct patch_path *out, struct err *err) {
    *out = (struct patch_path){0};
    const char *bracket = memchr(text, '[', len);
    size_t open = bracket != NULL ? (size_t)(bracket - text) : len;
    enum err_code rc = attr_path_resolve(rt, text, open, ERR_INVALID_PATH, &out->at, err);
    if (rc == ERR_OK && bracket != NULL)
        rc = parse_path_filter(dialect, text, len, open, a, out, err);
    return rc;
}

void patch_path_format(const struct patch_path *p, struct jbuf *out) {
    if (p->filter == NULL) {
        attr_path_format(&p->at, out);
        return;
    }
    struct attr_path whole = {.extension = p->at.extension, .attr = p->at.attr};
    attr_path_format(&whole, out);
    jb_raw(out, "[");
    filter_format(p->filter, p->at.attr, out);
    jb_raw(out, "]");
    if (p->at.sub != NULL) {
        jb_raw(out, ".");
        jb_raw(out, p->at.sub->name);
    }
}
