/* Rooms (SCIM Groups): their members, and the events that say so. */
#include "workers/apply_members.h"
#include "workers/apply_resource.h"

#include <stdlib.h>
#include <string.h>

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
        bool all = deltas[i].kind == MEMBER_SET || deltas[i].kind == MEMBER_REMOVE_ALL ||
                   deltas[i].kind == MEMBER_REMOVE_IF;
        if (all && !unit_load_members(t->unit, room)) /* first: most of a list's users come with them */
            code = task_db_error(t);
        if (code == ERR_OK && (deltas[i].kind == MEMBER_ADD || deltas[i].kind == MEMBER_SET))
            code = members_resolve(t, deltas[i].ids, deltas[i].nids, &plan[i].list);
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

static bool carry_out_delta(struct task *t, struct unit_resource *room, struct delta_plan *p) {
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

static enum err_code check(struct change *c) {
    struct task *t = c->task;
    if (!c->after)
        return unit_load_members(t->unit, c->resource) ? ERR_OK : task_db_error(t);
    struct delta_plan *plan = arena_alloc(unit_arena(t->unit), (c->ndeltas + 1) * sizeof *plan);
    c->plan = plan;
    return plan_deltas(t, c->resource, c->deltas, c->ndeltas, plan);
}

/* It first loses its members, one event each. */
static void delete_room(struct change *c) {
    struct task *t = c->task;
    struct unit_resource *r = c->resource;
    for (struct unit_member *m = r->members; m; m = m->next_of_room)
        (void)member_remove(t, m, "room_deleted");
    struct record_room room = {r->id, r->name};
    struct audit_target target = task_target(r);
    record_room_deleted(&t->records, &room);
    task_audit(t, "room.deleted", &target, NULL, NULL, NULL, 0);
}

static void record_document(struct change *c) {
    struct task *t = c->task;
    struct record_room room = {c->resource->id, c->resource->name};
    struct audit_target target = task_target(c->resource);
    const char *from = resource_string(c->before, "displayName"), *action = "room.updated";
    if (!c->before) {
        record_room_created(&t->records, &room);
        action = "room.created";
    } else if (!from || strcmp(from, room.name) != 0) {
        record_room_renamed(&t->records, &room, from ? from : "");
        action = "room.renamed";
    }
    task_audit(t, action, &target, NULL, NULL, c->rows, c->nrows);
}

static void carry_out(struct change *c) {
    struct delta_plan *plan = c->plan;
    if (!c->after) {
        delete_room(c);
        return;
    }
    c->resource->active = true;
    if (!c->before)
        c->resource->members_complete = true;
    if (c->nrows)
        record_document(c);
    for (size_t i = 0; i < c->ndeltas; i++) {
        c->changed |= carry_out_delta(c->task, c->resource, &plan[i]);
        members_audit_unknown(c->task, c->resource, &plan[i].list);
    }
}

const struct resource_rules room_rules = {.name = "displayName", .check = check, .carry_out = carry_out};
