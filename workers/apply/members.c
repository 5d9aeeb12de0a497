#include "workers/apply/members.h"

#include <stdio.h>
#include <string.h>

static struct record_room room_of(const struct unit_resource *r) {
    return (struct record_room){r->id, r->name};
}

static struct record_user user_of(const struct unit_resource *r) {
    return (struct record_user){r->id, r->name};
}

static void audit_member(struct task *t, enum audit_action action, const struct unit_member *m,
                         const char *reason, bool adds) {
    struct audit_target room = task_target(m->room);
    char changes[128];
    if (adds)
        snprintf(changes, sizeof changes,
                 "[{\"path\":\"members\",\"op\":\"add\",\"from\":null,\"to\":\"%s\"}]", m->user->id);
    else
        snprintf(changes, sizeof changes,
                 "[{\"path\":\"members\",\"op\":\"remove\",\"from\":\"%s\",\"to\":null}]", m->user->id);
    struct audit_change change = {.action = action,
                                  .target = room,
                                  .subject = task_target(m->user),
                                  .outcome = "applied",
                                  .reason = reason,
                                  .changes_json = changes};
    record_audit_change(&t->records, &change);
}

/* Ids are distinct. Users are announced first, so that one round trip finds them all. */
enum err_code members_resolve(struct task *t, const char *const *ids, size_t n, struct member_list *out) {
    struct arena *a = unit_arena(t->unit);
    *out = (struct member_list){.users = arena_alloc(a, (n + 1) * sizeof(struct unit_resource *)),
                                .unknown = arena_alloc(a, (n + 1) * sizeof(char *))};
    for (size_t i = 0; i < n; i++)
        unit_want_resource(t->unit, t->workspace, resource_type_of(RESOURCE_USER), ids[i], false);
    for (size_t i = 0; i < n; i++) {
        struct unit_resource *user =
            unit_resource(t->unit, t->workspace, resource_type_of(RESOURCE_USER), ids[i]);
        if (user == NULL)
            return task_db_error(t);
        if (row_alive(user->state))
            out->users[out->n++] = user;
        else
            out->unknown[out->nunknown++] = ids[i];
    }
    if (out->nunknown == 0 ||
        (t->command->dialect == DIALECT_OKTA && (out->n > 0 || t->command->type == COMMAND_ROOM_CREATE)))
        return ERR_OK;
    char names[400] = "";
    size_t at = 0, i = 0;
    for (; i < out->nunknown && at < sizeof names - 80; i++)
        at += (size_t)snprintf(names + at, sizeof names - at, "%s%.64s", i ? ", " : "", out->unknown[i]);
    return err_set_path(&t->err, ERR_INVALID_VALUE, "members", "No such user: %s%s", names,
                        i < out->nunknown ? ", …" : "");
}

void members_audit_unknown(struct task *t, const struct unit_resource *room, const struct member_list *list) {
    for (size_t i = 0; i < list->nunknown; i++) {
        struct uuid id; /* ids in records are UUIDs: another text is told as a name */
        bool is_id = uuid_parse(list->unknown[i], &id);
        struct audit_change change = {
            .action = ACTION_COMMAND_REFUSED,
            .target = task_target(room),
            .subject = {TARGET_USER, is_id ? list->unknown[i] : NULL, is_id ? NULL : list->unknown[i]},
            .outcome = "refused",
            .reason = "unknown_member",
            .changes_json = "[]"};
        record_audit_change(&t->records, &change);
    }
}

bool member_add(struct task *t, struct unit_resource *room, struct unit_resource *user, bool transmit,
                const char *reason) {
    struct unit_member *m = unit_member(t->unit, room, user);
    if (m == NULL || m->present)
        return false;
    m->present = true;
    m->transmit = transmit;
    m->held = !user->active;
    if (m->held) {
        audit_member(t, ACTION_MEMBER_HELD, m, "user_inactive", true);
        return false;
    }
    struct record_room r = room_of(room);
    struct record_user u = user_of(user);
    record_member_added(&t->records, &r, &u, m->transmit, reason);
    audit_member(t, ACTION_MEMBER_ADDED, m, reason, true);
    return true;
}

bool member_remove(struct task *t, struct unit_member *m, const char *reason) {
    if (m == NULL || !m->present)
        return false;
    m->present = false;
    if (m->held) {
        m->held = false;
        audit_member(t, ACTION_MEMBER_REMOVED, m, "held", false);
        return false;
    }
    struct record_room r = room_of(m->room);
    struct record_user u = user_of(m->user);
    record_member_removed(&t->records, &r, &u, m->transmit, reason);
    audit_member(t, ACTION_MEMBER_REMOVED, m, reason, false);
    return true;
}

void member_set_transmit(struct task *t, struct unit_member *m, bool transmit) {
    if (m->transmit == transmit)
        return;
    m->transmit = transmit;
    struct record_room r = room_of(m->room);
    struct record_user u = user_of(m->user);
    struct audit_target target = task_target(m->room);
    struct audit_change change = {
        .action = ACTION_MEMBER_TRANSMIT_CHANGED,
        .target = target,
        .subject = task_target(m->user),
        .outcome = "applied",
        .reason = m->held ? "held" : t->records.reason,
        .changes_json = transmit ? "[{\"path\":\"transmit\",\"op\":\"replace\",\"from\":false,\"to\":true}]"
                                 : "[{\"path\":\"transmit\",\"op\":\"replace\",\"from\":true,\"to\":false}]"};
    if (!m->held)
        record_member_transmit_changed(&t->records, &r, &u, transmit, t->records.reason);
    record_audit_change(&t->records, &change);
}

/* One event a room. A held membership waits for the user's return; a deleted user's are gone. */
void members_leave_all(struct task *t, struct unit_resource *user, const char *reason, bool hold) {
    for (struct unit_member *m = user->members; m != NULL; m = m->next_of_user) {
        if (!m->present)
            continue;
        if (m->held) {
            m->present = hold;
            continue;
        }
        struct record_room r = room_of(m->room);
        struct record_user u = user_of(user);
        record_member_removed(&t->records, &r, &u, m->transmit, reason);
        audit_member(t, ACTION_MEMBER_REMOVED, m, reason, false);
        m->held = hold;
        m->present = hold;
        task_bump(t, m->room, false);
    }
}

void members_return(struct task *t, struct unit_resource *user) {
    for (struct unit_member *m = user->members; m != NULL; m = m->next_of_user) {
        if (!m->present || !m->held)
            continue;
        m->held = false;
        struct record_room r = room_of(m->room);
        struct record_user u = user_of(user);
        record_member_added(&t->records, &r, &u, m->transmit, "user_reactivated");
        audit_member(t, ACTION_MEMBER_ADDED, m, "user_reactivated", true);
        task_bump(t, m->room, false);
    }
}
