/* Users: seats, and what a change of `active` does to rooms. */
#include "schemas/resource.h"
#include "workers/apply_members.h"
#include "workers/apply_resource.h"

#include <string.h>

/* ---- seats: a seat is an active user; where seats are taken at first login, creation takes none ---- */

static bool seat_wanted(const struct task *t, bool active) {
    return active && strcmp(t->workspace->seat_mode, "on_provision") == 0;
}

static enum err_code seat_check(struct task *t) {
    const struct unit_workspace *w = t->workspace;
    if (w->seats_limit < 0 || w->seats_used < w->seats_limit)
        return ERR_OK;
    return err_set(&t->err, ERR_SEATS, "No seat is left: %lld of %lld are used", (long long)w->seats_used,
                   (long long)w->seats_limit);
}

static void seat_set(struct task *t, struct unit_resource *r, bool seat) {
    if (r->seat == seat)
        return;
    r->seat = seat;
    t->workspace->seats_used += seat ? 1 : -1;
    struct audit_target target = task_target(r);
    task_audit(t, seat ? "seat.taken" : "seat.freed", &target, NULL, NULL, NULL, 0);
}

static enum err_code check(struct change *c) {
    struct task *t = c->task;
    struct unit_resource *r = c->resource;
    bool was_active = c->before && r->active, active = c->after && resource_active(c->after);
    if (active && !was_active && seat_wanted(t, true) && seat_check(t) != ERR_OK)
        return t->err.code;
    if (c->before && (!c->after || active != was_active) && !unit_load_rooms(t->unit, r))
        return task_db_error(t);
    return ERR_OK;
}

static void audit_changes(struct change *c, bool was_active) {
    struct unit_resource *r = c->resource;
    struct audit_target target = task_target(r);
    size_t rest = 0;
    struct resource_change *rows = arena_alloc(unit_arena(c->task->unit), (c->nrows + 1) * sizeof *rows);
    for (size_t i = 0; i < c->nrows; i++) /* the switch has an action of its own */
        if (was_active == r->active || strcmp(c->rows[i].path, "active") != 0)
            rows[rest++] = c->rows[i];
    if (rest)
        task_audit(c->task, "user.updated", &target, NULL, NULL, rows, rest);
    if (was_active != r->active)
        task_audit_json(c->task, r->active ? "user.reactivated" : "user.deactivated", &target,
                        r->active ? "[{\"path\":\"active\",\"op\":\"replace\",\"from\":false,\"to\":true}]"
                                  : "[{\"path\":\"active\",\"op\":\"replace\",\"from\":true,\"to\":false}]");
}

static void carry_out(struct change *c) {
    struct task *t = c->task;
    struct unit_resource *r = c->resource;
    struct audit_target target = task_target(r);
    if (!c->after) {
        members_leave_all(t, r, "user_deleted", false);
        seat_set(t, r, false);
        task_audit(t, "user.deleted", &target, NULL, NULL, NULL, 0);
        return;
    }
    bool was_active = r->active;
    r->active = resource_active(c->after);
    if (!c->before) {
        task_audit(t, "user.created", &target, NULL, NULL, c->rows, c->nrows);
        seat_set(t, r, seat_wanted(t, r->active));
        return;
    }
    audit_changes(c, was_active);
    if (was_active && !r->active) {
        members_leave_all(t, r, "user_deactivated", t->workspace->restore_rooms);
        seat_set(t, r, false);
    } else if (r->active && !was_active) {
        seat_set(t, r, seat_wanted(t, true));
        members_return(t, r);
    }
}

const struct resource_rules user_rules = {
    .name = "userName", .answered = true, .check = check, .carry_out = carry_out};
