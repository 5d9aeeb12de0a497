/* Large commands in PostgreSQL: what is asked of many rows at once, and the table of plans. */
#include "ops/runtime/jbuf.h"
#include "sql/pg_array.h"
#include "sql/unit/postgres.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum err_code postgres_see_members(struct unit *u, const struct unit_resource *room, bool names,
                                   struct unit_page *page, void (*fn)(const struct unit_seen *m, void *ctx),
                                   void *ctx, struct err *err) {
    char limit[24];
    const char *params[] = {room->workspace->id, room->id, page->after, limit};
    struct db_result *r;
    snprintf(limit, sizeof limit, "%zu", page->limit);
    if (db_run(u->store.at, names ? SQL_UNIT_SLICES_MEMBER_NAMES : SQL_UNIT_SLICES_MEMBER_IDS, params, &r,
               err) != ERR_OK)
        return err->code;
    page->n = db_rows(r);
    for (size_t row = 0; row < page->n; row++) {
        struct unit_seen m = {.id = db_text(r, row, 0), .held = db_bool(r, row, 1)};
        if (names) {
            m.name = postgres_text(r, row, 2);
            m.display_name = postgres_text(r, row, 3);
        }
        fn(&m, ctx);
    }
    if (page->n > 0)
        postgres_id(r, page->n - 1, 0, page->after);
    db_results_free(&r, 1);
    return ERR_OK;
}

enum err_code postgres_count_members(struct unit *u, const struct unit_resource *room, int64_t *n,
                                     struct err *err) {
    const char *params[] = {room->workspace->id, room->id};
    struct db_result *r;
    if (db_run(u->store.at, SQL_UNIT_SLICES_COUNT_MEMBERS, params, &r, err) != ERR_OK)
        return err->code;
    *n = db_int(r, 0, 0);
    db_results_free(&r, 1);
    return ERR_OK;
}

static int compare_ids(const void *a, const void *b) {
    return memcmp(a, b, sizeof(struct uuid_bytes));
}

static enum unit_known known_of(const struct db_result *r, size_t row) {
    if (db_is_null(r, row, 1))
        return UNIT_UNKNOWN;
    if (!db_is_null(r, row, 2))
        return db_bool(r, row, 2) ? UNIT_HELD : UNIT_MEMBER;
    return db_bool(r, row, 1) ? UNIT_ACTIVE : UNIT_INACTIVE;
}

enum err_code postgres_known_users(struct unit *u, const struct unit_workspace *w,
                                   const struct unit_resource *room, const struct uuid_bytes *ids, size_t n,
                                   enum unit_known *known, struct err *err) {
    struct jbuf list = {0};
    struct db_result *r;
    pg_array_uuids(&list, ids, n);
    const char *params[] = {w->id, room != NULL ? room->id : NULL, list.p};
    db_queue_bytes(u->store.at, SQL_UNIT_SLICES_KNOWN_USERS, params, list.n);
    enum err_code code = db_flush(u->store.at, &r, 1, NULL, err);
    jb_free(&list);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < n; i++)
        known[i] = UNIT_ACTIVE; /* unless it is said otherwise */
    for (size_t row = 0; row < db_rows(r); row++) {
        struct uuid_bytes id;
        const struct uuid_bytes *at =
            uuid_pack(db_text(r, row, 0), &id) ? bsearch(&id, ids, n, sizeof *ids, compare_ids) : NULL;
        if (at != NULL)
            known[at - ids] = known_of(r, row);
    }
    db_results_free(&r, 1);
    return ERR_OK;
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
    struct jbuf unknown = {0}, lists = {0};
    char partition[24], nremoves[24];
    struct uuid_bytes *ids = arena_alloc(u->arena, (p->nremoves + p->nadds + 1) * sizeof *ids);
    snprintf(partition, sizeof partition, "%d", p->partition);
    snprintf(nremoves, sizeof nremoves, "%zu", p->nremoves);
    pg_array_begin(&unknown);
    for (size_t i = 0; i < p->nunknown; i++)
        pg_array_text(&unknown, p->unknown[i]);
    pg_array_end(&unknown);
    if (p->nremoves > 0)
        memcpy(ids, p->removes, p->nremoves * sizeof *ids);
    if (p->nadds > 0)
        memcpy(ids + p->nremoves, p->adds, p->nadds * sizeof *ids);
    pg_array_uuids(&lists, ids, p->nremoves + p->nadds);
    const char *params[] = {w->id,
                            p->txn,
                            partition,
                            p->work,
                            id_or_null(p->hidden_room),
                            id_or_null(p->hidden_user),
                            p->user_gone ? "t" : "f",
                            unknown.p,
                            nremoves,
                            lists.p};
    db_queue_bytes(u->store.at, SQL_UNIT_SLICES_PLAN_INSERT, params, lists.n);
    jb_free(&unknown);
    jb_free(&lists);
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
