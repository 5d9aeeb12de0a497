/* Large commands: what is asked of many rows without an object for each, and plans. */
#include "sql/unit/unit_private.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

size_t unit_slice_rows(const struct unit *u) {
    return u->store.slice_rows > 0 ? u->store.slice_rows : UNIT_SLICE_ROWS;
}

size_t unit_step_rows(const struct unit *u) {
    return u->store.step_rows > 0 ? u->store.step_rows : UNIT_STEP_ROWS;
}

/* A failed call of the backend has ended the transaction. */
static bool slices_answered(struct unit *u, enum err_code code) {
    u->begun = u->begun && code == ERR_OK;
    return code == ERR_OK;
}

struct unit_plan *unit_plan(struct unit *u, struct unit_workspace *w, size_t limit) {
    bool found = false;
    if (w->plan != NULL || w->sliced[0] == '\0' || u->err.code != ERR_OK)
        return w->plan;
    struct unit_plan *plan = arena_alloc(u->arena, sizeof *plan);
    if (slices_answered(u, u->store.backend->plan(u, w, limit, plan, &found, &u->err)) && found) {
        plan->state = ROW_LOADED;
        w->plan = plan;
    }
    return w->plan;
}

struct unit_plan *unit_plan_new(struct unit *u, struct unit_workspace *w, const char *txn, int partition) {
    assert(w->plan == NULL && w->sliced[0] == '\0');
    w->plan = arena_alloc(u->arena, sizeof *w->plan);
    w->plan->state = ROW_NEW;
    w->plan->partition = partition;
    snprintf(w->plan->txn, sizeof w->plan->txn, "%s", txn);
    snprintf(w->sliced, sizeof w->sliced, "%s", txn);
    return w->plan;
}

bool unit_next_members(struct unit *u, struct unit_resource *r, struct unit_page *page) {
    return u->err.code == ERR_OK && slices_answered(u, u->store.backend->members(u, r, page, &u->err));
}

/* One more than may be changed tells that there are others. */
bool unit_load_members(struct unit *u, struct unit_resource *r) {
    struct unit_page page = {.after = UUID_NIL, .limit = unit_slice_rows(u) + 1};
    if (r->members_complete)
        return u->err.code == ERR_OK;
    if (r->state != ROW_NEW && r->state != ROW_ABSENT && !unit_next_members(u, r, &page))
        return false;
    r->members_complete = page.n < page.limit;
    return u->err.code == ERR_OK;
}

bool unit_see_members(struct unit *u, const struct unit_resource *room, bool names, struct unit_page *page,
                      void (*fn)(const struct unit_seen *m, void *ctx), void *ctx) {
    return u->err.code == ERR_OK &&
           slices_answered(u, u->store.backend->see_members(u, room, names, page, fn, ctx, &u->err));
}

bool unit_known_users(struct unit *u, const struct unit_workspace *w, const struct unit_resource *room,
                      const struct uuid_bytes *ids, size_t n, enum unit_known *known) {
    return u->err.code == ERR_OK &&
           slices_answered(u, u->store.backend->known_users(u, w, room, ids, n, known, &u->err));
}

bool unit_count_members(struct unit *u, const struct unit_resource *room, int64_t *n) {
    return u->err.code == ERR_OK && slices_answered(u, u->store.backend->count_members(u, room, n, &u->err));
}

bool unit_next_seats(struct unit *u, struct unit_workspace *w, struct unit_page *page, int64_t *n) {
    bool on_login = strcmp(w->settings.seat_mode, "on_first_login") == 0;
    return u->err.code == ERR_OK &&
           slices_answered(u, u->store.backend->recount_seats(u, w, on_login, page, n, &u->err));
}
