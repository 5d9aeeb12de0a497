/* Loading: everything that is announced, one set-based statement per kind, all in one round trip. */
#include "ops/runtime/jbuf.h"
#include "ops/runtime/mem.h"
#include "sql/pg_array.h"
#include "sql/unit/unit_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MICROS UNIT_MICROS
#define EACH UNIT_EACH

/* Columns of all resources in the same places. */
#define USER_COLUMNS(x)                                                                                      \
    x ".workspace_id, " x ".id, " x ".user_name, " x ".user_name_key, " x ".display_name, " x                \
      ".display_name_key, " x ".external_id, " x ".active, " x ".seat, " x ".managed, " x                    \
      ".version, " MICROS(x ".created") ", " MICROS(x ".modified")
#define ROOM_COLUMNS(x)                                                                                      \
    x ".workspace_id, " x ".id, " x ".display_name, " x ".display_name_key, NULL::text, NULL::text, " x      \
      ".external_id, true, false, false, " x ".version, " MICROS(x ".created") ", " MICROS(x ".modified")
#define CUSTOM_COLUMNS(x)                                                                                    \
    x ".workspace_id, " x ".id, NULL::text, NULL::text, NULL::text, NULL::text, " x                          \
      ".external_id, true, false, false, " x ".version, " MICROS(x ".created") ", " MICROS(x ".modified")
#define RESOURCE_COLUMNS 13 /* then the document, then others */
#define DOCUMENT "CASE WHEN a.doc THEN x.doc END "

/* The statement of each kind, and which columns of the wants are its parameters: w workspace, a, b, c, d doc.
 */
static const struct {
    const char *sql, *params;
} loads[UNIT_KINDS] = {
    [UNIT_WORKSPACES] = {NULL, "w"}, /* made from the table of settings */
    [UNIT_CLAIMS] = {"SELECT c.workspace_id, c.txn, c.origin_partition, c.origin_offset, c.outcome, "
                     "c.records FROM unnest($1::uuid[], $2::uuid[]) AS a (w, t)" EACH("command_log",
                                                                                      "t.txn = a.t") "c",
                     "wa"},
    [UNIT_KEYS] = {unit_keys_sql, "wa"},
    [UNIT_OWNERS] = {unit_owners_sql, "w"},
    [UNIT_LOGINS] = {unit_logins_sql, "wa"},
    [UNIT_GUARDS] = {unit_guards_sql, "wab"},
    [UNIT_USERS] = {"SELECT " USER_COLUMNS("x") ", " DOCUMENT "FROM unnest($1::uuid[], $2::uuid[], "
                                                "$3::bool[]) AS a (w, i, doc)" EACH("users",
                                                                                    "t.id = a.i") "x",
                    "wad"},
    [UNIT_USER_NAMES] =
        {"SELECT " USER_COLUMNS("x") ", NULL::json FROM unnest($1::uuid[], $2::text[]) AS a (w, n)" EACH(
             "users", "t.user_name_key = a.n") "x",
         "wa"},
    [UNIT_ROOMS] = {"SELECT " ROOM_COLUMNS("x") ", " DOCUMENT "FROM unnest($1::uuid[], $2::uuid[], "
                                                "$3::bool[]) AS a (w, i, doc)" EACH("rooms",
                                                                                    "t.id = a.i") "x",
                    "wad"},
    [UNIT_ROOM_NAMES] =
        {"SELECT " ROOM_COLUMNS("x") ", NULL::json FROM unnest($1::uuid[], $2::text[]) AS a (w, n)" EACH(
             "rooms", "t.display_name_key = a.n") "x",
         "wa"},
    [UNIT_CUSTOM] = {"SELECT " CUSTOM_COLUMNS("x") ", " DOCUMENT
                                                   ", x.type FROM unnest($1::uuid[], $2::uuid[], $3::text[], "
                                                   "$4::bool[]) AS a (w, i, y, doc)" EACH(
                                                       "resources", "t.id = a.i AND t.type = a.y") "x",
                     "wabd"},
    [UNIT_VALUES] = {"SELECT k.workspace_id, k.type, k.path, k.key, k.resource_id FROM "
                     "unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS a (w, y, p, k)" EACH(
                         "resource_keys",
                         "t.type = a.y AND t.path = a.p AND t.key = a.k AND t.is_unique") "k",
                     "wabc"},
    [UNIT_BULKS] =
        {"SELECT b.workspace_id, b.bulk, b.failures FROM unnest($1::uuid[], $2::uuid[]) AS a (w, t)" EACH(
             "bulk_failures", "t.bulk = a.t") "b",
         "wa"},
    [UNIT_MEMBERS] = {"SELECT m.workspace_id, m.room_id, m.user_id, m.transmit, m.held FROM "
                      "unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS a (w, r, u)" EACH(
                          "members", "t.room_id = a.r AND t.user_id = a.u") "m",
                      "wab"},
    [UNIT_MAILS] =
        {"SELECT " USER_COLUMNS(
             "x") ", x.doc, a.n FROM unnest($1::uuid[], $2::text[]) AS a (w, n) "
                  "CROSS JOIN LATERAL (SELECT t.resource_id AS i FROM resource_keys t WHERE t.workspace_id = a.w AND "
                  "t.type = 'User' AND t.path = 'emails.value' AND t.key = a.n UNION SELECT t.id FROM users t "
                  "WHERE t.workspace_id = a.w AND t.user_name_key = a.n OFFSET 0) k" EACH(
                      "users", "t.id = k.i") "x WHERE NOT x.managed",
         "wa"},
};

/* The type of the rows of a kind; resources say it themselves. */
static const struct resource_type *type_of(enum unit_kind kind, const char *name) {
    switch (kind) {
    case UNIT_USERS:
    case UNIT_USER_NAMES:
        return resource_type_of(RESOURCE_USER);
    case UNIT_ROOMS:
    case UNIT_ROOM_NAMES:
        return resource_type_of(RESOURCE_ROOM);
    default:
        return resource_type_by_name(name);
    }
}

static struct unit_workspace *workspace_of(struct unit *u, const struct db_result *r, size_t row) {
    return unit_find(u, UNIT_WORKSPACES, NULL, db_text(r, row, 0), "");
}

static const char *text_or_null(const struct db_result *r, size_t row, int col) {
    return db_is_null(r, row, col) ? NULL : db_text(r, row, col);
}

static void take_claim(struct unit *u, const struct db_result *r, size_t row) {
    struct unit_claim_row *c = arena_alloc(u->arena, sizeof *c);
    c->workspace = workspace_of(u, r, row);
    c->txn = db_text(r, row, 1);
    c->claim.known = true;
    c->claim.cancelled = db_is_null(r, row, 4);
    c->claim.origin_partition = db_is_null(r, row, 2) ? -1 : (int)db_int(r, row, 2);
    c->claim.origin_offset = db_int(r, row, 3);
    c->claim.outcome = text_or_null(r, row, 4);
    c->claim.records = text_or_null(r, row, 5);
    if (!unit_find(u, UNIT_CLAIMS, c->workspace, c->txn, ""))
        unit_enter(u, UNIT_CLAIMS, c->workspace, c->txn, "", c);
}

/* The unit's own object is newer than the row: a known one only gets its document. first: column of
 * workspace_id. */
static struct unit_resource *take_resource(struct unit *u, const struct db_result *r, size_t row, int first,
                                           const struct resource_type *rt, int doc_col) {
    struct unit_workspace *w = unit_find(u, UNIT_WORKSPACES, NULL, db_text(r, row, first), "");
    const char *id = db_text(r, row, first + 1);
    struct unit_resource *x = unit_resource_find(u, rt, w, id);
    if (!x) {
        x = unit_resource_new(u, rt, w, id);
        x->state = ROW_LOADED;
        x->name = text_or_null(r, row, first + 2);
        x->name_key = text_or_null(r, row, first + 3);
        x->display_name = text_or_null(r, row, first + 4);
        x->display_name_key = text_or_null(r, row, first + 5);
        x->external_id = text_or_null(r, row, first + 6);
        x->active = db_bool(r, row, first + 7);
        x->seat = db_bool(r, row, first + 8);
        x->managed = db_bool(r, row, first + 9);
        x->stored_active = x->active;
        x->stored_seat = x->seat;
        x->version = x->stored_version = db_int(r, row, first + 10);
        x->created_us = db_int(r, row, first + 11);
        x->modified_us = db_int(r, row, first + 12);
    }
    if (!x->doc && !x->doc_changed && doc_col >= 0 && !db_is_null(r, row, doc_col))
        x->doc = db_text(r, row, doc_col);
    return x;
}

static struct unit_member *take_member(struct unit *u, struct unit_resource *room, struct unit_resource *user,
                                       bool transmit, bool held) {
    struct unit_member *m = unit_find(u, UNIT_MEMBERS, room->workspace, room->id, user->id);
    if (m)
        return m;
    m = unit_member_new(u, room, user);
    m->present = m->was_present = true;
    m->transmit = m->was_transmit = transmit;
    m->held = m->was_held = held;
    return m;
}

static void take_pair(struct unit *u, const struct db_result *r, size_t row) {
    struct unit_workspace *w = workspace_of(u, r, row);
    struct unit_resource *room = unit_resource_find(u, type_of(UNIT_ROOMS, NULL), w, db_text(r, row, 1)),
                         *user = unit_resource_find(u, type_of(UNIT_USERS, NULL), w, db_text(r, row, 2));
    if (room &&
        user) /* both are wanted with every pair; so a pair whose room or user is missing has no row */
        (void)take_member(u, room, user, db_bool(r, row, 3), db_bool(r, row, 4));
}

static void take_value(struct unit *u, const struct db_result *r, size_t row) {
    const char *type = db_text(r, row, 1), *path = db_text(r, row, 2), *key = db_text(r, row, 3);
    struct unit_workspace *w = workspace_of(u, r, row);
    if (unit_value_find(u, w, type, path, key))
        return;
    struct unit_value *v = unit_value_enter(u, w, type, path, key);
    snprintf(v->holder, sizeof v->holder, "%s", db_text(r, row, 4));
}

static struct unit_bulk *bulk_new(struct unit *u, struct unit_workspace *w, const char *txn, int failures) {
    struct unit_bulk *b = arena_alloc(u->arena, sizeof *b);
    b->workspace = w;
    snprintf(b->txn, sizeof b->txn, "%s", txn);
    b->failures = b->stored_failures = failures;
    unit_enter(u, UNIT_BULKS, w, txn, "", b);
    return b;
}

static void take_mail(struct unit *u, const struct db_result *r, size_t row) {
    struct unit_resource *user = take_resource(u, r, row, 0, type_of(UNIT_USERS, NULL), RESOURCE_COLUMNS);
    const char *key = db_text(r, row, RESOURCE_COLUMNS + 1);
    unit_entry_add(u, unit_name_entry(u, UNIT_MAILS, user->workspace, key, true), user);
}

static void take(struct unit *u, enum unit_kind kind, const struct db_result *r) {
    for (size_t row = 0; row < db_rows(r); row++) {
        switch (kind) {
        case UNIT_WORKSPACES:
            unit_take_workspace(u, r, row);
            break;
        case UNIT_CLAIMS:
            take_claim(u, r, row);
            break;
        case UNIT_KEYS:
        case UNIT_OWNERS:
        case UNIT_LOGINS:
        case UNIT_GUARDS:
            unit_take_control(u, kind, r, row);
            break;
        case UNIT_MAILS:
            take_mail(u, r, row);
            break;
        case UNIT_USERS:
        case UNIT_ROOMS:
            (void)take_resource(u, r, row, 0, type_of(kind, NULL), RESOURCE_COLUMNS);
            break;
        case UNIT_CUSTOM:
            (void)take_resource(u, r, row, 0, type_of(kind, db_text(r, row, RESOURCE_COLUMNS + 1)),
                                RESOURCE_COLUMNS);
            break;
        case UNIT_USER_NAMES:
        case UNIT_ROOM_NAMES:
            unit_name_enter(u, take_resource(u, r, row, 0, type_of(kind, NULL), -1));
            break;
        case UNIT_VALUES:
            take_value(u, r, row);
            break;
        case UNIT_BULKS:
            (void)bulk_new(u, workspace_of(u, r, row), db_text(r, row, 1), (int)db_int(r, row, 2));
            break;
        case UNIT_MEMBERS:
            take_pair(u, r, row);
            break;
        case UNIT_KINDS:
            break;
        }
    }
}

static void settle_one(struct unit *u, enum unit_kind kind, const struct want *x) {
    switch (kind) {
    case UNIT_USERS:
    case UNIT_ROOMS:
    case UNIT_CUSTOM:
        if (!unit_find(u, kind, x->workspace, x->a, x->b))
            (void)unit_resource_new(u, type_of(kind, x->b), x->workspace, x->a);
        break;
    case UNIT_CLAIMS:
        if (!unit_find(u, kind, x->workspace, x->a, ""))
            unit_enter(u, kind, x->workspace, x->a, "", arena_alloc(u->arena, sizeof(struct unit_claim_row)));
        break;
    case UNIT_KEYS:
    case UNIT_OWNERS:
    case UNIT_LOGINS:
    case UNIT_GUARDS:
        unit_settle_control(u, kind, x);
        break;
    case UNIT_MAILS:
        unit_name_entry(u, kind, x->workspace, x->a, true)->loaded = true;
        break;
    case UNIT_VALUES:
        if (!unit_value_find(u, x->workspace, x->a, x->b, x->c))
            (void)unit_value_enter(u, x->workspace, x->a, x->b, x->c);
        break;
    case UNIT_BULKS:
        if (!unit_find(u, kind, x->workspace, x->a, ""))
            (void)bulk_new(u, x->workspace, x->a, 0);
        break;
    default: /* workspaces and names have an entry before, pairs none */
        break;
    }
}

/* What was wanted and is not there is known to be absent from now on. */
static void settle(struct unit *u, enum unit_kind kind) {
    for (size_t i = 0; i < u->nwants[kind]; i++)
        settle_one(u, kind, &u->wants[kind][i]);
    u->nwants[kind] = 0;
}

/* Every name that was looked up has an entry before its rows are taken. Rows made here before belong in it
 * too. */
static void prepare_names(struct unit *u, enum unit_kind kind) {
    for (size_t i = 0; i < u->nwants[kind]; i++)
        (void)unit_name_entry(u, kind, u->wants[kind][i].workspace, u->wants[kind][i].a, true);
    for (const struct object *o = u->objects[unit_rows_of(type_of(kind, NULL))]; o && u->nwants[kind];
         o = o->next) {
        struct unit_resource *r = o->p;
        if (row_alive(r->state))
            unit_name_enter(u, r);
    }
}

static void send_wants(struct unit *u, enum unit_kind kind) {
    struct jbuf column[4] = {{0}};
    const char *params[4];
    int n = (int)strlen(loads[kind].params);
    for (int c = 0; c < n; c++) {
        pg_array_begin(&column[c]);
        for (size_t i = 0; i < u->nwants[kind]; i++) {
            const struct want *x = &u->wants[kind][i];
            if (loads[kind].params[c] == 'w')
                pg_array_word(&column[c], x->workspace->id);
            else if (loads[kind].params[c] == 'd')
                pg_array_bool(&column[c], x->doc);
            else
                pg_array_text(&column[c], loads[kind].params[c] == 'a'   ? x->a
                                          : loads[kind].params[c] == 'b' ? x->b
                                                                         : x->c);
        }
        pg_array_end(&column[c]);
        params[c] = column[c].p;
    }
    db_send(u->db, kind == UNIT_WORKSPACES ? unit_workspace_sql() : loads[kind].sql, n, params);
    for (int c = 0; c < n; c++)
        jb_free(&column[c]);
}

/* A later workspace would break the order of locks and the context. */
static void send_begin(struct unit *u) {
    struct jbuf ids = {0};
    pg_array_begin(&ids);
    for (const struct object *o = u->objects[UNIT_WORKSPACES]; o; o = o->next)
        pg_array_word(&ids, ((const struct unit_workspace *)o->p)->id);
    pg_array_end(&ids);
    const char *params[] = {ids.p};
    db_send(u->db, "BEGIN", 0, NULL);
    db_send(u->db, "SELECT set_config('usher.workspace', $1, true)", 1, params);
    jb_free(&ids);
}

/* The same id may be wanted by several commands of the batch: sort, so that each is asked once, with the
 * document if any wants it. */
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

/* Before unit_begin a pair's room and user come with it. */
static void complete_pairs(struct unit *u) {
    for (size_t i = 0; i < u->nwants[UNIT_MEMBERS]; i++) {
        const struct want x = u->wants[UNIT_MEMBERS][i];
        unit_want_resource(u, x.workspace, type_of(UNIT_ROOMS, NULL), x.a, true);
        unit_want_resource(u, x.workspace, type_of(UNIT_USERS, NULL), x.b, false);
    }
}

enum err_code unit_fetch(struct unit *u, struct err *err) {
    enum unit_kind kinds[UNIT_KINDS];
    size_t n = 0, skip = u->begun ? 0 : 2;
    complete_pairs(u);
    if (!u->begun)
        send_begin(u);
    for (enum unit_kind k = 0; k < UNIT_KINDS; k++) {
        if (k == UNIT_MAILS && !u->mails_asked)
            continue;
        unique_wants(u, k);
        if (u->nwants[k] == 0)
            continue;
        send_wants(u, k);
        kinds[n++] = k;
    }
    struct db_result *results[UNIT_KINDS + 2];
    if (n + skip == 0)
        return ERR_OK;
    u->begun = true;
    if (db_flush(u->db, results, n + skip, NULL, err) != ERR_OK) {
        u->begun = false;
        return err->code;
    }
    for (size_t i = 0; i < n + skip; i++)
        unit_keep(u, results[i]);
    prepare_names(u, UNIT_USER_NAMES);
    prepare_names(u, UNIT_ROOM_NAMES);
    for (size_t i = 0; i < n; i++) {
        take(u, kinds[i], results[i + skip]);
        settle(u, kinds[i]);
    }
    return ERR_OK;
}

/* All memberships of one room or one user, with the other side. */
static const char room_members_sql[] = "SELECT m.transmit, m.held, " USER_COLUMNS(
    "x") " FROM members m JOIN users x ON x.workspace_id = m.workspace_id AND "
         "x.id = m.user_id WHERE m.workspace_id = $1::uuid AND m.room_id = $2::uuid ORDER BY m.user_id";
static const char user_rooms_sql[] = "SELECT m.transmit, m.held, " ROOM_COLUMNS(
    "x") " FROM members m JOIN rooms x ON x.workspace_id = m.workspace_id AND "
         "x.id = m.room_id WHERE m.workspace_id = $1::uuid AND m.user_id = $2::uuid ORDER BY m.room_id";

static bool load_all(struct unit *u, struct unit_resource *r) {
    if (r->members_complete || r->state == ROW_NEW || r->state == ROW_ABSENT) {
        r->members_complete = true;
        return true;
    }
    if (u->err.code != ERR_OK)
        return false;
    const char *params[] = {r->workspace->id, r->id};
    bool is_user = r->rt->kind == RESOURCE_USER;
    const struct resource_type *others = resource_type_of(is_user ? RESOURCE_ROOM : RESOURCE_USER);
    struct db_result *result;
    if (db_run(u->db, is_user ? user_rooms_sql : room_members_sql, 2, params, &result, &u->err) != ERR_OK) {
        u->begun = false;
        return false;
    }
    unit_keep(u, result);
    for (size_t row = 0; row < db_rows(result); row++) {
        struct unit_resource *other = take_resource(u, result, row, 2, others, -1);
        (void)take_member(u, is_user ? other : r, is_user ? r : other, db_bool(result, row, 0),
                          db_bool(result, row, 1));
    }
    r->members_complete = true;
    return true;
}

bool unit_load_members(struct unit *u, struct unit_resource *room) {
    return load_all(u, room);
}

bool unit_load_rooms(struct unit *u, struct unit_resource *user) {
    return load_all(u, user);
}

bool unit_workspace_name_free(struct unit *u, const char *name) {
    const char *params[] = {name};
    struct db_result *r;
    if (u->err.code != ERR_OK ||
        db_run(u->db, "SELECT workspace_name_free($1)", 1, params, &r, &u->err) != ERR_OK) {
        u->begun = false;
        return false;
    }
    bool free_name = db_bool(r, 0, 0);
    db_results_free(&r, 1);
    for (const struct object *o = u->objects[UNIT_WORKSPACES]; o; o = o->next) {
        const struct unit_workspace *w = o->p;
        if (w->state == ROW_NEW && !strcmp(w->settings.name, name))
            return false;
    }
    return free_name;
}
