#include "schemas/projection.h"

#include <stdbool.h>
#include <string.h>

struct projection {
    bool only; /* `attributes`: the named ones; else `excludedAttributes`: all but the named ones */
    struct attr_path *paths;
    size_t n;
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
    /* Entra's samples ask for emails[type eq "work"]: the attribute without the choice among its values. */
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

/* What is returned on request must be named itself: not just the extension or the attribute that it is a part
 * of. */
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
        return p != NULL && p->only ? asked(p, path) : PROJECTION_NONE;
    if (p == NULL)
        return PROJECTION_ALL;
    return p->only ? named(p, path) : invert(named(p, path));
}

bool projection_wants_refs(const struct resource_type *rt, const struct projection *p) {
    struct attr_path path = {.attr = resource_type_refs(rt)};
    return path.attr != NULL && projection_shows(p, &path) != PROJECTION_NONE;
}
