/* Who may do what, and who is told: keys, owners, endpoints, logins and guards as objects of a unit. */
#include "sql/unit/unit_private.h"

#include <stdio.h>
#include <string.h>

const char *const unit_guard_texts[GUARD_KINDS] = {"users", "members"};

/* ---- rows become objects ---- */

static struct unit_key *key_new(struct unit *u, struct unit_workspace *w, const char *id) {
    struct unit_key *k = arena_alloc(u->arena, sizeof *k);
    snprintf(k->id, sizeof k->id, "%s", id);
    k->workspace = w;
    unit_enter(u, UNIT_KEYS, w, id, "", k);
    return k;
}

void unit_put_key(struct unit *u, const struct unit_key *row) {
    if (unit_find(u, UNIT_KEYS, row->workspace, row->id, "") != NULL)
        return;
    struct unit_key *k = key_new(u, row->workspace, row->id);
    *k = *row;
    k->state = ROW_LOADED;
    k->stored_revoked = k->revoked;
}

static struct unit_owner *owner_new(struct unit *u, struct unit_workspace *w, const char *id) {
    struct unit_owner *o = arena_alloc(u->arena, sizeof *o);
    snprintf(o->id, sizeof o->id, "%s", id);
    o->workspace = w;
    unit_enter(u, UNIT_OWNERS, w, id, "", o);
    return o;
}

void unit_put_owner(struct unit *u, const struct unit_owner *row) {
    if (unit_find(u, UNIT_OWNERS, row->workspace, row->id, "") != NULL)
        return;
    struct unit_owner *o = owner_new(u, row->workspace, row->id);
    *o = *row;
    o->state = ROW_LOADED;
}

static struct unit_delivery *delivery_new(struct unit *u, struct unit_workspace *w, const char *id) {
    struct unit_delivery *d = arena_alloc(u->arena, sizeof *d);
    snprintf(d->id, sizeof d->id, "%s", id);
    d->workspace = w;
    unit_enter(u, UNIT_DELIVERIES, w, id, "", d);
    return d;
}

void unit_put_delivery(struct unit *u, const struct unit_delivery *row) {
    if (unit_find(u, UNIT_DELIVERIES, row->workspace, row->id, "") != NULL)
        return;
    struct unit_delivery *d = delivery_new(u, row->workspace, row->id);
    *d = *row;
    d->state = ROW_LOADED;
}

static struct unit_sign_in *sign_in_new(struct unit *u, struct unit_workspace *w) {
    struct unit_sign_in *s = arena_alloc(u->arena, sizeof *s);
    s->workspace = w;
    unit_enter(u, UNIT_SIGN_INS, w, "", "", s);
    return s;
}

void unit_put_sign_in(struct unit *u, const struct unit_sign_in *row) {
    if (unit_find(u, UNIT_SIGN_INS, row->workspace, "", "") != NULL)
        return;
    struct unit_sign_in *s = sign_in_new(u, row->workspace);
    *s = *row;
    s->state = ROW_LOADED;
}

static struct unit_login *login_new(struct unit *u, struct unit_workspace *w, const char *user) {
    struct unit_login *l = arena_alloc(u->arena, sizeof *l);
    snprintf(l->user, sizeof l->user, "%s", user);
    l->workspace = w;
    unit_enter(u, UNIT_LOGINS, w, user, "", l);
    return l;
}

void unit_put_login(struct unit *u, const struct unit_login *row) {
    if (unit_find(u, UNIT_LOGINS, row->workspace, row->user, "") != NULL)
        return;
    struct unit_login *l = login_new(u, row->workspace, row->user);
    *l = *row;
    l->state = ROW_LOADED;
}

enum guard_kind unit_guard_kind(const char *text) {
    return strcmp(text, unit_guard_texts[GUARD_USERS]) == 0 ? GUARD_USERS : GUARD_MEMBERS;
}

static struct unit_guard *guard_new(struct unit *u, struct unit_workspace *w, const char *key,
                                    enum guard_kind kind) {
    struct unit_guard *g = arena_alloc(u->arena, sizeof *g);
    snprintf(g->key, sizeof g->key, "%s", key);
    g->workspace = w;
    g->kind = kind;
    unit_enter(u, UNIT_GUARDS, w, key, unit_guard_texts[kind], g);
    return g;
}

void unit_put_guard(struct unit *u, const struct unit_guard *row) {
    if (unit_find(u, UNIT_GUARDS, row->workspace, row->key, unit_guard_texts[row->kind]) != NULL)
        return;
    struct unit_guard *g = guard_new(u, row->workspace, row->key, row->kind);
    *g = *row;
    g->state = ROW_LOADED;
}

void unit_settle_control(struct unit *u, enum unit_kind kind, const struct want *x) {
    if (kind == UNIT_OWNERS)
        x->workspace->owners_loaded = true;
    else if (kind == UNIT_DELIVERIES)
        x->workspace->deliveries_loaded = true;
    else if (unit_find(u, kind, x->workspace, x->a, x->b) != NULL)
        return;
    else if (kind == UNIT_KEYS)
        (void)key_new(u, x->workspace, x->a);
    else if (kind == UNIT_SIGN_INS)
        (void)sign_in_new(u, x->workspace);
    else if (kind == UNIT_LOGINS)
        (void)login_new(u, x->workspace, x->a);
    else
        (void)guard_new(u, x->workspace, x->a, unit_guard_kind(x->b));
}

/* ---- looking up ---- */

/* Announces an object by its id. An id that is no UUID names nothing and is not announced. */
static void want_id(struct unit *u, enum unit_kind kind, struct unit_workspace *w, const char *id,
                    const char *b) {
    struct uuid parsed;
    if (uuid_parse(id, &parsed) && unit_find(u, kind, w, parsed.s, b) == NULL)
        unit_want(u, kind, (struct want){.workspace = w, .a = parsed.s, .b = b});
}

/* Returns the object; one in state ROW_ABSENT if there is no row. NULL if the database failed or the id is no
 * UUID. */
static void *look_up(struct unit *u, enum unit_kind kind, struct unit_workspace *w, const char *id,
                     const char *b) {
    void *found = unit_find(u, kind, w, id, b);
    if (found != NULL)
        return found;
    want_id(u, kind, w, id, b);
    return unit_fetch_wanted(u) ? unit_find(u, kind, w, id, b) : NULL;
}

void unit_want_key(struct unit *u, struct unit_workspace *w, const char *key) {
    want_id(u, UNIT_KEYS, w, key, "");
}

struct unit_key *unit_key(struct unit *u, struct unit_workspace *w, const char *id) {
    struct unit_key *k = look_up(u, UNIT_KEYS, w, id, "");
    return k != NULL || u->err.code != ERR_OK ? k : key_new(u, w, id);
}

void unit_want_owners(struct unit *u, struct unit_workspace *w) {
    if (!w->owners_loaded)
        unit_want(u, UNIT_OWNERS, (struct want){.workspace = w, .a = ""});
}

struct unit_owner *unit_owner(struct unit *u, struct unit_workspace *w, const char *id) {
    unit_want_owners(u, w);
    if (!w->owners_loaded && !unit_fetch_wanted(u))
        return NULL;
    struct unit_owner *o = unit_find(u, UNIT_OWNERS, w, id, "");
    return o != NULL ? o : owner_new(u, w, id);
}

bool unit_other_owner(struct unit *u, struct unit_workspace *w, const struct unit_owner *except,
                      int64_t now_us) {
    unit_want_owners(u, w);
    if (!w->owners_loaded && !unit_fetch_wanted(u))
        return false;
    for (const struct object *x = u->objects[UNIT_OWNERS]; x != NULL; x = x->next) {
        const struct unit_owner *o = x->p;
        if (o != except && o->workspace == w && row_alive(o->state) && !o->revoked &&
            strcmp(o->role, "owner") == 0 && (o->expires_us == 0 || o->expires_us > now_us))
            return true;
    }
    return false;
}

int64_t unit_count_owners(struct unit *u, struct unit_workspace *w) {
    int64_t n = 0;
    unit_want_owners(u, w);
    if (!w->owners_loaded && !unit_fetch_wanted(u))
        return -1;
    for (const struct object *x = u->objects[UNIT_OWNERS]; x != NULL; x = x->next) {
        const struct unit_owner *o = x->p;
        n += o->workspace == w && row_alive(o->state) && !o->revoked;
    }
    return n;
}

void unit_want_deliveries(struct unit *u, struct unit_workspace *w) {
    if (!w->deliveries_loaded)
        unit_want(u, UNIT_DELIVERIES, (struct want){.workspace = w, .a = ""});
}

static bool load_deliveries(struct unit *u, struct unit_workspace *w) {
    unit_want_deliveries(u, w);
    return w->deliveries_loaded || unit_fetch_wanted(u);
}

struct unit_delivery *unit_delivery(struct unit *u, struct unit_workspace *w, const char *id) {
    if (!load_deliveries(u, w))
        return NULL;
    struct unit_delivery *d = unit_find(u, UNIT_DELIVERIES, w, id, "");
    return d != NULL ? d : delivery_new(u, w, id);
}

int64_t unit_count_deliveries(struct unit *u, struct unit_workspace *w) {
    int64_t n = 0;
    if (!load_deliveries(u, w))
        return -1;
    for (const struct object *x = u->objects[UNIT_DELIVERIES]; x != NULL; x = x->next) {
        const struct unit_delivery *d = x->p;
        n += d->workspace == w && row_alive(d->state);
    }
    return n;
}

void unit_want_sign_in(struct unit *u, struct unit_workspace *w) {
    if (unit_find(u, UNIT_SIGN_INS, w, "", "") == NULL)
        unit_want(u, UNIT_SIGN_INS, (struct want){.workspace = w, .a = ""});
}

struct unit_sign_in *unit_sign_in(struct unit *u, struct unit_workspace *w) {
    unit_want_sign_in(u, w);
    return unit_fetch_wanted(u) ? unit_find(u, UNIT_SIGN_INS, w, "", "") : NULL;
}

void unit_want_login(struct unit *u, struct unit_workspace *w, const char *user) {
    want_id(u, UNIT_LOGINS, w, user, "");
}

struct unit_login *unit_login(struct unit *u, struct unit_workspace *w, const char *user) {
    struct unit_login *l = look_up(u, UNIT_LOGINS, w, user, "");
    return l != NULL || u->err.code != ERR_OK ? l : login_new(u, w, user);
}

struct unit_guard *unit_guard(struct unit *u, struct unit_workspace *w, const char *key,
                              enum guard_kind kind) {
    /* A command that asks for one kind mostly asks for the other too. */
    for (int k = 0; k < GUARD_KINDS; k++)
        want_id(u, UNIT_GUARDS, w, key, unit_guard_texts[k]);
    struct unit_guard *g = look_up(u, UNIT_GUARDS, w, key, unit_guard_texts[kind]);
    return g != NULL || u->err.code != ERR_OK ? g : guard_new(u, w, key, kind);
}
