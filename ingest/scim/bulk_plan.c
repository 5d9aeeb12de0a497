/* References of a Bulk's operations to each other, and the order in which they are done.
 *
 * The ids of resources that a Bulk creates are made here, so every bulkId can be replaced by an id at once.
 * What remains is the order. An operation comes after the operations whose resources it refers to, and after
 * earlier operations on the same resource. Of several operations that can come next, the earliest in the
 * request does.
 *
 * References may form a circle. If one of them is soft (anything but a room does not check whether the
 * resource of the reference exists), it is dropped, because its value is known. A circle of hard references
 * (rooms) is refused. */
#include "ingest/scim/bulk_request.h"

#include "ingest/scim/bulk.h"
#include "ingest/scim/write.h"
#include "ops/runtime/jbuf.h"
#include "ops/runtime/mem.h"
#include "schemas/stream/tried_id.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define REFERENCE "bulkId:"
#define REFERENCE_LEN (sizeof REFERENCE - 1)
#define DATA_DEPTH_MAX 32

struct plan {
    struct bulk_request *b;
    const struct route_table *table;
    struct arena *arena;
    json_t *ids;               /* bulkId -> index */
    size_t *linked;            /* for operation i: the last one (index + 1) that was linked to it */
    struct bulk_link *scratch; /* links of the current operation: at most one to each other */
    size_t nscratch;
    size_t *named; /* for operation i: the one (index + 1) that its path refers to */
};

/* ---- links ---- */

static void link_to(struct plan *p, size_t from, size_t to, bool hard, bool needed) {
    if (from == to)
        return; /* a resource may refer to itself */
    if (p->linked[to] == from + 1) {
        for (size_t i = 0; i < p->nscratch; i++) {
            if (p->scratch[i].to != to)
                continue;
            p->scratch[i].hard |= hard;
            p->scratch[i].needed |= needed;
        }
        return;
    }
    p->linked[to] = from + 1;
    p->scratch[p->nscratch++] = (struct bulk_link){.to = to, .hard = hard, .needed = needed};
}

static void keep_links(struct plan *p, struct bulk_op *op) {
    op->nlinks = p->nscratch;
    op->links = arena_alloc(p->arena, (p->nscratch + 1) * sizeof *op->links);
    memcpy(op->links, p->scratch, p->nscratch * sizeof *op->links);
    p->nscratch = 0;
}

/* Finds the operation that has the bulkId. False: none has it, or it has no resource. */
static bool operation_named(const struct plan *p, const char *id, size_t *at) {
    const json_t *v = json_object_get(p->ids, id);
    if (v == NULL)
        return false;
    *at = (size_t)json_integer_value(v);
    return uuid_is_set(&p->b->ops[*at].id);
}

static void refuse_reference(struct plan *p, size_t i, const char *id) {
    bulk_refuse(&p->b->ops[i], ERR_CONFLICT,
                arena_printf(p->arena, "The bulkId %.64s is not that of a resource in this request", id));
}

/* ---- references in values ---- */

/* A reference is a whole value "bulkId:x", or stands after a slash, or (filter) in the filter of a PATCH
 * path. */
static const char *next_reference(const char *text, const char *from, bool filter) {
    for (const char *p = from; (p = strstr(p, REFERENCE)) != NULL; p++)
        if (p == text || p[-1] == '/' || (filter && p[-1] == '"'))
            return p;
    return NULL;
}

/* Reads the reference at `at` and finds the index of its operation. False: unknown. *id is the text in any
 * case. */
static bool resolve_reference(const struct plan *p, const char *text, const char *at,
                              char id[BULK_ID_MAX + 1], size_t *len, size_t *index) {
    const char *begin = at + REFERENCE_LEN;
    *len = at == text ? strlen(begin) : strcspn(begin, at[-1] == '"' ? "\"" : "/\"");
    size_t n = *len < BULK_ID_MAX ? *len : BULK_ID_MAX;
    memcpy(id, begin, n);
    id[n] = '\0';
    return *len <= BULK_ID_MAX && operation_named(p, id, index);
}

static void replace_text(struct plan *p, size_t i, json_t *value, bool filter) {
    const char *text = json_string_value(value), *from = text, *at;
    struct jbuf out = {0};
    char id[BULK_ID_MAX + 1];
    const struct resource_type *rt = p->b->ops[i].route.rt;
    bool hard = rt != NULL && (rt->kind == RESOURCE_ROOM || rt->kind == RESOURCE_MEMBERSHIP), changed = false;
    for (const char *search = text; (at = next_reference(text, search, filter)) != NULL;) {
        size_t len, to;
        search = at + REFERENCE_LEN;
        if (!resolve_reference(p, text, at, id, &len, &to)) {
            if (at == text || at[-1] == '"')
                refuse_reference(p, i, id);
            continue;
        }
        jb_mem(&out, from, (size_t)(at - from));
        jb_raw(&out, p->b->ops[to].id.s);
        from = search = at + REFERENCE_LEN + len;
        link_to(p, i, to, hard, true);
        changed = true;
    }
    if (changed) {
        jb_raw(&out, from);
        json_string_setn_nocheck(value, out.p, out.n);
    }
    jb_free(&out);
}

static void replace_values(struct plan *p, size_t i, const char *name, json_t *value, int depth) {
    const char *part_name;
    size_t at;
    json_t *part;
    if (depth > DATA_DEPTH_MAX)
        return;
    if (json_is_string(value)) {
        replace_text(p, i, value, strcasecmp(name, "path") == 0);
    } else if (json_is_array(value)) {
        json_array_foreach(value, at, part) {
            replace_values(p, i, name, part, depth + 1);
        }
    } else if (json_is_object(value)) {
        json_object_foreach(value, part_name, part) {
            replace_values(p, i, part_name, part, depth + 1);
        }
    }
}

/* ---- paths ---- */

/* The path after the base: "/Users/x". Accepted are paths relative to the base, with or without a slash,
 * paths with the path of the base, and URLs of this service. NULL: a URL of another service. */
static const char *relative_path(const char *path, const char *base, const char *prefix) {
    const char *authority = strstr(base, "//");
    size_t nbase = authority != NULL ? strlen(authority) : 0, nprefix = strlen(prefix);
    if (strncasecmp(path, "http://", 7) == 0 || strncasecmp(path, "https://", 8) == 0) {
        path = strstr(path, "//"); /* the scheme does not matter: a proxy may have ended TLS */
        return nbase > 0 && strncasecmp(path, authority, nbase) == 0 && path[nbase] == '/' ? path + nbase
                                                                                           : NULL;
    }
    if (nprefix > 0 && strncmp(path, prefix, nprefix) == 0 && path[nprefix] == '/')
        return path + nprefix;
    return path;
}

/* The path may contain only what a request line may contain (guard.h does not check this one). */
static bool is_plain_path(const char *path) {
    for (const char *c = path; *c != '\0'; c++)
        if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f || strchr("\\?#", *c) != NULL)
            return false;
    return strlen(path) <= 1024;
}

/* Replaces the last segment of the path if it is a reference. The colon may be escaped. */
static const char *replace_segment(struct plan *p, size_t i, const char *path) {
    const char *segment = strrchr(path, '/');
    segment = segment != NULL ? segment + 1 : path;
    size_t marker = strncmp(segment, REFERENCE, REFERENCE_LEN) == 0 ? REFERENCE_LEN
                    : strncasecmp(segment, "bulkId%3A", 9) == 0     ? 9
                                                                    : 0;
    size_t to;
    if (marker == 0)
        return path;
    if (!operation_named(p, segment + marker, &to)) {
        refuse_reference(p, i, segment + marker);
        return path;
    }
    p->named[i] = to + 1;
    return arena_printf(p->arena, "%.*s%s", (int)(segment - path), path, p->b->ops[to].id.s);
}

static void check_route(struct bulk_op *op, struct arena *a) {
    const struct route *r = &op->route;
    if (r->place != NULL && r->place->handler == &scim_bulk)
        bulk_refuse(op, ERR_INVALID_VALUE, "A Bulk cannot be part of a Bulk");
    else if (r->code == ERR_METHOD)
        bulk_refuse(op, ERR_METHOD, arena_printf(a, "Allowed here: %s", r->allow));
    else if (r->code == ERR_NOT_FOUND)
        bulk_refuse(op, ERR_NOT_FOUND, "There is nothing at this path");
    else if (r->code != ERR_OK)
        bulk_refuse(op, r->code, NULL);
    else if (r->row->handler != &scim_write)
        bulk_refuse(op, ERR_INVALID_VALUE, "Operations create, change or delete resources");
}

static void route_op(struct plan *p, size_t i, const char *base, const char *prefix) {
    struct bulk_op *op = &p->b->ops[i];
    const char *path = op->given_path != NULL ? relative_path(op->given_path, base, prefix) : "";
    if (path == NULL || !is_plain_path(path)) {
        bulk_refuse(op, ERR_INVALID_VALUE,
                    "The path of an operation is that of a resource of this service, without a query");
        path = "";
    }
    path = replace_segment(p, i, path);
    op->path = arena_printf(p->arena, "%s%s%s", prefix, path[0] == '/' || path[0] == '\0' ? "" : "/", path);
    route_parse(p->table, op->method, op->path, strlen(op->path), p->arena, &op->route);
    check_route(op, p->arena);
    if (p->named[i] > 0 && op->route.rt != NULL && op->route.rt->kind == RESOURCE_MEMBERSHIP)
        bulk_refuse(
            op, ERR_INVALID_VALUE,
            "A membership is named by its id, which is its group's and its member's, and not by a bulkId");
    if (op->code == ERR_OK && op->route.segment != NULL)
        (void)uuid_parse(op->route.segment, &op->id);
}

/* ---- what an operation comes after ---- */

/* Operations on one resource stay in their order: each comes after the one before. (A reference makes it come
 * after the POST that creates the resource.) */
static void link_same_resource(struct plan *p, size_t i, json_t *last) {
    struct bulk_op *op = &p->b->ops[i];
    if (op->code != ERR_OK || op->route.segment == NULL || !uuid_is_set(&op->id))
        return;
    const json_t *before = json_object_get(last, op->id.s);
    if (before != NULL)
        link_to(p, i, (size_t)json_integer_value(before), true, false);
    json_object_set_new(last, op->id.s, json_integer((json_int_t)i));
}

static void make_ids(struct plan *p) {
    for (size_t i = 0; i < p->b->n; i++) {
        struct bulk_op *op = &p->b->ops[i];
        if (strcmp(op->method, "POST") == 0)
            op->id = p->b->dry ? tried_id_new() : uuid_v7();
        if (op->bulk_id != NULL)
            json_object_set_new(p->ids, op->bulk_id, json_integer((json_int_t)i));
    }
}

static void make_links(struct plan *p) {
    json_t *last = json_object();
    for (size_t i = 0; i < p->b->n; i++) {
        struct bulk_op *op = &p->b->ops[i];
        if (p->named[i] > 0)
            link_to(p, i, p->named[i] - 1, true, true);
        if (op->data != NULL && op->route.method != HTTP_DELETE)
            replace_values(p, i, "data", op->data, 0);
        link_same_resource(p, i, last);
        keep_links(p, op);
    }
    json_decref(last);
}

/* ---- order ---- */

struct ordering {
    struct bulk_request *b;
    bool *placed;
    size_t n; /* placed */
};

static struct bulk_link *first_open(const struct ordering *o, size_t i) {
    struct bulk_op *op = &o->b->ops[i];
    for (; op->settled < op->nlinks; op->settled++) {
        struct bulk_link *l = &op->links[op->settled];
        if (!l->dropped && !o->placed[l->to])
            return l;
    }
    return NULL;
}

static void place_operation(struct ordering *o, size_t i) {
    o->placed[i] = true;
    o->b->order[o->n++] = i;
}

/* Each operation that is left waits for another one that is left, so following these links leads into a
 * circle. Drops a soft link of the circle. If it has none, refuses all operations in it. */
static void break_circle(struct ordering *o, size_t from) {
    struct bulk_request *b = o->b;
    for (size_t i = 0; i < b->n; i++) /* after n steps `from` is in the circle */
        from = first_open(o, from)->to;
    size_t at = from;
    do {
        struct bulk_link *l = first_open(o, at);
        if (!l->hard) {
            l->dropped = true;
            return;
        }
        at = l->to;
    } while (at != from);
    do {
        size_t next = first_open(o, at)->to;
        bulk_refuse(&b->ops[at], ERR_CONFLICT,
                    "The operation is part of a circle of references that cannot be resolved");
        at = next;
    } while (at != from);
    place_operation(o, from); /* then the others of the circle can come next */
}

static void make_order(struct bulk_request *b, struct arena *a) {
    struct ordering o = {.b = b, .placed = arena_alloc(a, b->n * sizeof(bool))};
    b->order = arena_alloc(a, b->n * sizeof *b->order);
    while (o.n < b->n) {
        size_t first = b->n, ready = b->n;
        for (size_t i = 0; i < b->n && ready == b->n; i++) {
            if (o.placed[i])
                continue;
            if (first == b->n)
                first = i;
            if (first_open(&o, i) == NULL)
                ready = i;
        }
        if (ready < b->n)
            place_operation(&o, ready);
        else
            break_circle(&o, first);
    }
}

void bulk_plan(struct bulk_request *b, const struct route_table *table, const char *base, const char *prefix,
               struct arena *a) {
    struct plan p = {.b = b, .table = table, .arena = a, .ids = json_object()};
    p.linked = arena_alloc(a, b->n * sizeof *p.linked);
    p.scratch = xcalloc(b->n + 1, sizeof *p.scratch);
    p.named = arena_alloc(a, b->n * sizeof *p.named);
    make_ids(&p);
    for (size_t i = 0; i < b->n; i++)
        route_op(&p, i, base, prefix);
    make_links(&p);
    make_order(b, a);
    free(p.scratch);
    json_decref(p.ids);
}
