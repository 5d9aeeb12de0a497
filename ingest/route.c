#include "ingest/route.h"

#include "ingest/query.h"
#include "sql/admit.h"

#include <ctype.h>
#include <string.h>

#define BIT(m) (1u << (m))
#define READ BIT(HTTP_GET)
#define WRITE (BIT(HTTP_PUT) | BIT(HTTP_PATCH) | BIT(HTTP_DELETE))

static const struct endpoint {
    const char *name;
    bool item; /* with one more segment behind it */
    enum route_kind kind;
    unsigned methods;
    const char *allow;
} endpoints[] = {
    {"ServiceProviderConfig", false, ROUTE_CONFIG, READ, "GET, HEAD"},
    {"ResourceTypes", false, ROUTE_TYPES, READ, "GET, HEAD"},
    {"ResourceTypes", true, ROUTE_TYPE, READ, "GET, HEAD"},
    {"Schemas", false, ROUTE_SCHEMAS, READ, "GET, HEAD"},
    {"Schemas", true, ROUTE_SCHEMA, READ, "GET, HEAD"},
    {"Me", false, ROUTE_OTHER, 0, NULL},
    {"Bulk", false, ROUTE_OTHER, 0, NULL},
    {".search", false, ROUTE_OTHER, 0, NULL},
};
static const struct endpoint collection = {"", false, ROUTE_COLLECTION, READ | BIT(HTTP_POST),
                                           "GET, HEAD, POST"};
static const struct endpoint resource = {"", true, ROUTE_RESOURCE, READ | WRITE,
                                         "GET, HEAD, PUT, PATCH, DELETE"};
static const struct endpoint search = {".search", true, ROUTE_OTHER, 0, NULL};

static const struct {
    const char *path;
    enum route_kind kind;
} publics[] = {{"/healthz", ROUTE_HEALTHZ}, {"/readyz", ROUTE_READYZ}, {"/metrics", ROUTE_METRICS}};

static enum http_method method_of(const char *m) {
    static const char *const names[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
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
    out->scim = true;
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
    out->rt = resource_type_by_endpoint(arena_strndup(a, name.p, name.n));
    if (out->rt != NULL && item)
        return span_is(second, ".search") ? &search : &resource;
    if (out->rt != NULL)
        return &collection;
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++)
        if (endpoints[i].item == item && span_is(name, endpoints[i].name))
            return &endpoints[i];
    return NULL;
}

static void parse_scim(struct span rest, struct arena *a, struct route *out) {
    struct span name, second = {0};
    bool item = false;
    if (!take_segment(&rest, &name))
        return;
    if (take_segment(&rest, &second))
        item = second.n > 0; /* one trailing slash on a collection is tolerated (rule T7) */
    if (rest.n > 0)
        return;
    const struct endpoint *e = find(name, item, second, a, out);
    if (e == NULL)
        return;
    out->kind = e->kind;
    out->code = ERR_OK;
    if (item)
        out->segment = query_decode(second.p, second.n, false, a);
    if (e->kind == ROUTE_OTHER) {
        out->code = ERR_NOT_IMPLEMENTED;
    } else if (item && out->segment == NULL) {
        out->code = ERR_NOT_FOUND;
    } else if (out->method == HTTP_OTHER || !(e->methods & BIT(out->method))) {
        out->code = ERR_METHOD;
        out->allow = e->allow;
    }
}

void route_parse(const char *method, const char *path, size_t len, struct arena *a, struct route *out) {
    *out = (struct route){.code = ERR_NOT_FOUND, .method = method_of(method)};
    struct span rest = {path, len};
    for (size_t i = 0; i < sizeof publics / sizeof *publics; i++) {
        if (!span_is(rest, publics[i].path))
            continue;
        out->kind = publics[i].kind;
        out->code = out->method == HTTP_GET ? ERR_OK : ERR_METHOD;
        out->allow = "GET, HEAD";
        return;
    }
    if (take_prefix(path, &rest, a, out))
        parse_scim(rest, a, out);
}

unsigned route_scope(const struct route *r) {
    if (r->kind != ROUTE_COLLECTION && r->kind != ROUTE_RESOURCE)
        return 0;
    bool users = r->rt->kind == RESOURCE_USER;
    if (r->method == HTTP_GET)
        return users ? SCOPE_SCIM_USERS_READ : SCOPE_SCIM_ROOMS_READ;
    return users ? SCOPE_SCIM_USERS_WRITE : SCOPE_SCIM_ROOMS_WRITE;
}
