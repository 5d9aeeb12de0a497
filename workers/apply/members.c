#include "workers/apply/members.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static struct record_room room_of(const struct unit_resource *r) {
    return (struct record_room){r->id, r->name};
}

static struct record_user user_of(const struct unit_resource *r) {
    return (struct record_user){r->id, r->name};
}

static void audit_member(struct decision *d, enum audit_action action, const struct unit_member *m,
                         const char *reason, bool adds) {
    struct audit_target room = decision_target(m->room);
    char changes[128];
    if (adds)
        snprintf(changes, sizeof changes,
                 "[{\"path\":\"members\",\"op\":\"add\",\"from\":null,\"to\":\"%s\"}]", m->user->id);
    else
        snprintf(changes, sizeof changes,
                 "[{\"path\":\"members\",\"op\":\"remove\",\"from\":\"%s\",\"to\":null}]", m->user->id);
    struct audit_change change = {.action = action,
                                  .target = room,
                                  .subject = decision_target(m->user),
                                  .outcome = "applied",
                                  .reason = reason,
                                  .changes_json = changes};
    record_audit_change(&d->records, &change);
}

/* May unknown ids be left out of the list? */
static bool leaves_out_unknown(const struct decision *d, const struct member_list *list) {
    return d->command->dialect == DIALECT_OKTA && (list->n > 0 || d->command->type == COMMAND_ROOM_CREATE);
}

static enum err_code refuse_unknown(struct decision *d, const struct member_list *list) {
    char names[400] = "";
    size_t at = 0, i = 0;
    for (; i < list->nunknown && at < sizeof names - 80; i++)
        at += (size_t)snprintf(names + at, sizeof names - at, "%s%.64s", i ? ", " : "", list->unknown[i]);
    return err_set_path(&d->err, ERR_INVALID_VALUE, "members", "No such user: %s%s", names,
                        i < list->nunknown ? ", …" : "");
}

enum err_code members_refuse_unknown(struct decision *d, const struct member_list *list) {
    return list->nunknown == 0 || leaves_out_unknown(d, list) ? ERR_OK : refuse_unknown(d, list);
}

bool member_matches(const struct filter *f, const char *id, const char *name, const char *display) {
    json_t *element = json_pack("{s:s, s:s, s:s}", "value", id, "type", "User", "display",
                                display != NULL ? display : name);
    bool hit = element != NULL && filter_match_element(f, element);
    json_decref(element);
    return hit;
}

/* The ids are distinct. All users are announced first, so that one round trip loads them. */
enum err_code members_resolve(struct decision *d, const char *const *ids, size_t n, struct member_list *out) {
    const struct resource_type *rt = resource_type_of(RESOURCE_USER);
    struct arena *a = unit_arena(d->unit);
    *out = (struct member_list){.users = arena_alloc(a, (n + 1) * sizeof(struct unit_resource *)),
                                .unknown = arena_alloc(a, (n + 1) * sizeof(char *))};
    for (size_t i = 0; i < n; i++)
        unit_want_resource(d->unit, d->workspace, rt, ids[i], false);
    for (size_t i = 0; i < n; i++) {
        struct unit_resource *user = unit_resource(d->unit, d->workspace, rt, ids[i]);
        if (user == NULL)
            return decision_db_error(d);
        if (row_alive(user->state))
            out->users[out->n++] = user;
        else
            out->unknown[out->nunknown++] = ids[i];
    }
    return members_refuse_unknown(d, out);
}

void members_audit_unknown(struct decision *d, const struct unit_resource *room,
                           const struct member_list *list) {
    for (size_t i = 0; i < list->nunknown; i++) {
        struct uuid id; /* Ids in records are UUIDs, so any other text goes in as a name. */
        bool is_id = uuid_parse(list->unknown[i], &id);
        struct audit_change change = {
            .action = ACTION_COMMAND_REFUSED,
            .target = decision_target(room),
            .subject = {TARGET_USER, is_id ? list->unknown[i] : NULL, is_id ? NULL : list->unknown[i]},
            .outcome = "refused",
            .reason = "unknown_member",
            .changes_json = "[]"};
        record_audit_change(&d->records, &change);
    }
}

bool member_add(struct decision *d, struct unit_resource *room, struct unit_resource *user, bool transmit,
                const char *reason) {
    struct unit_member *m = unit_member(d->unit, room, user);
    if (m == NULL || m->present)
        return false;
    assert(row_alive(room->state) && row_alive(user->state));
    m->present = true;
    m->transmit = transmit;
    m->held = !user->active;
    if (m->held) {
        audit_member(d, ACTION_MEMBER_HELD, m, "user_inactive", true);
        return false;
    }
    struct record_room r = room_of(room);
    struct record_user u = user_of(user);
    record_member_added(&d->records, &r, &u, m->transmit, reason);
    audit_member(d, ACTION_MEMBER_ADDED, m, reason, true);
    return true;
}

bool member_remove(struct decision *d, struct unit_member *m, const char *reason) {
    if (m == NULL || !m->present)
        return false;
    m->present = false;
    if (m->held) {
        m->held = false;
        audit_member(d, ACTION_MEMBER_REMOVED, m, "held", false);
        return false;
    }
    struct record_room r = room_of(m->room);
    struct record_user u = user_of(m->user);
    record_member_removed(&d->records, &r, &u, m->transmit, reason);
    audit_member(d, ACTION_MEMBER_REMOVED, m, reason, false);
    return true;
}

void member_set_transmit(struct decision *d, struct unit_member *m, bool transmit) {
    if (m->transmit == transmit)
        return;
    m->transmit = transmit;
    struct record_room r = room_of(m->room);
    struct record_user u = user_of(m->user);
    struct audit_target target = decision_target(m->room);
    struct audit_change change = {
        .action = ACTION_MEMBER_TRANSMIT_CHANGED,
        .target = target,
        .subject = decision_target(m->user),
        .outcome = "applied",
        .reason = m->held ? "held" : d->records.reason,
        .changes_json = transmit ? "[{\"path\":\"transmit\",\"op\":\"replace\",\"from\":false,\"to\":true}]"
                                 : "[{\"path\":\"transmit\",\"op\":\"replace\",\"from\":true,\"to\":false}]"};
    if (!m->held)
        record_member_transmit_changed(&d->records, &r, &u, transmit, d->records.reason);
    record_audit_change(&d->records, &change);
}

void members_record_room_deleted(struct decision *d, const struct unit_resource *room) {
    struct record_room r = room_of(room);
    struct audit_target target = decision_target(room);
    record_room_deleted(&d->records, &r);
    decision_audit(d, ACTION_ROOM_DELETED, &target, NULL, NULL, NULL, 0);
}

/* Records one event for each room. Memberships are held until the user is reactivated, or go if the user is
 * deleted. */
void members_leave_all(struct decision *d, struct unit_resource *user, const char *reason, bool hold) {
    for (struct unit_member *m = user->members; m != NULL; m = m->next_of_user) {
        if (!m->present)
            continue;
        if (m->held) {
            m->present = hold;
            continue;
        }
        struct record_room r = room_of(m->room);
        struct record_user u = user_of(user);
        record_member_removed(&d->records, &r, &u, m->transmit, reason);
        audit_member(d, ACTION_MEMBER_REMOVED, m, reason, false);
        m->held = hold;
        m->present = hold;
        decision_bump(d, m->room, false);
    }
}

void members_return(struct decision *d, struct unit_resource *user) {
    for (struct unit_member *m = user->members; m != NULL; m = m->next_of_user) {
        if (!m->present || !m->held)
            continue;
        m->held = false;
        struct record_room r = room_of(m->room);
        struct record_user u = user_of(user);
        record_member_added(&d->records, &r, &u, m->transmit, "user_reactivated");
        audit_member(d, ACTION_MEMBER_ADDED, m, "user_reactivated", true);
        decision_bump(d, m->room, false);
    }
}
