/* Memberships: row deltas, never a whole list. */
#ifndef USHER_WORKERS_APPLY_MEMBERS_H
#define USHER_WORKERS_APPLY_MEMBERS_H

#include "schemas/patch/patch.h"
#include "workers/apply/decision.h"

/* Finds the users of a list of ids: `users` are those who exist. An unknown id is ERR_INVALID_VALUE that
 * names it, and nothing is applied. Under dialect okta unknown ids are left out of the list and come back in
 * `unknown`. But a list for a room that exists of which no id is known is refused under okta too: it must not
 * empty the room. */
struct member_list {
    struct unit_resource **users;
    size_t n;
    const char **unknown;
    size_t nunknown;
};
/* ERR_OK where the list has no unknown ids, or they may be left out. */
enum err_code members_refuse_unknown(struct decision *d, const struct member_list *list);
enum err_code members_resolve(struct decision *d, const char *const *ids, size_t n, struct member_list *out);

/* Each does nothing where nothing would change, records what changed, and returns whether the visible members
 * of the room changed. */
bool member_add(struct decision *d, struct unit_resource *room, struct unit_resource *user, bool transmit,
                const char *reason);
bool member_remove(struct decision *d, struct unit_member *m, const char *reason);
/* For a member, also for one who is held. */
void member_set_transmit(struct decision *d, struct unit_member *m, bool transmit);
void members_audit_unknown(struct decision *d, const struct unit_resource *room,
                           const struct member_list *list);
/* Does a filter on members fit? display: the user's displayName, or NULL. */
bool member_matches(const struct filter *f, const char *id, const char *name, const char *display);
/* What is recorded when all members have left. */
void members_record_room_deleted(struct decision *d, const struct unit_resource *room);
/* All rooms of a user that are loaded. */
void members_leave_all(struct decision *d, struct unit_resource *user, const char *reason, bool hold);
void members_return(struct decision *d, struct unit_resource *user);

#endif
