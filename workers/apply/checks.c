#include "workers/apply/checks.h"

#include "schemas/resource/value.h"

#include <string.h>

void check_announce(struct unit *u, struct unit_workspace *w, const struct command *c) {
    size_t i;
    json_t *need;
    unit_want_claim(u, w, c->txn.s);
    if (c->actor.kind == ACTOR_KEY)
        unit_want_key(u, w, c->actor.id);
    else if (c->actor.kind == ACTOR_OWNER)
        unit_want_owners(u, w);
    if (c->bulk_fail_on > 0)
        unit_want_bulk(u, w, c->bulk.s);
    json_array_foreach(c->needs, i, need) {
        unit_want_any(u, w, json_string_value(json_object_get(need, "id")));
    }
}

static enum err_code check_workspace(struct decision *d) {
    if (row_alive(d->workspace->state) || d->command->type == COMMAND_WORKSPACE_CREATE)
        return ERR_OK;
    return err_set(&d->err, ERR_NOT_FOUND, "The workspace does not exist");
}

static enum err_code check_deadline(struct decision *d) {
    if (d->command->not_after_us == 0 || d->now_us <= d->command->not_after_us)
        return ERR_OK;
    return err_set(&d->err, ERR_DEADLINE, "The command came too late; nothing was changed");
}

/* Refuses the command if its credential is dead. The row is read under the workspace's lock, which a
 * revocation takes too. A revocation of one's own credential is written before its command comes: that
 * command is let through. */
static enum err_code check_owner(struct decision *d) {
    const struct command *c = d->command;
    const struct unit_owner *o = unit_owner(d->unit, d->workspace, c->actor.id);
    if (o == NULL)
        return decision_db_error(d);
    bool himself = c->type == COMMAND_OWNER_REVOKE && strcmp(c->id.s, c->actor.id) == 0;
    if (!row_alive(o->state) || (o->revoked && !himself))
        return err_set(&d->err, ERR_UNAUTHORIZED, "The credential has been revoked");
    return ERR_OK;
}

static enum err_code check_actor(struct decision *d) {
    if (d->command->actor.kind == ACTOR_OWNER)
        return check_owner(d);
    if (d->command->actor.kind != ACTOR_KEY)
        return ERR_OK;
    const struct unit_key *k = unit_key(d->unit, d->workspace, d->command->actor.id);
    if (k == NULL)
        return decision_db_error(d);
    if (!row_alive(k->state) || k->revoked)
        return err_set(&d->err, ERR_UNAUTHORIZED, "The key has been revoked");
    return ERR_OK;
}

/* SCIM is refused until single sign-on is set up, where the workspace demands that. */
static enum err_code check_sso(struct decision *d) {
    const struct workspace_settings *s = &d->workspace->settings;
    if (!s->require_sso || s->sso_ready || strcmp(d->command->reason, "scim") != 0)
        return ERR_OK;
    return err_set(&d->err, ERR_FORBIDDEN,
                   "SCIM is refused in this workspace until single sign-on is marked as set up");
}

/* Refuses the command if too many operations of its Bulk have failed before it. */
static enum err_code check_bulk(struct decision *d) {
    const struct command *c = d->command;
    if (c->bulk_fail_on <= 0)
        return ERR_OK;
    const struct unit_bulk *b = unit_bulk(d->unit, d->workspace, c->bulk.s);
    if (b == NULL)
        return decision_db_error(d);
    return b->failures < c->bulk_fail_on
               ? ERR_OK
               : err_set(&d->err, ERR_BULK_STOPPED, "%d operations of the Bulk have failed", b->failures);
}

/* Refuses the command if a resource of its Bulk that it refers to does not exist (rule B4). */
static enum err_code check_needs(struct decision *d) {
    size_t i;
    json_t *need;
    json_array_foreach(d->command->needs, i, need) {
        if (unit_any(d->unit, d->workspace, json_string_value(json_object_get(need, "id"))))
            continue;
        if (unit_error(d->unit, &d->err) != ERR_OK)
            return d->err.code;
        return err_set(&d->err, ERR_CONFLICT, "bulkId \"%.72s\" names a resource that was not created",
                       json_string_value(json_object_get(need, "bulkId")));
    }
    return ERR_OK;
}

/* The ingest checks it too, but the log may have a command from elsewhere. A patch counts while it is
 * applied. */
static enum err_code check_members(struct decision *d) {
    if (json_array_size(d->command->members) <= MEMBERS_MAX)
        return ERR_OK;
    return err_set(&d->err, ERR_TOO_LARGE, "The request names %zu members; one request names at most %d",
                   json_array_size(d->command->members), MEMBERS_MAX);
}

enum err_code check_command(struct decision *d) {
    static enum err_code (*const all[])(struct decision * d) = {
        check_workspace, check_bulk, check_deadline, check_actor, check_sso, check_needs, check_members,
    };
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < sizeof all / sizeof *all; i++)
        code = all[i](d);
    return code;
}
