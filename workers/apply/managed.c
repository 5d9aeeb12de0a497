#include "workers/apply/managed.h"

#include <string.h>

static bool is_scim(const struct decision *d) {
    return strcmp(d->command->reason, "scim") == 0 && d->command->actor.kind == ACTOR_KEY;
}

bool managed_is_emergency(const struct decision *d) {
    const struct command *c = d->command;
    const json_t *op = json_array_get(c->ops, 0);
    const char *path = json_string_value(json_object_get(op, "path"));
    return c->actor.kind == ACTOR_OWNER && c->type == COMMAND_USER_PATCH && json_array_size(c->ops) == 1 &&
           path != NULL && strcmp(path, "active") == 0 && json_is_false(json_object_get(op, "value"));
}

/* The name of the key that manages it; NULL where nobody knows. */
static const char *manager_of(struct decision *d, const struct unit_resource *r) {
    const struct unit_key *k = r->managed_by != NULL ? unit_key(d->unit, d->workspace, r->managed_by) : NULL;
    return k != NULL && row_alive(k->state) ? k->name : NULL;
}

enum err_code managed_check(struct decision *d, const struct unit_resource *r) {
    bool theirs = r->managed && (r->rt->kind == RESOURCE_USER || r->rt->kind == RESOURCE_ROOM);
    if (!d->workspace->settings.managed_lock || !theirs || strcmp(d->command->reason, "scim") == 0 ||
        managed_is_emergency(d))
        return ERR_OK;
    const char *what = r->rt->kind == RESOURCE_USER ? "User" : "Room", *by = manager_of(d, r);
    if (unit_error(d->unit, &d->err) != ERR_OK)
        return d->err.code;
    if (by == NULL)
        return err_set(&d->err, ERR_CONFLICT, "%s %s is managed by an identity provider; it is changed there",
                       what, r->id);
    return err_set(&d->err, ERR_CONFLICT, "%s %s is managed by the key \"%s\"; it is changed there", what,
                   r->id, by);
}

void managed_note(const struct decision *d, struct unit_resource *r, bool made) {
    bool user = r->rt->kind == RESOURCE_USER;
    if (user && made)
        r->managed = strcmp(d->command->reason, "scim") == 0;
    /* A room may have been made by a version that did not note it. */
    bool notes = user ? made : r->rt->kind == RESOURCE_ROOM && r->managed_by == NULL;
    if (!notes || !is_scim(d))
        return;
    r->managed = true;
    r->managed_by = d->command->actor.id;
}
