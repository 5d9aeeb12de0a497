/* Rooms (SCIM Groups): their members, and the events that say so. */
#include "schemas/resource/resource.h"
#include "workers/apply/change.h"
#include "workers/apply/mass_guard.h"
#include "workers/apply/members.h"

#include <stdlib.h>
#include <string.h>

/* ---- member deltas: resolved before anything changes, then carried out in order ---- */

struct delta_plan {
    const struct member_delta *delta;
    struct member_list list;
    bool transmit; /* of those who come */
};

static bool member_matches(const struct filter *f, const struct unit_resource *user) {
    json_t *element = json_pack("{s:s, s:s, s:s}", "value", user->id, "type", "User", "display",
                                user->display_name != NULL ? user->display_name : user->name);
    bool hit = element != NULL && filter_match_element(f, element);
    json_decref(element);
    return hit;
}

static int compare_users(const void *a, const void *b) {
    return strcmp((*(struct unit_resource *const *)a)->id, (*(struct unit_resource *const *)b)->id);
}

static bool stands_in(const struct member_list *sorted, struct unit_resource *user) {
    return bsearch(&user, sorted->users, sorted->n, sizeof *sorted->users, compare_users) != NULL;
}

static void sort_list(struct member_list *list) {
    qsort(list->users, list->n, sizeof *list->users, compare_users);
}

/* A member named by an id, if there is such a user; NULL otherwise. */
static struct unit_member *member_of(struct decision *d, struct unit_resource *room, const char *id) {
    struct unit_resource *user = unit_resource(d->unit, d->workspace, resource_type_of(RESOURCE_USER), id);
    return user != NULL && row_alive(user->state) ? unit_member(d->unit, room, user) : NULL;
}

/* Does the delta look at every member of the room? */
static bool delta_is_over_all(const struct member_delta *delta) {
    return delta->kind == MEMBER_SET || delta->kind == MEMBER_REMOVE_ALL || delta->kind == MEMBER_REMOVE_IF;
}

/* Does a delta that looks at every member remove this one? */
static bool delta_removes(const struct delta_plan *p, const struct unit_member *m) {
    switch (p->delta->kind) {
    case MEMBER_SET:
        return !stands_in(&p->list, m->user);
    case MEMBER_REMOVE_ALL:
        return true;
    case MEMBER_REMOVE_IF:
        return member_matches(p->delta->filter, m->user);
    case MEMBER_ADD:
    case MEMBER_REMOVE:
        break;
    }
    return false;
}

/* Loads what the delta is about, and finds the users that it adds. */
static enum err_code plan_delta(struct decision *d, struct unit_resource *room, struct delta_plan *p) {
    const struct member_delta *delta = p->delta;
    bool adds = delta->kind == MEMBER_ADD || delta->kind == MEMBER_SET;
    /* This comes first: it loads most users of the list too. */
    if (delta_is_over_all(delta) && !unit_load_members(d->unit, room))
        return decision_db_error(d);
    if (adds && members_resolve(d, delta->ids, delta->nids, &p->list) != ERR_OK)
        return d->err.code;
    if (delta->kind == MEMBER_SET)
        sort_list(&p->list);
    for (size_t i = 0; delta->kind == MEMBER_REMOVE && i < delta->nids; i++)
        unit_want_member(d->unit, d->workspace, room->id, delta->ids[i]);
    return ERR_OK;
}

/* ---- how many will go, each counted once ---- */

static int64_t count_once(struct unit_member *m) {
    if (m == NULL || !m->present || m->held || m->counted)
        return 0;
    m->counted = true;
    return 1;
}

static int64_t count_leaving(struct decision *d, struct unit_resource *room, const struct delta_plan *p) {
    const struct member_delta *delta = p->delta;
    int64_t n = 0;
    for (size_t i = 0; delta->kind == MEMBER_REMOVE && i < delta->nids; i++)
        n += count_once(member_of(d, room, delta->ids[i]));
    for (struct unit_member *m = room->members; m != NULL && delta_is_over_all(delta); m = m->next_of_room)
        if (m->present && delta_removes(p, m))
            n += count_once(m);
    return n;
}

/* ---- carrying out ---- */

/* Rows of the list that are there stay as they are. */
static bool carry_out_delta(struct decision *d, struct unit_resource *room, const struct delta_plan *p) {
    const struct member_delta *delta = p->delta;
    const char *reason = d->records.reason;
    bool changed = false;
    for (struct unit_member *m = room->members; m != NULL && delta_is_over_all(delta); m = m->next_of_room)
        if (m->present && delta_removes(p, m))
            changed |= member_remove(d, m, reason);
    for (size_t i = 0; delta->kind == MEMBER_REMOVE && i < delta->nids; i++)
        changed |= member_remove(d, member_of(d, room, delta->ids[i]), reason);
    for (size_t i = 0; i < p->list.n; i++)
        changed |= member_add(d, room, p->list.users[i], p->transmit, reason);
    return changed;
}

/* ---- changes ---- */

/* Counts only where the guard watches, because the list may be long. */
static enum err_code room_check_guard(struct change *c) {
    struct decision *d = c->decision;
    struct unit_resource *room = c->resource;
    struct delta_plan *plan = c->plan;
    int64_t n = 0;
    if (!mass_guard_watches(d) || c->before == NULL)
        return ERR_OK;
    for (size_t i = 0; c->after != NULL && i < c->ndeltas; i++)
        n += count_leaving(d, room, &plan[i]);
    for (struct unit_member *m = room->members; m != NULL; m = m->next_of_room) {
        n += c->after != NULL ? 0 : count_once(m);
        m->counted = false;
    }
    if (unit_error(d->unit, &d->err) != ERR_OK)
        return d->err.code;
    return mass_guard_pass(d, GUARD_MEMBERS, n);
}

static enum err_code room_check(struct change *c) {
    struct decision *d = c->decision;
    if (change_deletes(c))
        return unit_load_members(d->unit, c->resource) ? room_check_guard(c) : decision_db_error(d);
    struct delta_plan *plan = arena_alloc(unit_arena(d->unit), (c->ndeltas + 1) * sizeof *plan);
    c->plan = plan;
    for (size_t i = 0; i < c->ndeltas; i++) {
        plan[i].delta = &c->deltas[i];
        plan[i].transmit = c->transmit != NULL ? *c->transmit : d->workspace->settings.default_transmit;
        if (plan_delta(d, c->resource, &plan[i]) != ERR_OK)
            return d->err.code;
    }
    return room_check_guard(c);
}

/* First removes the members, with one event each. */
static void room_delete(struct change *c) {
    struct decision *d = c->decision;
    struct unit_resource *r = c->resource;
    for (struct unit_member *m = r->members; m != NULL; m = m->next_of_room)
        (void)member_remove(d, m, "room_deleted");
    struct record_room room = {r->id, r->name};
    struct audit_target target = decision_target(r);
    record_room_deleted(&d->records, &room);
    decision_audit(d, ACTION_ROOM_DELETED, &target, NULL, NULL, NULL, 0);
}

static void room_record_document(struct change *c) {
    struct decision *d = c->decision;
    struct record_room room = {c->resource->id, c->resource->name};
    struct audit_target target = decision_target(c->resource);
    const char *from = resource_string(c->before, "displayName");
    enum audit_action action = ACTION_ROOM_UPDATED;
    if (c->before == NULL) {
        record_room_created(&d->records, &room);
        action = ACTION_ROOM_CREATED;
    } else if (from == NULL || strcmp(from, room.name) != 0) {
        record_room_renamed(&d->records, &room, from != NULL ? from : "");
        action = ACTION_ROOM_RENAMED;
    }
    decision_audit(d, action, &target, NULL, NULL, c->rows, c->nrows);
}

static void room_carry_out(struct change *c) {
    struct delta_plan *plan = c->plan;
    if (c->after == NULL) {
        room_delete(c);
        return;
    }
    c->resource->active = true;
    if (c->before == NULL)
        c->resource->members_complete = true;
    if (c->nrows)
        room_record_document(c);
    for (size_t i = 0; i < c->ndeltas; i++) {
        c->members_changed |= carry_out_delta(c->decision, c->resource, &plan[i]);
        members_audit_unknown(c->decision, c->resource, &plan[i].list);
    }
}

const struct resource_rules room_rules = {
    .name = "displayName", .check = room_check, .carry_out = room_carry_out};
