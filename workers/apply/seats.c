#include "workers/apply/seats.h"

#include <inttypes.h>
#include <string.h>

static bool on_first_login(const struct decision *d) {
    return strcmp(d->workspace->settings.seat_mode, "on_first_login") == 0;
}

enum err_code seat_wanted(struct decision *d, const struct unit_resource *r, bool active, bool *wanted) {
    *wanted = active;
    if (!active || !on_first_login(d))
        return ERR_OK;
    const struct unit_login *l = r != NULL ? unit_login(d->unit, d->workspace, r->id) : NULL;
    if (r != NULL && l == NULL)
        return decision_db_error(d);
    *wanted = l != NULL && row_alive(l->state);
    return ERR_OK;
}

enum err_code seat_check(struct decision *d) {
    const struct unit_workspace *w = d->workspace;
    if (w->settings.seats < 0 || w->seats_used < w->settings.seats)
        return ERR_OK;
    return err_set(&d->err, ERR_SEATS, "No seat is left: %" PRId64 " of %" PRId64 " are used", w->seats_used,
                   w->settings.seats);
}

void seat_set(struct decision *d, struct unit_resource *r, bool seat) {
    if (r->seat == seat)
        return;
    r->seat = seat;
    d->workspace->seats_used += seat ? 1 : -1;
    struct audit_target target = decision_target(r);
    decision_audit(d, seat ? ACTION_SEAT_TAKEN : ACTION_SEAT_FREED, &target, NULL, NULL, NULL, 0);
}

/* The first login takes the seat or is refused; later ones only note the time. What clients see of the user
 * as a resource does not change: no version, no event. */
enum err_code apply_user_login(struct decision *d) {
    const struct command *c = d->command;
    int64_t at = json_integer_value(json_object_get(c->resource, "at"));
    struct unit_resource *r = unit_resource(d->unit, d->workspace, c->rt, c->id.s);
    if (r == NULL)
        return decision_db_error(d);
    if (!row_alive(r->state))
        return err_set(&d->err, ERR_NOT_FOUND, "User %s does not exist", c->id.s);
    if (!r->active)
        return err_set(&d->err, ERR_FORBIDDEN, "User %s is deactivated", r->id);
    struct unit_login *l = unit_login(d->unit, d->workspace, r->id);
    if (l == NULL)
        return decision_db_error(d);
    if (on_first_login(d) && !r->seat && seat_check(d) != ERR_OK)
        return d->err.code;
    if (at <= 0 || at > d->now_us)
        at = d->now_us;
    if (!row_alive(l->state)) {
        struct audit_target target = decision_target(r);
        l->first_us = at;
        d->reply->first = true;
        decision_audit(d, ACTION_USER_LOGIN, &target, NULL, NULL, NULL, 0);
    }
    l->last_us = at > l->last_us ? at : l->last_us;
    l->times++;
    unit_row_touch(&l->state);
    if (on_first_login(d))
        seat_set(d, r, true);
    decision_reply_resource(d, r, false);
    return unit_error(d->unit, &d->err);
}
