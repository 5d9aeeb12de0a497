#include "ingest/request/route.h"

#include "ingest/http/routes.h"
#include "ingest/request/query.h"
#include "sql/ask/admit.h"

#include <ctype.h>
#include <string.h>

#define BIT(m) (1u << (m))
#define READ (BIT(HTTP_GET) | BIT(HTTP_OPTIONS))
#define WRITE (BIT(HTTP_PUT) | BIT(HTTP_PATCH) | BIT(HTTP_DELETE))
#define POST (BIT(HTTP_POST) | BIT(HTTP_OPTIONS))
#define ALLOW_READ "GET, HEAD, OPTIONS"
#define ALLOW_POST "POST, OPTIONS"

static const struct endpoint {
    const char *name;
    bool item; /* with one more segment behind it */
    enum route_kind kind;
    unsigned methods;
    const char *allow;
} endpoints[] = {
    {"ServiceProviderConfig", false, ROUTE_CONFIG, READ, ALLOW_READ},
    {"ResourceTypes", false, ROUTE_TYPES, READ, ALLOW_READ},
    {"ResourceTypes", true, ROUTE_TYPE, READ, ALLOW_READ},
    {"Schemas", false, ROUTE_SCHEMAS, READ, ALLOW_READ},
    {"Schemas", true, ROUTE_SCHEMA, READ, ALLOW_READ},
    {"AsyncResults", true, ROUTE_ASYNC_RESULT, READ, ALLOW_READ},
    {"Bulk", false, ROUTE_BULK, POST, ALLOW_POST},
    {".search", false, ROUTE_SEARCH, POST, ALLOW_POST},
    {"Me", false, ROUTE_ME, 0, NULL},
};
static const struct endpoint root = {"", false, ROUTE_ROOT, READ, ALLOW_READ};
static const struct endpoint collection = {"", false, ROUTE_COLLECTION, READ | POST,
                                           "GET, HEAD, POST, OPTIONS"};
static const struct endpoint resource = {"", true, ROUTE_RESOURCE, READ | WRITE,
                                         "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"};
static const struct endpoint search = {".search", true, ROUTE_SEARCH, POST, ALLOW_POST};

static const struct {
    const char *path;
    enum route_kind kind;
    enum http_method method;
    const char *allow;
} fixed[] = {{"/healthz", ROUTE_HEALTHZ, HTTP_GET, "GET, HEAD"},
             {"/readyz", ROUTE_READYZ, HTTP_GET, "GET, HEAD"},
             {"/metrics", ROUTE_METRICS, HTTP_GET, "GET, HEAD"},
             {"/.well-known/jwks.json", ROUTE_JWKS, HTTP_GET, "GET, HEAD"},
             {"/oauth2/token", ROUTE_TOKEN, HTTP_POST, "POST"}};

static enum http_method method_of(const char *m) {
    static const char *const names[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    if (strcmp(m, "HEAD") == 0)
        return HTTP_GET;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(m, names[i]) == 0)
            return (enum http_method)i;
    return HTTP_OTHER;
}

struct span {
    const char *p;
    size_t n;
};

static bool span_is(struct span s, const char *text) {
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

/* Takes "/segment" off the front of rest. */
static bool take_segment(struct span *rest, struct span *out) {
    if (rest->n == 0 || rest->p[0] != '/')
        return false;
    const char *begin = rest->p + 1;
    const char *end = memchr(begin, '/', rest->n - 1);
    *out = (struct span){begin, end != NULL ? (size_t)(end - begin) : rest->n - 1};
    rest->n -= out->n + 1;
    rest->p += out->n + 1;
    return true;
}

static bool is_version(struct span s) {
    if (s.n < 2 || s.p[0] != 'v')
        return false;
    for (size_t i = 1; i < s.n; i++)
        if (!isdigit((unsigned char)s.p[i]) && s.p[i] != '.')
            return false;
    return true;
}

/* Takes the prefix off; the rest is what stands behind it. */
static bool take_prefix(const char *path, struct span *rest, struct arena *a, struct route *out) {
    struct span s = {0};
    if (!take_segment(rest, &s))
        return false;
    if (span_is(s, "w")) {
        struct span workspace;
        if (!take_segment(rest, &workspace) || workspace.n == 0)
            return false;
        out->workspace = query_decode(workspace.p, workspace.n, false, a);
        if (out->workspace == NULL || !take_segment(rest, &s))
            return false;
    }
    if (!span_is(s, "scim"))
        return false;
    out->api = API_SCIM;
    if (!take_segment(rest, &s))
        return false;
    if (!span_is(s, "v2")) {
        if (is_version(s))
            out->code = ERR_INVALID_VERS;
        return false;
    }
    out->prefix = arena_strndup(a, path, (size_t)(rest->p - path));
    return true;
}

static const struct endpoint *find(struct span name, bool item, struct span second, struct arena *a,
                                   struct route *out) {
    char *decoded = query_decode(name.p, name.n, false, a);
    out->rt = decoded != NULL ? resource_type_by_endpoint(decoded) : NULL;
    if (out->rt != NULL && item)
        return span_is(second, ".search") ? &search : &resource;
    if (out->rt != NULL)
        return &collection;
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++)
        if (decoded != NULL && endpoints[i].item == item && strcmp(decoded, endpoints[i].name) == 0)
            return &endpoints[i];
    return NULL;
}

/* What stands behind the prefix. NULL: nothing that we know. */
static const struct endpoint *parse_rest(struct span rest, struct span *second, struct arena *a,
                                         struct route *out) {
    struct span name;
    if (rest.n == 0 || (rest.n == 1 && rest.p[0] == '/'))
        return &root;
    if (!take_segment(&rest, &name))
        return NULL;
    (void)take_segment(&rest, second); /* one trailing slash on a collection is tolerated (rule T7) */
    return rest.n == 0 ? find(name, second->n > 0, *second, a, out) : NULL;
}

static void parse_scim(struct span rest, struct arena *a, struct route *out) {
    struct span second = {0};
    const struct endpoint *e = parse_rest(rest, &second, a, out);
    if (e == NULL)
        return;
    out->kind = e->kind;
    out->code = ERR_OK;
    out->allow = e->allow;
    if (e->item)
        out->segment = query_decode(second.p, second.n, false, a);
    if (e->kind == ROUTE_ME)
        out->code = ERR_NOT_IMPLEMENTED;
    else if (e->item && out->segment == NULL)
        out->code = ERR_NOT_FOUND;
    else if (!(e->methods & BIT(out->method)))
        out->code = ERR_METHOD;
}

/* ---- the Management API ---- */

/* Does the path fit the template? Then its {…} are taken. */
static bool fits(struct span rest, const char *template, struct arena *a, struct route *out) {
    struct span left = {template, strlen(template)}, have, want;
    const char **into[] = {&out->segment, &out->second};
    size_t n = 0;
    out->segment = out->second = NULL;
    while (take_segment(&left, &want)) {
        if (!take_segment(&rest, &have))
            return false;
        if (want.n == 0 || want.p[0] != '{') {
            if (have.n != want.n || memcmp(have.p, want.p, want.n) != 0)
                return false;
        } else if (have.n == 0 || n == 2 || (*into[n++] = query_decode(have.p, have.n, false, a)) == NULL) {
            return false;
        }
    }
    return rest.n == 0;
}

static const char *allowed(unsigned methods, struct arena *a) {
    static const char *const names[] = {"GET, HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    char *text = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (methods & BIT(i))
            text = text == NULL ? arena_strdup(a, names[i]) : arena_printf(a, "%s, %s", text, names[i]);
    return text;
}

static void take_row(const struct api_route *row, struct route *out) {
    out->row = row;
    out->kind = row->kind;
    out->rt = row->about == ABOUT_USERS   ? resource_type_of(RESOURCE_USER)
              : row->about == ABOUT_ROOMS ? resource_type_of(RESOURCE_ROOM)
                                          : NULL;
    if (out->method != HTTP_OPTIONS)
        out->method = row->acts;
}

/* Below /api: a path that fits has the methods of all rows that it fits. Where one says {id} and another a
 * word, the word's row stands first in the table and is the only one. */
static void parse_api(struct span rest, struct arena *a, struct route *out) {
    struct span version, first, probe;
    const char *template = NULL;
    unsigned methods = BIT(HTTP_OPTIONS);
    struct route found;
    out->api = API_MANAGE;
    if (!take_segment(&rest, &version) || !span_is(version, "v1"))
        return;
    out->prefix = API_PREFIX;
    probe = rest;
    if (take_segment(&probe, &first) && span_is(first, "admin"))
        out->api = API_ADMIN;
    for (size_t i = 0; i < api_route_count; i++) {
        const struct api_route *row = &api_routes[i];
        struct route one = *out;
        if (template != NULL ? strcmp(template, row->path) != 0 : !fits(rest, row->path, a, &one))
            continue;
        if (template == NULL)
            found = one;
        template = row->path;
        methods |= BIT(row->method);
        if (row->method == found.method && found.row == NULL)
            take_row(row, &found);
    }
    if (template == NULL)
        return;
    *out = found;
    out->allow = allowed(methods, a);
    out->code = out->row != NULL || out->method == HTTP_OPTIONS ? ERR_OK : ERR_METHOD;
    if (out->row == NULL)
        out->kind = ROUTE_STEPS;
}

enum api route_api(const char *target) {
    return target != NULL && strncmp(target, "/api/", 5) == 0 ? API_MANAGE : API_NONE;
}

bool route_is_public(const struct route *r) {
    switch (r->kind) {
    case ROUTE_HEALTHZ:
    case ROUTE_READYZ:
    case ROUTE_METRICS:
    case ROUTE_JWKS:
        return true;
    default:
        return r->row != NULL && r->row->access == ACCESS_NONE;
    }
}

void route_parse(const char *method, const char *path, size_t len, struct arena *a, struct route *out) {
    *out = (struct route){.code = ERR_NOT_FOUND, .method = method_of(method)};
    struct span rest = {path, len};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        if (!span_is(rest, fixed[i].path))
            continue;
        out->kind = fixed[i].kind;
        out->api = fixed[i].kind == ROUTE_TOKEN ? API_OAUTH : API_NONE;
        out->code = out->method == fixed[i].method ? ERR_OK : ERR_METHOD;
        out->allow = fixed[i].allow;
        return;
    }
    struct span api = rest, first;
    if (take_segment(&api, &first) && span_is(first, "api"))
        parse_api(api, a, out);
    else if (take_prefix(path, &rest, a, out))
        parse_scim(rest, a, out);
}

bool route_reads(const struct route *r) {
    switch (r->kind) {
    case ROUTE_ROOT:
    case ROUTE_SEARCH:
        return true;
    case ROUTE_COLLECTION:
    case ROUTE_RESOURCE:
        return r->method == HTTP_GET;
    default:
        return false;
    }
}

unsigned route_type_scope(const struct resource_type *rt, bool write) {
    if (rt->kind == RESOURCE_ROOM)
        return write ? SCOPE_SCIM_ROOMS_WRITE : SCOPE_SCIM_ROOMS_READ;
    return write ? SCOPE_SCIM_USERS_WRITE : SCOPE_SCIM_USERS_READ;
}

unsigned route_scope(const struct route *r) {
    if (r->api != API_SCIM)
        return 0;
    bool typed = r->kind == ROUTE_COLLECTION || r->kind == ROUTE_RESOURCE || r->kind == ROUTE_SEARCH;
    if (!typed || r->rt == NULL || r->method == HTTP_OPTIONS)
        return 0;
    return route_type_scope(r->rt, !route_reads(r));
}
