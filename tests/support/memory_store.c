#include "tests/support/memory_store.h"

#include "sql/unit/unit_private.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID 36                /* characters of an id */
#define INDEX_MAX_BYTES 2704 /* of an entry in an index of PostgreSQL, on pages of 8 KiB */

struct store {
    struct unit *unit;
    json_t *tables;
    struct err *err;
};

static void refuse_row(struct store *s, const char *why, const char *key) {
    if (s->err->code == ERR_OK)
        (void)err_set(s->err, ERR_DB_DATA, "%s: %s", why, key);
}

static const char *key_in(struct store *s, const struct unit_workspace *w, const char *a, const char *b) {
    return arena_printf(s->unit->arena, "%s/%s%s%s", w->id, a, b[0] != '\0' ? "/" : "", b);
}

static json_t *table_in(struct store *s, const char *name) {
    return json_object_get(s->tables, name);
}

/* INSERT … ON CONFLICT DO UPDATE, or without it. */
static void put_row(struct store *s, const char *table, const char *key, json_t *row, bool insert) {
    if (row == NULL)
        abort();
    if (insert && json_object_get(table_in(s, table), key) != NULL)
        refuse_row(s, "duplicate key", key);
    json_object_set_new(table_in(s, table), key, row);
}

static void set_int(json_t *row, const char *name, int64_t v) {
    json_object_set_new(row, name, json_integer(v));
}

/* 0 is NULL. */
static void set_moment(json_t *row, const char *name, int64_t us) {
    if (us > 0)
        set_int(row, name, us);
}

static void set_text(json_t *row, const char *name, const char *v) {
    if (v != NULL)
        json_object_set_new(row, name, json_string(v));
}

/* Arrays of words, as PostgreSQL writes them back: without the quotes that none of them needs. */
static void set_array(json_t *row, const char *name, const char *v) {
    struct jbuf plain = {0};
    if (v == NULL)
        return;
    for (; *v != '\0'; v++)
        if (*v != '"')
            jb_mem(&plain, v, 1);
    set_text(row, name, plain.p);
    jb_free(&plain);
}

static bool is_written(enum row_state state) {
    return state == ROW_NEW || state == ROW_CHANGED;
}

/* ---- resources ---- */

static const char *resource_table(const struct unit_resource *r) {
    return r->rt->kind == RESOURCE_USER ? "users" : r->rt->kind == RESOURCE_ROOM ? "rooms" : "resources";
}

static void set_resource(json_t *row, const struct unit_resource *r) {
    set_text(row, "name", r->name);
    set_text(row, "nameKey", r->name_key);
    set_text(row, "displayName", r->display_name);
    set_text(row, "displayNameKey", r->display_name_key);
    set_text(row, "externalId", r->external_id);
    if (r->rt->kind == RESOURCE_USER) {
        json_object_set_new(row, "active", json_boolean(r->active));
        json_object_set_new(row, "seat", json_boolean(r->seat));
        json_object_set_new(row, "managed", json_boolean(r->managed));
    }
    set_text(row, "managedBy", r->managed_by);
    set_int(row, "version", r->version);
    set_int(row, "created", r->created_us);
    set_int(row, "modified", r->modified_us);
}

static json_t *new_row(const struct unit_resource *r) {
    json_t *row = json_object();
    set_resource(row, r);
    if (r->rt->kind == RESOURCE_CUSTOM)
        set_text(row, "type", r->rt->name);
    json_object_set_new(row, "doc", json_loads(r->doc, 0, NULL));
    json_object_set_new(row, "search", json_loads(r->search, 0, NULL));
    return row;
}

static void store_resource(struct store *s, const struct unit_resource *r) {
    const char *key = key_in(s, r->workspace, r->id, "");
    json_t *table = table_in(s, resource_table(r));
    if (r->state == ROW_DELETED)
        json_object_del(table, key);
    else if (r->state == ROW_NEW)
        put_row(s, resource_table(r), key, new_row(r), true);
    else if (r->state == ROW_CHANGED && r->doc_changed)
        put_row(s, resource_table(r), key, new_row(r), false);
    else if (r->state == ROW_CHANGED || r->state == ROW_LOADED)
        set_resource(json_object_get(table, key), r);
    if (r->state == ROW_DELETED && r->rt->kind == RESOURCE_USER)
        json_object_del(table_in(s, "logins"), key); /* ON DELETE CASCADE */
}

static void store_value(const struct unit_resource *r, const struct unit_key_row *row, bool gone, void *ctx) {
    struct store *s = ctx;
    const char *key = arena_printf(s->unit->arena, "%s/%s/%s/%s/%s", r->workspace->id, r->rt->name, row->path,
                                   row->key, r->id);
    if (gone)
        json_object_del(table_in(s, "values"), key);
    else
        put_row(s, "values", key,
                json_pack("{s:s, s:s, s:s, s:s, s:b}", "type", r->rt->name, "path", row->path, "key",
                          row->key, "id", r->id, "unique", row->unique),
                false);
}

static void store_resources(struct store *s, enum unit_kind kind) {
    const struct object *o;
    for (o = s->unit->objects[kind]; o != NULL; o = o->next)
        store_resource(s, o->p);
    for (o = s->unit->objects[kind]; o != NULL; o = o->next)
        unit_keys_changes(o->p, store_value, s);
}

static void store_members(struct store *s) {
    for (const struct object *o = s->unit->objects[UNIT_MEMBERS]; o != NULL; o = o->next) {
        const struct unit_member *m = o->p;
        const char *key = key_in(s, m->room->workspace, m->room->id, m->user->id);
        if (!m->present)
            json_object_del(table_in(s, "members"), key);
        else
            put_row(s, "members", key, json_pack("{s:b, s:b}", "transmit", m->transmit, "held", m->held),
                    false);
    }
}

/* ---- workspaces ---- */

static int64_t count_rows(struct store *s, const char *table, const struct unit_workspace *w) {
    const char *key;
    json_t *row;
    int64_t n = 0;
    json_object_foreach(table_in(s, table), key, row) {
        n += strncmp(key, w->id, ID) == 0;
    }
    return n;
}

static json_t *settings_of(const struct unit_workspace *w) {
    json_t *all = json_object();
    for (size_t i = 0; i < workspace_setting_count; i++) {
        struct jbuf text = {0};
        workspace_setting_put(&w->settings, &workspace_setting_table[i], &text);
        json_object_set_new(all, workspace_setting_table[i].name, json_loads(text.p, JSON_DECODE_ANY, NULL));
        jb_free(&text);
    }
    return all;
}

static void store_workspace(struct store *s, const struct unit_workspace *w) {
    json_t *row = json_object_get(table_in(s, "workspaces"), w->id);
    if (!row_alive(w->state))
        return;
    if (w->state == ROW_NEW) {
        row = json_object();
        put_row(s, "workspaces", w->id, row, true);
    }
    if (w->state == ROW_NEW || w->settings_changed)
        json_object_set_new(row, "settings", settings_of(w));
    if (w->seats_used < 0)
        refuse_row(s, "seats_used", w->id);
    set_int(row, "seatsUsed", w->seats_used);
    set_int(row, "membershipSeq", w->membership_seq);
    set_int(row, "auditSeq", w->audit_seq);
    set_int(row, "eventsSeq", w->events_seq);
    /* A resource that is hidden is not counted any more. */
    const struct unit_plan *p = w->plan;
    bool hides = p != NULL && p->state != ROW_DELETED;
    set_int(row, "usersTotal", count_rows(s, "users", w) - (hides && p->user_gone));
    set_int(row, "roomsTotal", count_rows(s, "rooms", w) - (hides && p->hidden_room[0] != '\0'));
}

/* ---- who may do what ---- */

static void store_key(struct store *s, const struct unit_key *k) {
    const char *key = key_in(s, k->workspace, k->id, "");
    const json_t *stored = json_object_get(table_in(s, "keys"), key);
    const char *first = json_string_value(json_object_get(stored, "revokedBy"));
    if (!is_written(k->state))
        return;
    json_t *row = json_object();
    set_text(row, "name", k->name);
    set_text(row, "tokenHash", k->token_hash_hex);
    set_text(row, "prefix", k->prefix);
    set_array(row, "scopes", k->scopes);
    set_text(row, "dialect", k->dialect);
    set_array(row, "networks", k->networks);
    set_moment(row, "rate", k->rate);
    set_moment(row, "expires", k->expires_us);
    set_text(row, "oldTokenHash", k->old_token_hash_hex);
    set_moment(row, "oldUntil", k->old_until_us);
    set_text(row, "createdBy", k->created_by);
    json_object_set_new(row, "revoked", json_boolean(k->revoked));
    set_text(row, "revokedBy", first != NULL ? first : k->revoked_by);
    set_text(row, "jwks", k->jwks);
    set_text(row, "jwksUri", k->jwks_uri);
    set_moment(row, "drySince", k->dry_since_us);
    put_row(s, "keys", key, row, false);
}

static void store_owner(struct store *s, const struct unit_owner *o) {
    const char *key = key_in(s, o->workspace, o->id, "");
    const json_t *stored = json_object_get(table_in(s, "owners"), key);
    const char *first = json_string_value(json_object_get(stored, "revokedBy"));
    if (!is_written(o->state))
        return;
    json_t *row = json_object();
    set_text(row, "name", o->name);
    set_text(row, "role", o->role);
    set_text(row, "tokenHash", o->token_hash_hex);
    set_text(row, "prefix", o->prefix);
    set_moment(row, "expires", o->expires_us);
    set_text(row, "createdBy", o->created_by);
    json_object_set_new(row, "revoked", json_boolean(o->revoked));
    set_text(row, "revokedBy", first != NULL ? first : o->revoked_by);
    put_row(s, "owners", key, row, false);
}

/* Where its cursor goes and what was asked for is nothing that a worker reads again. */
static void store_delivery(struct store *s, const struct unit_delivery *d) {
    const char *key = key_in(s, d->workspace, d->id, "");
    if (d->state == ROW_DELETED)
        json_object_del(table_in(s, "deliveries"), key);
    if (!is_written(d->state))
        return;
    json_t *row = json_object();
    set_text(row, "doc", d->doc);
    set_text(row, "secrets", d->secrets);
    put_row(s, "deliveries", key, row, false);
}

static void store_sign_in(struct store *s, const struct unit_sign_in *x) {
    if (x->state == ROW_DELETED)
        json_object_del(table_in(s, "signIn"), x->workspace->id);
    if (!is_written(x->state))
        return;
    json_t *row = json_object();
    set_text(row, "doc", x->doc);
    set_text(row, "secret", x->secret);
    put_row(s, "signIn", x->workspace->id, row, false);
}

/* Those of users who are gone went with them. */
static void store_login(struct store *s, const struct unit_login *l) {
    const char *key = key_in(s, l->workspace, l->user, "");
    if (!is_written(l->state) || json_object_get(table_in(s, "users"), key) == NULL)
        return;
    put_row(s, "logins", key,
            json_pack("{s:I, s:I, s:I}", "first", (json_int_t)l->first_us, "last", (json_int_t)l->last_us,
                      "times", (json_int_t)l->times),
            false);
}

static void store_guard(struct store *s, const struct unit_guard *g) {
    if (!is_written(g->state))
        return;
    json_t *row = json_object(), *slots = json_array();
    for (int i = 0; i < GUARD_BUCKETS; i++)
        json_array_append_new(slots, json_integer(g->slots[i]));
    set_int(row, "head", g->head);
    json_object_set_new(row, "slots", slots);
    set_int(row, "base", g->base);
    set_int(row, "baseAt", g->base_at);
    set_moment(row, "tripped", g->tripped_us);
    put_row(s, "guards", key_in(s, g->workspace, g->key, unit_guard_texts[g->kind]), row, false);
}

/* ---- commands ---- */

static void store_bulk(struct store *s, const struct unit_bulk *b) {
    if (b->failures != b->stored_failures)
        put_row(s, "bulks", key_in(s, b->workspace, b->txn, ""), json_pack("{s:i}", "failures", b->failures),
                false);
}

static json_t *list_of_ids(const struct uuid_bytes *ids, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(uuid_unpack(&ids[i]).s));
    return list;
}

static json_t *new_plan(const struct unit_plan *p) {
    json_t *unknown = json_array();
    for (size_t i = 0; i < p->nunknown; i++)
        json_array_append_new(unknown, json_string(p->unknown[i]));
    return json_pack("{s:s, s:i, s:s, s:s, s:s, s:b, s:o, s:o, s:o}", "txn", p->txn, "partition",
                     p->partition, "work", p->work, "hiddenRoom", p->hidden_room, "hiddenUser",
                     p->hidden_user, "userGone", p->user_gone, "removes",
                     list_of_ids(p->removes, p->nremoves), "adds", list_of_ids(p->adds, p->nadds), "unknown",
                     unknown);
}

static void store_plan(struct store *s, const struct unit_workspace *w) {
    const struct unit_plan *p = w->plan;
    if (p == NULL || p->state == ROW_LOADED)
        return;
    if (p->state == ROW_DELETED) {
        json_object_del(table_in(s, "slices"), w->id);
        return;
    }
    if (p->state == ROW_NEW)
        put_row(s, "slices", w->id, new_plan(p), true);
    json_t *row = json_object_get(table_in(s, "slices"), w->id);
    set_int(row, "done", p->done);
    set_text(row, "after", p->state == ROW_NEW ? UUID_NIL : p->after);
    set_int(row, "counted", p->counted);
}

static void store_claim(struct store *s, const struct unit_claim_row *c) {
    const char *key = key_in(s, c->workspace, c->txn, "");
    if (c->emits)
        json_object_del(json_object_get(table_in(s, "claims"), key), "records");
    if (c->fresh)
        put_row(s, "claims", key,
                json_pack("{s:s, s:s*, s:s*}", "type", c->type, "outcome", c->claim.outcome, "event",
                          c->claim.event),
                true);
}

/* Nobody else takes a partition here, so nobody is refused. */
static void store_outbox_row(struct store *s, const struct unit_outbox_row *row) {
    char *hex = arena_alloc(s->unit->arena, 2 * row->n + 1);
    if (row->n > 0)
        put_row(s, "outbox", arena_printf(s->unit->arena, "%d/%lld", row->partition, (long long)row->number),
                json_pack("{s:s}", "records", sodium_bin2hex(hex, 2 * row->n + 1, row->bytes, row->n)), true);
}

/* ---- constraints ---- */

static void check_indexed(struct store *s, const char *key, const json_t *row, const char *column) {
    const char *text = json_string_value(json_object_get(row, column));
    if (text != NULL && strlen(text) > INDEX_MAX_BYTES - 2 * (ID + 1))
        refuse_row(s, "index row size exceeds the maximum", key);
}

/* No two rows of a workspace have the same text in this column. */
static void check_distinct(struct store *s, const char *table, const char *column) {
    const char *key;
    json_t *row, *seen = json_object();
    json_object_foreach(table_in(s, table), key, row) {
        const char *text = json_string_value(json_object_get(row, column));
        const char *both = arena_printf(s->unit->arena, "%.36s/%s", key, text);
        if (json_object_get(seen, both) != NULL)
            refuse_row(s, "duplicate key", both);
        json_object_set_new(seen, both, json_true());
    }
    json_decref(seen);
}

static void check_unique_values(struct store *s) {
    const char *key;
    json_t *row, *seen = json_object();
    json_object_foreach(table_in(s, "values"), key, row) {
        check_indexed(s, key, row, "key");
        if (!json_is_true(json_object_get(row, "unique")))
            continue;
        const char *all = arena_strndup(s->unit->arena, key, strlen(key) - ID - 1); /* without the holder */
        if (json_object_get(seen, all) != NULL)
            refuse_row(s, "duplicate key", all);
        json_object_set_new(seen, all, json_true());
    }
    json_decref(seen);
}

static void check_members(struct store *s) {
    const char *key;
    json_t *row;
    json_object_foreach(table_in(s, "members"), key, row) {
        const char *room = arena_printf(s->unit->arena, "%.*s", 2 * ID + 1, key);
        const char *user = arena_printf(s->unit->arena, "%.36s/%s", key, key + 2 * (ID + 1));
        if (json_object_get(table_in(s, "rooms"), room) == NULL ||
            json_object_get(table_in(s, "users"), user) == NULL)
            refuse_row(s, "foreign key", key);
    }
}

static void check_indexes(struct store *s, const char *table) {
    static const char *const columns[] = {"nameKey", "displayNameKey", "externalId"};
    const char *key;
    json_t *row;
    json_object_foreach(table_in(s, table), key, row) {
        for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
            check_indexed(s, key, row, columns[i]);
    }
}

static void check_tables(struct store *s) {
    check_indexes(s, "users");
    check_indexes(s, "rooms");
    check_indexes(s, "resources");
    check_distinct(s, "users", "nameKey");
    check_unique_values(s);
    check_members(s);
}

enum err_code memory_store(struct unit *u, json_t *tables, struct err *err) {
    struct store s = {u, tables, err};
    const struct object *o;
    *err = (struct err){0};
    store_resources(&s, UNIT_USERS);
    store_resources(&s, UNIT_ROOMS);
    store_resources(&s, UNIT_CUSTOM);
    store_members(&s);
    for (o = u->objects[UNIT_WORKSPACES]; o != NULL; o = o->next)
        store_workspace(&s, o->p);
    for (o = u->objects[UNIT_KEYS]; o != NULL; o = o->next)
        store_key(&s, o->p);
    for (o = u->objects[UNIT_OWNERS]; o != NULL; o = o->next)
        store_owner(&s, o->p);
    for (o = u->objects[UNIT_DELIVERIES]; o != NULL; o = o->next)
        store_delivery(&s, o->p);
    for (o = u->objects[UNIT_SIGN_INS]; o != NULL; o = o->next)
        store_sign_in(&s, o->p);
    for (o = u->objects[UNIT_LOGINS]; o != NULL; o = o->next)
        store_login(&s, o->p);
    for (o = u->objects[UNIT_GUARDS]; o != NULL; o = o->next)
        store_guard(&s, o->p);
    for (o = u->objects[UNIT_BULKS]; o != NULL; o = o->next)
        store_bulk(&s, o->p);
    for (o = u->objects[UNIT_WORKSPACES]; o != NULL; o = o->next)
        store_plan(&s, o->p);
    for (o = u->objects[UNIT_CLAIMS]; o != NULL; o = o->next)
        store_claim(&s, o->p);
    for (const struct unit_outbox_row *row = u->outbox; row != NULL; row = row->next)
        store_outbox_row(&s, row);
    check_tables(&s);
    return err->code;
}
