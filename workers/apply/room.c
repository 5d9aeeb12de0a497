/* Rooms (SCIM Groups): their members, and the events that say so. */
#include "schemas/resource/resource.h"
#include "workers/apply/change.h"
#include "workers/apply/mass_guard.h"
#include "workers/apply/member_diff.h"
#include "workers/apply/members.h"
#include "workers/apply/plan.h"

#include <stdlib.h>
#include <string.h>

/* ---- member deltas: resolved before anything changes, then carried out in order ---- */

struct delta_plan {
    const struct member_delta *delta;
    struct member_list list;
    bool transmit; /* of those who come */
};

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

/* Does a delta that looks at every member remove this one? A list that is set says who is seen in the room.
 * Whoever is held is not seen, so a client that has read the room and writes it back does not name him, and
 * he stays. Only the empty list means him too (ops/DESIGN.md, "Decided points"). */
static bool delta_removes(const struct delta_plan *p, const struct unit_member *m) {
    switch (p->delta->kind) {
    case MEMBER_SET:
        return (!m->held || p->delta->nids == 0) && !stands_in(&p->list, m->user);
    case MEMBER_REMOVE_ALL:
        return true;
    case MEMBER_REMOVE_IF:
        return member_matches(p->delta->filter, m->user->id, m->user->name, m->user->display_name);
    case MEMBER_ADD:
    case MEMBER_REMOVE:
        break;
    }
    return false;
}

static bool delta_transmit(const struct change *c) {
    return c->transmit != NULL ? *c->transmit : c->decision->workspace->settings.default_transmit;
}

/* Loads what the delta is about, and finds the users that it adds. */
static enum err_code plan_delta(struct decision *d, struct unit_resource *room, struct delta_plan *p) {
    const struct member_delta *delta = p->delta;
    bool adds = delta->kind == MEMBER_ADD || delta->kind == MEMBER_SET;
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

/* ---- large changes: lists of ids, and no object for each member ---- */

/* More than one transaction may change? A list that is named counts, and a room that is looked at whole. */
static bool is_large(struct change *c) {
    struct decision *d = c->decision;
    size_t named = 0;
    bool over_all = change_deletes(c);
    for (size_t i = 0; i < c->ndeltas; i++) {
        named += c->deltas[i].nids;
        over_all |= delta_is_over_all(&c->deltas[i]);
    }
    if (named > unit_slice_rows(d->unit) || crowd_begun(d))
        return true;
    return over_all && unit_load_members(d->unit, c->resource) && !c->resource->members_complete;
}

/* Finds what changes, and how many the guard is to be asked for: once it is known whom it is about. */
static enum err_code plan_changes(struct change *c, int64_t *leaving) {
    struct decision *d = c->decision;
    struct member_diff *diff = arena_alloc(unit_arena(d->unit), sizeof *diff);
    if (decision_in_steps(d) != ERR_OK)
        return d->err.code;
    if (*d->crowd == NULL)
        *d->crowd = crowd_new();
    if (!crowd_gather(*d->crowd, d, c->resource, c->deltas, c->ndeltas))
        return decision_db_error(d);
    if (!(*d->crowd)->ready)
        return decision_next_step(d);
    if (member_diff_make(d, *d->crowd, c->deltas, c->ndeltas, diff) != ERR_OK)
        return d->err.code;
    c->diff = diff;
    c->sliced = diff->nremoves + diff->nadds + diff->nunknown > unit_slice_rows(d->unit);
    *leaving = (int64_t)diff->leaving;
    return ERR_OK;
}

static enum err_code plan_deletion(struct change *c, int64_t *leaving) {
    struct decision *d = c->decision;
    if (decision_alone(d) != ERR_OK)
        return d->err.code;
    c->sliced = true;
    return !mass_guard_watches(d) || unit_count_members(d->unit, c->resource, leaving) ? ERR_OK
                                                                                       : decision_db_error(d);
}

/* What a slice does, where one is enough. */
static void carry_out_few(struct change *c) {
    struct decision *d = c->decision;
    const struct member_diff *diff = c->diff;
    const struct resource_type *rt = resource_type_of(RESOURCE_USER);
    struct member_list unknown = {.unknown = (const char **)(uintptr_t)diff->unknown,
                                  .nunknown = diff->nunknown};
    bool transmit = delta_transmit(c);
    for (size_t i = 0; i < diff->nremoves; i++)
        unit_want_member(d->unit, d->workspace, c->resource->id, uuid_unpack(&diff->removes[i]).s);
    for (size_t i = 0; i < diff->nadds; i++)
        unit_want_member(d->unit, d->workspace, c->resource->id, uuid_unpack(&diff->adds[i]).s);
    for (size_t i = 0; i < diff->nremoves; i++)
        (void)member_remove(d, member_of(d, c->resource, uuid_unpack(&diff->removes[i]).s),
                            d->records.reason);
    for (size_t i = 0; i < diff->nadds && unit_error(d->unit, NULL) == ERR_OK; i++)
        (void)member_add(d, c->resource,
                         unit_resource(d->unit, d->workspace, rt, uuid_unpack(&diff->adds[i]).s), transmit,
                         d->records.reason);
    members_audit_unknown(d, c->resource, &unknown);
}

static void carry_out_diff(struct change *c) {
    const struct member_diff *diff = c->diff;
    c->members_changed = diff->leaving > 0 || diff->coming > 0;
    if (!c->sliced) {
        carry_out_few(c);
        return;
    }
    struct unit_plan *p = plan_begin(
        c->decision,
        (struct plan){.kind = PLAN_MEMBERS, .room = c->resource->id, .transmit = delta_transmit(c)});
    p->removes = diff->removes;
    p->nremoves = diff->nremoves;
    p->adds = diff->adds;
    p->nadds = diff->nadds;
    p->unknown = diff->unknown;
    p->nunknown = diff->nunknown;
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
    int64_t leaving = 0;
    bool large = is_large(c);
    if (unit_error(d->unit, &d->err) != ERR_OK)
        return d->err.code;
    if (large && (change_deletes(c) ? plan_deletion(c, &leaving) : plan_changes(c, &leaving)) != ERR_OK)
        return d->err.code;
    if (large)
        return mass_guard_pass(d, GUARD_MEMBERS, leaving);
    struct delta_plan *plan = arena_alloc(unit_arena(d->unit), (c->ndeltas + 1) * sizeof *plan);
    c->plan = plan;
    for (size_t i = 0; i < c->ndeltas; i++) {
        plan[i].delta = &c->deltas[i];
        plan[i].transmit = delta_transmit(c);
        if (plan_delta(d, c->resource, &plan[i]) != ERR_OK)
            return d->err.code;
    }
    return room_check_guard(c);
}

/* First removes the members, with one event each. */
static void room_delete(struct change *c) {
    struct decision *d = c->decision;
    struct unit_resource *r = c->resource;
    if (c->sliced) {
        struct unit_plan *p = plan_begin(d, (struct plan){.kind = PLAN_ROOM_DELETE, .room = r->id});
        memcpy(p->hidden_room, r->id, sizeof p->hidden_room);
        d->workspace->rooms_more--; /* its row goes with the last slice */
        return;
    }
    for (struct unit_member *m = r->members; m != NULL; m = m->next_of_room)
        (void)member_remove(d, m, "room_deleted");
    members_record_room_deleted(d, r);
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
    if (c->diff != NULL) {
        carry_out_diff(c);
        return;
    }
    for (size_t i = 0; i < c->ndeltas; i++) {
        c->members_changed |= carry_out_delta(c->decision, c->resource, &plan[i]);
        members_audit_unknown(c->decision, c->resource, &plan[i].list);
    }
}

const struct resource_rules room_rules = {
    .name = "displayName", .check = room_check, .carry_out = room_carry_out};
