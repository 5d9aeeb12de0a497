#include "ingest/scim/list.h"

#include "ingest/gate/seal.h"
#include "ingest/request/answer.h"
#include "ops/runtime/clock.h"
#include "schemas/api/cursor.h"
#include "schemas/types/discovery.h"
#include "sql/ask/read.h"

#include <string.h>
#include <strings.h>

/* What the answer needs to know of the question. */
struct list {
    struct read_part *parts;
    const struct projection **projections; /* by part */
    size_t nparts;
    bool by_cursor;
    struct cursor cursor; /* the place that the client has asked for; empty for the first page */
    struct read_place place;
    struct cursor_seal seal;
};

_Static_assert(CURSOR_SECRET_SIZE == SEAL_KEY_SIZE, "cursors are sealed with the seal's key");

/* A parameter of the query; NULL if it is absent or empty. */
static const char *said(const struct request *r, const char *name) {
    const char *value = query_get(&r->query, name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* ---- what is listed ---- */

static bool may_read(const struct request *r, const struct resource_type *rt) {
    const unsigned reads = SCOPE_SCIM_USERS_READ | SCOPE_SCIM_ROOMS_READ;
    return (r->verdict.scopes & route_type_scopes(rt) & reads) != 0;
}

/* One part for each type. A query over all types covers those that the key may read (rules G10, F9), without
 * memberships: the groups show them already. */
static enum err_code choose_types(struct request *r, struct list *l, struct err *err) {
    const struct resource_type *rt;
    size_t n = 1;
    while (r->route.rt == NULL && resource_type_at(n) != NULL)
        n++;
    l->parts = arena_alloc(r->arena, n * sizeof *l->parts);
    l->projections = arena_alloc(r->arena, n * sizeof(struct projection *));
    if (r->route.rt != NULL)
        l->parts[l->nparts++].rt = r->route.rt;
    for (size_t i = 0; r->route.rt == NULL && (rt = resource_type_at(i)) != NULL; i++)
        if (may_read(r, rt) && rt->kind != RESOURCE_MEMBERSHIP)
            l->parts[l->nparts++].rt = rt;
    return l->nparts > 0 ? ERR_OK
                         : err_set(err, ERR_INSUFFICIENT_SCOPE, "The key may read no type of resource");
}

static enum err_code choose_attributes(struct request *r, struct list *l, struct err *err) {
    for (size_t i = 0; i < l->nparts; i++) {
        struct read_part *part = &l->parts[i];
        if (projection_parse(part->rt, said(r, "attributes"), said(r, "excludedAttributes"), r->arena,
                             &l->projections[i], err) != ERR_OK)
            return err->code;
        part->refs = projection_refs(part->rt, l->projections[i]);
    }
    return ERR_OK;
}

static enum err_code choose_filter(struct request *r, struct list *l, struct err *err) {
    const char *text = query_get(&r->query, "filter");
    if (text == NULL)
        return ERR_OK;
    const struct resource_type **types = arena_alloc(r->arena, l->nparts * sizeof(struct resource_type *));
    const struct filter **filters = arena_alloc(r->arena, l->nparts * sizeof(struct filter *));
    for (size_t i = 0; i < l->nparts; i++)
        types[i] = l->parts[i].rt;
    size_t len = strlen(text);
    enum err_code code =
        r->route.rt != NULL
            ? filter_parse(r->route.rt, r->verdict.dialect, text, len, r->arena, filters, err)
            : filter_parse_types(types, l->nparts, r->verdict.dialect, text, len, r->arena, filters, err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < l->nparts; i++)
        l->parts[i].filter = filters[i];
    return ERR_OK;
}

/* ---- order ---- */

static enum err_code no_order(struct err *err, const char *text, const char *why) {
    return err_set_path(err, ERR_INVALID_VALUE, "sortBy", "'%.100s' cannot be sorted by: %s", text, why);
}

/* A type is sorted by a simple attribute, or by `value` of a complex one (as rule F6 says for filters). An
 * attribute that nobody may read is refused, because the order would reveal its values. */
static enum err_code sort_path(const struct resource_type *rt, const char *text, struct attr_path *path,
                               struct err *err) {
    if (attr_path_resolve(rt, text, strlen(text), ERR_INVALID_VALUE, path, err) != ERR_OK)
        return err->code;
    if (path->attr != NULL && path->attr->type == ATTR_COMPLEX && path->sub == NULL)
        path->sub = attr_sub(path->attr, "value", strlen("value"));
    const struct attr *leaf = attr_path_target(path);
    if (leaf == NULL || leaf->type == ATTR_COMPLEX)
        return no_order(err, text, "it is complex; name a sub-attribute");
    if (attr_is_secret(path->attr) || attr_is_secret(leaf))
        return no_order(err, text, "it is not readable");
    return ERR_OK;
}

/* A type without the attribute counts as having no value; but one type must have it (rules G1, F9). */
static enum err_code choose_order(struct request *r, struct list *l, struct err *err) {
    const char *by = said(r, "sortBy"), *order = said(r, "sortOrder");
    bool descending = order != NULL && strcasecmp(order, "descending") == 0;
    if (order != NULL && !descending && strcasecmp(order, "ascending") != 0)
        return err_set_path(err, ERR_INVALID_VALUE, "sortOrder", "sortOrder is ascending or descending");
    if (by == NULL)
        return ERR_OK;
    if (r->route.rt != NULL && r->route.rt->kind == RESOURCE_MEMBERSHIP)
        return no_order(err, by, "memberships come in the order of group.value and member.value");
    for (size_t i = 0; i < l->nparts; i++) {
        struct attr_path *path = arena_alloc(r->arena, sizeof *path);
        if (sort_path(l->parts[i].rt, by, path, err) == ERR_OK) {
            l->parts[i].sort = path;
            r->read->sorted = true;
        }
    }
    if (!r->read->sorted)
        return err->code;
    r->read->descending = descending;
    err_clear(err);
    return ERR_OK;
}

/* ---- pages ---- */

static enum err_code choose_index(struct request *r, int64_t count, struct err *err) {
    int64_t start;
    if (query_int(&r->query, "startIndex", 1, &start, err) != ERR_OK)
        return err->code;
    r->read->start_index = start < 1 ? 1 : start;
    r->read->count = count > PAGE_MAX ? PAGE_MAX : (int)count;
    return ERR_OK;
}

/* The seal binds a cursor to the workspace, the key and the question. It does not bind the page size: a
 * changed size is another error. */
static enum err_code prepare_seal(struct request *r, struct list *l, struct err *err) {
    static const char *const asked[] = {"filter", "sortBy", "sortOrder", "attributes", "excludedAttributes"};
    enum { ASKED = sizeof asked / sizeof *asked };
    const char **bound = arena_alloc(r->arena, (2 + l->nparts + ASKED) * sizeof *bound);
    size_t n = 0;
    bound[n++] = r->verdict.workspace.s;
    bound[n++] = r->verdict.key.s;
    for (size_t i = 0; i < l->nparts; i++)
        bound[n++] = l->parts[i].rt->name;
    for (size_t i = 0; i < ASKED; i++)
        bound[n++] = query_get(&r->query, asked[i]);
    l->seal = (struct cursor_seal){seal_key(), bound, n};
    return l->seal.secret != NULL ? ERR_OK : err_set(err, ERR_UNAVAILABLE, "%s", "");
}

static enum err_code choose_place(struct request *r, struct list *l, const char *text, int64_t count,
                                  struct err *err) {
    if (prepare_seal(r, l, err) != ERR_OK)
        return err->code;
    if (count > PAGE_MAX)
        return err_set_path(err, ERR_INVALID_COUNT, "count", "count is at most %d", PAGE_MAX);
    l->cursor = (struct cursor){.count = (int)count, .total = -1};
    if (text[0] != '\0') {
        if (cursor_decode(text, &l->seal, clock_wall_us(), r->arena, &l->cursor, err) != ERR_OK)
            return err->code;
        if (said(r, "count") != NULL && count != l->cursor.count)
            return err_set_path(err, ERR_INVALID_COUNT, "count", "count was %d on the first page",
                                l->cursor.count);
    }
    r->read->count = l->cursor.count;
    r->read->known_total = l->cursor.total;
    r->read->backward = l->cursor.backward;
    if (l->cursor.placed) {
        l->place = (struct read_place){l->cursor.key, l->cursor.id.s};
        r->read->place = &l->place;
    }
    return ERR_OK;
}

static enum err_code choose_page(struct request *r, struct list *l, struct err *err) {
    const char *cursor = query_get(&r->query, "cursor");
    int64_t count;
    if (query_int(&r->query, "count", PAGE_DEFAULT, &count, err) != ERR_OK)
        return err->code;
    count = count < 0 ? 0 : count;
    l->by_cursor = cursor != NULL;
    if (!l->by_cursor)
        return choose_index(r, count, err);
    if (query_get(&r->query, "startIndex") != NULL)
        return err_set_path(err, ERR_INVALID_VALUE, "cursor",
                            "startIndex and cursor cannot be given together");
    return choose_place(r, l, cursor, count, err);
}

enum err_code list_prepare(struct request *r, struct err *err) {
    struct list *l = arena_alloc(r->arena, sizeof *l);
    r->work = l;
    r->read = arena_alloc(r->arena, sizeof *r->read);
    *r->read = (struct read_query){.workspace = r->verdict.workspace.s, .base = r->base, .arena = r->arena};
    if (choose_types(r, l, err) != ERR_OK || choose_attributes(r, l, err) != ERR_OK ||
        choose_filter(r, l, err) != ERR_OK || choose_order(r, l, err) != ERR_OK ||
        choose_page(r, l, err) != ERR_OK)
        return err->code;
    r->read->parts = l->parts;
    r->read->nparts = l->nparts;
    return ERR_OK;
}

/* ---- the answer ---- */

static const struct projection *projection_of(const struct list *l, const struct resource_type *rt) {
    for (size_t i = 0; i < l->nparts; i++)
        if (l->parts[i].rt == rt)
            return l->projections[i];
    return NULL;
}

/* place NULL: the beginning of the list, or its end. */
static char *cursor_at(const struct request *r, bool backward, const struct read_place *place) {
    const struct list *l = r->work;
    struct cursor c = {.backward = backward,
                       .count = r->read->count,
                       .total = r->read->total,
                       .expires_us = clock_wall_us() + r->in->settings.cursor_seconds * INT64_C(1000000)};
    if (place != NULL) {
        c.placed = true;
        memcpy(c.id.s, place->id, sizeof c.id.s);
        c.key = place->key;
    }
    return cursor_encode(&c, &l->seal, r->arena);
}

static void put_cursor(struct request *r, const char *name, bool backward, const struct read_place *place) {
    jb_kstr(&r->answer.body, name, cursor_at(r, backward, place));
}

char *list_next(const struct request *r) {
    return r->read->more && r->read->nrows > 0 ? cursor_at(r, false, &r->read->last) : NULL;
}

/* A page that has become empty still has cursors: to the beginning or the end of the list. */
static void put_cursors(struct request *r) {
    const struct read_query *q = r->read;
    bool empty = q->nrows == 0;
    if (q->count == 0)
        return;
    if (q->backward || q->more)
        put_cursor(r, "nextCursor", false, empty ? NULL : &q->last);
    if (q->backward ? q->more : q->place != NULL)
        put_cursor(r, "previousCursor", true, empty ? NULL : &q->first);
}

void list_answer(struct request *r) {
    const struct read_query *q = r->read;
    const struct list *l = r->work;
    struct jbuf *b = answer_begin(r, 200);
    jb_raw(b, "{\"schemas\":[\"" MESSAGE_LIST "\"]");
    jb_kint(b, "totalResults", q->total);
    if (l->by_cursor)
        put_cursors(r);
    else
        jb_kint(b, "startIndex", q->start_index);
    jb_kint(b, "itemsPerPage", (int64_t)q->nrows);
    jb_key(b, "Resources");
    jb_raw(b, "[");
    for (size_t i = 0; i < q->nrows; i++) {
        if (i > 0)
            jb_raw(b, ",");
        resource_render(q->types[i], &q->rows[i], projection_of(l, q->types[i]), r->base, b);
    }
    jb_raw(b, "]}");
}
