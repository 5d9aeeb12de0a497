#include "workers/apply/seats.h"

#include <inttypes.h>
#include <string.h>

bool seat_on_first_login(const struct decision *d) {
    return strcmp(d->workspace->settings.seat_mode, "on_first_login") == 0;
}

enum err_code seat_wanted(struct decision *d, const struct unit_resource *r, bool active, bool *wanted) {
    *wanted = active;
    if (!active || !seat_on_first_login(d))
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

enum audit_seat seat_set(struct decision *d, struct unit_resource *r, bool seat) {
    if (r->seat == seat)
        return AUDIT_SEAT_SAME;
    r->seat = seat;
    d->workspace->seats_used += seat ? 1 : -1;
    return seat ? AUDIT_SEAT_TAKEN : AUDIT_SEAT_FREED;
}

void seat_audit(struct decision *d, const struct unit_resource *r, enum audit_seat seat) {
    if (seat == AUDIT_SEAT_SAME)
        return;
    decision_audit_user(d, seat == AUDIT_SEAT_TAKEN ? ACTION_SEAT_TAKEN : ACTION_SEAT_FREED, r,
                        AUDIT_SEAT_SAME, NULL, 0);
}
