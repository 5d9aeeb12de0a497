/* Storing: the differences, one set-based statement per table and kind of change, and COMMIT, in one round
 * trip. Order: what goes, then what changes, then what comes, so that names and foreign keys are free when
 * they are needed. */
#include "ops/runtime/failpoint.h"
#include "ops/runtime/jbuf.h"
#include "sql/pg_array.h"
#include "sql/unit_private.h"

#define MAX_COLUMNS 16

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

#define FROM_US(x) "to_timestamp(" x " / 1000000.0)"

static const char user_insert_sql[] =
    "INSERT INTO users (workspace_id, id, user_name, user_name_key, external_id, display_name, "
    "display_name_key, active, seat, doc, search, "
    "version, created, modified) "
    "SELECT a.w, a.i, a.n, a.k, a.e, a.d, a.dk, a.act, a.seat, a.doc::json, a.search::jsonb, a.v, " FROM_US(
        "a.c") ", " FROM_US("a.m") " "
                                   "FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], "
                                   "$6::text[], $7::text[], $8::bool[], $9::bool[], $10::text[], "
                                   "$11::text[], $12::bigint[], $13::bigint[], $14::bigint[]) AS a (w, i, n, "
                                   "k, e, d, dk, act, seat, doc, search, v, c, m)";
static const char user_update_sql[] =
    "UPDATE users u SET user_name = a.n, user_name_key = a.k, external_id = a.e, display_name = a.d, "
    "display_name_key = a.dk, active = a.act, "
    "seat = a.seat, doc = a.doc::json, search = a.search::jsonb, version = a.v, modified = " FROM_US(
        "a.m") " "
               "FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], "
               "$7::text[], $8::bool[], $9::bool[], $10::text[], "
               "$11::text[], $12::bigint[], $13::bigint[], $14::bigint[]) AS a (w, i, n, k, e, d, dk, act, "
               "seat, doc, search, v, c, m) "
               "WHERE u.workspace_id = a.w AND u.id = a.i";
static const char room_insert_sql[] =
    "INSERT INTO rooms (workspace_id, id, display_name, display_name_key, external_id, doc, search, version, "
    "created, modified) "
    "SELECT a.w, a.i, a.n, a.k, a.e, a.doc::json, a.search::jsonb, a.v, " FROM_US("a.c") ", " FROM_US(
        "a.m") " "
               "FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], "
               "$7::text[], $8::bigint[], $9::bigint[], $10::bigint[]) "
               "AS a (w, i, n, k, e, doc, search, v, c, m)";
static const char room_update_sql[] =
    "UPDATE rooms r SET display_name = a.n, display_name_key = a.k, external_id = a.e, doc = a.doc::json, "
    "search = a.search::jsonb, version = a.v, "
    "modified = " FROM_US(
        "a.m") " "
               "FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], "
               "$7::text[], $8::bigint[], $9::bigint[], $10::bigint[]) "
               "AS a (w, i, n, k, e, doc, search, v, c, m) WHERE r.workspace_id = a.w AND r.id = a.i";
static const char room_touch_sql[] = "UPDATE rooms r SET version = a.v, modified = " FROM_US(
    "a.m") " "
           "FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[]) AS a (w, i, v, m) "
           "WHERE r.workspace_id = a.w AND r.id = a.i";
static const char user_delete_sql[] = "DELETE FROM users u USING unnest($1::uuid[], $2::uuid[]) AS a (w, i) "
                                      "WHERE u.workspace_id = a.w AND u.id = a.i";
static const char room_delete_sql[] = "DELETE FROM rooms r USING unnest($1::uuid[], $2::uuid[]) AS a (w, i) "
                                      "WHERE r.workspace_id = a.w AND r.id = a.i";
static const char member_delete_sql[] =
    "DELETE FROM members m USING unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS a (w, r, u) "
    "WHERE m.workspace_id = a.w AND m.room_id = a.r AND m.user_id = a.u";
static const char member_insert_sql[] =
    "INSERT INTO members (workspace_id, room_id, user_id, transmit, held) "
    "SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bool[], $5::bool[])";
static const char member_update_sql[] =
    "UPDATE members m SET transmit = a.t, held = a.h FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], "
    "$4::bool[], $5::bool[]) AS a (w, r, u, t, h) "
    "WHERE m.workspace_id = a.w AND m.room_id = a.r AND m.user_id = a.u";
static const char workspace_insert_sql[] =
    "INSERT INTO workspaces (workspace_id, name, seats_limit, seat_mode, default_role, rate_limit, "
    "default_transmit, require_email, restore_rooms, "
    "unique_rooms, seats_used, membership_seq, audit_seq) "
    "SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::int[], "
    "$7::bool[], $8::bool[], $9::bool[], $10::bool[], "
    "$11::bigint[], $12::bigint[], $13::bigint[])";
static const char workspace_update_sql[] =
    "UPDATE workspaces w SET name = a.n, seats_limit = a.sl, seat_mode = a.sm, default_role = a.dr, "
    "rate_limit = a.rl, default_transmit = a.dt, "
    "require_email = a.re, restore_rooms = a.rr, unique_rooms = a.ur, seats_used = a.su, membership_seq = "
    "a.ms, audit_seq = a.aus, modified = now() "
    "FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::int[], $7::bool[], "
    "$8::bool[], $9::bool[], $10::bool[], "
    "$11::bigint[], $12::bigint[], $13::bigint[]) AS a (w, n, sl, sm, dr, rl, dt, re, rr, ur, su, ms, aus) "
    "WHERE w.workspace_id = a.w";
static const char workspace_count_sql[] =
    "UPDATE workspaces w SET seats_used = a.su, membership_seq = a.ms, audit_seq = a.aus "
    "FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[]) AS a (w, su, ms, aus) WHERE "
    "w.workspace_id = a.w";
static const char key_insert_sql[] =
    "INSERT INTO keys (workspace_id, id, name, token_hash, prefix, scopes, dialect, created_by, expires, "
    "revoked) "
    "SELECT a.w, a.i, a.n, decode(a.h, 'hex'), a.p, a.s::text[], a.d, a.b, CASE WHEN a.x > 0 THEN " FROM_US(
        "a.x") " END, CASE WHEN a.r THEN now() END "
               "FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], "
               "$7::text[], $8::text[], $9::bigint[], $10::bool[]) "
               "AS a (w, i, n, h, p, s, d, b, x, r)";
static const char key_revoke_sql[] =
    "UPDATE keys k SET revoked = coalesce(k.revoked, now()) FROM unnest($1::uuid[], $2::uuid[]) AS a (w, i) "
    "WHERE k.workspace_id = a.w AND k.id = a.i";
static const char claim_insert_sql[] =
    "INSERT INTO command_log (workspace_id, txn, origin_partition, origin_offset, type, outcome, records) "
    "SELECT a.w, a.t, a.p, a.o, a.y, a.out::json, a.rec FROM unnest($1::uuid[], $2::uuid[], $3::int[], "
    "$4::bigint[], $5::text[], $6::text[], "
    "$7::text[]) AS a (w, t, p, o, y, out, rec)";

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

static void store_deleted(struct unit *u, size_t *sent) {
    struct rows members, users, rooms;
    rows_begin(&members, 3);
    rows_begin(&users, 2);
    rows_begin(&rooms, 2);
    for (const struct object *o = u->objects[UNIT_MEMBERS]; o; o = o->next) {
        const struct unit_member *m = o->p;
        if (!m->was_present || m->present)
            continue;
        add_pair(&members, m->room->workspace->id, m->room->id);
        pg_array_word(&members.column[2], m->user->id);
    }
    for (const struct object *o = u->objects[UNIT_USERS]; o; o = o->next)
        if (((const struct unit_resource *)o->p)->state == ROW_DELETED)
            add_pair(&users, ((const struct unit_resource *)o->p)->workspace->id,
                     ((const struct unit_resource *)o->p)->id);
    for (const struct object *o = u->objects[UNIT_ROOMS]; o; o = o->next)
        if (((const struct unit_resource *)o->p)->state == ROW_DELETED)
            add_pair(&rooms, ((const struct unit_resource *)o->p)->workspace->id,
                     ((const struct unit_resource *)o->p)->id);
    rows_send(&members, u, member_delete_sql, sent);
    rows_send(&users, u, user_delete_sql, sent);
    rows_send(&rooms, u, room_delete_sql, sent);
}

static void store_users(struct unit *u, size_t *sent) {
    struct rows changed, made;
    rows_begin(&changed, 14);
    rows_begin(&made, 14);
    for (const struct object *o = u->objects[UNIT_USERS]; o; o = o->next) {
        const struct unit_resource *r = o->p;
        if (r->state == ROW_CHANGED)
            add_user(&changed, r);
        else if (r->state == ROW_NEW)
            add_user(&made, r);
    }
    rows_send(&changed, u, user_update_sql, sent);
    rows_send(&made, u, user_insert_sql, sent);
}

static void store_rooms(struct unit *u, size_t *sent) {
    struct rows changed, touched, made;
    rows_begin(&changed, 10);
    rows_begin(&touched, 4);
    rows_begin(&made, 10);
    for (const struct object *o = u->objects[UNIT_ROOMS]; o; o = o->next) {
        const struct unit_resource *r = o->p;
        if (r->state == ROW_NEW) {
            add_room(&made, r);
        } else if (r->state == ROW_CHANGED && r->doc_changed) {
            add_room(&changed, r);
        } else if (r->state == ROW_CHANGED) {
            add_pair(&touched, r->workspace->id, r->id);
            pg_array_int(&touched.column[2], r->version);
            pg_array_int(&touched.column[3], r->modified_us);
        }
    }
    rows_send(&changed, u, room_update_sql, sent);
    rows_send(&touched, u, room_touch_sql, sent);
    rows_send(&made, u, room_insert_sql, sent);
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

static void add_counts(struct rows *rows, int first, const struct unit_workspace *w) {
    pg_array_int(&rows->column[first], w->seats_used);
    pg_array_int(&rows->column[first + 1], w->membership_seq);
    pg_array_int(&rows->column[first + 2], w->audit_seq);
    rows->n++;
}

static void add_settings(struct rows *rows, const struct unit_workspace *w) {
    struct jbuf *c = rows->column;
    pg_array_word(&c[0], w->id);
    pg_array_text(&c[1], w->name);
    if (w->seats_limit < 0)
        pg_array_word(&c[2], NULL);
    else
        pg_array_int(&c[2], w->seats_limit);
    pg_array_text(&c[3], w->seat_mode);
    pg_array_text(&c[4], w->default_role);
    pg_array_int(&c[5], w->rate_limit);
    pg_array_bool(&c[6], w->default_transmit);
    pg_array_bool(&c[7], w->require_email);
    pg_array_bool(&c[8], w->restore_rooms);
    pg_array_bool(&c[9], w->unique_rooms);
    add_counts(rows, 10, w);
}

static void store_workspaces(struct unit *u, size_t *sent) {
    struct rows counted, changed, made;
    rows_begin(&counted, 4);
    rows_begin(&changed, 13);
    rows_begin(&made, 13);
    for (const struct object *o = u->objects[UNIT_WORKSPACES]; o; o = o->next) {
        const struct unit_workspace *w = o->p;
        if (w->state == ROW_NEW) {
            add_settings(&made, w);
        } else if (w->settings_changed) {
            add_settings(&changed, w);
        } else if (w->state == ROW_LOADED) {
            pg_array_word(&counted.column[0], w->id);
            add_counts(&counted, 1, w);
        }
    }
    rows_send(&counted, u, workspace_count_sql, sent);
    rows_send(&changed, u, workspace_update_sql, sent);
    rows_send(&made, u, workspace_insert_sql, sent);
}

static void store_keys(struct unit *u, size_t *sent) {
    struct rows made, revoked;
    rows_begin(&made, 10);
    rows_begin(&revoked, 2);
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
            add_pair(&revoked, k->workspace->id, k->id);
        }
    }
    rows_send(&made, u, key_insert_sql, sent);
    rows_send(&revoked, u, key_revoke_sql, sent);
}

static void store_claims(struct unit *u, size_t *sent) {
    struct rows made;
    rows_begin(&made, 7);
    for (const struct object *o = u->objects[UNIT_CLAIMS]; o; o = o->next) {
        const struct unit_claim_row *c = o->p;
        if (!c->fresh)
            continue;
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
    struct db_result *results[24];
    enum err_code code = db_flush(u->db, results, sent, NULL, err);
    if (code == ERR_OK)
        db_results_free(results, sent);
    else
        u->begun = false;
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
    store_users(u, &sent);
    store_rooms(u, &sent);
    store_members(u, &sent);
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
