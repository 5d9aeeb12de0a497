#include "schemas/resource/projection.h"

#include <stdbool.h>
#include <string.h>

struct projection {
    bool only; /* `attributes`: the named ones; else `excludedAttributes`: all but the named ones */
    struct attr_path *paths;
    size_t n;
    struct attr_path *given; /* returned on request, and named by the write that is answered */
    size_t ngiven;
};

static size_t count_names(const char *list) {
    size_t n = 1;
    for (; *list != '\0'; list++)
        n += *list == ',' ? 1 : 0;
    return n;
}

static void add_name(const struct resource_type *rt, struct projection *p, const char *name, size_t len) {
    while (len > 0 && *name == ' ') {
        name++;
        len--;
    }
    while (len > 0 && name[len - 1] == ' ')
        len--;
    /* Entra's samples ask for emails[type eq "work"]. The filter is ignored, so the whole attribute is meant.
     */
    const char *bracket = memchr(name, '[', len);
    if (bracket != NULL)
        len = (size_t)(bracket - name);
    struct attr_path *path = &p->paths[p->n];
    if (attr_path_resolve(rt, name, len, ERR_INVALID_VALUE, path, NULL) ==
        ERR_OK) /* unknown ones are ignored (J3) */
        p->n++;
}

enum err_code projection_parse(const struct resource_type *rt, const char *attributes, const char *excluded,
                               struct arena *a, const struct projection **out, struct err *err) {
    bool only = attributes != NULL && *attributes != '\0';
    bool but = excluded != NULL && *excluded != '\0';
    *out = NULL;
    if (only && but)
        return err_set_path(err, ERR_INVALID_VALUE, "attributes",
                            "'attributes' and 'excludedAttributes' cannot be given together");
    if (!only && !but)
        return ERR_OK;

    const char *list = only ? attributes : excluded;
    struct projection *p = arena_alloc(a, sizeof(*p));
    p->only = only;
    p->paths = arena_alloc(a, count_names(list) * sizeof(*p->paths));
    while (list != NULL) {
        const char *comma = strchr(list, ',');
        add_name(rt, p, list, comma != NULL ? (size_t)(comma - list) : strlen(list));
        list = comma != NULL ? comma + 1 : NULL;
    }
    *out = p;
    return ERR_OK;
}

/* The attribute itself or its whole extension is named, or only a sub-attribute of it (SOME). */
static enum projection_part named(const struct projection *p, const struct attr_path *path) {
    enum projection_part best = PROJECTION_NONE;
    for (size_t i = 0; i < p->n; i++) {
        const struct attr_path *given = &p->paths[i];
        if (given->attr == NULL ? given->extension == path->extension : given->attr == path->attr) {
            if (given->sub == NULL || given->sub == path->sub)
                return PROJECTION_ALL;
            if (path->sub == NULL)
                best = PROJECTION_SOME;
        }
    }
    return best;
}

/* What is returned on request must be named itself. Naming the extension or the attribute around it is not
 * enough. */
static enum projection_part asked(const struct projection *p, const struct attr_path *path) {
    enum projection_part best = PROJECTION_NONE;
    for (size_t i = 0; i < p->n; i++) {
        if (p->paths[i].attr != path->attr)
            continue;
        if (p->paths[i].sub == path->sub)
            return PROJECTION_ALL;
        if (path->sub == NULL)
            best = PROJECTION_SOME;
    }
    return best;
}

/* The answer to a write shows what the write names, unless `excludedAttributes` names it. */
static enum projection_part given(const struct projection *p, const struct attr_path *path) {
    for (size_t i = 0; i < p->ngiven; i++)
        if (p->given[i].attr == path->attr && named(p, path) != PROJECTION_ALL)
            return PROJECTION_ALL;
    return PROJECTION_NONE;
}

static enum projection_part invert(enum projection_part part) {
    return part == PROJECTION_ALL    ? PROJECTION_NONE
           : part == PROJECTION_NONE ? PROJECTION_ALL
                                     : PROJECTION_SOME;
}

enum projection_part projection_shows(const struct projection *p, const struct attr_path *path) {
    const struct attr *target = attr_path_target(path);
    if (attr_is_secret(target))
        return PROJECTION_NONE;
    if (target->returned == ATTR_RETURNED_ALWAYS)
        return PROJECTION_ALL;
    if (target->returned == ATTR_RETURNED_REQUEST)
        return p == NULL ? PROJECTION_NONE : p->only ? asked(p, path) : given(p, path);
    if (p == NULL)
        return PROJECTION_ALL;
    return p->only ? named(p, path) : invert(named(p, path));
}

enum refs_wanted projection_refs(const struct resource_type *rt, const struct projection *p) {
    struct attr_path path = {.attr = resource_type_refs(rt)};
    if (path.attr == NULL || projection_shows(p, &path) == PROJECTION_NONE)
        return REFS_NONE;
    path.sub = attr_sub(path.attr, "display", strlen("display"));
    return path.sub != NULL && projection_shows(p, &path) != PROJECTION_NONE ? REFS_NAMED : REFS_IDS;
}

/* Does the document have a value there? */
static bool doc_names(const json_t *doc, const struct attr_path *path) {
    const json_t *at = path->extension != NULL ? json_object_get(doc, path->extension->id) : doc;
    return json_object_get(at, path->attr->name) != NULL;
}

/* Does an operation's path begin there? Paths are canonical (patch_normalise). */
static bool ops_name(const struct resource_type *rt, const json_t *ops, const struct attr_path *path) {
    for (size_t i = 0; i < json_array_size(ops); i++) {
        const char *text = json_string_value(json_object_get(json_array_get(ops, i), "path"));
        struct attr_path at;
        if (text != NULL &&
            attr_path_resolve(rt, text, strcspn(text, "["), ERR_INVALID_PATH, &at, NULL) == ERR_OK &&
            at.extension == path->extension && (at.attr == NULL || at.attr == path->attr))
            return true;
    }
    return false;
}

struct write {
    const struct resource_type *rt;
    const json_t *doc, *ops;
    struct projection *p; /* gains what is given */
    struct arena *arena;
};

static void add_given(struct write *w, const struct attr_path *path) {
    struct projection *p = w->p;
    struct attr_path *more = arena_alloc(w->arena, (p->ngiven + 1) * sizeof(*more));
    if (p->ngiven > 0)
        memcpy(more, p->given, p->ngiven * sizeof(*more));
    more[p->ngiven++] = *path;
    p->given = more;
}

static void add_from(struct write *w, const struct schema *s, const struct schema *extension) {
    for (size_t i = 0; i < s->nattrs; i++) {
        struct attr_path path = {.extension = extension, .attr = &s->attrs[i]};
        bool whole = path.attr->returned == ATTR_RETURNED_REQUEST, part = false;
        for (size_t j = 0; j < path.attr->nsubs; j++)
            part = part || path.attr->subs[j].returned == ATTR_RETURNED_REQUEST;
        if ((whole || part) && (doc_names(w->doc, &path) || ops_name(w->rt, w->ops, &path)))
            add_given(w, &path);
    }
}

const struct projection *projection_of_write(const struct resource_type *rt, const struct projection *p,
                                             const json_t *doc, const json_t *ops, struct arena *a) {
    if (p != NULL && p->only)
        return p;
    struct projection *with = arena_alloc(a, sizeof(*with));
    *with = p != NULL ? *p : (struct projection){0};
    struct write w = {rt, doc, ops, with, a};
    add_from(&w, rt->schema, NULL);
    for (size_t i = 0; i < rt->nextensions; i++)
        add_from(&w, rt->extensions[i].schema, rt->extensions[i].schema);
    return with->ngiven > 0 ? with : p;
}
