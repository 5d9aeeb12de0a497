/* Loading: what was announced becomes objects. The rows come from the backend; what has no row is known to be
 * absent from then on. */
#include "sql/unit/unit_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- rows become objects ---- */

struct unit_resource *unit_put_resource(struct unit *u, const struct unit_resource *row) {
    struct unit_resource *r = unit_resource_find(u, row->rt, row->workspace, row->id);
    if (r == NULL) {
        r = unit_resource_new(u, row->rt, row->workspace, row->id);
        *r = *row;
        r->state = ROW_LOADED;
        r->stored_active = r->active;
        r->stored_seat = r->seat;
        r->stored_version = r->version;
    }
    if (r->doc == NULL && !r->doc_changed)
        r->doc = row->doc;
    return r;
}

void unit_put_member(struct unit *u, struct unit_resource *room, struct unit_resource *user, bool transmit,
                     bool held) {
    if (unit_find(u, UNIT_MEMBERS, room->workspace, room->id, user->id) != NULL)
        return;
    struct unit_member *m = unit_member_new(u, room, user);
    m->present = m->was_present = true;
    m->transmit = m->was_transmit = transmit;
    m->held = m->was_held = held;
}

void unit_put_pair(struct unit *u, struct unit_workspace *w, const char *room, const char *user,
                   bool transmit, bool held) {
    struct unit_resource *r = unit_resource_find(u, resource_type_of(RESOURCE_ROOM), w, room),
                         *m = unit_resource_find(u, resource_type_of(RESOURCE_USER), w, user);
    /* Room and user are wanted with every pair, so both are here if they exist. */
    if (r != NULL && m != NULL)
        unit_put_member(u, r, m, transmit, held);
}

void unit_put_claim(struct unit *u, struct unit_workspace *w, const char *txn,
                    const struct unit_claim *claim) {
    if (unit_find(u, UNIT_CLAIMS, w, txn, "") != NULL)
        return;
    struct unit_claim_row *c = arena_alloc(u->arena, sizeof *c);
    c->workspace = w;
    c->txn = txn;
    c->claim = *claim;
    unit_enter(u, UNIT_CLAIMS, w, txn, "", c);
}

void unit_put_value(struct unit *u, struct unit_workspace *w, const char *type, const char *path,
                    const char *key, const char *holder) {
    if (unit_value_find(u, w, type, path, key) != NULL)
        return;
    struct unit_value *v = unit_value_enter(u, w, type, path, key);
    snprintf(v->holder, sizeof v->holder, "%s", holder);
}

void unit_put_bulk(struct unit *u, struct unit_workspace *w, const char *txn, int failures) {
    if (unit_find(u, UNIT_BULKS, w, txn, "") != NULL)
        return;
    struct unit_bulk *b = arena_alloc(u->arena, sizeof *b);
    b->workspace = w;
    snprintf(b->txn, sizeof b->txn, "%s", txn);
    b->failures = b->stored_failures = failures;
    unit_enter(u, UNIT_BULKS, w, txn, "", b);
}

void unit_put_mail(struct unit *u, const char *mail_key, const struct unit_resource *row) {
    struct unit_resource *user = unit_put_resource(u, row);
    unit_entry_add(u, unit_name_entry(u, UNIT_MAILS, user->workspace, mail_key, true), user);
}

/* ---- what has no row ---- */

static void settle_one(struct unit *u, enum unit_kind kind, const struct want *x) {
    switch (kind) {
    case UNIT_WORKSPACES:
        x->workspace->stored_name = x->workspace->settings.name;
        break;
    case UNIT_USERS:
    case UNIT_ROOMS:
    case UNIT_CUSTOM:
        if (unit_find(u, kind, x->workspace, x->a, x->b) == NULL)
            (void)unit_resource_new(u, unit_type_of(kind, x->b), x->workspace, x->a);
        break;
    case UNIT_CLAIMS:
        unit_put_claim(u, x->workspace, x->a, &(struct unit_claim){.known = false});
        break;
    case UNIT_KEYS:
    case UNIT_OWNERS:
    case UNIT_DELIVERIES:
    case UNIT_SIGN_INS:
    case UNIT_LOGINS:
    case UNIT_GUARDS:
        unit_settle_control(u, kind, x);
        break;
    case UNIT_MAILS:
        unit_name_entry(u, kind, x->workspace, x->a, true)->loaded = true;
        break;
    case UNIT_VALUES:
        unit_put_value(u, x->workspace, x->a, x->b, x->c, "");
        break;
    case UNIT_BULKS:
        unit_put_bulk(u, x->workspace, x->a, 0);
        break;
    default: /* Names have their entry already. Pairs need none. */
        break;
    }
}

/* Enters the holders of the wanted names, as far as the unit knows them: loaded just now, or made or renamed
 * here before. */
static void settle_names(struct unit *u, enum unit_kind kind) {
    for (size_t i = 0; i < u->nwants[kind]; i++)
        (void)unit_name_entry(u, kind, u->wants[kind][i].workspace, u->wants[kind][i].a, true);
    for (const struct object *o = u->objects[unit_rows_of(unit_type_of(kind, NULL))]; o != NULL;
         o = o->next) {
        struct unit_resource *r = o->p;
        if (row_alive(r->state))
            unit_name_enter(u, r);
    }
}

static void settle_kind(struct unit *u, enum unit_kind kind) {
    if (kind == UNIT_USER_NAMES || kind == UNIT_ROOM_NAMES)
        settle_names(u, kind);
    for (size_t i = 0; i < u->nwants[kind]; i++)
        settle_one(u, kind, &u->wants[kind][i]);
    u->nwants[kind] = 0;
}

/* ---- what is to be loaded ---- */

const struct resource_type *unit_type_of(enum unit_kind kind, const char *name) {
    switch (kind) {
    case UNIT_USERS:
    case UNIT_USER_NAMES:
    case UNIT_MAILS:
        return resource_type_of(RESOURCE_USER);
    case UNIT_ROOMS:
    case UNIT_ROOM_NAMES:
        return resource_type_of(RESOURCE_ROOM);
    default:
        return resource_type_by_name(name);
    }
}

/* Several commands of a batch may want the same id. Sorts the wants, so that each is asked for once, with the
 * document if any of them wants it. */
static int compare_wants(const void *x, const void *y) {
    const struct want *a = x, *b = y;
    int c = strcmp(a->workspace->id, b->workspace->id);
    c = c ? c : strcmp(a->a, b->a);
    c = c ? c : strcmp(a->b, b->b);
    c = c ? c : strcmp(a->c, b->c);
    return c ? c : (int)b->doc - (int)a->doc;
}

static bool same_want(const struct want *x, const struct want *y) {
    return x->workspace == y->workspace && strcmp(x->a, y->a) == 0 && strcmp(x->b, y->b) == 0 &&
           strcmp(x->c, y->c) == 0;
}

static void unique_wants(struct unit *u, enum unit_kind kind) {
    struct want *x = u->wants[kind];
    size_t n = u->nwants[kind], kept = 0;
    if (n < 2)
        return;
    qsort(x, n, sizeof *x, compare_wants);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || !same_want(&x[kept - 1], &x[i]))
            x[kept++] = x[i];
    u->nwants[kind] = kept;
}

/* Wants the room and the user of each wanted pair too. */
static void complete_pairs(struct unit *u) {
    for (size_t i = 0; i < u->nwants[UNIT_MEMBERS]; i++) {
        const struct want x = u->wants[UNIT_MEMBERS][i];
        unit_want_resource(u, x.workspace, resource_type_of(RESOURCE_ROOM), x.a, true);
        unit_want_resource(u, x.workspace, resource_type_of(RESOURCE_USER), x.b, false);
    }
}

/* A failed call of the backend has ended the transaction. */
static enum err_code end_if_failed(struct unit *u, enum err_code code) {
    u->begun = u->begun && code == ERR_OK;
    return code;
}

enum err_code unit_fetch(struct unit *u, struct err *err) {
    enum unit_kind kinds[UNIT_KINDS];
    size_t n = 0;
    complete_pairs(u);
    for (enum unit_kind k = 0; k < UNIT_KINDS; k++) {
        if (k == UNIT_MAILS && !u->mails_asked)
            continue;
        unique_wants(u, k);
        if (u->nwants[k] > 0)
            kinds[n++] = k;
    }
    if (n == 0 && u->begun)
        return ERR_OK;
    bool begins = !u->begun;
    u->begun = true;
    if (end_if_failed(u, u->store.backend->fetch(u, begins, kinds, n, err)) != ERR_OK)
        return err->code;
    for (size_t i = 0; i < n; i++)
        settle_kind(u, kinds[i]);
    return ERR_OK;
}

bool unit_fetch_wanted(struct unit *u) {
    return u->err.code == ERR_OK && unit_fetch(u, &u->err) == ERR_OK;
}

/* ---- the end ---- */

enum err_code unit_commit(struct unit *u, struct err *err) {
    if (u->err.code != ERR_OK) {
        *err = u->err;
        return err->code;
    }
    enum err_code code = u->store.backend->commit(u, err);
    u->begun = false;
    return code;
}
