/* Rooms (SCIM Groups): create, replace, patch, delete. */
#include "schemas/fold.h"
#include "schemas/resource.h"
#include "workers/apply_members.h"

#include <stdlib.h>
#include <string.h>

static const struct resource_type *room_type(void) {
    return resource_type_of(RESOURCE_ROOM);
}

static enum err_code name_check(struct task *t, const json_t *doc, const struct unit_resource *self) {
    const char *name = resource_string(doc, "displayName");
    if (!name)
        return err_set_path(&t->err, ERR_INVALID_VALUE, "displayName", "displayName is required");
    if (!t->workspace->unique_rooms)
        return ERR_OK;
    char *key = fold_text(name);
    bool taken = unit_name_taken(t->unit, t->workspace, room_type(), key, self);
    free(key);
    if (unit_error(t->unit, &t->err) != ERR_OK)
        return t->err.code;
    return taken ? err_set_path(&t->err, ERR_UNIQUENESS, "displayName",
                                "displayName \"%.200s\" is already in use", name)
                 : ERR_OK;
}

/* Borrowed texts of a JSON array of strings, in the unit's arena. */
static const char **id_texts(struct task *t, const json_t *ids, size_t *n) {
    const char **texts = arena_alloc(unit_arena(t->unit), (json_array_size(ids) + 1) * sizeof *texts);
    size_t i;
    json_t *id;
    *n = 0;
    json_array_foreach(ids, i, id) texts[(*n)++] = json_string_value(id);
    return texts;
}

enum err_code apply_room_create(struct task *t) {
    struct unit_resource *r =
        unit_resource(t->unit, t->workspace, resource_type_of(RESOURCE_ROOM), t->command->id.s);
    if (!r)
        return task_db_error(t);
    if (r->state != ROW_ABSENT)
        return err_set(&t->err, ERR_CONFLICT, "The id is already in use");
    const json_t *doc = t->command->resource;
    enum err_code code = name_check(t, doc, NULL);
    size_t n;
    const char **ids = id_texts(t, t->command->members, &n);
    struct member_list list;
    if (code == ERR_OK)
        code = members_resolve(t, ids, n, &list);
    if (code != ERR_OK)
        return code;
    r->created_us = t->now_us;
    r->active = true;
    task_bump(t, r, true);
    task_set_doc(t, r, doc);
    r->members_complete = true;
    struct record_room room = {r->id, r->name};
    record_room_created(&t->records, &room);
    struct resource_change *rows;
    size_t nrows = resource_diff(room_type(), NULL, doc, unit_arena(t->unit), &rows);
    struct audit_target target = task_target(r);
    task_audit(t, "room.created", &target, NULL, NULL, rows, nrows);
    for (size_t i = 0; i < list.n; i++)
        (void)member_add(t, r, list.users[i], t->records.reason);
    members_audit_unknown(t, r, &list);
    task_reply_resource(t, r, false);
    return ERR_OK;
}

static struct unit_resource *target_room(struct task *t) {
    struct unit_resource *r =
        unit_resource(t->unit, t->workspace, resource_type_of(RESOURCE_ROOM), t->command->id.s);
    if (!r)
        task_db_error(t);
    else if (!row_alive(r->state))
        err_set(&t->err, ERR_NOT_FOUND, "Group %s does not exist", t->command->id.s);
    else if (!unit_doc(t->unit, r))
        task_db_error(t);
    else
        return r;
    return NULL;
}

/* ---- member deltas: resolved before anything changes, then carried out in order ---- */

struct delta_plan {
    const struct member_delta *delta;
    struct member_list list;
};

static enum err_code plan_deltas(struct task *t, struct unit_resource *room,
                                 const struct member_delta *deltas, size_t n, struct delta_plan *plan) {
    for (size_t i = 0; i < n; i++) {
        enum err_code code = ERR_OK;
        plan[i].delta = &deltas[i];
        if (deltas[i].kind == MEMBER_ADD || deltas[i].kind == MEMBER_SET)
            code = members_resolve(t, deltas[i].ids, deltas[i].nids, &plan[i].list);
        bool all = deltas[i].kind == MEMBER_SET || deltas[i].kind == MEMBER_REMOVE_ALL ||
                   deltas[i].kind == MEMBER_REMOVE_IF;
        if (code == ERR_OK && all && !unit_load_members(t->unit, room))
            code = task_db_error(t);
        for (size_t k = 0; code == ERR_OK && deltas[i].kind == MEMBER_REMOVE && k < deltas[i].nids; k++)
            unit_want_member(t->unit, t->workspace, room->id, deltas[i].ids[k]);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

static int compare_users(const void *a, const void *b) {
    return strcmp((*(struct unit_resource *const *)a)->id, (*(struct unit_resource *const *)b)->id);
}

/* The wanted list becomes additions and removals of the rows that differ. */
static bool set_members(struct task *t, struct unit_resource *room, struct member_list *list) {
    bool changed = false;
    qsort(list->users, list->n, sizeof *list->users, compare_users);
    for (struct unit_member *m = room->members; m; m = m->next_of_room)
        if (m->present && !bsearch(&m->user, list->users, list->n, sizeof *list->users, compare_users))
            changed |= member_remove(t, m, t->records.reason);
    for (size_t i = 0; i < list->n; i++)
        changed |= member_add(t, room, list->users[i], t->records.reason);
    return changed;
}

static bool matches(const struct filter *f, const struct unit_resource *user) {
    json_t *element = json_pack("{s:s, s:s, s:s}", "value", user->id, "type", "User", "display",
                                user->display_name ? user->display_name : user->name);
    bool hit = element && filter_match_element(f, element);
    json_decref(element);
    return hit;
}

static bool carry_out(struct task *t, struct unit_resource *room, struct delta_plan *p) {
    bool changed = false;
    const struct member_delta *d = p->delta;
    if (d->kind == MEMBER_SET)
        return set_members(t, room, &p->list);
    for (size_t i = 0; d->kind == MEMBER_ADD && i < p->list.n; i++)
        changed |= member_add(t, room, p->list.users[i], t->records.reason);
    for (size_t i = 0; d->kind == MEMBER_REMOVE && i < d->nids; i++) {
        struct unit_resource *user =
            unit_resource(t->unit, t->workspace, resource_type_of(RESOURCE_USER), d->ids[i]);
        if (user && row_alive(user->state))
            changed |= member_remove(t, unit_member(t->unit, room, user), t->records.reason);
    }
    bool all = d->kind == MEMBER_REMOVE_ALL || d->kind == MEMBER_REMOVE_IF;
    for (struct unit_member *m = all ? room->members : NULL; m; m = m->next_of_room)
        if (d->kind == MEMBER_REMOVE_ALL || (m->present && matches(d->filter, m->user)))
            changed |= member_remove(t, m, t->records.reason);
    return changed;
}

/* ---- changes ---- */

static void change_doc(struct task *t, struct unit_resource *r, const json_t *after,
                       const struct resource_change *rows, size_t n) {
    const char *from = r->name;
    task_set_doc(t, r, after);
    bool renamed = strcmp(from, r->name) != 0;
    struct audit_target target = task_target(r);
    struct record_room room = {r->id, r->name};
    if (renamed)
        record_room_renamed(&t->records, &room, from);
    task_audit(t, renamed ? "room.renamed" : "room.updated", &target, NULL, NULL, rows, n);
}

static enum err_code room_change(struct task *t, struct unit_resource *r, const json_t *before,
                                 const json_t *after, const struct member_delta *deltas, size_t ndeltas) {
    struct resource_change *rows;
    size_t n = resource_diff(room_type(), before, after, unit_arena(t->unit), &rows);
    struct delta_plan *plan = arena_alloc(unit_arena(t->unit), (ndeltas + 1) * sizeof *plan);
    enum err_code code = n ? name_check(t, after, r) : ERR_OK;
    if (code == ERR_OK)
        code = plan_deltas(t, r, deltas, ndeltas, plan);
    if (code != ERR_OK)
        return code;
    bool changed = n > 0;
    if (n)
        change_doc(t, r, after, rows, n);
    for (size_t i = 0; i < ndeltas; i++) {
        changed |= carry_out(t, r, &plan[i]);
        members_audit_unknown(t, r, &plan[i].list);
    }
    if (changed)
        task_bump(t, r, n > 0);
    task_reply_resource(t, r, false);
    return unit_error(t->unit, &t->err);
}

enum err_code apply_room_replace(struct task *t) {
    struct unit_resource *r = target_room(t);
    if (!r)
        return t->err.code;
    json_t *before = task_parse(r->doc), *after = NULL;
    enum err_code code =
        resource_replace(room_type(), before, t->command->resource, t->command->cleared, &after, &t->err);
    struct member_delta set = {.kind = MEMBER_SET};
    if (t->command->members)
        set.ids = id_texts(t, t->command->members, &set.nids);
    if (code == ERR_OK)
        code = room_change(t, r, before, after, &set, t->command->members ? 1 : 0);
    json_decref(before);
    json_decref(after);
    return code;
}

enum err_code apply_room_patch(struct task *t) {
    struct unit_resource *r = target_room(t);
    if (!r)
        return t->err.code;
    json_t *before = task_parse(r->doc), *after = json_deep_copy(before);
    struct member_delta *deltas;
    size_t n;
    enum err_code code = patch_apply(room_type(), t->command->dialect, t->command->ops, after,
                                     unit_arena(t->unit), &deltas, &n, &t->err);
    if (code == ERR_OK)
        code = room_change(t, r, before, after, deltas, n);
    json_decref(before);
    json_decref(after);
    return code;
}

/* It first loses its members, one event each. */
enum err_code apply_room_delete(struct task *t) {
    struct unit_resource *r = target_room(t);
    if (!r)
        return t->err.code;
    if (!unit_load_members(t->unit, r))
        return task_db_error(t);
    for (struct unit_member *m = r->members; m; m = m->next_of_room)
        (void)member_remove(t, m, "room_deleted");
    struct record_room room = {r->id, r->name};
    struct audit_target target = task_target(r);
    record_room_deleted(&t->records, &room);
    task_audit(t, "room.deleted", &target, NULL, NULL, NULL, 0);
    unit_delete(r);
    return ERR_OK;
}
