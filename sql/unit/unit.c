/* What is announced, looked up and changed: the face of a unit of work. */
#include "sql/unit/unit.h"

#include "ops/runtime/mem.h"
#include "schemas/stream/record.h"
#include "sql/unit/unit_private.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct arena *unit_arena(struct unit *u) {
    return u->arena;
}

enum err_code unit_error(const struct unit *u, struct err *err) {
    if (u->err.code != ERR_OK && err != NULL)
        *err = u->err;
    return u->err.code;
}

void unit_want(struct unit *u, enum unit_kind kind, struct want want) {
    if (u->nwants[kind] == u->wants_cap[kind]) {
        u->wants_cap[kind] = u->wants_cap[kind] ? u->wants_cap[kind] * 2 : 32;
        u->wants[kind] = xrealloc(u->wants[kind], u->wants_cap[kind] * sizeof(struct want));
    }
    want.a = arena_strdup(u->arena, want.a);
    want.b = want.b != NULL ? arena_strdup(u->arena, want.b) : "";
    want.c = want.c != NULL ? arena_strdup(u->arena, want.c) : "";
    u->wants[kind][u->nwants[kind]++] = want;
}

static void want_one(struct unit *u, enum unit_kind kind, struct unit_workspace *w, const char *a,
                     const char *b, bool doc) {
    unit_want(u, kind, (struct want){.workspace = w, .a = a, .b = b, .doc = doc});
}

struct unit_workspace *unit_want_workspace(struct unit *u, const char *workspace) {
    struct unit_workspace *w = unit_find(u, UNIT_WORKSPACES, NULL, workspace, "");
    if (w != NULL)
        return w;
    assert(!u->begun); /* its row must be locked with those of the others, in order */
    w = arena_alloc(u->arena, sizeof *w);
    snprintf(w->id, sizeof w->id, "%s", workspace);
    w->epoch = STREAM_EPOCH_FIRST; /* of one that is only being made */
    unit_enter(u, UNIT_WORKSPACES, NULL, workspace, "", w);
    want_one(u, UNIT_WORKSPACES, w, w->id, "", false);
    want_one(u, UNIT_SLICED, w, w->id, "", false);
    return w;
}

void unit_want_claim(struct unit *u, struct unit_workspace *w, const char *txn) {
    if (unit_find(u, UNIT_CLAIMS, w, txn, "") == NULL)
        want_one(u, UNIT_CLAIMS, w, txn, "", false);
}

void unit_want_resource(struct unit *u, struct unit_workspace *w, const struct resource_type *rt,
                        const char *id, bool doc) {
    struct uuid parsed;
    if (!uuid_parse(id, &parsed))
        return;
    const struct unit_resource *r = unit_resource_find(u, rt, w, parsed.s);
    if (r == NULL || (doc && r->doc == NULL && r->state == ROW_LOADED))
        want_one(u, unit_rows_of(rt), w, parsed.s, rt->name, doc);
}

void unit_want_name(struct unit *u, struct unit_workspace *w, const struct resource_type *rt,
                    const char *name_key) {
    if (unit_name_entry(u, unit_names_of(rt), w, name_key, false) == NULL)
        want_one(u, unit_names_of(rt), w, name_key, "", false);
}

void unit_want_member(struct unit *u, struct unit_workspace *w, const char *room, const char *user) {
    struct uuid r, m;
    if (uuid_parse(room, &r) && uuid_parse(user, &m) && unit_find(u, UNIT_MEMBERS, w, r.s, m.s) == NULL)
        want_one(u, UNIT_MEMBERS, w, r.s, m.s, false);
}

void unit_want_bulk(struct unit *u, struct unit_workspace *w, const char *txn) {
    if (unit_find(u, UNIT_BULKS, w, txn, "") == NULL)
        want_one(u, UNIT_BULKS, w, txn, "", false);
}

void unit_want_any(struct unit *u, struct unit_workspace *w, const char *id) {
    const struct resource_type *rt;
    for (size_t i = 0; (rt = resource_type_at(i)) != NULL; i++)
        unit_want_resource(u, w, rt, id, false);
}

enum err_code unit_begin(struct unit *u, struct err *err) {
    return unit_fetch(u, err);
}

struct unit_claim *unit_claim(struct unit *u, struct unit_workspace *w, const char *txn) {
    struct unit_claim_row *c = unit_find(u, UNIT_CLAIMS, w, txn, "");
    if (c == NULL) {
        unit_want_claim(u, w, txn);
        if (!unit_fetch_wanted(u))
            return NULL;
        c = unit_find(u, UNIT_CLAIMS, w, txn, "");
    }
    return c != NULL ? &c->claim : NULL;
}

struct unit_resource *unit_resource(struct unit *u, struct unit_workspace *w, const struct resource_type *rt,
                                    const char *id) {
    struct uuid parsed;
    const char *key = uuid_parse(id, &parsed) ? parsed.s : id;
    struct unit_resource *r = unit_resource_find(u, rt, w, key);
    if (r != NULL)
        return r;
    unit_want_resource(u, w, rt, key, false);
    if (!unit_fetch_wanted(u))
        return NULL;
    r = unit_resource_find(u, rt, w, key);
    return r != NULL ? r : unit_resource_new(u, rt, w, key);
}

const char *unit_doc(struct unit *u, struct unit_resource *r) {
    if (r->doc != NULL)
        return r->doc;
    want_one(u, unit_rows_of(r->rt), r->workspace, r->id, r->rt->name, true);
    return unit_fetch_wanted(u) ? r->doc : NULL;
}

bool unit_name_taken(struct unit *u, struct unit_workspace *w, const struct resource_type *rt,
                     const char *name_key, const struct unit_resource *except) {
    const struct name_entry *e = unit_name_entry(u, unit_names_of(rt), w, name_key, false);
    if (e == NULL) {
        unit_want_name(u, w, rt, name_key);
        if (!unit_fetch_wanted(u))
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
    if (b == NULL) {
        unit_want_bulk(u, w, txn);
        if (!unit_fetch_wanted(u))
            return NULL;
        b = unit_find(u, UNIT_BULKS, w, txn, "");
    }
    return b;
}

/* A resource of any type will do. Mostly this very batch has made it: then nothing is asked. */
bool unit_any(struct unit *u, struct unit_workspace *w, const char *id) {
    const struct resource_type *rt;
    for (int asked = 0; asked < 2; asked++) {
        for (size_t i = 0; (rt = resource_type_at(i)) != NULL; i++) {
            const struct unit_resource *r = unit_resource_find(u, rt, w, id);
            if (r != NULL && row_alive(r->state))
                return true;
        }
        unit_want_any(u, w, id);
        if (!unit_fetch_wanted(u))
            return false;
    }
    return false;
}

struct unit_member *unit_member(struct unit *u, struct unit_resource *room, struct unit_resource *user) {
    struct unit_member *m = unit_find(u, UNIT_MEMBERS, room->workspace, room->id, user->id);
    if (m != NULL)
        return m;
    bool stored = room->state != ROW_NEW && user->state != ROW_NEW && !room->members_complete &&
                  !user->members_complete;
    if (stored) {
        unit_want_member(u, room->workspace, room->id, user->id);
        if (!unit_fetch_wanted(u))
            return NULL;
        m = unit_find(u, UNIT_MEMBERS, room->workspace, room->id, user->id);
    }
    return m != NULL ? m : unit_member_new(u, room, user);
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

/* A row that was made in this unit and is deleted in it leaves nothing to write. */
void unit_delete(struct unit_resource *r) {
    r->state = r->state == ROW_NEW ? ROW_ABSENT : ROW_DELETED;
}

void unit_claim_set(struct unit *u, struct unit_workspace *w, const char *txn, const char *type,
                    const char *outcome, const char *event) {
    struct unit_claim_row *c = unit_find(u, UNIT_CLAIMS, w, txn, "");
    if (c == NULL) {
        c = arena_alloc(u->arena, sizeof *c);
        unit_enter(u, UNIT_CLAIMS, w, txn, "", c);
    }
    c->workspace = w;
    c->txn = arena_strdup(u->arena, txn);
    c->type = type;
    c->fresh = true;
    c->claim = (struct unit_claim){.known = true, .outcome = outcome, .event = event};
}

void unit_claim_emits(struct unit *u, struct unit_workspace *w, const char *txn) {
    struct unit_claim_row *c = unit_find(u, UNIT_CLAIMS, w, txn, "");
    c->emits = true;
}

/* In the order of partitions, as all take their locks. */
void unit_outbox(struct unit *u, int partition, int64_t epoch, int64_t number, const void *bytes, size_t n) {
    struct unit_outbox_row *row = arena_alloc(u->arena, sizeof *row), **at = &u->outbox;
    *row = (struct unit_outbox_row){partition, epoch, number, bytes, n, NULL};
    while (*at != NULL && (*at)->partition <= partition)
        at = &(*at)->next;
    row->next = *at;
    *at = row;
}
