/* A unit's rows in PostgreSQL: storing. Writes the differences with one set-based statement per table and
 * kind of change, and commits, in one round trip. Deletes come first, then updates, then inserts, so that
 * names and foreign keys are free when they are needed. */
#include "ops/runtime/failpoint.h"
#include "ops/runtime/jbuf.h"
#include "ops/runtime/mem.h"
#include "sql/pg_array.h"
#include "sql/unit/postgres.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_user(struct postgres_rows *rows, const struct unit_resource *r) {
    struct jbuf *c = rows->column;
    postgres_rows_add(rows, r->workspace->id, r->id);
    pg_array_text(&c[2], r->name);
    pg_array_text(&c[3], r->name_key);
    pg_array_text(&c[4], r->external_id);
    pg_array_text(&c[5], r->display_name);
    pg_array_text(&c[6], r->display_name_key);
    pg_array_bool(&c[7], r->active);
    pg_array_bool(&c[8], r->seat);
    pg_array_bool(&c[9], r->managed);
    pg_array_text(&c[10], r->doc);
    pg_array_text(&c[11], r->search);
    pg_array_int(&c[12], r->version);
    pg_array_int(&c[13], r->created_us);
    pg_array_int(&c[14], r->modified_us);
    pg_array_text(&c[15], r->managed_by);
    pg_array_int(&c[16], r->generation);
}

static void add_room(struct postgres_rows *rows, const struct unit_resource *r) {
    struct jbuf *c = rows->column;
    postgres_rows_add(rows, r->workspace->id, r->id);
    pg_array_text(&c[2], r->name);
    pg_array_text(&c[3], r->name_key);
    pg_array_text(&c[4], r->external_id);
    pg_array_text(&c[5], r->doc);
    pg_array_text(&c[6], r->search);
    pg_array_int(&c[7], r->version);
    pg_array_int(&c[8], r->created_us);
    pg_array_int(&c[9], r->modified_us);
    pg_array_text(&c[10], r->managed_by);
    pg_array_int(&c[11], r->generation);
}

static void add_custom(struct postgres_rows *rows, const struct unit_resource *r) {
    struct jbuf *c = rows->column;
    postgres_rows_add(rows, r->workspace->id, r->id);
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
    void (*add)(struct postgres_rows *rows, const struct unit_resource *r);
    enum statement insert, update, delete;
} resource_tables[] = {
    {UNIT_USERS, 17, add_user, SQL_UNIT_STORE_USER_INSERT, SQL_UNIT_STORE_USER_UPDATE,
     SQL_UNIT_STORE_USER_DELETE},
    {UNIT_ROOMS, 12, add_room, SQL_UNIT_STORE_ROOM_INSERT, SQL_UNIT_STORE_ROOM_UPDATE,
     SQL_UNIT_STORE_ROOM_DELETE},
    {UNIT_CUSTOM, 9, add_custom, SQL_UNIT_STORE_CUSTOM_INSERT, SQL_UNIT_STORE_CUSTOM_UPDATE,
     SQL_UNIT_STORE_CUSTOM_DELETE},
};
#define RESOURCE_TABLES (sizeof resource_tables / sizeof *resource_tables)

static void store_deleted(struct unit *u, size_t *sent) {
    struct postgres_rows members = {.ncolumns = 3};
    for (const struct object *o = u->objects[UNIT_MEMBERS]; o != NULL; o = o->next) {
        const struct unit_member *m = o->p;
        if (!m->was_present || m->present)
            continue;
        postgres_rows_add(&members, m->room->workspace->id, m->room->id);
        pg_array_word(&members.column[2], m->user->id);
    }
    postgres_rows_send(&members, u, SQL_UNIT_STORE_MEMBER_DELETE, sent);
    for (const struct resource_table *t = resource_tables; t < resource_tables + RESOURCE_TABLES; t++) {
        struct postgres_rows gone = {.ncolumns = 2};
        for (const struct object *o = u->objects[t->kind]; o != NULL; o = o->next) {
            const struct unit_resource *r = o->p;
            if (r->state == ROW_DELETED)
                postgres_rows_add(&gone, r->workspace->id, r->id);
        }
        postgres_rows_send(&gone, u, t->delete, sent);
    }
}

static void store_resources(struct unit *u, const struct resource_table *t, size_t *sent) {
    struct postgres_rows changed = {.ncolumns = t->columns}, made = {.ncolumns = t->columns};
    for (const struct object *o = u->objects[t->kind]; o != NULL; o = o->next) {
        const struct unit_resource *r = o->p;
        if (r->state == ROW_NEW)
            t->add(&made, r);
        else if (r->state == ROW_CHANGED && r->doc_changed)
            t->add(&changed, r);
    }
    postgres_rows_send(&changed, u, t->update, sent);
    postgres_rows_send(&made, u, t->insert, sent);
}

static void store_seats(struct unit *u, size_t *sent) {
    struct postgres_rows changed = {.ncolumns = 2};
    for (const struct object *o = u->objects[UNIT_USERS]; o != NULL; o = o->next) {
        const struct unit_resource *r = o->p;
        if ((r->state == ROW_LOADED || r->state == ROW_CHANGED) && !r->doc_changed &&
            r->seat != r->stored_seat)
            postgres_rows_add(&changed, r->workspace->id, r->id);
    }
    postgres_rows_send(&changed, u, SQL_UNIT_STORE_USER_SEAT, sent);
}

struct value_rows {
    struct postgres_rows gone, made;
};

static void add_value(const struct unit_resource *r, const struct unit_key_row *row, bool gone, void *ctx) {
    struct value_rows *v = ctx;
    struct postgres_rows *rows = gone ? &v->gone : &v->made;
    postgres_rows_add(rows, r->workspace->id, r->id);
    pg_array_text(&rows->column[2], r->rt->name);
    pg_array_text(&rows->column[3], row->path);
    pg_array_text(&rows->column[4], row->key);
    if (!gone)
        pg_array_bool(&rows->column[5], row->unique);
}

/* Deletes before inserts, because a unique value may have moved from one resource to another. */
static void store_values(struct unit *u, size_t *sent) {
    struct value_rows v = {.gone = {.ncolumns = 5}, .made = {.ncolumns = 6}};
    for (const struct resource_table *t = resource_tables; t < resource_tables + RESOURCE_TABLES; t++)
        for (const struct object *o = u->objects[t->kind]; o != NULL; o = o->next)
            unit_keys_changes(o->p, add_value, &v);
    postgres_rows_send(&v.gone, u, SQL_UNIT_STORE_VALUE_DELETE, sent);
    postgres_rows_send(&v.made, u, SQL_UNIT_STORE_VALUE_INSERT, sent);
}

static void store_bulks(struct unit *u, size_t *sent) {
    struct postgres_rows rows = {.ncolumns = 3};
    for (const struct object *o = u->objects[UNIT_BULKS]; o != NULL; o = o->next) {
        const struct unit_bulk *b = o->p;
        if (b->failures == b->stored_failures)
            continue;
        postgres_rows_add(&rows, b->workspace->id, b->txn);
        pg_array_int(&rows.column[2], b->failures);
    }
    postgres_rows_send(&rows, u, SQL_UNIT_STORE_BULK, sent);
}

static const char *number_text(char out[24], int64_t v) {
    snprintf(out, 24, "%lld", (long long)v);
    return out;
}

static int64_t versions_gone_on(const struct unit_resource *r) {
    return r->state == ROW_CHANGED && !r->doc_changed ? r->version - r->stored_version : 0;
}

/* The largest step below `below` by which the version of a room grew; 0 if there is none. */
static int64_t next_step(const struct unit *u, int64_t below) {
    int64_t by = 0;
    for (const struct object *o = u->objects[UNIT_ROOMS]; o != NULL; o = o->next) {
        int64_t n = versions_gone_on(o->p);
        if (n < below && n > by)
            by = n;
    }
    return by;
}

/* Writes the new versions of rooms whose document did not change: one statement for each step by which
 * versions grew. The step is mostly one, and more where a batch changed a room several times. */
static void store_touched(struct unit *u, size_t *sent) {
    for (int64_t by = next_step(u, INT64_MAX); by > 0; by = next_step(u, by)) {
        struct postgres_rows rows = {.ncolumns = 2};
        const char *params[4];
        char by_text[24], modified_text[24];
        int64_t modified_us = 0;
        for (const struct object *o = u->objects[UNIT_ROOMS]; o != NULL; o = o->next) {
            const struct unit_resource *r = o->p;
            if (versions_gone_on(r) != by)
                continue;
            postgres_rows_add(&rows, r->workspace->id, r->id);
            modified_us = r->modified_us; /* the same in the whole batch */
        }
        postgres_rows_end(&rows, params);
        params[2] = number_text(by_text, by);
        params[3] = number_text(modified_text, modified_us);
        db_queue(u->store.at, SQL_UNIT_STORE_ROOM_TOUCH, params);
        (*sent)++;
        postgres_rows_free(&rows);
    }
}

static void store_members(struct unit *u, size_t *sent) {
    struct postgres_rows changed = {.ncolumns = 5}, made = {.ncolumns = 5};
    for (const struct object *o = u->objects[UNIT_MEMBERS]; o != NULL; o = o->next) {
        const struct unit_member *m = o->p;
        if (!m->present || (m->was_present && m->was_held == m->held && m->was_transmit == m->transmit))
            continue;
        struct postgres_rows *rows = m->was_present ? &changed : &made;
        postgres_rows_add(rows, m->room->workspace->id, m->room->id);
        pg_array_word(&rows->column[2], m->user->id);
        pg_array_bool(&rows->column[3], m->transmit);
        pg_array_bool(&rows->column[4], m->held);
    }
    postgres_rows_send(&changed, u, SQL_UNIT_STORE_MEMBER_UPDATE, sent);
    postgres_rows_send(&made, u, SQL_UNIT_STORE_MEMBER_INSERT, sent);
}

static void store_claims(struct unit *u, size_t *sent) {
    struct postgres_rows made = {.ncolumns = 5}, emitted = {.ncolumns = 2};
    for (const struct object *o = u->objects[UNIT_CLAIMS]; o != NULL; o = o->next) {
        const struct unit_claim_row *c = o->p;
        if (c->emits)
            postgres_rows_add(&emitted, c->workspace->id, c->txn);
        if (!c->fresh)
            continue;
        postgres_rows_add(&made, c->workspace->id, c->txn);
        pg_array_text(&made.column[2], c->type);
        pg_array_text(&made.column[3], c->claim.outcome);
        pg_array_text(&made.column[4], c->claim.event);
    }
    postgres_rows_send(&made, u, SQL_UNIT_STORE_CLAIMS, sent);
    postgres_rows_send(&emitted, u, SQL_UNIT_STORE_CLAIMS_EMITTED, sent);
}

/* Last of all, as its locks are held to the end. */
static void store_outbox(struct unit *u, size_t *sent) {
    for (const struct unit_outbox_row *row = u->outbox; row != NULL; row = row->next) {
        char partition[24], epoch[24], number[24];
        const char *params[] = {number_text(partition, row->partition), number_text(epoch, row->epoch),
                                number_text(number, row->number), row->n > 0 ? row->bytes : NULL};
        db_queue_bytes(u->store.at, SQL_OUTBOX_APPEND, params, row->n);
        (*sent)++;
    }
}

static enum err_code flush(struct unit *u, size_t sent, struct err *err) {
    struct db_result **results = xcalloc(sent, sizeof(struct db_result *));
    enum err_code code = db_flush(u->store.at, results, sent, NULL, err);
    if (code == ERR_OK)
        db_results_free(results, sent);
    free(results);
    return code;
}

enum err_code postgres_commit(struct unit *u, struct err *err) {
    size_t sent = 0;
    store_deleted(u, &sent);
    postgres_store_workspaces(u, &sent);
    for (size_t i = 0; i < RESOURCE_TABLES; i++)
        store_resources(u, &resource_tables[i], &sent);
    store_seats(u, &sent);
    store_touched(u, &sent);
    store_values(u, &sent);
    store_members(u, &sent);
    store_bulks(u, &sent);
    postgres_store_plans(u, &sent);
    postgres_store_control(u, &sent);
    store_claims(u, &sent);
    store_outbox(u, &sent);
    if (failpoints_armed) { /* a test may end the process between the writes and the commit */
        if (sent && flush(u, sent, err) != ERR_OK)
            return err->code;
        sent = 0;
        if (failpoint("worker.before_pg_commit")) {
            db_rollback(u->store.at);
            return err_set(err, ERR_DB_LOST, "failpoint");
        }
    }
    db_queue(u->store.at, SQL_CONNECTION_COMMIT, NULL);
    return flush(u, sent + 1, err);
}
