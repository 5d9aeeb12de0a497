/* The objects of a unit, found by kind, workspace and id or name. */
#include "ops/runtime/mem.h"
#include "sql/unit/unit_private.h"

#include <assert.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
    const char *key;
    void *object;
};

static int compare_nodes(const void *a, const void *b) {
    return strcmp(((const struct node *)a)->key, ((const struct node *)b)->key);
}

static void keep_node(void *node) {
    (void)node; /* nodes live in the arena */
}

struct unit *unit_new(struct unit_store store) {
    struct unit *u = xcalloc(1, sizeof *u);
    u->store = store;
    u->arena = arena_new();
    for (int k = 0; k < UNIT_KINDS; k++)
        u->tail[k] = &u->objects[k];
    return u;
}

void unit_free(struct unit *u) {
    if (u == NULL)
        return;
    if (u->begun)
        u->store.backend->rollback(u);
    for (int k = 0; k < UNIT_KINDS; k++) {
        tdestroy(u->index[k], keep_node);
        free(u->wants[k]);
    }
    arena_free(u->arena);
    free(u);
}

/* Folded names can be long: the key's text is built on the stack only where it fits. */
static char *make_key(struct arena *a, char *small, size_t size, const char *w, const char *x,
                      const char *y) {
    int n = snprintf(small, size, "%s/%s/%s", w, x, y);
    return (size_t)n < size ? small : arena_printf(a, "%s/%s/%s", w, x, y);
}

void *unit_find(struct unit *u, enum unit_kind kind, const struct unit_workspace *w, const char *a,
                const char *b) {
    char small[256];
    struct node probe = {make_key(u->arena, small, sizeof small, w != NULL ? w->id : "", a, b), NULL};
    struct node **hit = tfind(&probe, &u->index[kind], compare_nodes);
    return hit != NULL ? (*hit)->object : NULL;
}

void unit_enter(struct unit *u, enum unit_kind kind, const struct unit_workspace *w, const char *a,
                const char *b, void *object) {
    struct node *node = arena_alloc(u->arena, sizeof *node);
    node->key = arena_printf(u->arena, "%s/%s/%s", w != NULL ? w->id : "", a, b);
    node->object = object;
    if (tsearch(node, &u->index[kind], compare_nodes) == NULL)
        abort();
    struct object *o = arena_alloc(u->arena, sizeof *o);
    o->p = object;
    *u->tail[kind] = o;
    u->tail[kind] = &o->next;
}

enum unit_kind unit_rows_of(const struct resource_type *rt) {
    return rt->kind == RESOURCE_USER ? UNIT_USERS : rt->kind == RESOURCE_ROOM ? UNIT_ROOMS : UNIT_CUSTOM;
}

enum unit_kind unit_names_of(const struct resource_type *rt) {
    return rt->kind == RESOURCE_USER ? UNIT_USER_NAMES : UNIT_ROOM_NAMES;
}

struct unit_resource *unit_resource_find(struct unit *u, const struct resource_type *rt,
                                         const struct unit_workspace *w, const char *id) {
    return unit_find(u, unit_rows_of(rt), w, id, rt->name);
}

struct unit_resource *unit_resource_new(struct unit *u, const struct resource_type *rt,
                                        struct unit_workspace *w, const char *id) {
    struct unit_resource *r = arena_alloc(u->arena, sizeof *r);
    snprintf(r->id, sizeof r->id, "%s", id);
    r->rt = rt;
    r->workspace = w;
    r->state = ROW_ABSENT;
    unit_enter(u, unit_rows_of(rt), w, id, rt->name, r);
    return r;
}

struct unit_member *unit_member_new(struct unit *u, struct unit_resource *room, struct unit_resource *user) {
    assert(room->workspace == user->workspace);
    struct unit_member *m = arena_alloc(u->arena, sizeof *m);
    m->room = room;
    m->user = user;
    m->next_of_room = room->members;
    room->members = m;
    m->next_of_user = user->members;
    user->members = m;
    unit_enter(u, UNIT_MEMBERS, room->workspace, room->id, user->id, m);
    return m;
}

struct name_entry *unit_name_entry(struct unit *u, enum unit_kind names, const struct unit_workspace *w,
                                   const char *key, bool make) {
    struct name_entry *e = unit_find(u, names, w, key, "");
    if (e == NULL && make) {
        e = arena_alloc(u->arena, sizeof *e);
        unit_enter(u, names, w, key, "", e);
    }
    return e;
}

void unit_entry_add(struct unit *u, struct name_entry *e, struct unit_resource *r) {
    for (size_t i = 0; i < e->n; i++)
        if (e->rows[i] == r)
            return;
    if (e->n == e->cap) {
        struct unit_resource **rows =
            arena_alloc(u->arena, (e->cap * 2 + 2) * sizeof(struct unit_resource *));
        if (e->n)
            memcpy(rows, e->rows, e->n * sizeof(struct unit_resource *));
        e->rows = rows;
        e->cap = e->cap * 2 + 2;
    }
    e->rows[e->n++] = r;
}

/* Enters the resource under its name, if that name was looked up before. Names that nobody asked for have no
 * entry: their holders are in the database. */
void unit_name_enter(struct unit *u, struct unit_resource *r) {
    struct name_entry *e = unit_name_entry(u, unit_names_of(r->rt), r->workspace, r->name_key, false);
    if (e != NULL)
        unit_entry_add(u, e, r);
}
