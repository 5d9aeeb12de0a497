#include "workers/apply/owners.h"

#include "workers/apply/credential.h"

#include <string.h>

void announce_owners(struct unit *u, struct unit_workspace *w, const struct command *c) {
    (void)c;
    unit_want_owners(u, w);
}

/* Administrators may do everything but change who owns the workspace. */
enum err_code owner_check_actor(struct decision *d) {
    const struct actor *a = &d->command->actor;
    if (a->kind == ACTOR_OPERATOR)
        return ERR_OK;
    const struct unit_owner *o = a->kind == ACTOR_OWNER ? unit_owner(d->unit, d->workspace, a->id) : NULL;
    if (unit_error(d->unit, &d->err) != ERR_OK)
        return d->err.code;
    return o != NULL && o->role != NULL && strcmp(o->role, "owner") == 0
               ? ERR_OK
               : err_set(&d->err, ERR_FORBIDDEN, "Only owners may change who owns the workspace");
}

static void owner_audit(struct decision *d, enum audit_action action, const struct unit_owner *o) {
    struct audit_target target = {.kind = TARGET_OWNER, .id = o->id, .name = o->name};
    decision_audit(d, action, &target, NULL, NULL, NULL, 0);
}

enum err_code apply_owner_create(struct decision *d) {
    const char *role = credential_text(d->command->resource, "role");
    struct credential f;
    struct unit_owner *o = unit_owner(d->unit, d->workspace, d->command->id.s);
    if (o == NULL)
        return decision_db_error(d);
    if (owner_check_actor(d) != ERR_OK)
        return d->err.code;
    if (o->state != ROW_ABSENT)
        return err_set(&d->err, ERR_CONFLICT, "The owner exists already");
    if (!credential_check(d, "owner", &f))
        return d->err.code;
    if (role == NULL || (strcmp(role, "owner") != 0 && strcmp(role, "administrator") != 0))
        return err_set_path(&d->err, ERR_INVALID_VALUE, "role", "role must be owner or administrator");
    if (credential_check_count(d, "credentials", unit_count_owners(d->unit, d->workspace), d->bounds->owners,
                               "max-owners") != ERR_OK)
        return d->err.code;
    struct arena *a = unit_arena(d->unit);
    unit_row_touch(&o->state);
    o->name = arena_strdup(a, f.name);
    o->role = arena_strdup(a, role);
    o->token_hash_hex = arena_strdup(a, f.hash);
    o->prefix = arena_strdup(a, f.prefix);
    o->created_by = d->command->actor.name;
    o->expires_us = f.expires_us;
    owner_audit(d, ACTION_OWNER_CREATED, o);
    return ERR_OK;
}

/* An owner must be left. A credential that is revoked already was judged when that was written. */
enum err_code apply_owner_revoke(struct decision *d) {
    struct unit_owner *o = unit_owner(d->unit, d->workspace, d->command->id.s);
    if (o == NULL)
        return decision_db_error(d);
    if (owner_check_actor(d) != ERR_OK)
        return d->err.code;
    if (!row_alive(o->state))
        return err_set(&d->err, ERR_NOT_FOUND, "Owner %s does not exist", d->command->id.s);
    if (!o->revoked && strcmp(o->role, "owner") == 0 &&
        !unit_other_owner(d->unit, d->workspace, o, d->now_us)) {
        if (unit_error(d->unit, &d->err) != ERR_OK)
            return d->err.code;
        return err_set(&d->err, ERR_CONFLICT, "The last owner cannot be removed");
    }
    o->revoked = true;
    if (o->revoked_by == NULL) /* the first one stays on record */
        o->revoked_by = d->command->actor.name;
    unit_row_touch(&o->state);
    owner_audit(d, ACTION_OWNER_REVOKED, o);
    return ERR_OK;
}
