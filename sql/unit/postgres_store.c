/* A unit's rows in PostgreSQL: storing. Writes the differences with one set-based statement per table and
 * kind of change, and commits, in one round trip. Deletes come first, then updates, then inserts, so that
 * names and foreign keys are free when they are needed. */
#include "ops/runtime/failpoint.h"
#include "ops/runtime/jbuf.h"
#include "ops/runtime/mem.h"
#include "sql/unit/postgres.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_user(struct pg_rows *rows, const struct unit_resource *r) {
    postgres_row(rows, r->workspace->id, r->id);
    pg_cell_text(rows, r->name);
    pg_cell_text(rows, r->name_key);
    pg_cell_text(rows, r->external_id);
    pg_cell_text(rows, r->display_name);
    pg_cell_text(rows, r->display_name_key);
    pg_cell_bool(rows, r->active);
    pg_cell_bool(rows, r->seat);
    pg_cell_bool(rows, r->managed);
    pg_cell_text(rows, r->doc);
    pg_cell_text(rows, r->search);
    pg_cell_int(rows, r->version);
    pg_cell_int(rows, r->created_us);
    pg_cell_int(rows, r->modified_us);
    pg_cell_text(rows, r->managed_by);
    pg_cell_int(rows, r->generation);
}

static void add_room(struct pg_rows *rows, const struct unit_resource *r) {
    postgres_row(rows, r->workspace->id, r->id);
    pg_cell_text(rows, r->name);
    pg_cell_text(rows, r->name_key);
    pg_cell_text(rows, r->external_id);
    pg_cell_text(rows, r->doc);
    pg_cell_text(rows, r->search);
    pg_cell_int(rows, r->version);
    pg_cell_int(rows, r->created_us);
    pg_cell_int(rows, r->modified_us);
    pg_cell_text(rows, r->managed_by);
    pg_cell_int(rows, r->generation);
}

static void add_custom(struct pg_rows *rows, const struct unit_resource *r) {
    postgres_row(rows, r->workspace->id, r->id);
    pg_cell_text(rows, r->rt->name);
    pg_cell_text(rows, r->external_id);
    pg_cell_text(rows, r->doc);
    pg_cell_text(rows, r->search);
    pg_cell_int(rows, r->version);
    pg_cell_int(rows, r->created_us);
    pg_cell_int(rows, r->modified_us);
}

/* Where resources of a kind stand. */
static const struct resource_table {
    enum unit_kind kind;
    void (*add)(struct pg_rows *rows, const struct unit_resource *r);
    enum statement insert, update, delete;
} resource_tables[] = {
    {UNIT_USERS, add_user, SQL_UNIT_STORE_USER_INSERT, SQL_UNIT_STORE_USER_UPDATE,
     SQL_UNIT_STORE_USER_DELETE},
    {UNIT_ROOMS, add_room, SQL_UNIT_STORE_ROOM_INSERT, SQL_UNIT_STORE_ROOM_UPDATE,
     SQL_UNIT_STORE_ROOM_DELETE},
    {UNIT_CUSTOM, add_custom, SQL_UNIT_STORE_CUSTOM_INSERT, SQL_UNIT_STORE_CUSTOM_UPDATE,
     SQL_UNIT_STORE_CUSTOM_DELETE},
};
#define RESOURCE_TABLES (sizeof resource_tables / sizeof *resource_tables)

static void store_deleted(struct unit *u, size_t *sent) {
    struct pg_rows members = {.statement = SQL_UNIT_STORE_MEMBER_DELETE};
    for (const struct object *o = u->objects[UNIT_MEMBERS]; o != NULL; o = o->next) {
        const struct unit_member *m = o->p;
        if (!m->was_present || m->present)
            continue;
        postgres_row(&members, m->room->workspace->id, m->room->id);
        pg_cell_text(&members, m->user->id);
    }
    postgres_rows_send(&members, u, sent);
    for (const struct resource_table *t = resource_tables; t < resource_tables + RESOURCE_TABLES; t++) {
        struct pg_rows gone = {.statement = t->delete};
        for (const struct object *o = u->objects[t->kind]; o != NULL; o = o->next) {
            const struct unit_resource *r = o->p;
            if (r->state == ROW_DELETED)
                postgres_row(&gone, r->workspace->id, r->id);
        }
        postgres_rows_send(&gone, u, sent);
    }
}

static void store_resources(struct unit *u, const struct resource_table *t, size_t *sent) {
    struct pg_rows changed = {.statement = t->update}, made = {.statement = t->insert};
    for (const struct object *o = u->objects[t->kind]; o != NULL; o = o->next) {
        const struct unit_resource *r = o->p;
        if (r->state == ROW_NEW)
            t->add(&made, r);
        else if (r->state == ROW_CHANGED && r->doc_changed)
            t->add(&changed, r);
    }
    postgres_rows_send(&changed, u, sent);
    postgres_rows_send(&made, u, sent);
}

static void store_seats(struct unit *u, size_t *sent) {
    struct pg_rows changed = {.statement = SQL_UNIT_STORE_USER_SEAT};
    for (const struct object *o = u->objects[UNIT_USERS]; o != NULL; o = o->next) {
        const struct unit_resource *r = o->p;
        if ((r->state == ROW_LOADED || r->state == ROW_CHANGED) && !r->doc_changed &&
            r->seat != r->stored_seat)
            postgres_row(&changed, r->workspace->id, r->id);
    }
    postgres_rows_send(&changed, u, sent);
}

struct value_rows {
    struct pg_rows gone, made;
};

static void add_value(const struct unit_resource *r, const struct unit_key_row *row, bool gone, void *ctx) {
    struct value_rows *v = ctx;
    struct pg_rows *rows = gone ? &v->gone : &v->made;
    postgres_row(rows, r->workspace->id, r->id);
    pg_cell_text(rows, r->rt->name);
    pg_cell_text(rows, row->path);
    pg_cell_text(rows, row->key);
    if (!gone)
        pg_cell_bool(rows, row->unique);
}

/* Deletes before inserts, because a unique value may have moved from one resource to another. */
static void store_values(struct unit *u, size_t *sent) {
    struct value_rows v = {.gone = {.statement = SQL_UNIT_STORE_VALUE_DELETE},
                           .made = {.statement = SQL_UNIT_STORE_VALUE_INSERT}};
    for (const struct resource_table *t = resource_tables; t < resource_tables + RESOURCE_TABLES; t++)
        for (const struct object *o = u->objects[t->kind]; o != NULL; o = o->next)
            unit_keys_changes(o->p, add_value, &v);
    postgres_rows_send(&v.gone, u, sent);
    postgres_rows_send(&v.made, u, sent);
}

static void store_bulks(struct unit *u, size_t *sent) {
    struct pg_rows rows = {.statement = SQL_UNIT_STORE_BULK};
    for (const struct object *o = u->objects[UNIT_BULKS]; o != NULL; o = o->next) {
        const struct unit_bulk *b = o->p;
        if (b->failures == b->stored_failures)
            continue;
        postgres_row(&rows, b->workspace->id, b->txn);
        pg_cell_int(&rows, b->failures);
    }
    postgres_rows_send(&rows, u, sent);
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
        struct pg_rows rows = {.statement = SQL_UNIT_STORE_ROOM_TOUCH};
        char by_text[24], modified_text[24];
        int64_t modified_us = 0;
        for (const struct object *o = u->objects[UNIT_ROOMS]; o != NULL; o = o->next) {
            const struct unit_resource *r = o->p;
            if (versions_gone_on(r) != by)
                continue;
            postgres_row(&rows, r->workspace->id, r->id);
            modified_us = r->modified_us; /* the same in the whole batch */
        }
        const char *more[] = {number_text(by_text, by), number_text(modified_text, modified_us)};
        *sent += pg_rows_queue(&rows, u->store.at, more);
    }
}

static void store_members(struct unit *u, size_t *sent) {
    struct pg_rows changed = {.statement = SQL_UNIT_STORE_MEMBER_UPDATE},
                   made = {.statement = SQL_UNIT_STORE_MEMBER_INSERT};
    for (const struct object *o = u->objects[UNIT_MEMBERS]; o != NULL; o = o->next) {
        const struct unit_member *m = o->p;
        if (!m->present || (m->was_present && m->was_held == m->held && m->was_transmit == m->transmit))
            continue;
        struct pg_rows *rows = m->was_present ? &changed : &made;
        postgres_row(rows, m->room->workspace->id, m->room->id);
        pg_cell_text(rows, m->user->id);
        pg_cell_bool(rows, m->transmit);
        pg_cell_bool(rows, m->held);
    }
    postgres_rows_send(&changed, u, sent);
    postgres_rows_send(&made, u, sent);
}

static void store_claims(struct unit *u, size_t *sent) {
    struct pg_rows made = {.statement = SQL_UNIT_STORE_CLAIMS},
                   emitted = {.statement = SQL_UNIT_STORE_CLAIMS_EMITTED};
    for (const struct object *o = u->objects[UNIT_CLAIMS]; o != NULL; o = o->next) {
        const struct unit_claim_row *c = o->p;
        if (c->emits)
            postgres_row(&emitted, c->workspace->id, c->txn);
        if (!c->fresh)
            continue;
        postgres_row(&made, c->workspace->id, c->txn);
        pg_cell_text(&made, c->type);
        pg_cell_text(&made, c->claim.outcome);
        pg_cell_text(&made, c->claim.event);
    }
    postgres_rows_send(&made, u, sent);
    postgres_rows_send(&emitted, u, sent);
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
