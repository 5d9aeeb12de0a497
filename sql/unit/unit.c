#include "sql/unit/unit.h"

#include "ops/runtime/mem.h"
#include "sql/unit/unit_private.h"

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

struct unit *unit_new(struct db *db) {
    struct unit *u = xcalloc(1, sizeof *u);
    u->db = db;
    u->arena = arena_new();
    for (int k = 0; k < UNIT_KINDS; k++)
        u->tail[k] = &u->objects[k];
    return u;
}

void unit_free(struct unit *u) {
    if (!u)
        return;
    if (u->begun)
        db_rollback(u->db);
    for (int k = 0; k < UNIT_KINDS; k++) {
        tdestroy(u->index[k], keep_node);
        free(u->wants[k]);
    }
    db_results_free(u->results, u->nresults);
    free(u->results);
    arena_free(u->arena);
    free(u);
}

struct arena *unit_arena(struct unit *u) {
    return u->arena;
}

enum err_code unit_error(const struct unit *u, struct err *err) {
    if (u->err.code != ERR_OK && err)
        *err = u->err;
    return u->err.code;
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
    struct node probe = {make_key(u->arena, small, sizeof small, w ? w->id : "", a, b), NULL};
    struct node **hit = tfind(&probe, &u->index[kind], compare_nodes);
    return hit ? (*hit)->object : NULL;
}

void unit_enter(struct unit *u, enum unit_kind kind, const struct unit_workspace *w, const char *a,
                const char *b, void *object) {
    struct node *node = arena_alloc(u->arena, sizeof *node);
    node->key = arena_printf(u->arena, "%s/%s/%s", w ? w->id : "", a, b);
    node->object = object;
    if (!tsearch(node, &u->index[kind], compare_nodes))
        abort();
    struct object *o = arena_alloc(u->arena, sizeof *o);
    o->p = object;
    *u->tail[kind] = o;
    u->tail[kind] = &o->next;
}

void unit_keep(struct unit *u, struct db_result *r) {
    if (u->nresults == u->results_cap) {
        u->results_cap = u->results_cap ? u->results_cap * 2 : 16;
        u->results = xrealloc(u->results, u->results_cap * sizeof(struct db_result *));
    }
    u->results[u->nresults++] = r;
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
    if (!e && make) {
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

/* Only names that were looked up are indexed: another name's holders are all in the database still, or not
 * asked for. */
void unit_name_enter(struct unit *u, struct unit_resource *r) {
    struct name_entry *e = unit_name_entry(u, unit_names_of(r->rt), r->workspace, r->name_key, false);
    if (e)
        unit_entry_add(u, e, r);
}

void unit_want(struct unit *u, enum unit_kind kind, struct want want) {
    if (u->nwants[kind] == u->wants_cap[kind]) {
        u->wants_cap[kind] = u->wants_cap[kind] ? u->wants_cap[kind] * 2 : 32;
        u->wants[kind] = xrealloc(u->wants[kind], u->wants_cap[kind] * sizeof(struct want));
    }
    want.a = arena_strdup(u->arena, want.a);
    want.b = want.b ? arena_strdup(u->arena, want.b) : "";
    want.c = want.c ? arena_strdup(u->arena, want.c) : "";
    u->wants[kind][u->nwants[kind]++] = want;
}

static void want(struct unit *u, enum unit_kind kind, struct unit_workspace *w, const char *a, const char *b,
                 bool doc) {
    unit_want(u, kind, (struct want){.workspace = w, .a = a, .b = b, .doc = doc});
}

struct unit_workspace *unit_want_workspace(struct unit *u, const char *workspace) {
    struct unit_workspace *w = unit_find(u, UNIT_WORKSPACES, NULL, workspace, "");
    if (w)
        return w;
    w = arena_alloc(u->arena, sizeof *w);
    snprintf(w->id, sizeof w->id, "%s", workspace);
    unit_enter(u, UNIT_WORKSPACES, NULL, workspace, "", w);
    want(u, UNIT_WORKSPACES, w, w->id, "", false);
    return w;
}

void unit_want_claim(struct unit *u, struct unit_workspace *w, const char *txn) {
    if (!unit_find(u, UNIT_CLAIMS, w, txn, ""))
        want(u, UNIT_CLAIMS, w, txn, "", false);
}

void unit_want_resource(struct unit *u, struct unit_workspace *w, const struct resource_type *rt,
                        const char *id, bool doc) {
    struct uuid parsed;
    if (!uuid_parse(id, &parsed))
        return;
    const struct unit_resource *r = unit_resource_find(u, rt, w, parsed.s);
    if (!r || (doc && !r->doc && r->state == ROW_LOADED))
        want(u, unit_rows_of(rt), w, parsed.s, rt->name, doc);
}

void unit_want_name(struct unit *u, struct unit_workspace *w, const struct resource_type *rt,
                    const char *name_key) {
    if (!unit_name_entry(u, unit_names_of(rt), w, name_key, false))
        want(u, unit_names_of(rt), w, name_key, "", false);
}

void unit_want_member(struct unit *u, struct unit_workspace *w, const char *room, const char *user) {
    struct uuid r, m;
    if (uuid_parse(room, &r) && uuid_parse(user, &m) && !unit_find(u, UNIT_MEMBERS, w, r.s, m.s))
        want(u, UNIT_MEMBERS, w, r.s, m.s, false);
}

void unit_want_bulk(struct unit *u, struct unit_workspace *w, const char *txn) {
    if (!unit_find(u, UNIT_BULKS, w, txn, ""))
        want(u, UNIT_BULKS, w, txn, "", false);
}

void unit_want_any(struct unit *u, struct unit_workspace *w, const char *id) {
    const struct resource_type *rt;
    for (size_t i = 0; (rt = resource_type_at(i)); i++)
        unit_want_resource(u, w, rt, id, false);
}

enum err_code unit_begin(struct unit *u, struct err *err) {
    return unit_fetch(u, err);
}

static bool fetch(struct unit *u) {
    return u->err.code == ERR_OK && unit_fetch(u, &u->err) == ERR_OK;
}

struct unit_claim *unit_claim(struct unit *u, struct unit_workspace *w, const char *txn) {
    struct unit_claim_row *c = unit_find(u, UNIT_CLAIMS, w, txn, "");
    if (!c) {
        unit_want_claim(u, w, txn);
        if (!fetch(u))
            return NULL;
        c = unit_find(u, UNIT_CLAIMS, w, txn, "");
    }
    return c ? &c->claim : NULL;
}

struct unit_resource *unit_resource(struct unit *u, struct unit_workspace *w, const struct resource_type *rt,
                                    const char *id) {
    struct uuid parsed;
    const char *key = uuid_parse(id, &parsed) ? parsed.s : id;
    struct unit_resource *r = unit_resource_find(u, rt, w, key);
    if (r)
        return r;
    unit_want_resource(u, w, rt, key, false);
    if (!fetch(u))
        return NULL;
    r = unit_resource_find(u, rt, w, key);
    return r ? r : unit_resource_new(u, rt, w, key);
}

const char *unit_doc(struct unit *u, struct unit_resource *r) {
    if (r->doc)
        return r->doc;
    want(u, unit_rows_of(r->rt), r->workspace, r->id, r->rt->name, true);
    return fetch(u) ? r->doc : NULL;
}

bool unit_name_taken(struct unit *u, struct unit_workspace *w, const struct resource_type *rt,
                     const char *name_key, const struct unit_resource *except) {
    const struct name_entry *e = unit_name_entry(u, unit_names_of(rt), w, name_key, false);
    if (!e) {
        unit_want_name(u, w, rt, name_key);
        if (!fetch(u))
            return true;
        e = unit_name_entry(u, unit_names_of(rt), w, name_key, true);
    }
    for (size_t i = 0; i < e->n; i++)
        if (e->rows[i] != except && row_alive(e->rows[i]->state) && !strcmp(e->rows[i]->name_key, name_key))
            return true;
    return false;
}

struct unit_bulk *unit_bulk(struct unit *u, struct unit_workspace *w, const char *txn) {
    struct unit_bulk *b = unit_find(u, UNIT_BULKS, w, txn, "");
    if (!b) {
        unit_want_bulk(u, w, txn);
        if (!fetch(u))
            return NULL;
        b = unit_find(u, UNIT_BULKS, w, txn, "");
    }
    return b;
}

/* One of the types has it, mostly one that this very batch has made: only then nothing is asked. */
bool unit_any(struct unit *u, struct unit_workspace *w, const char *id) {
    const struct resource_type *rt;
    for (int asked = 0; asked < 2; asked++) {
        for (size_t i = 0; (rt = resource_type_at(i)); i++) {
            const struct unit_resource *r = unit_resource_find(u, rt, w, id);
            if (r && row_alive(r->state))
                return true;
        }
        unit_want_any(u, w, id);
        if (!fetch(u))
            return false;
    }
    return false;
}

struct unit_member *unit_member(struct unit *u, struct unit_resource *room, struct unit_resource *user) {
    struct unit_member *m = unit_find(u, UNIT_MEMBERS, room->workspace, room->id, user->id);
    if (m)
        return m;
    bool stored = room->state != ROW_NEW && user->state != ROW_NEW && !room->members_complete &&
                  !user->members_complete;
    if (stored) {
        unit_want_member(u, room->workspace, room->id, user->id);
        if (!fetch(u))
            return NULL;
        m = unit_find(u, UNIT_MEMBERS, room->workspace, room->id, user->id);
    }
    return m ? m : unit_member_new(u, room, user);
}

void unit_row_touch(enum row_state *state) {
    if (*state == ROW_LOADED)
        *state = ROW_CHANGED;
    else if (*state == ROW_ABSENT)
        *state = ROW_NEW;
}

void unit_touch(struct unit_resource *r, bool doc_changed) {
    unit_row_touch(&r->state);
    r->doc_changed |= doc_changed;
}

void unit_rename(struct unit *u, struct unit_resource *r, const char *name, const char *name_key) {
    r->name = name;
    r->name_key = name_key;
    unit_name_enter(u, r);
    if (r->rt->kind == RESOURCE_USER)
        unit_mail_enter(u, r);
}

/* A row that was made here and goes here leaves nothing to write. */
void unit_delete(struct unit_resource *r) {
    r->state = r->state == ROW_NEW ? ROW_ABSENT : ROW_DELETED;
}

void unit_claim_set(struct unit *u, struct unit_workspace *w, const char *txn, const char *type,
                    int partition, int64_t offset, const char *outcome, const char *records) {
    struct unit_claim_row *c = unit_find(u, UNIT_CLAIMS, w, txn, "");
    if (!c) {
        c = arena_alloc(u->arena, sizeof *c);
        unit_enter(u, UNIT_CLAIMS, w, txn, "", c);
    }
    c->workspace = w;
    c->txn = arena_strdup(u->arena, txn);
    c->type = type;
    c->fresh = true;
    c->claim = (struct unit_claim){true, false, partition, offset, outcome, records};
}
