/* A unit's rows in PostgreSQL: loading. Everything that is announced, one set-based statement per kind, all
 * in one round trip. */
#include "sql/unit/postgres.h"

#include "ops/runtime/jbuf.h"
#include "sql/pg_array.h"

#include <stdio.h>
#include <string.h>

#define MICROS POSTGRES_MICROS
#define EACH POSTGRES_EACH

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
    [UNIT_KEYS] = {postgres_keys_sql, "wa"},
    [UNIT_OWNERS] = {postgres_owners_sql, "w"},
    [UNIT_LOGINS] = {postgres_logins_sql, "wa"},
    [UNIT_GUARDS] = {postgres_guards_sql, "wab"},
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

/* ---- rows ---- */

struct unit_workspace *postgres_workspace_of(struct unit *u, const struct db_result *r, size_t row, int col) {
    return unit_find(u, UNIT_WORKSPACES, NULL, db_text(r, row, col), "");
}

const char *postgres_text(const struct db_result *r, size_t row, int col) {
    return db_is_null(r, row, col) ? NULL : db_text(r, row, col);
}

void postgres_id(const struct db_result *r, size_t row, int col, char out[37]) {
    snprintf(out, 37, "%s", db_text(r, row, col));
}

/* The objects' texts are the result's: it lives as long as the unit. */
static void free_result(void *result) {
    struct db_result *r = result;
    db_results_free(&r, 1);
}

static void take_claim(struct unit *u, const struct db_result *r, size_t row) {
    struct unit_claim c = {.known = true,
                           .cancelled = db_is_null(r, row, 4),
                           .origin_partition = db_is_null(r, row, 2) ? -1 : (int)db_int(r, row, 2),
                           .origin_offset = db_int(r, row, 3),
                           .outcome = postgres_text(r, row, 4),
                           .records = postgres_text(r, row, 5)};
    unit_put_claim(u, postgres_workspace_of(u, r, row, 0), db_text(r, row, 1), &c);
}

/* first: column of workspace_id; doc: column of the document, -1 where it was not asked for. */
static struct unit_resource read_resource(struct unit *u, const struct db_result *r, size_t row, int first,
                                          const struct resource_type *rt, int doc) {
    struct unit_resource x = {.rt = rt,
                              .workspace = postgres_workspace_of(u, r, row, first),
                              .name = postgres_text(r, row, first + 2),
                              .name_key = postgres_text(r, row, first + 3),
                              .display_name = postgres_text(r, row, first + 4),
                              .display_name_key = postgres_text(r, row, first + 5),
                              .external_id = postgres_text(r, row, first + 6),
                              .active = db_bool(r, row, first + 7),
                              .seat = db_bool(r, row, first + 8),
                              .managed = db_bool(r, row, first + 9),
                              .version = db_int(r, row, first + 10),
                              .created_us = db_int(r, row, first + 11),
                              .modified_us = db_int(r, row, first + 12),
                              .doc = doc >= 0 ? postgres_text(r, row, doc) : NULL};
    postgres_id(r, row, first + 1, x.id);
    return x;
}

static void take_resource(struct unit *u, enum unit_kind kind, const struct db_result *r, size_t row) {
    bool names = kind == UNIT_USER_NAMES || kind == UNIT_ROOM_NAMES;
    const char *type = kind == UNIT_CUSTOM ? db_text(r, row, RESOURCE_COLUMNS + 1) : NULL;
    struct unit_resource x =
        read_resource(u, r, row, 0, unit_type_of(kind, type), names ? -1 : RESOURCE_COLUMNS);
    if (names)
        unit_put_name(u, &x);
    else if (kind == UNIT_MAILS)
        unit_put_mail(u, db_text(r, row, RESOURCE_COLUMNS + 1), &x);
    else
        (void)unit_put_resource(u, &x);
}

static void take_row(struct unit *u, enum unit_kind kind, const struct db_result *r, size_t row) {
    switch (kind) {
    case UNIT_WORKSPACES:
        postgres_take_workspace(u, r, row);
        break;
    case UNIT_CLAIMS:
        take_claim(u, r, row);
        break;
    case UNIT_KEYS:
    case UNIT_OWNERS:
    case UNIT_LOGINS:
    case UNIT_GUARDS:
        postgres_take_control(u, kind, r, row);
        break;
    case UNIT_MAILS:
    case UNIT_USERS:
    case UNIT_ROOMS:
    case UNIT_CUSTOM:
    case UNIT_USER_NAMES:
    case UNIT_ROOM_NAMES:
        take_resource(u, kind, r, row);
        break;
    case UNIT_VALUES:
        unit_put_value(u, postgres_workspace_of(u, r, row, 0), db_text(r, row, 1), db_text(r, row, 2),
                       db_text(r, row, 3), db_text(r, row, 4));
        break;
    case UNIT_BULKS:
        unit_put_bulk(u, postgres_workspace_of(u, r, row, 0), db_text(r, row, 1), (int)db_int(r, row, 2));
        break;
    case UNIT_MEMBERS:
        unit_put_pair(u, postgres_workspace_of(u, r, row, 0), db_text(r, row, 1), db_text(r, row, 2),
                      db_bool(r, row, 3), db_bool(r, row, 4));
        break;
    case UNIT_KINDS:
        break;
    }
}

/* ---- statements ---- */

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
    db_send(u->store.at, kind == UNIT_WORKSPACES ? postgres_workspace_sql() : loads[kind].sql, n, params);
    for (int c = 0; c < n; c++)
        jb_free(&column[c]);
}

/* Begins the transaction and tells row-level security which workspaces it may see: all that were wanted so
 * far. A workspace wanted later would be invisible, and its row would be locked out of order. So
 * unit_want_workspace comes before unit_begin. */
static void send_begin(struct unit *u) {
    struct jbuf ids = {0};
    pg_array_begin(&ids);
    for (const struct object *o = u->objects[UNIT_WORKSPACES]; o != NULL; o = o->next)
        pg_array_word(&ids, ((const struct unit_workspace *)o->p)->id);
    pg_array_end(&ids);
    const char *params[] = {ids.p};
    db_send(u->store.at, "BEGIN", 0, NULL);
    db_send(u->store.at, "SELECT set_config('usher.workspace', $1, true)", 1, params);
    jb_free(&ids);
}

static enum err_code fetch(struct unit *u, bool begins, const enum unit_kind *kinds, size_t n,
                           struct err *err) {
    struct db_result *results[UNIT_KINDS + 2];
    size_t skip = begins ? 2 : 0;
    if (begins)
        send_begin(u);
    for (size_t i = 0; i < n; i++)
        send_wants(u, kinds[i]);
    if (db_flush(u->store.at, results, n + skip, NULL, err) != ERR_OK)
        return err->code;
    for (size_t i = 0; i < n + skip; i++)
        arena_defer(u->arena, free_result, results[i]);
    for (size_t i = 0; i < n; i++)
        for (size_t row = 0; row < db_rows(results[i + skip]); row++)
            take_row(u, kinds[i], results[i + skip], row);
    return ERR_OK;
}

/* All memberships of one room or one user, with the other side. */
static const char room_members_sql[] = "SELECT m.transmit, m.held, " USER_COLUMNS(
    "x") " FROM members m JOIN users x ON x.workspace_id = m.workspace_id AND "
         "x.id = m.user_id WHERE m.workspace_id = $1::uuid AND m.room_id = $2::uuid ORDER BY m.user_id";
static const char user_rooms_sql[] = "SELECT m.transmit, m.held, " ROOM_COLUMNS(
    "x") " FROM members m JOIN rooms x ON x.workspace_id = m.workspace_id AND "
         "x.id = m.room_id WHERE m.workspace_id = $1::uuid AND m.user_id = $2::uuid ORDER BY m.room_id";

static enum err_code load_members(struct unit *u, struct unit_resource *r, struct err *err) {
    const char *params[] = {r->workspace->id, r->id};
    bool is_user = r->rt->kind == RESOURCE_USER;
    const struct resource_type *others = resource_type_of(is_user ? RESOURCE_ROOM : RESOURCE_USER);
    struct db_result *result;
    if (db_run(u->store.at, is_user ? user_rooms_sql : room_members_sql, 2, params, &result, err) != ERR_OK)
        return err->code;
    arena_defer(u->arena, free_result, result);
    for (size_t row = 0; row < db_rows(result); row++) {
        struct unit_resource x = read_resource(u, result, row, 2, others, -1), *other;
        other = unit_put_resource(u, &x);
        unit_put_member(u, is_user ? other : r, is_user ? r : other, db_bool(result, row, 0),
                        db_bool(result, row, 1));
    }
    return ERR_OK;
}

/* ---- the backend ---- */

static void rollback(struct unit *u) {
    db_rollback(u->store.at);
}

static const struct unit_backend postgres = {
    .fetch = fetch,
    .members = load_members,
    .name_free = postgres_name_free,
    .count = postgres_count,
    .recount_seats = postgres_recount_seats,
    .commit = postgres_commit,
    .rollback = rollback,
};

struct unit_store unit_postgres(struct db *db) {
    return (struct unit_store){&postgres, db};
}
