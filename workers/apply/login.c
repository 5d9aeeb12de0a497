#include "workers/apply/login.h"

#include "workers/apply/seats.h"

void announce_login(struct unit *u, struct unit_workspace *w, const struct command *c) {
    unit_want_resource(u, w, c->rt, c->id.s, false);
    unit_want_login(u, w, c->id.s);
}

/* The first one is on record, with the seat that it takes. */
static void note_login(struct decision *d, struct unit_resource *r, struct unit_login *l) {
    int64_t at = json_integer_value(json_object_get(d->command->resource, "at"));
    if (at <= 0 || at > d->now_us)
        at = d->now_us;
    enum audit_seat seat = seat_on_first_login(d) ? seat_set(d, r, true) : AUDIT_SEAT_SAME;
    if (row_alive(l->state)) {
        seat_audit(d, r, seat);
    } else {
        l->first_us = at;
        d->reply->first = true;
        decision_audit_user(d, ACTION_USER_LOGIN, r, seat, NULL, 0);
    }
    l->last_us = at > l->last_us ? at : l->last_us;
    l->times++;
    unit_row_touch(&l->state);
}

/* The first login takes the seat or is refused; later ones only note the time. The user as a resource does
 * not change: no version, no event. */
enum err_code apply_user_login(struct decision *d) {
    const struct command *c = d->command;
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
    if (seat_on_first_login(d) && !r->seat && seat_check(d) != ERR_OK)
        return d->err.code;
    note_login(d, r, l);
    decision_reply_resource(d, r, false);
    return unit_error(d->unit, &d->err);
}
