/* Users: role, seats, and what a change of `active` does to rooms. */
#include "schemas/resource/resource.h"
#include "schemas/types/schema_names.h"
#include "workers/apply/change.h"
#include "workers/apply/managed.h"
#include "workers/apply/mass_guard.h"
#include "workers/apply/members.h"
#include "workers/apply/plan.h"
#include "workers/apply/seats.h"

#include <stdlib.h>
#include <string.h>

/* ---- the role. A new user gets one, and a PUT without a role leaves it as it is. A PATCH may remove it:
 * then the user is a viewer, as with false. ---- */

static json_t *role_of(const json_t *doc) {
    return json_object_get(json_object_get(doc, SCHEMA_USHER_USER), "editor");
}

static void user_complete(struct change *c) {
    json_t *role = !change_makes(c)
                       ? role_of(c->before)
                       : json_boolean(strcmp(c->decision->workspace->settings.default_role, "editor") == 0);
    json_t *extension = json_object_get(c->after, SCHEMA_USHER_USER);
    if (role == NULL || role_of(c->after) != NULL || c->decision->command->type == COMMAND_USER_PATCH)
        return;
    if (extension == NULL) {
        extension = json_object();
        json_object_set_new(c->after, SCHEMA_USHER_USER, extension);
    }
    if (json_object_set(extension, "editor", role) != 0)
        abort();
    resource_tidy(c->resource->rt, c->after);
}

/* ---- checks ---- */

static enum err_code user_check_email(const struct change *c) {
    const char *now = resource_string(c->after, "userName"), *before = resource_string(c->before, "userName");
    bool given = before == NULL || strcmp(before, now) != 0;
    if (!c->decision->workspace->settings.require_email || !given || is_mail_shaped(now))
        return ERR_OK;
    return err_set_path(&c->decision->err, ERR_INVALID_VALUE, "userName",
                        "userName must be an e-mail address in this workspace");
}

/* Finds the seat that the user has afterwards. It changes only where the user is made or deleted, or `active`
 * changes. */
static enum err_code user_check_seat(struct change *c, bool active) {
    struct decision *d = c->decision;
    struct unit_resource *r = c->resource;
    c->seat = r->seat;
    if (!change_makes(c) && !change_deletes(c) && active == c->was_active)
        return ERR_OK;
    if (seat_wanted(d, change_makes(c) ? NULL : r, active, &c->seat) != ERR_OK)
        return d->err.code;
    return c->seat && !r->seat ? seat_check(d) : ERR_OK;
}

/* Loads the rooms that the user will leave or return to, and asks the guard where the user goes. */
static enum err_code user_check_rooms(struct change *c, bool active) {
    struct decision *d = c->decision;
    if (change_makes(c) || (!change_deletes(c) && active == c->was_active))
        return ERR_OK;
    if (!unit_load_members(d->unit, c->resource))
        return decision_db_error(d);
    c->sliced = !c->resource->members_complete;
    if (c->sliced && decision_alone(d) != ERR_OK)
        return d->err.code;
    return active ? ERR_OK : mass_guard_pass(d, GUARD_USERS, 1);
}

static enum err_code user_check(struct change *c) {
    bool active = !change_deletes(c) && resource_active(c->after);
    enum err_code code = change_deletes(c) ? ERR_OK : user_check_email(c);
    if (code == ERR_OK)
        code = user_check_seat(c, active);
    if (code == ERR_OK)
        code = user_check_rooms(c, active);
    return code;
}

/* ---- carrying out ---- */

static void audit_switch(const struct change *c, enum audit_seat seat) {
    bool active = c->resource->active;
    struct audit_change change = {
        .action = active ? ACTION_USER_REACTIVATED : ACTION_USER_DEACTIVATED,
        .seat = seat,
        .target = decision_target(c->resource),
        .outcome = "applied",
        .reason = managed_is_emergency(c->decision) ? "emergency" : NULL,
        .changes_json = active ? "[{\"path\":\"active\",\"op\":\"replace\",\"from\":false,\"to\":true}]"
                               : "[{\"path\":\"active\",\"op\":\"replace\",\"from\":true,\"to\":false}]"};
    record_audit_change(&c->decision->records, &change);
}

/* The seat stands with the switch that took or freed it. There is a record in any case: what has nothing to
 * write is not carried out (write_resource). */
static void user_audit(struct change *c, enum audit_seat seat) {
    struct unit_resource *r = c->resource;
    bool switched = c->was_active != r->active;
    size_t rest = 0;
    struct resource_change *rows = arena_alloc(unit_arena(c->decision->unit), (c->nrows + 1) * sizeof *rows);
    /* The change of `active` is recorded by an action of its own. */
    for (size_t i = 0; i < c->nrows; i++)
        if (!switched || strcmp(c->rows[i].path, "active") != 0)
            rows[rest++] = c->rows[i];
    if (rest > 0 || c->linked)
        decision_audit_user(c->decision, c->linked ? ACTION_USER_LINKED : ACTION_USER_UPDATED, r,
                            switched ? AUDIT_SEAT_SAME : seat, rows, rest);
    if (switched)
        audit_switch(c, seat);
}

static void user_made(struct change *c) {
    struct decision *d = c->decision;
    enum audit_seat seat = seat_set(d, c->resource, c->seat);
    decision_audit_user(d, ACTION_USER_CREATED, c->resource, seat, c->rows, c->nrows);
}

/* No door shows the user in any room from now on, unless he comes back. */
static struct unit_plan *user_begin_slices(struct change *c, enum plan_kind kind) {
    struct unit_resource *r = c->resource;
    struct unit_plan *p = plan_begin(
        c->decision,
        (struct plan){.kind = kind, .user = r->id, .hold = c->decision->workspace->settings.restore_rooms});
    if (kind != PLAN_USER_RETURN)
        memcpy(p->hidden_user, r->id, sizeof p->hidden_user);
    return p;
}

static void user_deleted(struct change *c) {
    struct decision *d = c->decision;
    enum audit_seat seat = seat_set(d, c->resource, false);
    if (c->sliced) {
        user_begin_slices(c, PLAN_USER_DELETE)->user_gone = true;
        d->workspace->users_more--;       /* the row goes with the last slice, and so comes the record … */
        seat_audit(d, c->resource, seat); /* … but the seat is free at once */
        return;
    }
    members_leave_all(d, c->resource, "user_deleted", false);
    decision_audit_user(d, ACTION_USER_DELETED, c->resource, seat, NULL, 0);
}

static void user_changed(struct change *c) {
    struct decision *d = c->decision;
    struct unit_resource *r = c->resource;
    user_audit(c, seat_set(d, r, c->seat));
    if (c->sliced)
        (void)user_begin_slices(c, r->active ? PLAN_USER_RETURN : PLAN_USER_LEAVE);
    else if (c->was_active && !r->active)
        members_leave_all(d, r, "user_deactivated", d->workspace->settings.restore_rooms);
    else if (r->active && !c->was_active)
        members_return(d, r);
}

static void user_carry_out(struct change *c) {
    if (change_deletes(c)) {
        user_deleted(c);
        return;
    }
    c->resource->active = resource_active(c->after);
    if (change_makes(c))
        user_made(c);
    else
        user_changed(c);
}

const struct resource_rules user_rules = {.name = "userName",
                                          .answered = true,
                                          .complete = user_complete,
                                          .check = user_check,
                                          .carry_out = user_carry_out};
