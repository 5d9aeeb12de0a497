#include "workers/apply/resource.h"

#include "schemas/resource/resource.h"
#include "schemas/types/strictness.h"
#include "workers/apply/carry.h"
#include "workers/apply/managed.h"

#include <string.h>

static bool names_version(const json_t *versions, int64_t version) {
    size_t i;
    json_t *v;
    json_array_foreach(versions, i, v) {
        if (json_integer_value(v) == version)
            return true;
    }
    return false;
}

/* Decided here and not in the ingest, where another change could come in between (rule V2). */
static enum err_code precondition(struct decision *d, const struct unit_resource *r) {
    const json_t *match = d->command->if_match, *none = d->command->if_none_match;
    char etag[32];
    if (match != NULL && !names_version(match, r->version))
        return err_set(&d->err, ERR_PRECONDITION, "The resource has another version: it is at %s",
                       resource_etag(r->version, etag));
    if (none != NULL && (json_is_string(none) || names_version(none, r->version)))
        return err_set(&d->err, ERR_PRECONDITION, "The resource is there, at version %s",
                       resource_etag(r->version, etag));
    return ERR_OK;
}

/* A command about one member is about a room, and decides for itself. */
static bool managed_allows(struct decision *d, const struct unit_resource *r) {
    bool member = d->command->type == COMMAND_MEMBER_PUT || d->command->type == COMMAND_MEMBER_DELETE;
    return member || managed_check(d, r) == ERR_OK;
}

bool change_target(struct decision *d, struct change *c) {
    const struct command *cmd = d->command;
    struct unit_resource *r = unit_resource(d->unit, d->workspace, cmd->rt, cmd->id.s);
    if (r == NULL) {
        (void)decision_db_error(d);
        return false;
    }
    if (!row_alive(r->state)) {
        (void)err_set(&d->err, ERR_NOT_FOUND, "%s %s does not exist",
                      cmd->rt->kind == RESOURCE_ROOM && strcmp(cmd->reason, "api") == 0 ? "Room"
                                                                                        : cmd->rt->name,
                      cmd->id.s);
        return false;
    }
    return managed_allows(d, r) && precondition(d, r) == ERR_OK && change_begin(c, d, r);
}

enum err_code apply_replace(struct decision *d) {
    const struct command *cmd = d->command;
    struct change c;
    struct member_delta set = {.kind = MEMBER_SET};
    json_t *after = NULL;
    if (!change_target(d, &c))
        return d->err.code;
    if (resource_replace(cmd->rt, c.before, cmd->resource, cmd->cleared, &after, &d->err) != ERR_OK)
        return d->err.code;
    change_set(&c, after);
    set.ids = decision_id_texts(d, cmd->members, &set.nids);
    c.deltas = &set;
    c.ndeltas = cmd->members != NULL; /* not asserted: they stay */
    return change_carry_through(&c);
}

enum err_code apply_patch(struct decision *d) {
    const struct command *cmd = d->command;
    struct change c;
    struct member_delta *deltas;
    if (!change_target(d, &c))
        return d->err.code;
    const struct patch_rules rules = {.one_element = strictness_of(d->workspace->settings.strictness) ==
                                                     STRICTNESS_INTEROP};
    change_set(&c, json_deep_copy(c.before));
    if (patch_apply_under(&rules, cmd->rt, cmd->dialect, cmd->ops, c.after, unit_arena(d->unit), &deltas,
                          &c.ndeltas, &d->err) != ERR_OK)
        return d->err.code;
    c.ops = cmd->ops;
    c.deltas = deltas;
    return change_carry_through(&c);
}

enum err_code apply_delete(struct decision *d) {
    struct change c;
    return change_target(d, &c) ? change_carry_through(&c) : d->err.code;
}
