/* Storing: the differences, one set-based statement per table and kind of change, and COMMIT, in one round
 * trip. Order: what goes, then what changes, then what comes, so that names and foreign keys are free when
 * they are needed. */
#include "ops/runtime/failpoint.h"
#include "ops/runtime/jbuf.h"
#include "ops/runtime/mem.h"
#include "sql/pg_array.h"
#include "sql/unit_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_COLUMNS 16
#define LARGE_RECORDS 32768 /* bytes */

/* Arrays of one statement's parameters, column by column. */
struct rows {
    struct jbuf column[MAX_COLUMNS];
    int ncolumns;
    size_t n;
};

static void rows_begin(struct rows *r, int ncolumns) {
    *r = (struct rows){.ncolumns = ncolumns};
    for (int i = 0; i < ncolumns; i++)
        pg_array_begin(&r->column[i]);
}

/* Sends the statement unless there are no rows; frees the arrays. Counts sent statements. */
static void rows_send(struct rows *r, struct unit *u, const char *sql, size_t *sent) {
    const char *params[MAX_COLUMNS];
    for (int i = 0; i < r->ncolumns; i++) {
        pg_array_end(&r->column[i]);
        params[i] = r->column[i].p;
    }
    if (r->n) {
        db_send(u->db, sql, r->ncolumns, params);
        (*sent)++;
    }
    for (int i = 0; i < r->ncolumns; i++)
        jb_free(&r->column[i]);
}

/* No statement here leaves the planner a choice that could go wrong on a young table, which it takes for
 * empty: rows are changed by way of their key's index (ON CONFLICT) or their place in the table (ctid, found
 * through the key's index). A plain join with the arrays may be turned round, into reading the whole table,
 * and the plan stays. */
#define PLACES(table, match)                                                                                 \
    " WHERE ctid = ANY (ARRAY(SELECT p.ctid FROM a CROSS JOIN LATERAL (SELECT t.ctid FROM " table            \
    " t WHERE t.workspace_id = a.w AND " match " OFFSET 0) p))"

#define USER_ROWS                                                                                            \
    "INSERT INTO users (workspace_id, id, user_name, user_name_key, external_id, display_name, "             \
    "display_name_key, active, seat, doc, search, version, created, modified) "                              \
    "SELECT a.w, a.i, a.n, a.k, a.e, a.d, a.dk, a.act, a.seat, a.doc::json, a.search::jsonb, a.v, "          \
    "to_timestamp(a.c / 1000000.0), to_timestamp(a.m / 1000000.0) "                                          \
    "FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], "       \
    "$8::bool[], $9::bool[], $10::text[], $11::text[], $12::bigint[], $13::bigint[], $14::bigint[]) "        \
    "AS a (w, i, n, k, e, d, dk, act, seat, doc, search, v, c, m)"
static const char user_insert_sql[] = USER_ROWS;
static const char user_update_sql[] =
    USER_ROWS " ON CONFLICT (workspace_id, id) DO UPDATE SET user_name = EXCLUDED.user_name, "
              "user_name_key = EXCLUDED.user_name_key, external_id = EXCLUDED.external_id, "
              "display_name = EXCLUDED.display_name, display_name_key = EXCLUDED.display_name_key, "
              "active = EXCLUDED.active, seat = EXCLUDED.seat, doc = EXCLUDED.doc, search = EXCLUDED.search, "
              "version = EXCLUDED.version, modified = EXCLUDED.modified";
#define ROOM_ROWS                                                                                            \
    "INSERT INTO rooms (workspace_id, id, display_name, display_name_key, external_id, doc, search, "        \
    "version, created, modified) "                                                                           \
    "SELECT a.w, a.i, a.n, a.k, a.e, a.doc::json, a.search::jsonb, a.v, "                                    \
    "to_timestamp(a.c / 1000000.0), to_timestamp(a.m / 1000000.0) "                                          \
    "FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], "       \
    "$8::bigint[], $9::bigint[], $10::bigint[]) AS a (w, i, n, k, e, doc, search, v, c, m)"
static const char room_insert_sql[] = ROOM_ROWS;
static const char room_update_sql[] = ROOM_ROWS
    " ON CONFLICT (workspace_id, id) DO UPDATE SET display_name = EXCLUDED.display_name, "
    "display_name_key = EXCLUDED.display_name_key, external_id = EXCLUDED.external_id, "
    "doc = EXCLUDED.doc, search = EXCLUDED.search, version = EXCLUDED.version, modified = EXCLUDED.modified";
/* Rooms of which only the members changed, by the same number of versions each. */
static const char room_touch_sql[] =
    "WITH a AS (SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS a (w, i)) "
    "UPDATE rooms SET version = version + $3::bigint, modified = to_timestamp($4::bigint / 1000000.0)" PLACES(
        "rooms", "t.id = a.i");
static const char user_delete_sql[] =
    "WITH a AS (SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS a (w, i)) DELETE FROM users" PLACES(
        "users", "t.id = a.i");
static const char room_delete_sql[] =
    "WITH a AS (SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS a (w, i)) DELETE FROM rooms" PLACES(
        "rooms", "t.id = a.i");
static const char member_delete_sql[] =
    "WITH a AS (SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS a (w, r, u)) "
    "DELETE FROM members" PLACES("members", "t.room_id = a.r AND t.user_id = a.u");
#define CUSTOM_ROWS                                                                                          \
    "INSERT INTO resources (workspace_id, id, type, external_id, doc, search, version, created, modified) "  \
    "SELECT a.w, a.i, a.y, a.e, a.doc::json, a.search::jsonb, a.v, "                                         \
    "to_timestamp(a.c / 1000000.0), to_timestamp(a.m / 1000000.0) "                                          \
    "FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], "                   \
    "$7::bigint[], $8::bigint[], $9::bigint[]) AS a (w, i, y, e, doc, search, v, c, m)"
static const char custom_insert_sql[] = CUSTOM_ROWS;
static const char custom_update_sql[] =
    CUSTOM_ROWS " ON CONFLICT (workspace_id, id) DO UPDATE SET external_id = EXCLUDED.external_id, "
                "doc = EXCLUDED.doc, search = EXCLUDED.search, version = EXCLUDED.version, "
                "modified = EXCLUDED.modified";
static const char custom_delete_sql[] =
    "WITH a AS (SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS a (w, i)) DELETE FROM resources" PLACES(
        "resources", "t.id = a.i");
#define VALUE_ROWS "unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[])"
static const char value_delete_sql[] =
    "WITH a AS (SELECT * FROM " VALUE_ROWS " AS a (w, i, y, p, k)) DELETE FROM resource_keys" PLACES(
        "resource_keys", "t.type = a.y AND t.path = a.p AND t.key = a.k AND t.resource_id = a.i");
static const char value_insert_sql[] =
    "INSERT INTO resource_keys (workspace_id, resource_id, type, path, key, is_unique) "
    "SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bool[]) "
    "ON CONFLICT (workspace_id, type, path, key, resource_id) DO UPDATE SET is_unique = EXCLUDED.is_unique";
static const char bulk_sql[] = "INSERT INTO bulk_failures (workspace_id, bulk, failures) "
                               "SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[]) "
                               "ON CONFLICT (workspace_id, bulk) DO UPDATE SET failures = EXCLUDED.failures";
#define MEMBER_ROWS                                                                                          \
    "INSERT INTO members (workspace_id, room_id, user_id, transmit, held) "                                  \
    "SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bool[], $5::bool[])"
static const char member_insert_sql[] = MEMBER_ROWS;
static const char member_update_sql[] = MEMBER_ROWS " ON CONFLICT (workspace_id, room_id, user_id) DO UPDATE "
                                                    "SET transmit = EXCLUDED.transmit, held = EXCLUDED.held";
static const char workspace_insert_sql[] =
    "INSERT INTO workspaces (workspace_id, name, seats_limit, seat_mode, default_role, rate_limit, "
    "default_transmit, require_email, restore_rooms, "
    "unique_rooms, events_mode) VALUES ($1::uuid, $2, $3::bigint, $4, $5, $6::int, $7::bool, $8::bool, $9::bool, "
    "$10::bool, $11)";
static const char workspace_update_sql[] =
    "UPDATE workspaces SET name = $2, seats_limit = $3::bigint, seat_mode = $4, default_role = $5, "
    "rate_limit = $6::int, default_transmit = $7::bool, "
    "require_email = $8::bool, restore_rooms = $9::bool, unique_rooms = $10::bool, events_mode = $11, modified = now() WHERE "
    "workspace_id = $1::uuid";
static const char workspace_count_sql[] =
    "UPDATE workspaces SET seats_used = $2::bigint, membership_seq = "
    "$3::bigint, audit_seq = $4::bigint, events_seq = $5::bigint WHERE workspace_id = $1::uuid";
static const char key_insert_sql[] =
    "INSERT INTO keys (workspace_id, id, name, token_hash, prefix, scopes, dialect, created_by, expires, "
    "revoked) SELECT a.w, a.i, a.n, decode(a.h, 'hex'), a.p, a.s::text[], a.d, a.b, "
    "CASE WHEN a.x > 0 THEN to_timestamp(a.x / 1000000.0) END, CASE WHEN a.r THEN now() END "
    "FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], "
    "$8::text[], $9::bigint[], $10::bool[]) AS a (w, i, n, h, p, s, d, b, x, r)";
static const char key_revoke_sql[] =
    "UPDATE keys SET revoked = coalesce(revoked, now()) WHERE workspace_id = $1::uuid AND id = $2::uuid";
static const char claim_insert_sql[] =
    "INSERT INTO command_log (workspace_id, txn, origin_partition, origin_offset, type, outcome, records) "
    "SELECT a.w, a.t, a.p, a.o, a.y, a.out::json, a.rec FROM unnest($1::uuid[], $2::uuid[], $3::int[], "
    "$4::bigint[], $5::text[], $6::text[], "
    "$7::text[]) AS a (w, t, p, o, y, out, rec)";

static const char claim_one_sql[] =
    "INSERT INTO command_log (workspace_id, txn, origin_partition, origin_offset, type, outcome, records) "
    "VALUES ($1::uuid, $2::uuid, $3::int, $4::bigint, $5, $6::json, $7)";

static void add_pair(struct rows *rows, const char *workspace, const char *id) {
    pg_array_word(&rows->column[0], workspace);
    pg_array_word(&rows->column[1], id);
    rows->n++;
}

static void add_user(struct rows *rows, const struct unit_resource *r) {
    struct jbuf *c = rows->column;
    add_pair(rows, r->workspace->id, r->id);
    pg_array_text(&c[2], r->name);
    pg_array_text(&c[3], r->name_key);
    pg_array_text(&c[4], r->external_id);
    pg_array_text(&c[5], r->display_name);
    pg_array_text(&c[6], r->display_name_key);
    pg_array_bool(&c[7], r->active);
    pg_array_bool(&c[8], r->seat);
    pg_array_text(&c[9], r->doc);
    pg_array_text(&c[10], r->search);
    pg_array_int(&c[11], r->version);
    pg_array_int(&c[12], r->created_us);
    pg_array_int(&c[13], r->modified_us);
}

static void add_room(struct rows *rows, const struct unit_resource *r) {
    struct jbuf *c = rows->column;
    add_pair(rows, r->workspace->id, r->id);
    pg_array_text(&c[2], r->name);
    pg_array_text(&c[3], r->name_key);
    pg_array_text(&c[4], r->external_id);
    pg_array_text(&c[5], r->doc);
    pg_array_text(&c[6], r->search);
    pg_array_int(&c[7], r->version);
    pg_array_int(&c[8], r->created_us);
    pg_array_int(&c[9], r->modified_us);
}

static void add_custom(struct rows *rows, const struct unit_resource *r) {
    struct jbuf *c = rows->column;
    add_pair(rows, r->workspace->id, r->id);
    pg_array_text(&c[2], r->rt->name);
    pg_array_text(&c[3], r->external_id);
    pg_array_text(&c[4], r->doc);
    pg_array_text(&c[5], r->search);
    pg_array_int(&c[6], r->version);
    pg_array_int(&c[7], r->created_us);
    pg_array_int(&c[8], r->modified_us);
}

/* Where resources of a kind stand. */
static const struct resource_table {
    enum unit_kind kind;
    int columns;
    void (*add)(struct rows *rows, const struct unit_resource *r);
    const char *insert, *update, *delete;
} resource_tables[] = {
    {UNIT_USERS, 14, add_user, user_insert_sql, user_update_sql, user_delete_sql},
    {UNIT_ROOMS, 10, add_room, room_insert_sql, room_update_sql, room_delete_sql},
    {UNIT_CUSTOM, 9, add_custom, custom_insert_sql, custom_update_sql, custom_delete_sql},
};
#define RESOURCE_TABLES (sizeof resource_tables / sizeof *resource_tables)

static void store_deleted(struct unit *u, size_t *sent) {
    struct rows members;
    rows_begin(&members, 3);
    for (const struct object *o = u->objects[UNIT_MEMBERS]; o; o = o->next) {
        const struct unit_member *m = o->p;
        if (!m->was_present || m->present)
            continue;
        add_pair(&members, m->room->workspace->id, m->room->id);
        pg_array_word(&members.column[2], m->user->id);
    }
    rows_send(&members, u, member_delete_sql, sent);
    for (const struct resource_table *t = resource_tables; t < resource_tables + RESOURCE_TABLES; t++) {
        struct rows gone;
        rows_begin(&gone, 2);
        for (const struct object *o = u->objects[t->kind]; o; o = o->next) {
            const struct unit_resource *r = o->p;
            if (r->state == ROW_DELETED)
                add_pair(&gone, r->workspace->id, r->id);
        }
        rows_send(&gone, u, t->delete, sent);
    }
}

static void store_resources(struct unit *u, const struct resource_table *t, size_t *sent) {
    struct rows changed, made;
    rows_begin(&changed, t->columns);
    rows_begin(&made, t->columns);
    for (const struct object *o = u->objects[t->kind]; o; o = o->next) {
        const struct unit_resource *r = o->p;
        if (r->state == ROW_NEW)
            t->add(&made, r);
        else if (r->state == ROW_CHANGED && r->doc_changed)
            t->add(&changed, r);
    }
    rows_send(&changed, u, t->update, sent);
    rows_send(&made, u, t->insert, sent);
}

struct value_rows {
    struct rows gone, made;
};

static void add_value(const struct unit_resource *r, const struct unit_key_row *row, bool gone, void *ctx) {
    struct value_rows *v = ctx;
    struct rows *rows = gone ? &v->gone : &v->made;
    add_pair(rows, r->workspace->id, r->id);
    pg_array_text(&rows->column[2], r->rt->name);
    pg_array_text(&rows->column[3], row->path);
    pg_array_text(&rows->column[4], row->key);
    if (!gone)
        pg_array_bool(&rows->column[5], row->unique);
}

/* All that goes, then all that comes: a unique value may have changed hands. */
static void store_values(struct unit *u, size_t *sent) {
    struct value_rows v;
    rows_begin(&v.gone, 5);
    rows_begin(&v.made, 6);
    for (const struct resource_table *t = resource_tables; t < resource_tables + RESOURCE_TABLES; t++)
        for (const struct object *o = u->objects[t->kind]; o; o = o->next)
            unit_keys_changes(o->p, add_value, &v);
    rows_send(&v.gone, u, value_delete_sql, sent);
    rows_send(&v.made, u, value_insert_sql, sent);
}

static void store_bulks(struct unit *u, size_t *sent) {
    struct rows rows;
    rows_begin(&rows, 3);
    for (const struct object *o = u->objects[UNIT_BULKS]; o; o = o->next) {
        const struct unit_bulk *b = o->p;
        if (b->failures == b->stored_failures)
            continue;
        add_pair(&rows, b->workspace->id, b->txn);
        pg_array_int(&rows.column[2], b->failures);
    }
    rows_send(&rows, u, bulk_sql, sent);
}

static bool touched(const struct unit_resource *r) {
    return r->state == ROW_CHANGED && !r->doc_changed && r->version > r->stored_version;
}

/* Rooms by the number of versions that they went on: mostly one, more where a batch changed a room again and
 * again. */
static void store_touched(struct unit *u, size_t *sent) {
    int64_t below = INT64_MAX;
    for (;;) {
        int64_t by = 0, modified_us = 0;
        for (const struct object *o = u->objects[UNIT_ROOMS]; o; o = o->next) {
            const struct unit_resource *r = o->p;
            if (touched(r) && r->version - r->stored_version < below && r->version - r->stored_version > by)
                by = r->version - r->stored_version;
        }
        if (by == 0)
            return;
        struct rows rows;
        rows_begin(&rows, 2);
        for (const struct object *o = u->objects[UNIT_ROOMS]; o; o = o->next) {
            const struct unit_resource *r = o->p;
            if (!touched(r) || r->version - r->stored_version != by)
                continue;
            add_pair(&rows, r->workspace->id, r->id);
            modified_us = r->modified_us; /* the same in the whole batch */
        }
        pg_array_end(&rows.column[0]);
        pg_array_end(&rows.column[1]);
        char by_text[24], modified_text[24];
        snprintf(by_text, sizeof by_text, "%lld", (long long)by);
        snprintf(modified_text, sizeof modified_text, "%lld", (long long)modified_us);
        const char *params[] = {rows.column[0].p, rows.column[1].p, by_text, modified_text};
        db_send(u->db, room_touch_sql, 4, params);
        (*sent)++;
        jb_free(&rows.column[0]);
        jb_free(&rows.column[1]);
        below = by;
    }
}

static void store_members(struct unit *u, size_t *sent) {
    struct rows changed, made;
    rows_begin(&changed, 5);
    rows_begin(&made, 5);
    for (const struct object *o = u->objects[UNIT_MEMBERS]; o; o = o->next) {
        const struct unit_member *m = o->p;
        if (!m->present || (m->was_present && m->was_held == m->held && m->was_transmit == m->transmit))
            continue;
        struct rows *rows = m->was_present ? &changed : &made;
        add_pair(rows, m->room->workspace->id, m->room->id);
        pg_array_word(&rows->column[2], m->user->id);
        pg_array_bool(&rows->column[3], m->transmit);
        pg_array_bool(&rows->column[4], m->held);
    }
    rows_send(&changed, u, member_update_sql, sent);
    rows_send(&made, u, member_insert_sql, sent);
}

/* Parameters of one workspace, in the order of the statements. */
struct workspace_texts {
    char seats_limit[24], rate_limit[24], seats_used[24], membership_seq[24], audit_seq[24], events_seq[24];
};

static const char *number(char out[24], int64_t v) {
    snprintf(out, 24, "%lld", (long long)v);
    return out;
}

static const char *truth(bool v) {
    return v ? "t" : "f";
}

static void send_workspace(struct unit *u, const struct unit_workspace *w, size_t *sent) {
    struct workspace_texts t;
    const char *settings[] = {w->id,
                              w->name,
                              w->seats_limit < 0 ? NULL : number(t.seats_limit, w->seats_limit),
                              w->seat_mode,
                              w->default_role,
                              number(t.rate_limit, w->rate_limit),
                              truth(w->default_transmit),
                              truth(w->require_email),
                              truth(w->restore_rooms),
                              truth(w->unique_rooms),
                              w->events_mode};
    const char *counts[] = {w->id, number(t.seats_used, w->seats_used),
                            number(t.membership_seq, w->membership_seq), number(t.audit_seq, w->audit_seq),
                            number(t.events_seq, w->events_seq)};
    bool made = w->state == ROW_NEW;
    if (made || w->settings_changed) {
        db_send(u->db, made ? workspace_insert_sql : workspace_update_sql, 11, settings);
        (*sent)++;
    }
    db_send(u->db, workspace_count_sql, 5, counts);
    (*sent)++;
}

/* One statement each: a batch has few, and each finds its row by its key. */
static void store_workspaces(struct unit *u, size_t *sent) {
    for (const struct object *o = u->objects[UNIT_WORKSPACES]; o; o = o->next)
        if (row_alive(((const struct unit_workspace *)o->p)->state))
            send_workspace(u, o->p, sent);
}

static void store_keys(struct unit *u, size_t *sent) {
    struct rows made;
    rows_begin(&made, 10);
    for (const struct object *o = u->objects[UNIT_KEYS]; o; o = o->next) {
        const struct unit_key *k = o->p;
        if (k->state == ROW_NEW) {
            struct jbuf *c = made.column;
            add_pair(&made, k->workspace->id, k->id);
            pg_array_text(&c[2], k->name);
            pg_array_text(&c[3], k->token_hash_hex);
            pg_array_text(&c[4], k->prefix);
            pg_array_text(&c[5], k->scopes);
            pg_array_text(&c[6], k->dialect);
            pg_array_text(&c[7], k->created_by);
            pg_array_int(&c[8], k->expires_us);
            pg_array_bool(&c[9], k->revoked);
        } else if (k->state == ROW_CHANGED) {
            const char *params[] = {k->workspace->id, k->id};
            db_send(u->db, key_revoke_sql, 2, params);
            (*sent)++;
        }
    }
    rows_send(&made, u, key_insert_sql, sent);
}

/* Megabytes of records are passed as they are: an array's text would have to be escaped, and read again byte
 * by byte. */
static void send_claim(struct unit *u, const struct unit_claim_row *c, size_t *sent) {
    char partition[24], offset[24];
    const char *params[] = {c->workspace->id,
                            c->txn,
                            number(partition, c->claim.origin_partition),
                            number(offset, c->claim.origin_offset),
                            c->type,
                            c->claim.outcome,
                            c->claim.records};
    db_send(u->db, claim_one_sql, 7, params);
    (*sent)++;
}

static void store_claims(struct unit *u, size_t *sent) {
    struct rows made;
    rows_begin(&made, 7);
    for (const struct object *o = u->objects[UNIT_CLAIMS]; o; o = o->next) {
        const struct unit_claim_row *c = o->p;
        if (!c->fresh)
            continue;
        if (c->claim.records && strlen(c->claim.records) > LARGE_RECORDS) {
            send_claim(u, c, sent);
            continue;
        }
        struct jbuf *col = made.column;
        add_pair(&made, c->workspace->id, c->txn);
        pg_array_int(&col[2], c->claim.origin_partition);
        pg_array_int(&col[3], c->claim.origin_offset);
        pg_array_text(&col[4], c->type);
        pg_array_text(&col[5], c->claim.outcome);
        pg_array_text(&col[6], c->claim.records);
    }
    rows_send(&made, u, claim_insert_sql, sent);
}

static enum err_code flush(struct unit *u, size_t sent, struct err *err) {
    struct db_result **results = xcalloc(sent, sizeof(struct db_result *));
    enum err_code code = db_flush(u->db, results, sent, NULL, err);
    if (code == ERR_OK)
        db_results_free(results, sent);
    else
        u->begun = false;
    free(results);
    return code;
}

enum err_code unit_commit(struct unit *u, struct err *err) {
    size_t sent = 0;
    if (u->err.code != ERR_OK) {
        *err = u->err;
        return err->code;
    }
    store_deleted(u, &sent);
    store_workspaces(u, &sent);
    for (size_t i = 0; i < RESOURCE_TABLES; i++)
        store_resources(u, &resource_tables[i], &sent);
    store_touched(u, &sent);
    store_values(u, &sent);
    store_members(u, &sent);
    store_bulks(u, &sent);
    store_keys(u, &sent);
    store_claims(u, &sent);
    if (failpoints_armed) { /* a test may end the process between the writes and the commit */
        if (sent && flush(u, sent, err) != ERR_OK)
            return err->code;
        sent = 0;
        if (failpoint("worker.before_pg_commit"))
            return err_set(err, ERR_DB_LOST, "failpoint");
    }
    db_send(u->db, "COMMIT", 0, NULL);
    enum err_code code = flush(u, sent + 1, err);
    u->begun = false;
    return code;
}
