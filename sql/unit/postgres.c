/* A unit's rows in PostgreSQL: loading. Everything that is announced, one set-based statement per kind, all
 * in one round trip. */
#include "sql/unit/postgres.h"

#include "ops/runtime/jbuf.h"
#include "sql/pg_array.h"

#include <stdio.h>
#include <string.h>

#define RESOURCE_COLUMNS 15 /* of every resource, in the same places; then the document, then others */

/* The statement of each kind, and which columns of the wants are its parameters: w workspace, a, b, c, d doc.
 * That of workspaces is made from the table of settings. */
static const struct {
    enum statement statement;
    const char *params;
} loads[UNIT_KINDS] = {
    [UNIT_WORKSPACES] = {SQL_STATEMENTS, "w"},
    [UNIT_SLICED] = {SQL_UNIT_LOAD_SLICED, "w"},
    [UNIT_CLAIMS] = {SQL_UNIT_LOAD_CLAIMS, "wa"},
    [UNIT_KEYS] = {SQL_UNIT_CONTROL_LOAD_KEYS, "wa"},
    [UNIT_OWNERS] = {SQL_UNIT_CONTROL_LOAD_OWNERS, "w"},
    [UNIT_DELIVERIES] = {SQL_UNIT_CONTROL_LOAD_DELIVERIES, "w"},
    [UNIT_SIGN_INS] = {SQL_UNIT_CONTROL_LOAD_SIGN_INS, "w"},
    [UNIT_LOGINS] = {SQL_UNIT_CONTROL_LOAD_LOGINS, "wa"},
    [UNIT_GUARDS] = {SQL_UNIT_CONTROL_LOAD_GUARDS, "wab"},
    [UNIT_USERS] = {SQL_UNIT_LOAD_USERS, "wad"},
    [UNIT_USER_NAMES] = {SQL_UNIT_LOAD_USER_NAMES, "wa"},
    [UNIT_ROOMS] = {SQL_UNIT_LOAD_ROOMS, "wad"},
    [UNIT_ROOM_NAMES] = {SQL_UNIT_LOAD_ROOM_NAMES, "wa"},
    [UNIT_CUSTOM] = {SQL_UNIT_LOAD_CUSTOM, "wabd"},
    [UNIT_VALUES] = {SQL_UNIT_LOAD_VALUES, "wabc"},
    [UNIT_BULKS] = {SQL_UNIT_LOAD_BULKS, "wa"},
    [UNIT_MEMBERS] = {SQL_UNIT_LOAD_MEMBERS, "wab"},
    [UNIT_MAILS] = {SQL_UNIT_LOAD_MAILS, "wa"},
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

/* Objects borrow their texts from the result, so the result lives as long as the unit. */
static void free_result(void *result) {
    struct db_result *r = result;
    db_results_free(&r, 1);
}

static void take_unit_claim(struct unit *u, const struct db_result *r, size_t row) {
    struct unit_claim c = {.known = true,
                           .cancelled = db_is_null(r, row, 2),
                           .outcome = postgres_text(r, row, 2),
                           .origin_partition = db_is_null(r, row, 3) ? -1 : (int)db_int(r, row, 3),
                           .origin_offset = db_int(r, row, 4),
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
                              .managed_by = postgres_text(r, row, first + 13),
                              .generation = db_int(r, row, first + 14),
                              .doc = doc >= 0 ? postgres_text(r, row, doc) : NULL};
    postgres_id(r, row, first + 1, x.id);
    return x;
}

static void take_resource(struct unit *u, enum unit_kind kind, const struct db_result *r, size_t row) {
    bool names = kind == UNIT_USER_NAMES || kind == UNIT_ROOM_NAMES;
    const char *type = kind == UNIT_CUSTOM ? db_text(r, row, RESOURCE_COLUMNS + 1) : NULL;
    struct unit_resource x =
        read_resource(u, r, row, 0, unit_type_of(kind, type), names ? -1 : RESOURCE_COLUMNS);
    if (kind == UNIT_MAILS)
        unit_put_mail(u, db_text(r, row, RESOURCE_COLUMNS + 1), &x);
    else
        (void)unit_put_resource(u, &x);
}

static void take_row(struct unit *u, enum unit_kind kind, const struct db_result *r, size_t row) {
    switch (kind) {
    case UNIT_WORKSPACES:
        postgres_take_workspace(u, r, row);
        break;
    case UNIT_SLICED:
        postgres_id(r, row, 1, postgres_workspace_of(u, r, row, 0)->sliced);
        break;
    case UNIT_CLAIMS:
        take_unit_claim(u, r, row);
        break;
    case UNIT_KEYS:
    case UNIT_OWNERS:
    case UNIT_DELIVERIES:
    case UNIT_SIGN_INS:
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
    if (kind == UNIT_WORKSPACES)
        db_queue_text(u->store.at, postgres_workspace_sql(), n, params);
    else
        db_queue(u->store.at, loads[kind].statement, params);
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
    db_queue(u->store.at, SQL_CONNECTION_BEGIN, NULL);
    db_queue(u->store.at, SQL_CONNECTION_SEE_WORKSPACES, params);
    jb_free(&ids);
}

static enum err_code postgres_fetch(struct unit *u, bool begins, const enum unit_kind *kinds, size_t n,
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

/* The next memberships of one room or one user, with the other side. */
static enum err_code postgres_members(struct unit *u, struct unit_resource *r, struct unit_page *page,
                                      struct err *err) {
    char limit[24];
    const char *params[] = {r->workspace->id, r->id, page->after, limit};
    bool is_user = r->rt->kind == RESOURCE_USER;
    const struct resource_type *others = resource_type_of(is_user ? RESOURCE_ROOM : RESOURCE_USER);
    struct db_result *result;
    snprintf(limit, sizeof limit, "%zu", page->limit);
    enum statement rows = is_user ? SQL_UNIT_LOAD_USER_ROOMS : SQL_UNIT_LOAD_ROOM_MEMBERS;
    if (db_run(u->store.at, rows, params, &result, err) != ERR_OK)
        return err->code;
    arena_defer(u->arena, free_result, result);
    for (size_t row = 0; row < db_rows(result); row++) {
        struct unit_resource x = read_resource(u, result, row, 2, others, -1), *other;
        other = unit_put_resource(u, &x);
        unit_put_member(u, is_user ? other : r, is_user ? r : other, db_bool(result, row, 0),
                        db_bool(result, row, 1));
        memcpy(page->after, x.id, sizeof page->after);
    }
    page->n = db_rows(result);
    return ERR_OK;
}

/* ---- the backend ---- */

static void postgres_rollback(struct unit *u) {
    db_rollback(u->store.at);
}

static const struct unit_backend postgres = {
    .fetch = postgres_fetch,
    .members = postgres_members,
    .see_members = postgres_see_members,
    .known_users = postgres_known_users,
    .count_members = postgres_count_members,
    .plan = postgres_plan,
    .name_free = postgres_name_free,
    .count = postgres_count,
    .count_keys = postgres_count_keys,
    .recount_seats = postgres_recount_seats,
    .commit = postgres_commit,
    .rollback = postgres_rollback,
};

struct unit_store unit_postgres(struct db *db) {
    return (struct unit_store){.backend = &postgres, .at = db};
}
