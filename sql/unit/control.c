/* Who may do what: keys, owners, logins and guards as objects of a unit. */
#include "sql/pg_array.h"
#include "sql/unit/unit_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const guard_texts[GUARD_KINDS] = {"users", "members"};

/* ---- loading ---- */

const char unit_keys_sql[] =
    "SELECT k.workspace_id, k.id, k.name, encode(k.token_hash, 'hex'), k.prefix, k.dialect, k.scopes, "
    "k.networks, coalesce(k.rate_limit, 0), coalesce(" UNIT_MICROS(
        "k.expires") ", 0), encode(k.old_token_hash, 'hex'), coalesce(" UNIT_MICROS("k.old_until") //
    ", 0), k.created_by, k.revoked IS NOT NULL, k.revoked_by "
    "FROM unnest($1::uuid[], $2::uuid[]) AS a (w, i)" UNIT_EACH("keys", "t.id = a.i") "k";
const char unit_owners_sql[] =
    "SELECT o.workspace_id, o.id, o.name, o.role, encode(o.token_hash, 'hex'), o.prefix, coalesce(" //
    UNIT_MICROS("o.expires") ", 0), o.created_by, o.revoked IS NOT NULL, o.revoked_by "
                             "FROM unnest($1::uuid[]) AS a (w)" UNIT_EACH("owners", "true") "o";
const char unit_logins_sql[] = "SELECT l.workspace_id, l.user_id, " UNIT_MICROS(
    "l.first_at") ", " UNIT_MICROS("l.last_at") ", l.times "
                                                "FROM unnest($1::uuid[], $2::uuid[]) AS a (w, u)" UNIT_EACH(
                                                    "logins", "t.user_id = a.u") "l";
const char unit_guards_sql[] =
    "SELECT g.workspace_id, g.key_id, g.kind, g.head, array_to_string(g.slots, ' '), g.base, g.base_at, "
    "coalesce(" UNIT_MICROS("g.tripped") //
    ", 0) FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS a (w, k, y)" UNIT_EACH(
        "guard_windows", "t.key_id = a.k AND t.kind = a.y") "g";

static const char *text_or_null(const struct db_result *r, size_t row, int col) {
    return db_is_null(r, row, col) ? NULL : db_text(r, row, col);
}

static struct unit_key *key_new(struct unit *u, struct unit_workspace *w, const char *id) {
    struct unit_key *k = arena_alloc(u->arena, sizeof *k);
    snprintf(k->id, sizeof k->id, "%s", id);
    k->workspace = w;
    unit_enter(u, UNIT_KEYS, w, id, "", k);
    return k;
}

static void take_key(struct unit_key *k, const struct db_result *r, size_t row) {
    k->state = ROW_LOADED;
    k->name = db_text(r, row, 2);
    k->token_hash_hex = db_text(r, row, 3);
    k->prefix = db_text(r, row, 4);
    k->dialect = db_text(r, row, 5);
    k->scopes = db_text(r, row, 6);
    k->networks = text_or_null(r, row, 7);
    k->rate = db_int(r, row, 8);
    k->expires_us = db_int(r, row, 9);
    k->old_token_hash_hex = text_or_null(r, row, 10);
    k->old_until_us = db_int(r, row, 11);
    k->created_by = db_text(r, row, 12);
    k->revoked = db_bool(r, row, 13);
    k->revoked_by = text_or_null(r, row, 14);
}

static struct unit_owner *owner_new(struct unit *u, struct unit_workspace *w, const char *id) {
    struct unit_owner *o = arena_alloc(u->arena, sizeof *o);
    snprintf(o->id, sizeof o->id, "%s", id);
    o->workspace = w;
    unit_enter(u, UNIT_OWNERS, w, id, "", o);
    return o;
}

static void take_owner(struct unit_owner *o, const struct db_result *r, size_t row) {
    o->state = ROW_LOADED;
    o->name = db_text(r, row, 2);
    o->role = db_text(r, row, 3);
    o->token_hash_hex = db_text(r, row, 4);
    o->prefix = db_text(r, row, 5);
    o->expires_us = db_int(r, row, 6);
    o->created_by = db_text(r, row, 7);
    o->revoked = db_bool(r, row, 8);
    o->revoked_by = text_or_null(r, row, 9);
}

static struct unit_login *login_new(struct unit *u, struct unit_workspace *w, const char *user) {
    struct unit_login *l = arena_alloc(u->arena, sizeof *l);
    snprintf(l->user, sizeof l->user, "%s", user);
    l->workspace = w;
    unit_enter(u, UNIT_LOGINS, w, user, "", l);
    return l;
}

static void take_login(struct unit_login *l, const struct db_result *r, size_t row) {
    l->state = ROW_LOADED;
    l->first_us = db_int(r, row, 2);
    l->last_us = db_int(r, row, 3);
    l->times = db_int(r, row, 4);
}

static struct unit_guard *guard_new(struct unit *u, struct unit_workspace *w, const char *key,
                                    const char *kind) {
    struct unit_guard *g = arena_alloc(u->arena, sizeof *g);
    snprintf(g->key, sizeof g->key, "%s", key);
    g->workspace = w;
    g->kind = strcmp(kind, guard_texts[GUARD_USERS]) == 0 ? GUARD_USERS : GUARD_MEMBERS;
    unit_enter(u, UNIT_GUARDS, w, key, kind, g);
    return g;
}

static void take_guard(struct unit_guard *g, const struct db_result *r, size_t row) {
    const char *slots = db_text(r, row, 4);
    char *end;
    g->state = ROW_LOADED;
    g->head = db_int(r, row, 3);
    for (int i = 0; i < GUARD_BUCKETS; i++, slots = end)
        g->slots[i] = strtoll(slots, &end, 10);
    g->base = db_int(r, row, 5);
    g->base_at = db_int(r, row, 6);
    g->tripped_us = db_int(r, row, 7);
}

void unit_take_control(struct unit *u, enum unit_kind kind, const struct db_result *r, size_t row) {
    struct unit_workspace *w = unit_find(u, UNIT_WORKSPACES, NULL, db_text(r, row, 0), "");
    const char *id = db_text(r, row, 1), *b = kind == UNIT_GUARDS ? db_text(r, row, 2) : "";
    if (unit_find(u, kind, w, id, b)) /* the unit's own object is newer */
        return;
    if (kind == UNIT_KEYS)
        take_key(key_new(u, w, id), r, row);
    else if (kind == UNIT_OWNERS)
        take_owner(owner_new(u, w, id), r, row);
    else if (kind == UNIT_LOGINS)
        take_login(login_new(u, w, id), r, row);
    else
        take_guard(guard_new(u, w, id, b), r, row);
}

void unit_settle_control(struct unit *u, enum unit_kind kind, const struct want *x) {
    if (kind == UNIT_OWNERS)
        x->workspace->owners_loaded = true;
    else if (unit_find(u, kind, x->workspace, x->a, x->b))
        return;
    else if (kind == UNIT_KEYS)
        (void)key_new(u, x->workspace, x->a);
    else if (kind == UNIT_LOGINS)
        (void)login_new(u, x->workspace, x->a);
    else
        (void)guard_new(u, x->workspace, x->a, x->b);
}

/* ---- looking up ---- */

static bool fetch(struct unit *u) {
    return u->err.code == ERR_OK && unit_fetch(u, &u->err) == ERR_OK;
}

/* Announces an object of which the id must be a UUID. */
static void want_id(struct unit *u, enum unit_kind kind, struct unit_workspace *w, const char *id,
                    const char *b) {
    struct uuid parsed;
    if (uuid_parse(id, &parsed) && !unit_find(u, kind, w, parsed.s, b))
        unit_want(u, kind, (struct want){.workspace = w, .a = parsed.s, .b = b});
}

/* The object, or one that is absent. NULL: neither, the database failed or the id is no UUID. */
static void *look_up(struct unit *u, enum unit_kind kind, struct unit_workspace *w, const char *id,
                     const char *b) {
    void *found = unit_find(u, kind, w, id, b);
    if (found)
        return found;
    want_id(u, kind, w, id, b);
    return fetch(u) ? unit_find(u, kind, w, id, b) : NULL;
}

void unit_want_key(struct unit *u, struct unit_workspace *w, const char *key) {
    want_id(u, UNIT_KEYS, w, key, "");
}

struct unit_key *unit_key(struct unit *u, struct unit_workspace *w, const char *id) {
    struct unit_key *k = look_up(u, UNIT_KEYS, w, id, "");
    return k || u->err.code != ERR_OK ? k : key_new(u, w, id);
}

void unit_want_owners(struct unit *u, struct unit_workspace *w) {
    if (!w->owners_loaded)
        unit_want(u, UNIT_OWNERS, (struct want){.workspace = w, .a = ""});
}

struct unit_owner *unit_owner(struct unit *u, struct unit_workspace *w, const char *id) {
    unit_want_owners(u, w);
    if (!w->owners_loaded && !fetch(u))
        return NULL;
    struct unit_owner *o = unit_find(u, UNIT_OWNERS, w, id, "");
    return o ? o : owner_new(u, w, id);
}

bool unit_other_owner(struct unit *u, struct unit_workspace *w, const struct unit_owner *except,
                      int64_t now_us) {
    unit_want_owners(u, w);
    if (!w->owners_loaded && !fetch(u))
        return false;
    for (const struct object *x = u->objects[UNIT_OWNERS]; x; x = x->next) {
        const struct unit_owner *o = x->p;
        if (o != except && o->workspace == w && row_alive(o->state) && !o->revoked &&
            strcmp(o->role, "owner") == 0 && (o->expires_us == 0 || o->expires_us > now_us))
            return true;
    }
    return false;
}

void unit_want_login(struct unit *u, struct unit_workspace *w, const char *user) {
    want_id(u, UNIT_LOGINS, w, user, "");
}

struct unit_login *unit_login(struct unit *u, struct unit_workspace *w, const char *user) {
    struct unit_login *l = look_up(u, UNIT_LOGINS, w, user, "");
    return l || u->err.code != ERR_OK ? l : login_new(u, w, user);
}

struct unit_guard *unit_guard(struct unit *u, struct unit_workspace *w, const char *key,
                              enum guard_kind kind) {
    for (int k = 0; k < GUARD_KINDS; k++) /* who asks for the one mostly asks for the other too */
        want_id(u, UNIT_GUARDS, w, key, guard_texts[k]);
    struct unit_guard *g = look_up(u, UNIT_GUARDS, w, key, guard_texts[kind]);
    return g || u->err.code != ERR_OK ? g : guard_new(u, w, key, guard_texts[kind]);
}

/* ---- storing ---- */

#define KEY_ROWS                                                                                                                                              \
    "INSERT INTO keys (workspace_id, id, name, token_hash, prefix, scopes, dialect, networks, rate_limit, "                                                   \
    "expires, old_token_hash, old_until, created_by, revoked, revoked_by) "                                                                                   \
    "SELECT a.w, a.i, a.n, decode(a.h, 'hex'), a.p, a.s::text[], a.d, a.net::text[], nullif(a.rate, 0), " UNIT_TIME(                                          \
        "a.x") ", decode(a.oh, 'hex'), " UNIT_TIME("a.ou") ", a.b, "                                                                                          \
                                                           "CASE WHEN a.r THEN now() END, a.rb "                                                              \
                                                           "FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], " \
                                                           "$8::text[], $9::int[], $10::bigint[], $11::text[], $12::bigint[], $13::text[], $14::bool[], "     \
                                                           "$15::text[]) AS a (w, i, n, h, p, s, d, net, rate, x, oh, ou, b, r, rb)"
/* Who revoked first, and when, stays. */
static const char key_sql[] =
    KEY_ROWS " ON CONFLICT (workspace_id, id) DO UPDATE SET token_hash = EXCLUDED.token_hash, "
             "prefix = EXCLUDED.prefix, old_token_hash = EXCLUDED.old_token_hash, "
             "old_until = EXCLUDED.old_until, revoked = coalesce(keys.revoked, EXCLUDED.revoked), "
             "revoked_by = coalesce(keys.revoked_by, EXCLUDED.revoked_by)";
static const char owner_sql[] =
    "INSERT INTO owners (workspace_id, id, name, role, token_hash, prefix, expires, created_by, revoked, "
    "revoked_by) SELECT a.w, a.i, a.n, a.y, decode(a.h, 'hex'), a.p, " UNIT_TIME(
        "a.x") ", a.b, CASE WHEN a.r THEN now() END, a.rb "
               "FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], "
               "$7::bigint[], $8::text[], $9::bool[], $10::text[]) AS a (w, i, n, y, h, p, x, b, r, rb) "
               "ON CONFLICT (workspace_id, id) DO UPDATE SET "
               "revoked = coalesce(owners.revoked, EXCLUDED.revoked), "
               "revoked_by = coalesce(owners.revoked_by, EXCLUDED.revoked_by)";
static const char login_sql[] =
    "INSERT INTO logins (workspace_id, user_id, first_at, last_at, times) "
    "SELECT a.w, a.u, " UNIT_TIME("a.f") ", " UNIT_TIME(
        "a.l") ", a.n FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[]) "
               "AS a (w, u, f, l, n) ON CONFLICT (workspace_id, user_id) DO UPDATE SET "
               "last_at = EXCLUDED.last_at, times = EXCLUDED.times";
static const char guard_sql[] =
    "INSERT INTO guard_windows (workspace_id, key_id, kind, head, slots, base, base_at, tripped) "
    "SELECT a.w, a.k, a.y, a.h, a.s::int[], a.b, a.ba, " UNIT_TIME(
        "a.t") " FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], "
               "$7::bigint[], $8::bigint[]) AS a (w, k, y, h, s, b, ba, t) "
               "ON CONFLICT (workspace_id, key_id, kind) DO UPDATE SET head = EXCLUDED.head, "
               "slots = EXCLUDED.slots, base = EXCLUDED.base, base_at = EXCLUDED.base_at, "
               "tripped = EXCLUDED.tripped";

static bool to_write(enum row_state s) {
    return s == ROW_NEW || s == ROW_CHANGED;
}

static void add_key(struct unit_rows *rows, const struct unit_key *k) {
    struct jbuf *c = rows->column;
    unit_rows_add(rows, k->workspace->id, k->id);
    pg_array_text(&c[2], k->name);
    pg_array_text(&c[3], k->token_hash_hex);
    pg_array_text(&c[4], k->prefix);
    pg_array_text(&c[5], k->scopes);
    pg_array_text(&c[6], k->dialect);
    pg_array_text(&c[7], k->networks);
    pg_array_int(&c[8], k->rate);
    pg_array_int(&c[9], k->expires_us);
    pg_array_text(&c[10], k->old_token_hash_hex);
    pg_array_int(&c[11], k->old_until_us);
    pg_array_text(&c[12], k->created_by);
    pg_array_bool(&c[13], k->revoked);
    pg_array_text(&c[14], k->revoked_by);
}

static void add_owner(struct unit_rows *rows, const struct unit_owner *o) {
    struct jbuf *c = rows->column;
    unit_rows_add(rows, o->workspace->id, o->id);
    pg_array_text(&c[2], o->name);
    pg_array_text(&c[3], o->role);
    pg_array_text(&c[4], o->token_hash_hex);
    pg_array_text(&c[5], o->prefix);
    pg_array_int(&c[6], o->expires_us);
    pg_array_text(&c[7], o->created_by);
    pg_array_bool(&c[8], o->revoked);
    pg_array_text(&c[9], o->revoked_by);
}

static void add_guard(struct unit_rows *rows, const struct unit_guard *g) {
    struct jbuf slots = {0}, *c = rows->column;
    pg_array_begin(&slots);
    for (int i = 0; i < GUARD_BUCKETS; i++)
        pg_array_int(&slots, g->slots[i]);
    pg_array_end(&slots);
    unit_rows_add(rows, g->workspace->id, g->key);
    pg_array_text(&c[2], guard_texts[g->kind]);
    pg_array_int(&c[3], g->head);
    pg_array_text(&c[4], slots.p);
    pg_array_int(&c[5], g->base);
    pg_array_int(&c[6], g->base_at);
    pg_array_int(&c[7], g->tripped_us);
    jb_free(&slots);
}

/* Logins of users who are there at the end: those of others went with them. */
static void store_logins(struct unit *u, size_t *sent) {
    struct unit_rows rows;
    unit_rows_begin(&rows, 5);
    for (const struct object *o = u->objects[UNIT_LOGINS]; o; o = o->next) {
        const struct unit_login *l = o->p;
        const struct unit_resource *user =
            unit_resource_find(u, resource_type_of(RESOURCE_USER), l->workspace, l->user);
        if (!to_write(l->state) || !user || !row_alive(user->state))
            continue;
        unit_rows_add(&rows, l->workspace->id, l->user);
        pg_array_int(&rows.column[2], l->first_us);
        pg_array_int(&rows.column[3], l->last_us);
        pg_array_int(&rows.column[4], l->times);
    }
    unit_rows_send(&rows, u, login_sql, sent);
}

void unit_store_control(struct unit *u, size_t *sent) {
    struct unit_rows keys, owners, guards;
    const struct object *o;
    unit_rows_begin(&keys, 15);
    for (o = u->objects[UNIT_KEYS]; o; o = o->next)
        if (to_write(((const struct unit_key *)o->p)->state))
            add_key(&keys, o->p);
    unit_rows_send(&keys, u, key_sql, sent);
    unit_rows_begin(&owners, 10);
    for (o = u->objects[UNIT_OWNERS]; o; o = o->next)
        if (to_write(((const struct unit_owner *)o->p)->state))
            add_owner(&owners, o->p);
    unit_rows_send(&owners, u, owner_sql, sent);
    store_logins(u, sent);
    unit_rows_begin(&guards, 8);
    for (o = u->objects[UNIT_GUARDS]; o; o = o->next)
        if (to_write(((const struct unit_guard *)o->p)->state))
            add_guard(&guards, o->p);
    unit_rows_send(&guards, u, guard_sql, sent);
}
