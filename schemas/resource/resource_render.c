/* A stored resource as the client sees it. Most answers show everything, and then the text of the document is
 * copied without being parsed, because reading users and rooms is what clients do most. */
#include "schemas/resource/resource.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/mem.h"
#include "schemas/resource/projection.h"
#include "schemas/text/jsonx.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct renderer {
    const struct resource_type *rt;
    const struct resource_row *row;
    const struct projection *p;
    const char *base;
    struct jbuf *out;
};

/* Removes what was written since the buffer had the length n. */
static void cut_back(struct jbuf *out, size_t n) {
    out->n = n;
    out->p[n] = '\0';
}

static void render_meta(const struct renderer *r, const struct projection *p) {
    const struct attr *meta = common_attr("meta", strlen("meta"));
    struct jbuf *out = r->out;
    jb_key(out, meta->name);
    jb_raw(out, "{");
    for (size_t i = 0; i < meta->nsubs; i++) {
        char text[RFC3339_SIZE], etag[32];
        struct attr_path path = {.attr = meta, .sub = &meta->subs[i]};
        const char *name = path.sub->name;
        if (projection_shows(p, &path) == PROJECTION_NONE)
            continue;
        jb_key(out, name);
        if (strcmp(name, "resourceType") == 0) {
            jb_str(out, r->rt->name);
        } else if (strcmp(name, "created") == 0) {
            jb_str(out, rfc3339_us(r->row->created_us, text));
        } else if (strcmp(name, "lastModified") == 0) {
            jb_str(out, rfc3339_us(r->row->modified_us, text));
        } else if (strcmp(name, "version") == 0) {
            jb_str(out, resource_row_etag(r->rt, r->row, etag));
        } else {
            char *url = xasprintf("%s%s/%s", r->base, r->rt->endpoint, r->row->id);
            jb_str(out, url);
            free(url);
        }
    }
    jb_raw(out, "}");
}

/* An empty list of members is shown, so that a client sees that the room is empty. An empty list of a user's
 * groups is not shown. */
static bool shows_refs_text(const struct attr *refs, const char *text) {
    return text != NULL && (refs->mutability != ATTR_READ_ONLY || strcmp(text, "[]") != 0);
}

/* Does the default representation show the whole document? Of usher's own schemas, everything that is stored
 * is shown. What an operator defines may be hidden, or may no longer be defined. The text begins with
 * "schemas", which names every schema in it (resource_tidy). */
static bool is_plain(const char *doc) {
    static const char begin[] = "{\"schemas\":[\"";
    if (strncmp(doc, begin, sizeof(begin) - 1) != 0)
        return false;
    for (const char *urn = doc + sizeof(begin) - 1;; urn += 3) {
        size_t n = strcspn(urn, "\"");
        if (!schema_is_builtin(urn, n))
            return false;
        urn += n;
        if (strncmp(urn, "\",\"", 3) != 0)
            return strncmp(urn, "\"]", 2) == 0;
    }
}

static void render_whole(const struct renderer *r) {
    struct jbuf *out = r->out;
    const struct attr *refs = resource_type_refs(r->rt);
    size_t len = strlen(r->row->doc);
    jb_raw(out, "{");
    jb_kstr(out, "id", r->row->id);
    if (len > 2) {
        jb_mem(out, ",", 1);
        jb_mem(out, r->row->doc + 1, len - 2); /* without its braces */
    }
    if (refs != NULL && shows_refs_text(refs, r->row->refs))
        jb_kraw(out, refs->name, r->row->refs);
    render_meta(r, NULL);
    jb_raw(out, "}");
}

/* Only the sub-attributes that are shown, of an object or of each element of a list. False if nothing is
 * left; then nothing was written. */
static bool put_some(const struct renderer *r, const struct attr_path *path, const json_t *value) {
    struct jbuf *out = r->out;
    size_t start = out->n;
    size_t shown = 0;
    if (json_is_array(value)) {
        jb_raw(out, "[");
        for (size_t i = 0; i < json_array_size(value); i++) {
            size_t before = out->n;
            jb_sep(out);
            if (put_some(r, path, json_array_get(value, i)))
                shown++;
            else
                cut_back(out, before);
        }
        jb_raw(out, "]");
    } else {
        const char *name;
        json_t *member;
        jb_raw(out, "{");
        json_object_foreach((json_t *)value, name, member) {
            struct attr_path at = *path;
            at.sub = attr_sub(path->attr, name, strlen(name));
            if (at.sub == NULL || projection_shows(r->p, &at) == PROJECTION_NONE)
                continue;
            jb_key(out, name);
            jsonx_text(member, out);
            shown++;
        }
        jb_raw(out, "}");
    }
    if (shown == 0)
        cut_back(out, start);
    return shown > 0;
}

/* Is a part of it never shown, or shown only on request? */
static bool has_hidden_parts(const struct attr *a) {
    for (size_t i = 0; i < a->nsubs; i++)
        if (attr_is_secret(&a->subs[i]) || a->subs[i].returned == ATTR_RETURNED_REQUEST)
            return true;
    return false;
}

static void put_attr(const struct renderer *r, const struct attr_path *path, const json_t *value) {
    enum projection_part part = projection_shows(r->p, path);
    size_t before = r->out->n;
    if (part == PROJECTION_NONE)
        return;
    jb_key(r->out, path->attr->name);
    if (part == PROJECTION_ALL && !has_hidden_parts(path->attr))
        jsonx_text(value, r->out);
    else if (!put_some(r, path, value))
        cut_back(r->out, before);
}

static void render_extension(const struct renderer *r, const struct schema *extension, const json_t *object) {
    const char *name;
    json_t *value;
    size_t before = r->out->n;
    jb_key(r->out, extension->id);
    jb_raw(r->out, "{");
    size_t empty = r->out->n;
    json_object_foreach((json_t *)object, name, value) {
        struct attr_path path = {.extension = extension, .attr = schema_attr(extension, name, strlen(name))};
        if (path.attr != NULL)
            put_attr(r, &path, value);
    }
    if (r->out->n == empty)
        cut_back(r->out, before);
    else
        jb_raw(r->out, "}");
}

static void put_refs(const struct renderer *r, const struct attr *refs) {
    struct attr_path path = {.attr = refs};
    enum projection_part part = projection_shows(r->p, &path);
    if (!shows_refs_text(refs, r->row->refs) || part == PROJECTION_NONE)
        return;
    if (part == PROJECTION_ALL) {
        jb_kraw(r->out, refs->name, r->row->refs);
        return;
    }
    json_t *list = json_loads(r->row->refs, 0, NULL);
    put_attr(r, &path, list);
    json_decref(list);
}

static void render_some(const struct renderer *r, const json_t *doc) {
    const struct attr *refs = resource_type_refs(r->rt);
    struct attr_path meta = {.attr = common_attr("meta", strlen("meta"))};
    const char *name;
    json_t *value;
    jb_raw(r->out, "{");
    jb_kstr(r->out, "id", r->row->id);
    json_object_foreach((json_t *)doc, name, value) {
        size_t len = strlen(name);
        const struct schema *extension = resource_type_extension(r->rt, name, len);
        struct attr_path path = {0};
        if (extension != NULL) {
            render_extension(r, extension, value);
            continue;
        }
        path.attr = schema_attr(r->rt->schema, name, len);
        if (path.attr == NULL)
            path.attr = common_attr(name, len);
        if (path.attr != NULL)
            put_attr(r, &path, value);
    }
    if (refs != NULL)
        put_refs(r, refs);
    if (projection_shows(r->p, &meta) != PROJECTION_NONE)
        render_meta(r, r->p);
    jb_raw(r->out, "}");
}

void resource_render(const struct resource_type *rt, const struct resource_row *row,
                     const struct projection *p, const char *base, struct jbuf *out) {
    struct renderer r = {rt, row, p, base, out};
    if (p == NULL && is_plain(row->doc)) {
        render_whole(&r);
        return;
    }
    json_t *doc = json_loads(row->doc, 0, NULL);
    if (doc == NULL)
        abort(); /* the store holds only text that usher wrote */
    render_some(&r, doc);
    json_decref(doc);
}
