#include "workers/apply/seats.h"

#include <inttypes.h>
#include <string.h>

static bool on_first_login(const struct task *t) {
    return strcmp(t->workspace->settings.seat_mode, "on_first_login") == 0;
}

enum err_code seat_wanted(struct task *t, const struct unit_resource *r, bool active, bool *wanted) {
    *wanted = active;
    if (!active || !on_first_login(t))
        return ERR_OK;
    const struct unit_login *l = r != NULL ? unit_login(t->unit, t->workspace, r->id) : NULL;
    if (r != NULL && l == NULL)
        return task_db_error(t);
    *wanted = l != NULL && row_alive(l->state);
    return ERR_OK;
}

enum err_code seat_check(struct task *t) {
    const struct unit_workspace *w = t->workspace;
    if (w->settings.seats < 0 || w->seats_used < w->settings.seats)
        return ERR_OK;
    return err_set(&t->err, ERR_SEATS, "No seat is left: %" PRId64 " of %" PRId64 " are used", w->seats_used,
                   w->settings.seats);
}

void seat_set(struct task *t, struct unit_resource *r, bool seat) {
    if (r->seat == seat)
        return;
    r->seat = seat;
    t->workspace->seats_used += seat ? 1 : -1;
    struct audit_target target = task_target(r);
    task_audit(t, seat ? ACTION_SEAT_TAKEN : ACTION_SEAT_FREED, &target, NULL, NULL, NULL, 0);
}

/* The first login takes the seat or is refused; later ones only note the time. What clients see of the user
 * as a resource does not change: no version, no event. */
enum err_code apply_user_login(struct task *t) {
    const struct command *c = t->command;
    int64_t at = json_integer_value(json_object_get(c->resource, "at"));
    struct unit_resource *r = unit_resource(t->unit, t->workspace, c->rt, c->id.s);
    if (r == NULL)
        return task_db_error(t);
    if (!row_alive(r->state))
        return err_set(&t->err, ERR_NOT_FOUND, "User %s does not exist", c->id.s);
    if (!r->active)
        return err_set(&t->err, ERR_FORBIDDEN, "User %s is deactivated", r->id);
    struct unit_login *l = unit_login(t->unit, t->workspace, r->id);
    if (l == NULL)
        return task_db_error(t);
    if (on_first_login(t) && !r->seat && seat_check(t) != ERR_OK)
        return t->err.code;
    if (at <= 0 || at > t->now_us)
        at = t->now_us;
    if (!row_alive(l->state)) {
        struct audit_target target = task_target(r);
        l->first_us = at;
        t->reply->first = true;
        task_audit(t, ACTION_USER_LOGIN, &target, NULL, NULL, NULL, 0);
    }
    l->last_us = at > l->last_us ? at : l->last_us;
    l->times++;
    unit_row_touch(&l->state);
    if (on_first_login(t))
        seat_set(t, r, true);
    task_reply_resource(t, r, false);
    return unit_error(t->unit, &t->err);
}
