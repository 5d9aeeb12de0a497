/* Large commands in PostgreSQL: what is asked of many rows at once, and the table of plans. */
#include "ops/runtime/jbuf.h"
#include "sql/pg_array.h"
#include "sql/unit/postgres.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDS_AT_ONCE 10000

enum err_code postgres_each_member(struct unit *u, const struct unit_resource *room, bool names,
                                   void (*fn)(const struct unit_seen *m, void *ctx), void *ctx,
                                   struct err *err) {
    const char *params[] = {room->workspace->id, room->id};
    struct db_result *r;
    if (db_run(u->store.at, names ? SQL_UNIT_SLICES_MEMBER_NAMES : SQL_UNIT_SLICES_MEMBER_IDS, params, &r,
               err) != ERR_OK)
        return err->code;
    for (size_t row = 0; row < db_rows(r); row++) {
        struct unit_seen m = {.id = db_text(r, row, 0), .held = db_bool(r, row, 1)};
        if (names) {
            m.name = postgres_text(r, row, 2);
            m.display_name = postgres_text(r, row, 3);
        }
        fn(&m, ctx);
    }
    db_results_free(&r, 1);
    return ERR_OK;
}

static void put_ids(struct jbuf *b, const struct uuid_bytes *ids, size_t n) {
    pg_array_begin(b);
    for (size_t i = 0; i < n; i++)
        pg_array_word(b, uuid_unpack(&ids[i]).s);
    pg_array_end(b);
}

static int compare_ids(const void *a, const void *b) {
    return memcmp(a, b, sizeof(struct uuid_bytes));
}

/* The ids are sorted. */
static void note_known(const struct db_result *r, const struct uuid_bytes *ids, size_t n,
                       enum unit_known *known) {
    for (size_t row = 0; row < db_rows(r); row++) {
        struct uuid_bytes id;
        const struct uuid_bytes *at =
            uuid_pack(db_text(r, row, 0), &id) ? bsearch(&id, ids, n, sizeof *ids, compare_ids) : NULL;
        if (at != NULL)
            known[at - ids] = db_bool(r, row, 1) ? UNIT_ACTIVE : UNIT_INACTIVE;
    }
}

enum err_code postgres_known_users(struct unit *u, const struct unit_workspace *w,
                                   const struct uuid_bytes *ids, size_t n, enum unit_known *known,
                                   struct err *err) {
    enum err_code code = ERR_OK;
    for (size_t at = 0; at < n && code == ERR_OK; at += IDS_AT_ONCE) {
        size_t some = n - at < IDS_AT_ONCE ? n - at : IDS_AT_ONCE;
        struct jbuf list = {0};
        struct db_result *r;
        put_ids(&list, ids + at, some);
        const char *params[] = {w->id, list.p};
        code = db_run(u->store.at, SQL_UNIT_SLICES_KNOWN_USERS, params, &r, err);
        jb_free(&list);
        if (code != ERR_OK)
            break;
        note_known(r, ids + at, some, known + at);
        db_results_free(&r, 1);
    }
    return code;
}

/* ---- plans ---- */

/* A list as JSON; none where the cursor is elsewhere. */
static const struct uuid_bytes *read_ids(struct unit *u, const char *text, size_t *n) {
    json_t *list = json_loads(text, JSON_DECODE_ANY, NULL), *id;
    struct uuid_bytes *ids = arena_alloc(u->arena, (json_array_size(list) + 1) * sizeof *ids);
    size_t i;
    *n = 0;
    json_array_foreach(list, i, id) {
        if (uuid_pack(json_string_value(id), &ids[*n]))
            (*n)++;
    }
    json_decref(list);
    return ids;
}

static const char *const *read_texts(struct unit *u, const char *text, size_t *n) {
    json_t *list = json_loads(text, JSON_DECODE_ANY, NULL), *item;
    const char **texts = arena_alloc(u->arena, (json_array_size(list) + 1) * sizeof *texts);
    size_t i;
    *n = json_array_size(list);
    json_array_foreach(list, i, item) {
        texts[i] = arena_strdup(u->arena, json_string_value(item));
    }
    json_decref(list);
    return texts;
}

enum err_code postgres_plan(struct unit *u, struct unit_workspace *w, size_t limit, struct unit_plan *plan,
                            bool *found, struct err *err) {
    char most[24];
    const char *params[] = {w->id, most};
    struct db_result *r;
    snprintf(most, sizeof most, "%zu", limit);
    if (db_run(u->store.at, SQL_UNIT_SLICES_PLAN, params, &r, err) != ERR_OK)
        return err->code;
    *found = db_rows(r) > 0;
    if (*found) {
        postgres_id(r, 0, 0, plan->txn);
        plan->partition = (int)db_int(r, 0, 1);
        plan->work = arena_strdup(u->arena, db_text(r, 0, 2));
        postgres_id(r, 0, 3, plan->hidden_room);
        postgres_id(r, 0, 4, plan->hidden_user);
        plan->user_gone = db_bool(r, 0, 5);
        plan->done = db_int(r, 0, 6);
        postgres_id(r, 0, 7, plan->after);
        plan->counted = db_int(r, 0, 8);
        plan->total = (size_t)(db_int(r, 0, 9) + db_int(r, 0, 10) + db_int(r, 0, 11));
        plan->removes = read_ids(u, db_text(r, 0, 12), &plan->nremoves);
        plan->adds = read_ids(u, db_text(r, 0, 13), &plan->nadds);
        plan->unknown = read_texts(u, db_text(r, 0, 14), &plan->nunknown);
    }
    db_results_free(&r, 1);
    return ERR_OK;
}

static const char *id_or_null(const char *id) {
    return id[0] != '\0' ? id : NULL;
}

static void insert_plan(struct unit *u, const struct unit_workspace *w) {
    const struct unit_plan *p = w->plan;
    struct jbuf removes = {0}, adds = {0}, unknown = {0};
    char partition[24];
    snprintf(partition, sizeof partition, "%d", p->partition);
    put_ids(&removes, p->removes, p->nremoves);
    put_ids(&adds, p->adds, p->nadds);
    pg_array_begin(&unknown);
    for (size_t i = 0; i < p->nunknown; i++)
        pg_array_text(&unknown, p->unknown[i]);
    pg_array_end(&unknown);
    const char *params[] = {w->id,
                            p->txn,
                            partition,
                            p->work,
                            id_or_null(p->hidden_room),
                            id_or_null(p->hidden_user),
                            p->user_gone ? "t" : "f",
                            removes.p,
                            adds.p,
                            unknown.p};
    db_queue(u->store.at, SQL_UNIT_SLICES_PLAN_INSERT, params);
    jb_free(&removes);
    jb_free(&adds);
    jb_free(&unknown);
}

static void store_plan(struct unit *u, const struct unit_workspace *w) {
    const struct unit_plan *p = w->plan;
    char done[24], counted[24];
    snprintf(done, sizeof done, "%" PRId64, p->done);
    snprintf(counted, sizeof counted, "%" PRId64, p->counted);
    const char *params[] = {w->id, done, p->after, counted};
    if (p->state == ROW_NEW)
        insert_plan(u, w);
    else
        db_queue(u->store.at,
                 p->state == ROW_DELETED ? SQL_UNIT_SLICES_PLAN_DELETE : SQL_UNIT_SLICES_PLAN_MOVE, params);
}

void postgres_store_plans(struct unit *u, size_t *sent) {
    for (const struct object *o = u->objects[UNIT_WORKSPACES]; o != NULL; o = o->next) {
        const struct unit_workspace *w = o->p;
        if (w->plan == NULL || w->plan->state == ROW_LOADED)
            continue;
        store_plan(u, w);
        (*sent)++;
    }
}
