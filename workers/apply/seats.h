/* Seats: an active user's; where they are taken at the first login, those of active users who have logged in.
 * What must stay true: the workspace's count is the number of users with a seat, and no way in goes beyond
 * the limit, which an operator may lower below the count. */
#ifndef USHER_WORKERS_APPLY_SEATS_H
#define USHER_WORKERS_APPLY_SEATS_H

#include "workers/apply/decision.h"

/* Does the first login take the seat, and not the account alone? */
bool seat_on_first_login(const struct decision *d);
/* *wanted: has the user a seat, if active is this? r NULL: one that is made. */
enum err_code seat_wanted(struct decision *d, const struct unit_resource *r, bool active, bool *wanted);
/* Is one left? ERR_SEATS with used and limit. */
enum err_code seat_check(struct decision *d);
/* Takes or gives it back, counts, and records it; nothing where it is so already. */
void seat_set(struct decision *d, struct unit_resource *r, bool seat);

#endif
