/* Who may do what, and who is told: rows of keys, owners, deliveries, sign_in, logins and guard_windows. */
#include "sql/pg_array.h"
#include "sql/unit/postgres.h"

#include <stdlib.h>
#include <string.h>

/* ---- loading ---- */

static struct unit_key read_key(struct unit_workspace *w, const struct db_result *r, size_t row) {
    struct unit_key k = {.workspace = w,
                         .name = db_text(r, row, 2),
                         .token_hash_hex = db_text(r, row, 3),
                         .prefix = db_text(r, row, 4),
                         .dialect = db_text(r, row, 5),
                         .scopes = db_text(r, row, 6),
                         .networks = postgres_text(r, row, 7),
                         .rate = db_int(r, row, 8),
                         .expires_us = db_int(r, row, 9),
                         .old_token_hash_hex = postgres_text(r, row, 10),
                         .old_until_us = db_int(r, row, 11),
                         .created_by = db_text(r, row, 12),
                         .revoked = db_bool(r, row, 13),
                         .revoked_by = postgres_text(r, row, 14),
                         .jwks = postgres_text(r, row, 15),
                         .jwks_uri = postgres_text(r, row, 16),
                         .dry_since_us = db_int(r, row, 17)};
    postgres_id(r, row, 1, k.id);
    return k;
}

static struct unit_owner read_owner(struct unit_workspace *w, const struct db_result *r, size_t row) {
    struct unit_owner o = {.workspace = w,
                           .name = db_text(r, row, 2),
                           .role = db_text(r, row, 3),
                           .token_hash_hex = db_text(r, row, 4),
                           .prefix = db_text(r, row, 5),
                           .expires_us = db_int(r, row, 6),
                           .created_by = db_text(r, row, 7),
                           .revoked = db_bool(r, row, 8),
                           .revoked_by = postgres_text(r, row, 9)};
    postgres_id(r, row, 1, o.id);
    return o;
}

static struct unit_delivery read_delivery(struct unit_workspace *w, const struct db_result *r, size_t row) {
    struct unit_delivery d = {.workspace = w, .doc = db_text(r, row, 2), .secrets = db_text(r, row, 3)};
    postgres_id(r, row, 1, d.id);
    return d;
}

static struct unit_sign_in read_sign_in(struct unit_workspace *w, const struct db_result *r, size_t row) {
    return (struct unit_sign_in){
        .workspace = w, .doc = db_text(r, row, 1), .secret = postgres_text(r, row, 2)};
}

static struct unit_login read_login(struct unit_workspace *w, const struct db_result *r, size_t row) {
    struct unit_login l = {.workspace = w,
                           .first_us = db_int(r, row, 2),
                           .last_us = db_int(r, row, 3),
                           .times = db_int(r, row, 4)};
    postgres_id(r, row, 1, l.user);
    return l;
}

static struct unit_guard read_guard(struct unit_workspace *w, const struct db_result *r, size_t row) {
    struct unit_guard g = {.workspace = w,
                           .kind = unit_guard_kind(db_text(r, row, 2)),
                           .head = db_int(r, row, 3),
                           .base = db_int(r, row, 5),
                           .base_at = db_int(r, row, 6),
                           .tripped_us = db_int(r, row, 7)};
    const char *slots = db_text(r, row, 4);
    char *end;
    postgres_id(r, row, 1, g.key);
    for (int i = 0; i < GUARD_BUCKETS; i++, slots = end)
        g.slots[i] = strtoll(slots, &end, 10);
    return g;
}

void postgres_take_control(struct unit *u, enum unit_kind kind, const struct db_result *r, size_t row) {
    struct unit_workspace *w = postgres_workspace_of(u, r, row, 0);
    if (kind == UNIT_KEYS) {
        struct unit_key k = read_key(w, r, row);
        unit_put_key(u, &k);
    } else if (kind == UNIT_OWNERS) {
        struct unit_owner o = read_owner(w, r, row);
        unit_put_owner(u, &o);
    } else if (kind == UNIT_DELIVERIES) {
        struct unit_delivery d = read_delivery(w, r, row);
        unit_put_delivery(u, &d);
    } else if (kind == UNIT_SIGN_INS) {
        struct unit_sign_in s = read_sign_in(w, r, row);
        unit_put_sign_in(u, &s);
    } else if (kind == UNIT_LOGINS) {
        struct unit_login l = read_login(w, r, row);
        unit_put_login(u, &l);
    } else {
        struct unit_guard g = read_guard(w, r, row);
        unit_put_guard(u, &g);
    }
}

/* ---- storing ---- */

static bool to_write(enum row_state s) {
    return s == ROW_NEW || s == ROW_CHANGED;
}

static void add_key(struct pg_rows *rows, const struct unit_key *k) {
    postgres_row(rows, k->workspace->id, k->id);
    pg_cell_text(rows, k->name);
    pg_cell_text(rows, k->token_hash_hex);
    pg_cell_text(rows, k->prefix);
    pg_cell_text(rows, k->scopes);
    pg_cell_text(rows, k->dialect);
    pg_cell_text(rows, k->networks);
    pg_cell_int(rows, k->rate);
    pg_cell_int(rows, k->expires_us);
    pg_cell_text(rows, k->old_token_hash_hex);
    pg_cell_int(rows, k->old_until_us);
    pg_cell_text(rows, k->created_by);
    pg_cell_bool(rows, k->revoked);
    pg_cell_text(rows, k->revoked_by);
    pg_cell_text(rows, k->jwks);
    pg_cell_text(rows, k->jwks_uri);
    pg_cell_int(rows, k->dry_since_us);
}

static void add_owner(struct pg_rows *rows, const struct unit_owner *o) {
    postgres_row(rows, o->workspace->id, o->id);
    pg_cell_text(rows, o->name);
    pg_cell_text(rows, o->role);
    pg_cell_text(rows, o->token_hash_hex);
    pg_cell_text(rows, o->prefix);
    pg_cell_int(rows, o->expires_us);
    pg_cell_text(rows, o->created_by);
    pg_cell_bool(rows, o->revoked);
    pg_cell_text(rows, o->revoked_by);
}

static void add_guard(struct pg_rows *rows, const struct unit_guard *g) {
    struct jbuf slots = {0};
    pg_array_begin(&slots);
    for (int i = 0; i < GUARD_BUCKETS; i++)
        pg_array_int(&slots, g->slots[i]);
    pg_array_end(&slots);
    postgres_row(rows, g->workspace->id, g->key);
    pg_cell_text(rows, unit_guard_texts[g->kind]);
    pg_cell_int(rows, g->head);
    pg_cell_text(rows, slots.p);
    pg_cell_int(rows, g->base);
    pg_cell_int(rows, g->base_at);
    pg_cell_int(rows, g->tripped_us);
    jb_free(&slots);
}

/* Only logins of users who still exist. The others were deleted with their users (ON DELETE CASCADE). */
static void store_logins(struct unit *u, size_t *sent) {
    struct pg_rows rows = {.statement = SQL_UNIT_CONTROL_STORE_LOGINS};
    for (const struct object *o = u->objects[UNIT_LOGINS]; o != NULL; o = o->next) {
        const struct unit_login *l = o->p;
        const struct unit_resource *user =
            unit_resource_find(u, resource_type_of(RESOURCE_USER), l->workspace, l->user);
        if (!to_write(l->state) || user == NULL || !row_alive(user->state))
            continue;
        postgres_row(&rows, l->workspace->id, l->user);
        pg_cell_int(&rows, l->first_us);
        pg_cell_int(&rows, l->last_us);
        pg_cell_int(&rows, l->times);
    }
    postgres_rows_send(&rows, u, sent);
}

static void store_deliveries(struct unit *u, size_t *sent) {
    struct pg_rows rows = {.statement = SQL_UNIT_CONTROL_STORE_DELIVERIES},
                   said = {.statement = SQL_UNIT_CONTROL_SAY_DELIVERIES},
                   gone = {.statement = SQL_UNIT_CONTROL_DELETE_DELIVERIES};
    for (const struct object *o = u->objects[UNIT_DELIVERIES]; o != NULL; o = o->next) {
        const struct unit_delivery *d = o->p;
        if (d->state == ROW_DELETED)
            postgres_row(&gone, d->workspace->id, d->id);
        if (!to_write(d->state))
            continue;
        postgres_row(&rows, d->workspace->id, d->id);
        pg_cell_text(&rows, d->doc);
        pg_cell_text(&rows, d->secrets);
        pg_cell_int(&rows, d->moves ? d->since_us : 0);
        pg_cell_int(&rows, d->moves && d->since_us == 0 ? d->after : -1);
        pg_cell_text(&rows, d->asked != NULL ? d->asked : "{}");
        for (const struct unit_saying *m = d->says; m != NULL; m = m->next) {
            postgres_row(&said, d->workspace->id, d->id);
            pg_cell_text(&said, m->type);
            pg_cell_text(&said, m->event);
            pg_cell_text(&said, m->value);
            pg_cell_bool(&said, m->at_once);
        }
    }
    postgres_rows_send(&rows, u, sent);
    postgres_rows_send(&said, u, sent);
    postgres_rows_send(&gone, u, sent);
}

static void store_sign_ins(struct unit *u, size_t *sent) {
    struct pg_rows rows = {.statement = SQL_UNIT_CONTROL_STORE_SIGN_INS},
                   gone = {.statement = SQL_UNIT_CONTROL_DELETE_SIGN_INS};
    for (const struct object *o = u->objects[UNIT_SIGN_INS]; o != NULL; o = o->next) {
        const struct unit_sign_in *s = o->p;
        if (s->state == ROW_DELETED)
            postgres_row_of(&gone, s->workspace->id);
        if (!to_write(s->state))
            continue;
        postgres_row_of(&rows, s->workspace->id);
        pg_cell_text(&rows, s->doc);
        pg_cell_text(&rows, s->secret);
    }
    postgres_rows_send(&rows, u, sent);
    postgres_rows_send(&gone, u, sent);
}

void postgres_store_control(struct unit *u, size_t *sent) {
    struct pg_rows keys = {.statement = SQL_UNIT_CONTROL_STORE_KEYS},
                   owners = {.statement = SQL_UNIT_CONTROL_STORE_OWNERS},
                   guards = {.statement = SQL_UNIT_CONTROL_STORE_GUARDS};
    const struct object *o;
    for (o = u->objects[UNIT_KEYS]; o != NULL; o = o->next)
        if (to_write(((const struct unit_key *)o->p)->state))
            add_key(&keys, o->p);
    postgres_rows_send(&keys, u, sent);
    for (o = u->objects[UNIT_OWNERS]; o != NULL; o = o->next)
        if (to_write(((const struct unit_owner *)o->p)->state))
            add_owner(&owners, o->p);
    postgres_rows_send(&owners, u, sent);
    store_deliveries(u, sent);
    store_sign_ins(u, sent);
    store_logins(u, sent);
    for (o = u->objects[UNIT_GUARDS]; o != NULL; o = o->next)
        if (to_write(((const struct unit_guard *)o->p)->state))
            add_guard(&guards, o->p);
    postgres_rows_send(&guards, u, sent);
}
