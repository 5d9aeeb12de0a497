/* Seats. Every active user has one; where seats are taken at the first login, every active user who has
 * logged in. What must stay true: the workspace's count is the number of users with a seat, and nothing takes
 * a seat beyond the limit, which an operator may lower below the count. */
#ifndef USHER_WORKERS_APPLY_SEATS_H
#define USHER_WORKERS_APPLY_SEATS_H

#include "workers/apply/decision.h"

/* Are seats taken at the first login? */
bool seat_on_first_login(const struct decision *d);
/* Sets *wanted: shall the user have a seat if it is active, or is not? r is NULL for a user that is being
 * made. */
enum err_code seat_wanted(struct decision *d, const struct unit_resource *r, bool active, bool *wanted);
/* ERR_SEATS, with used and limit, if no seat is left. */
enum err_code seat_check(struct decision *d);
/* Takes or frees the seat and counts it; nothing where the user has it, or has it not, already. Gives what
 * the record of the change is to say (decision_audit_user), so it comes before that record is made. What must
 * stay true: whatever it gives stands in exactly one record of the same transaction. */
USHER_MUST_CHECK enum audit_seat seat_set(struct decision *d, struct unit_resource *r, bool seat);
/* The record of a seat where no other record of the user is made in the transaction. */
void seat_audit(struct decision *d, const struct unit_resource *r, enum audit_seat seat);

#endif
