/* Users: create, replace, patch, delete; seats; what a change of `active` does to rooms. */
#include "schemas/fold.h"
#include "schemas/patch.h"
#include "schemas/resource.h"
#include "workers/apply_members.h"

#include <stdlib.h>
#include <string.h>

static const struct resource_type *user_type(void) {
    return resource_type_of(RESOURCE_USER);
}

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

static enum err_code name_check(struct task *t, const json_t *doc, const struct unit_resource *self) {
    const char *name = resource_string(doc, "userName");
    if (!name)
        return err_set_path(&t->err, ERR_INVALID_VALUE, "userName", "userName is required");
    char *key = fold_text(name);
    bool taken = unit_name_taken(t->unit, t->workspace, user_type(), key, self);
    free(key);
    if (unit_error(t->unit, &t->err) != ERR_OK)
        return t->err.code;
    return taken ? err_set_path(&t->err, ERR_UNIQUENESS, "userName", "userName \"%.200s\" is already in use",
                                name)
                 : ERR_OK;
}

enum err_code apply_user_create(struct task *t) {
    struct unit_resource *r =
        unit_resource(t->unit, t->workspace, resource_type_of(RESOURCE_USER), t->command->id.s);
    if (!r)
        return task_db_error(t);
    if (r->state != ROW_ABSENT)
        return err_set(&t->err, ERR_CONFLICT, "The id is already in use");
    json_t *doc = t->command->resource;
    resource_default(user_type(), doc);
    bool active = resource_active(doc);
    enum err_code code = name_check(t, doc, NULL);
    if (code == ERR_OK && seat_wanted(t, active))
        code = seat_check(t);
    if (code != ERR_OK)
        return code;
    r->active = active;
    r->created_us = t->now_us;
    task_set_doc(t, r, doc);
    task_bump(t, r, true);
    struct resource_change *rows;
    size_t n = resource_diff(user_type(), NULL, doc, unit_arena(t->unit), &rows);
    struct audit_target target = task_target(r);
    task_audit(t, "user.created", &target, NULL, NULL, rows, n);
    unit_rename(t->unit, r, r->name, r->name_key); /* it has its id now */
    seat_set(t, r, seat_wanted(t, active));
    task_reply_resource(t, r, true);
    return ERR_OK;
}

/* ---- changes ---- */

static void audit_changes(struct task *t, const struct unit_resource *r, struct resource_change *rows,
                          size_t n, bool was_active) {
    struct audit_target target = task_target(r);
    size_t rest = 0;
    for (size_t i = 0; i < n; i++) /* the switch has an action of its own */
        if (was_active == r->active || strcmp(rows[i].path, "active") != 0)
            rows[rest++] = rows[i];
    if (rest)
        task_audit(t, "user.updated", &target, NULL, NULL, rows, rest);
    if (was_active != r->active)
        task_audit_json(t, r->active ? "user.reactivated" : "user.deactivated", &target,
                        r->active ? "[{\"path\":\"active\",\"op\":\"replace\",\"from\":false,\"to\":true}]"
                                  : "[{\"path\":\"active\",\"op\":\"replace\",\"from\":true,\"to\":false}]");
}

/* From the stored document to the new one, whatever way it was made. */
static enum err_code user_change(struct task *t, struct unit_resource *r, const json_t *before,
                                 const json_t *after) {
    struct resource_change *rows;
    size_t n = resource_diff(user_type(), before, after, unit_arena(t->unit), &rows);
    if (n == 0) {
        task_reply_resource(t, r, true);
        return ERR_OK;
    }
    bool was_active = r->active, active = resource_active(after);
    enum err_code code = name_check(t, after, r);
    if (code == ERR_OK && active && !was_active && seat_wanted(t, true))
        code = seat_check(t);
    if (code == ERR_OK && active != was_active && !unit_load_rooms(t->unit, r))
        code = task_db_error(t);
    if (code != ERR_OK)
        return code;
    r->active = active;
    task_set_doc(t, r, after);
    task_bump(t, r, true);
    audit_changes(t, r, rows, n, was_active);
    if (was_active && !active) {
        members_leave_all(t, r, "user_deactivated", t->workspace->restore_rooms);
        seat_set(t, r, false);
    } else if (active && !was_active) {
        seat_set(t, r, seat_wanted(t, true));
        members_return(t, r);
    }
    task_reply_resource(t, r, true);
    return ERR_OK;
}

static struct unit_resource *target_user(struct task *t) {
    struct unit_resource *r =
        unit_resource(t->unit, t->workspace, resource_type_of(RESOURCE_USER), t->command->id.s);
    if (!r)
        task_db_error(t);
    else if (!row_alive(r->state))
        err_set(&t->err, ERR_NOT_FOUND, "User %s does not exist", t->command->id.s);
    else
        return r;
    return NULL;
}

static void drop(void *json) {
    json_decref(json);
}

/* The stored document of the user that the command is about; NULL: the task's error says why. It lives as
 * long as the unit. */
static const json_t *stored_document(struct task *t, struct unit_resource **r) {
    *r = target_user(t);
    if (!*r)
        return NULL;
    const char *text = unit_doc(t->unit, *r);
    if (!text) {
        task_db_error(t);
        return NULL;
    }
    json_t *doc = task_parse(text);
    arena_defer(unit_arena(t->unit), drop, doc);
    return doc;
}

enum err_code apply_user_replace(struct task *t) {
    struct unit_resource *r;
    const json_t *before = stored_document(t, &r);
    json_t *after = NULL;
    if (!before)
        return t->err.code;
    enum err_code code =
        resource_replace(user_type(), before, t->command->resource, t->command->cleared, &after, &t->err);
    if (code == ERR_OK)
        code = user_change(t, r, before, after);
    json_decref(after);
    return code;
}

enum err_code apply_user_patch(struct task *t) {
    struct unit_resource *r;
    const json_t *before = stored_document(t, &r);
    if (!before)
        return t->err.code;
    json_t *after = json_deep_copy(before);
    struct member_delta *deltas;
    size_t ndeltas;
    enum err_code code = patch_apply(user_type(), t->command->dialect, t->command->ops, after,
                                     unit_arena(t->unit), &deltas, &ndeltas, &t->err);
    if (code == ERR_OK)
        code = user_change(t, r, before, after);
    json_decref(after);
    return code;
}

enum err_code apply_user_delete(struct task *t) {
    struct unit_resource *r = target_user(t);
    if (!r)
        return t->err.code;
    if (!unit_load_rooms(t->unit, r))
        return task_db_error(t);
    struct audit_target target = task_target(r);
    members_leave_all(t, r, "user_deleted", false);
    seat_set(t, r, false);
    task_audit(t, "user.deleted", &target, NULL, NULL, NULL, 0);
    unit_delete(r);
    return ERR_OK;
}
