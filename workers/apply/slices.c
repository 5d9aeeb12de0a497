#include "workers/apply/slices.h"

#include "ops/runtime/failpoint.h"
#include "workers/apply/members.h"
#include "workers/apply/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* One slice of a command under way. */
struct work {
    struct decision *decision;
    struct plan plan;
    struct unit_plan *stored;
    size_t limit;
    size_t n; /* rows that were looked at */
    bool last;
};

static const struct resource_type *users(void) {
    return resource_type_of(RESOURCE_USER);
}

static struct unit_resource *work_room(struct work *x) {
    return unit_resource(x->decision->unit, x->decision->workspace, resource_type_of(RESOURCE_ROOM),
                         x->plan.room);
}

static struct unit_resource *work_user(struct work *x) {
    return unit_resource(x->decision->unit, x->decision->workspace, users(), x->plan.user);
}

/* The next memberships of a room or a user, behind the cursor, which moves on. */
static bool work_next(struct work *x, struct unit_resource *r) {
    struct unit_page page = {.limit = x->limit};
    snprintf(page.after, sizeof page.after, "%s", x->stored->after);
    if (r == NULL || !unit_next_members(x->decision->unit, r, &page))
        return false;
    x->n = page.n;
    x->last = page.n < x->limit;
    snprintf(x->stored->after, sizeof x->stored->after, "%s", page.after);
    return true;
}

/* ---- the kinds ---- */

/* Announces all pairs, so that one round trip loads them. */
static void want_pairs(struct work *x, const struct uuid_bytes *ids, size_t n) {
    for (size_t i = 0; i < n; i++)
        unit_want_member(x->decision->unit, x->decision->workspace, x->plan.room, uuid_unpack(&ids[i]).s);
}

static struct unit_resource *work_member(struct work *x, const struct uuid_bytes *id) {
    return unit_resource(x->decision->unit, x->decision->workspace, users(), uuid_unpack(id).s);
}

static void slice_members(struct work *x) {
    struct decision *d = x->decision;
    const struct unit_plan *p = x->stored;
    struct member_list unknown = {.unknown = (const char **)(uintptr_t)p->unknown, .nunknown = p->nunknown};
    want_pairs(x, p->removes, p->nremoves);
    want_pairs(x, p->adds, p->nadds);
    struct unit_resource *room = work_room(x);
    if (room == NULL)
        return;
    for (size_t i = 0; i < p->nremoves && unit_error(d->unit, NULL) == ERR_OK; i++)
        (void)member_remove(d, unit_member(d->unit, room, work_member(x, &p->removes[i])), d->records.reason);
    for (size_t i = 0; i < p->nadds && unit_error(d->unit, NULL) == ERR_OK; i++)
        (void)member_add(d, room, work_member(x, &p->adds[i]), x->plan.transmit, d->records.reason);
    members_audit_unknown(d, room, &unknown);
    x->n = p->nremoves + p->nadds + p->nunknown;
    x->stored->done += (int64_t)x->n;
    x->last = x->stored->done >= (int64_t)p->total;
}

static void slice_room_delete(struct work *x) {
    struct decision *d = x->decision;
    struct unit_resource *room = work_room(x);
    if (!work_next(x, room))
        return;
    for (struct unit_member *m = room->members; m != NULL; m = m->next_of_room)
        (void)member_remove(d, m, "room_deleted");
    if (!x->last)
        return;
    members_record_room_deleted(d, room);
    unit_delete(room);
    d->workspace->rooms_more++; /* it went from the count when it was decided */
}

static void slice_user_leave(struct work *x) {
    struct unit_resource *user = work_user(x);
    if (work_next(x, user))
        members_leave_all(x->decision, user, "user_deactivated", x->plan.hold);
}

static void slice_user_return(struct work *x) {
    struct unit_resource *user = work_user(x);
    if (work_next(x, user))
        members_return(x->decision, user);
}

static void slice_user_delete(struct work *x) {
    struct decision *d = x->decision;
    struct unit_resource *user = work_user(x);
    if (!work_next(x, user))
        return;
    members_leave_all(d, user, "user_deleted", false);
    if (!x->last)
        return;
    decision_audit_user(d, ACTION_USER_DELETED, user, AUDIT_SEAT_SAME, NULL, 0);
    unit_delete(user);
    d->workspace->users_more++;
}

static void slice_seats(struct work *x) {
    struct decision *d = x->decision;
    struct unit_workspace *w = d->workspace;
    struct unit_page page = {.limit = x->limit};
    int64_t n = 0;
    snprintf(page.after, sizeof page.after, "%s", x->stored->after);
    if (!unit_next_seats(d->unit, w, &page, &n))
        return;
    x->n = page.n;
    x->last = page.n < x->limit;
    x->stored->counted += n;
    snprintf(x->stored->after, sizeof x->stored->after, "%s", page.after);
    if (!x->last)
        return;
    w->seats_used = x->stored->counted;
    decision_audit_recount(d, x->plan.before);
}

static void (*const slice_of[PLAN_KINDS])(struct work *x) = {
    [PLAN_MEMBERS] = slice_members,         [PLAN_ROOM_DELETE] = slice_room_delete,
    [PLAN_USER_LEAVE] = slice_user_leave,   [PLAN_USER_RETURN] = slice_user_return,
    [PLAN_USER_DELETE] = slice_user_delete, [PLAN_SEATS] = slice_seats,
};

/* ---- one transaction ---- */

static void slice_do(struct work *x, struct arena *texts, struct record_list *records) {
    struct decision *d = x->decision;
    d->now_us = x->plan.time_us;
    d->records = (struct record_context){.workspace = d->workspace->id,
                                         .txn = x->stored->txn,
                                         .actor = &x->plan.actor,
                                         .reason = x->plan.reason,
                                         .traceparent = x->plan.traceparent,
                                         .time_us = x->plan.time_us,
                                         .epoch = d->workspace->epoch,
                                         .membership_seq = &d->workspace->membership_seq,
                                         .audit_seq = &d->workspace->audit_seq,
                                         .events_seq = &d->workspace->events_seq,
                                         .arena = texts,
                                         .out = records};
    slice_of[x->plan.kind](x);
    x->stored->state = x->last ? ROW_DELETED : ROW_CHANGED;
}

/* What one try needs. */
struct attempt {
    struct unit *unit;
    struct rows *rows;
    bool committing; /* as of a batch */
};

static enum err_code slice_commit(const struct apply *a, struct attempt *t, const struct work *x,
                                  const struct record_list *records, struct err *err) {
    const struct row_source source = {x->decision->workspace->id, x->stored->txn, x->plan.traceparent,
                                      x->plan.offset};
    rows_carry(t->rows, x->stored->partition);
    rows_add(t->rows, x->stored->partition, &source, records->rows, records->n);
    rows_store(t->rows, t->unit);
    (void)failpoint("slice.before_commit");
    t->committing = true;
    if (unit_commit(t->unit, err) != ERR_OK)
        return err->code;
    a->committed(a->arg, rows_take(t->rows));
    return ERR_OK;
}

static enum err_code transact_slice(const struct apply *a, struct attempt *t, const char *workspace,
                                    size_t rows, struct arena *texts, struct slice *out, struct err *err) {
    struct unit_workspace *w = unit_want_workspace(t->unit, workspace);
    struct decision d = {.unit = t->unit, .workspace = w};
    struct work x = {.decision = &d, .limit = rows};
    out->records.n = 0; /* an attempt before may have left some */
    out->last = true;
    if (unit_begin(t->unit, err) != ERR_OK)
        return err->code;
    x.stored = unit_plan(t->unit, w, rows);
    if (x.stored == NULL)
        return unit_error(t->unit, err); /* another owner has done the rest */
    if (plan_read(x.stored, unit_arena(t->unit), &x.plan, err) != ERR_OK)
        return err->code;
    slice_do(&x, texts, &out->records);
    out->last = x.last;
    out->rows = x.n;
    if (unit_error(t->unit, err) != ERR_OK)
        return err->code;
    return slice_commit(a, t, &x, &out->records, err);
}

enum err_code apply_slice(const struct apply *a, const char *workspace, size_t rows, struct arena *texts,
                          struct slice *out, struct err *err) {
    for (int tries = 1;; tries++) {
        struct attempt t = {.unit = unit_new(a->store), .rows = rows_new(a->places)};
        enum err_code code = transact_slice(a, &t, workspace, rows, texts, out, err);
        bool unknown = code == ERR_DB_LOST && t.committing;
        unit_free(t.unit);
        rows_free(t.rows);
        if (err_class(code) != ERR_CLASS_RETRY || code == ERR_DB_FENCED || unknown ||
            !a->again(a->arg, tries))
            return code;
    }
}
