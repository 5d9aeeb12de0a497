/* Memberships: row deltas, never a whole list. */
#ifndef USHER_WORKERS_APPLY_MEMBERS_H
#define USHER_WORKERS_APPLY_MEMBERS_H

#include "schemas/patch/patch.h"
#include "workers/apply/decision.h"

/* Checks the ids of a delta's list: unknown users are ERR_INVALID_VALUE naming them, with nothing applied;
 * under dialect okta they are left out of the list (and counted: *unknown, in the unit's arena), but for a
 * list for a room that is there of which nobody is known: it says nothing, least of all that the room is to
 * be empty. Fills *users with the known ones. */
struct member_list {
    struct unit_resource **users;
    size_t n;
    const char **unknown;
    size_t nunknown;
};
enum err_code members_resolve(struct decision *d, const char *const *ids, size_t n, struct member_list *out);

/* Each does nothing where nothing changes (idempotent), records what changed, and says whether the room's
 * visible members changed. */
bool member_add(struct decision *d, struct unit_resource *room, struct unit_resource *user, bool transmit,
                const char *reason);
bool member_remove(struct decision *d, struct unit_member *m, const char *reason);
/* Of one who is a member, or is held. */
void member_set_transmit(struct decision *d, struct unit_member *m, bool transmit);
void members_audit_unknown(struct decision *d, const struct unit_resource *room,
                           const struct member_list *list);
/* All rooms of a user at once. The rooms must be loaded (unit_load_rooms). */
void members_leave_all(struct decision *d, struct unit_resource *user, const char *reason, bool hold);
void members_return(struct decision *d, struct unit_resource *user);

#endif
