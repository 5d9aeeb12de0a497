#include "workers/apply/member.h"

#include "workers/apply/carry.h"
#include "workers/apply/managed.h"
#include "workers/apply/members.h"
#include "workers/apply/resource.h"

#include <string.h>

void announce_member(struct unit *u, struct unit_workspace *w, const struct command *c) {
    const char *user = json_string_value(json_object_get(c->resource, "user"));
    if (user != NULL)
        unit_want_member(u, w, c->id.s, user);
}

/* What must be of the membership so far; NULL: nothing. */
static const char *was_of(const struct decision *d) {
    return json_string_value(json_object_get(d->command->resource, "was"));
}

/* Who makes a membership as a resource has named room and user in its body, and not in the path. */
static void blame_body(struct decision *d, const char *path) {
    const char *was = was_of(d);
    struct err why = d->err;
    if (was != NULL && strcmp(was, "absent") == 0 && why.code == ERR_NOT_FOUND)
        (void)err_set_path(&d->err, ERR_INVALID_VALUE, path, "%s", why.detail);
}

/* Is the membership what the client expects it to be? */
static enum err_code check_was(struct decision *d, const struct unit_member *m) {
    const char *was = was_of(d);
    if (was == NULL)
        return ERR_OK;
    if (strcmp(was, "absent") == 0)
        return m->present ? err_set_path(&d->err, ERR_UNIQUENESS, "member.value",
                                         "User %s is a member of %s already%s", m->user->id, m->room->id,
                                         m->held ? ", held while he is inactive" : "")
                          : ERR_OK;
    if (!m->present)
        return err_set(&d->err, ERR_NOT_FOUND, "User %s is not a member of %s", m->user->id, m->room->id);
    if (strcmp(was, "present") == 0 || strcmp(was, m->transmit ? "transmit" : "mute") == 0)
        return ERR_OK;
    return err_set(&d->err, ERR_PRECONDITION, "The membership has another version: it is at W/\"%d\"",
                   m->transmit ? 2 : 1);
}

/* The membership that the command is about; it may not be present. NULL, and d->err says why, if room or user
 * do not exist. */
static struct unit_member *member_target(struct decision *d, struct change *c) {
    const char *id = json_string_value(json_object_get(d->command->resource, "user"));
    if (!change_target(d, c)) {
        blame_body(d, "group.value");
        return NULL;
    }
    struct unit_resource *user =
        id != NULL ? unit_resource(d->unit, d->workspace, resource_type_of(RESOURCE_USER), id) : NULL;
    struct unit_member *m =
        user != NULL && row_alive(user->state) ? unit_member(d->unit, c->resource, user) : NULL;
    if (id == NULL)
        (void)err_set_path(&d->err, ERR_INVALID_VALUE, "user", "No user is given");
    else if (user != NULL && !row_alive(user->state))
        (void)err_set(&d->err, ERR_NOT_FOUND, "User %s does not exist", id);
    else if (m == NULL)
        (void)decision_db_error(d);
    if (m == NULL)
        blame_body(d, "member.value");
    return m;
}

/* Changes the members of a room by `delta`. Recorded as a PATCH with one operation `op`. */
static enum err_code member_change(struct change *c, const char *op, const struct member_delta *delta) {
    json_t *ops = json_pack("[{s:s, s:s, s:[s]}]", "op", op, "path", "members", "value", delta->ids[0]);
    if (ops == NULL)
        return err_set(&c->decision->err, ERR_INTERNAL, "No memory");
    change_set(c, json_incref((json_t *)(uintptr_t)c->before)); /* the document stays */
    c->ops = ops;
    c->deltas = delta;
    c->ndeltas = 1;
    enum err_code code = change_carry_through(c);
    json_decref(ops);
    return code;
}

/* A user who is a member already keeps what the command does not name. */
enum err_code apply_member_put(struct decision *d) {
    const json_t *given = json_object_get(d->command->resource, "transmit");
    bool transmit = json_is_true(given);
    struct change c;
    if (given != NULL && !json_is_boolean(given) && !json_is_null(given))
        return err_set_path(&d->err, ERR_INVALID_VALUE, "transmit", "transmit must be true, false or null");
    struct unit_member *m = member_target(d, &c);
    if (m == NULL || check_was(d, m) != ERR_OK)
        return d->err.code;
    c.transmit = json_is_boolean(given) ? &transmit : NULL;
    if (m->present) {
        if (c.transmit != NULL)
            member_set_transmit(d, m, transmit);
        decision_reply_resource(d, c.resource, false);
        return ERR_OK;
    }
    if (managed_check(d, c.resource) != ERR_OK)
        return d->err.code;
    d->reply->first = true;
    const char *ids[] = {m->user->id};
    return member_change(&c, "add", &(struct member_delta){.kind = MEMBER_ADD, .ids = ids, .nids = 1});
}

enum err_code apply_member_delete(struct decision *d) {
    struct change c;
    struct unit_member *m = member_target(d, &c);
    if (m == NULL || check_was(d, m) != ERR_OK)
        return d->err.code;
    if (managed_check(d, c.resource) != ERR_OK)
        return d->err.code;
    if (!m->present)
        return err_set(&d->err, ERR_NOT_FOUND, "User %s is not a member of room %s", m->user->id,
                       c.resource->id);
    const char *ids[] = {m->user->id};
    return member_change(&c, "remove", &(struct member_delta){.kind = MEMBER_REMOVE, .ids = ids, .nids = 1});
}
