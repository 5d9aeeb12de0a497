#include "ingest/request/route.h"

#include "ingest/request/query.h"
#include "schemas/resource/membership.h"
#include "sql/ask/admit.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define BIT(m) (1u << (m))
#define SEGMENTS_MAX 12
#define WORKSPACE_SEGMENTS 2 /* "/w/{workspace}" */
#define PREFIX_SEGMENTS 2    /* "/scim/v2": never loose */

static enum http_method method_of(const char *m) {
    static const char *const names[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    if (strcmp(m, "HEAD") == 0)
        return HTTP_GET;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(m, names[i]) == 0)
            return (enum http_method)i;
    return HTTP_OTHER;
}

/* ---- paths in segments ---- */

struct segment {
    const char *p;
    size_t n;
    bool typed; /* rt has been looked up */
    const struct resource_type *rt;
};

struct path {
    struct segment segments[SEGMENTS_MAX];
    size_t n;
    size_t behind; /* segments of "/w/{workspace}" at the front: 0 or 2 */
    const char *workspace;
    struct arena *arena;
};

static bool segment_is(const struct segment *s, const char *text, size_t n) {
    return s->n == n && memcmp(s->p, text, n) == 0;
}

static char *decoded(const struct path *p, const struct segment *s) {
    return query_decode(s->p, s->n, false, p->arena);
}

/* A path with more segments than any row is cut; it fits no row either way. */
static void split(const char *text, size_t len, struct arena *a, struct path *out) {
    const char *end = text + len;
    out->n = out->behind = 0;
    out->workspace = NULL;
    out->arena = a;
    while (text < end && text[0] == '/' && out->n < SEGMENTS_MAX) {
        const char *begin = text + 1, *slash = memchr(begin, '/', (size_t)(end - begin));
        text = slash != NULL ? slash : end;
        out->segments[out->n++] = (struct segment){.p = begin, .n = (size_t)(text - begin)};
    }
    if (out->n <= WORKSPACE_SEGMENTS || !segment_is(&out->segments[0], "w", 1) || out->segments[1].n == 0)
        return;
    out->workspace = decoded(out, &out->segments[1]);
    out->behind = out->workspace != NULL ? WORKSPACE_SEGMENTS : 0;
}

static const struct resource_type *type_of(struct path *p, struct segment *s) {
    if (!s->typed) {
        const char *name = decoded(p, s);
        s->rt = name != NULL ? resource_type_by_endpoint(name) : NULL;
        s->typed = true;
    }
    return s->rt;
}

static bool is_version(const struct segment *s) {
    if (s->n < 2 || s->p[0] != 'v')
        return false;
    for (size_t i = 1; i < s->n; i++)
        if (!isdigit((unsigned char)s->p[i]) && s->p[i] != '.')
            return false;
    return true;
}

/* ---- does a path fit a row? ---- */

static bool is_rest(const struct route_row *row) {
    return row->path[strlen(row->path) - 1] == '*';
}

/* The template without the brackets at its front. */
static const char *template_of(const struct route_row *row) {
    return row->path[0] == '(' ? strchr(row->path, ')') + 1 : row->path;
}

/* loose: in any letter case, and with escapes. */
static bool is_name(const struct path *p, const struct segment *s, const char *name, size_t n, bool loose) {
    if (!loose)
        return segment_is(s, name, n);
    if (memchr(s->p, '%', s->n) == NULL)
        return s->n == n && strncasecmp(s->p, name, n) == 0;
    const char *text = decoded(p, s);
    return text != NULL && strlen(text) == n && strncasecmp(text, name, n) == 0;
}

static bool part_fits(struct path *p, struct segment *s, const char *part, size_t n, bool loose) {
    if (part[0] != '{')
        return is_name(p, s, part, n, loose);
    if (n == 6 && memcmp(part, "{type}", n) == 0)
        return type_of(p, s) != NULL;
    if (n == 9 && memcmp(part, "{version}", n) == 0)
        return is_version(s);
    return s->n > 0;
}

static bool fits(struct path *p, const struct route_row *row) {
    const char *t = template_of(row);
    size_t first = t != row->path ? p->behind : 0, i = first;
    for (; t[0] == '/' && t[1] != '\0'; i++) {
        const char *part = t + 1;
        if (part[0] == '*')
            return true;
        size_t n = strcspn(part, "/");
        if (i == p->n || !part_fits(p, &p->segments[i], part, n, row->loose && i >= first + PREFIX_SEGMENTS))
            return false;
        t = part + n;
    }
    /* one slash at the end is tolerated (rule T7) */
    if (t[0] == '/' && i + 1 == p->n && p->segments[i].n == 0)
        i++;
    return i == p->n;
}

/* ---- what the path says ---- */

/* What stands before a {…} says whose id it is: "/rooms/{room}/members/{user}", "/users/{id}/rooms",
 * "/{type}/{id}". */
static void name_part(struct path *p, const char *before, const char *text, struct route *out) {
    static const struct {
        const char *name;
        enum resource_kind kind;
    } known[] = {{"rooms/", RESOURCE_ROOM}, {"users/", RESOURCE_USER}, {"members/", RESOURCE_USER}};
    struct uuid id;
    struct membership_id pair;
    if (membership_id_parse(text, &pair) && out->rt != NULL && out->rt->kind == RESOURCE_MEMBERSHIP) {
        out->room = arena_strdup(p->arena, pair.room.s);
        out->user = arena_strdup(p->arena, pair.user.s);
    }
    if (!uuid_parse(text, &id))
        return;
    enum resource_kind kind =
        strncmp(before, "{type}", 6) == 0 && out->rt != NULL ? out->rt->kind : RESOURCE_CUSTOM;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strncmp(before, known[i].name, strlen(known[i].name)) == 0)
            kind = known[i].kind;
    if (kind == RESOURCE_ROOM)
        out->room = arena_strdup(p->arena, id.s);
    else if (kind == RESOURCE_USER)
        out->user = arena_strdup(p->arena, id.s);
}

/* Takes the {…} out of the path. False: one of them is not correctly encoded. */
static bool take_parts(struct path *p, const struct route_row *row, struct route *out) {
    const char *t = template_of(row), *before = "", **into[] = {&out->segment, &out->second};
    size_t i = t != row->path ? p->behind : 0, n = 0;
    for (; t[0] == '/' && i < p->n; i++) {
        const char *part = t + 1;
        size_t len = strcspn(part, "/");
        t = part + len;
        if (part[0] == '{' && len == 6 && memcmp(part, "{type}", len) == 0) {
            out->rt = p->segments[i].rt;
        } else if (part[0] == '{' && n < 2) {
            if ((*into[n] = decoded(p, &p->segments[i])) == NULL)
                return false;
            name_part(p, before, *into[n++], out);
        }
        before = part;
    }
    return true;
}

static const struct resource_type *type_about(enum route_about about) {
    switch (about) {
    case ABOUT_USERS:
        return resource_type_of(RESOURCE_USER);
    case ABOUT_ROOMS:
        return resource_type_of(RESOURCE_ROOM);
    case ABOUT_NONE:
        break;
    }
    return NULL;
}

static const char *allowed(unsigned methods, struct arena *a) {
    static const char *const names[] = {"GET, HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    char *text = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (methods & BIT(i))
            text = text == NULL ? arena_strdup(a, names[i]) : arena_printf(a, "%s, %s", text, names[i]);
    return text;
}

/* The prefix of the form, after "/w/{workspace}" as the client wrote it. */
static const char *prefix_of(const struct path *p, const struct form *form) {
    if (p->behind == 0 || form->prefix == NULL)
        return form->prefix;
    const struct segment *last = &p->segments[p->behind - 1];
    const char *begin = p->segments[0].p - 1;
    return arena_printf(p->arena, "%.*s%s", (int)(last->p + last->n - begin), begin, form->prefix);
}

/* ---- the search ---- */

static const struct route_row *first_fit(const struct route_table *t, struct path *p, bool rest) {
    for (size_t i = 0; i < t->n; i++)
        if ((!rest || is_rest(&t->rows[i])) && fits(p, &t->rows[i]))
            return &t->rows[i];
    return NULL;
}

/* Of the rows of one path, the one of the method, else the one of any method. *methods: those that have rows.
 */
static const struct route_row *row_of(const struct route_table *t, const struct route_row *place,
                                      enum http_method method, unsigned *methods) {
    const struct route_row *found = NULL, *any = NULL;
    *methods = 0;
    for (const struct route_row *row = place; row < t->rows + t->n && strcmp(row->path, place->path) == 0;
         row++) {
        if (row->method == HTTP_ANY)
            any = row;
        else
            *methods |= BIT(row->method);
        if (row->method == method)
            found = row;
    }
    if (any == NULL)
        *methods |= BIT(HTTP_OPTIONS);
    return found != NULL ? found : any;
}

/* Finds the place, and the row of the method there. */
static void find_row(const struct route_table *t, struct path *p, struct route *out) {
    const struct route_row *place = first_fit(t, p, false);
    unsigned methods;
    if (is_rest(place) || !take_parts(p, place, out)) {
        out->row = is_rest(place) ? place : first_fit(t, p, true);
        out->code = out->row->code;
        return;
    }
    out->place = place;
    if (out->rt == NULL)
        out->rt = type_about(place->about);
    out->row = row_of(t, place, out->method, &methods);
    out->allow = allowed(methods, p->arena);
    if (out->row != NULL) {
        out->code = out->row->code;
    } else {
        out->row = first_fit(t, p, true);
        out->code = out->method == HTTP_OPTIONS ? ERR_OK : ERR_METHOD;
    }
    if (out->row->method == out->method)
        out->method = out->row->acts;
}

void route_parse(const struct route_table *t, const char *method, const char *path, size_t len,
                 struct arena *a, struct route *out) {
    struct path p;
    *out = (struct route){.method = method_of(method)};
    split(path, len, a, &p);
    find_row(t, &p, out);
    if (out->row->path[0] == '(') {
        out->workspace = p.workspace;
        out->prefix = prefix_of(&p, out->row->form);
    } else {
        out->prefix = out->row->form->prefix;
    }
}

/* The target without "/w/{workspace}" at its front, if there is one. */
static const char *behind_workspace(const char *target) {
    const char *slash = strncmp(target, "/w/", 3) == 0 ? strchr(target + 3, '/') : NULL;
    return slash != NULL ? slash : target;
}

/* A path without parts but a workspace, or one of those below a prefix. */
static bool is_about(const struct route_row *row, const char *target) {
    const char *path = template_of(row), *from = path == row->path ? target : behind_workspace(target);
    size_t n = strlen(path);
    return is_rest(row) ? strncmp(from, path, n - 1) == 0
                        : strncmp(from, path, n) == 0 && (from[n] == '\0' || from[n] == '?');
}

void route_unreadable(const struct route_table *t, const char *target, struct route *out) {
    *out = (struct route){.method = HTTP_OTHER};
    for (size_t i = 0; out->row == NULL && i < t->n; i++) {
        if (is_about(&t->rows[i], target != NULL ? target : "/"))
            out->row = &t->rows[i];
    }
    if (out->row == NULL) /* the target is no path */
        out->row = &t->rows[t->n - 1];
}

/* ---- scopes ---- */

unsigned route_type_scopes(const struct resource_type *rt) {
    if (rt->kind == RESOURCE_ROOM || rt->kind == RESOURCE_MEMBERSHIP)
        return SCOPE_SCIM_ROOMS_READ | SCOPE_SCIM_ROOMS_WRITE | SCOPE_API_ROOMS_READ | SCOPE_API_ROOMS_WRITE;
    return SCOPE_SCIM_USERS_READ | SCOPE_SCIM_USERS_WRITE | SCOPE_API_USERS_READ | SCOPE_API_USERS_WRITE;
}

unsigned route_scopes(const struct route *r) {
    return r->rt != NULL ? r->row->scopes & route_type_scopes(r->rt) : r->row->scopes;
}

const char *route_scope_names(unsigned scopes, struct arena *a) {
    const char *text = NULL;
    for (unsigned bit = 1; bit <= scopes; bit <<= 1)
        if (scopes & bit)
            text = text == NULL ? scope_name(bit) : arena_printf(a, "%s %s", text, scope_name(bit));
    return text;
}

enum err_code route_permit(const struct route *r, unsigned scopes, struct arena *a, struct err *err) {
    unsigned due = route_scopes(r);
    if (due == 0 || (scopes & due) != 0)
        return ERR_OK;
    return err_set(err, ERR_INSUFFICIENT_SCOPE, "The key lacks the scope %s", route_scope_names(due, a));
}
