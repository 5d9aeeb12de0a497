#include "workers/apply/resource.h"

#include "schemas/resource/resource.h"
#include "schemas/text/fold.h"
#include "workers/apply/event.h"
#include "workers/apply/link.h"

#include <stdlib.h>
#include <string.h>

static void audit_resource(struct change *c) {
    struct audit_target target = decision_target(c->resource);
    enum audit_action action = c->before == NULL  ? ACTION_RESOURCE_CREATED
                               : c->after == NULL ? ACTION_RESOURCE_DELETED
                                                  : ACTION_RESOURCE_UPDATED;
    decision_audit(c->decision, action, &target, NULL, NULL, c->rows, c->nrows);
}

static const struct resource_rules custom_rules = {.answered = true, .carry_out = audit_resource};

const struct resource_rules *rules_of(const struct resource_type *rt) {
    return rt->kind == RESOURCE_USER ? &user_rules : rt->kind == RESOURCE_ROOM ? &room_rules : &custom_rules;
}

/* ---- checks ---- */

static enum err_code name_check(const struct change *c, const char *attr) {
    struct decision *d = c->decision;
    const struct unit_resource *self = c->before != NULL ? c->resource : NULL;
    const char *name = resource_string(c->after, attr);
    if (name == NULL)
        return err_set_path(&d->err, ERR_INVALID_VALUE, attr, "%s is required", attr);
    if (c->resource->rt->kind == RESOURCE_ROOM && !d->workspace->settings.unique_rooms)
        return ERR_OK;
    char *key = fold_text(name);
    bool taken = unit_name_taken(d->unit, d->workspace, c->resource->rt, key, self);
    free(key);
    if (unit_error(d->unit, &d->err) != ERR_OK)
        return d->err.code;
    return taken ? err_set_path(&d->err, ERR_UNIQUENESS, attr, "%s \"%.200s\" is already in use", attr, name)
                 : ERR_OK;
}

static enum err_code unique_check(const struct change *c) {
    struct decision *d = c->decision;
    const char *path = "";
    bool taken = unit_value_taken(d->unit, d->workspace, c->resource->rt, c->after,
                                  c->before != NULL ? c->resource : NULL, &path);
    if (unit_error(d->unit, &d->err) != ERR_OK)
        return d->err.code;
    return taken ? err_set_path(&d->err, ERR_UNIQUENESS, path, "The value of %s is already in use", path)
                 : ERR_OK;
}

static enum err_code check(struct change *c) {
    const struct resource_rules *rules = rules_of(c->resource->rt);
    enum err_code code = ERR_OK;
    bool written = c->after != NULL &&
                   (c->nrows || c->before == NULL); /* (one that is made may have nothing but its schemas) */
    if (written && rules->name != NULL)
        code = name_check(c, rules->name);
    if (code == ERR_OK && written)
        code = unique_check(c);
    if (code == ERR_OK && rules->check != NULL)
        code = rules->check(c);
    return code;
}

/* ---- changes ---- */

/* Where nothing differs, nothing is left behind: no version, no record (rule P8). */
enum err_code change_carry_through(struct change *c) {
    struct decision *d = c->decision;
    struct unit_resource *r = c->resource;
    const struct resource_rules *rules = rules_of(r->rt);
    bool was_active = r->active, made = c->after != NULL && c->before == NULL;
    if (c->after != NULL && rules->complete != NULL)
        rules->complete(c);
    if (c->after != NULL)
        c->nrows = resource_diff(r->rt, c->before, c->after, unit_arena(d->unit), &c->rows);
    if (check(c) != ERR_OK)
        return d->err.code;
    if (c->nrows || made || c->linked) {
        if (made)
            r->created_us = d->now_us;
        decision_set_doc(d, r, c->before, c->after);
        decision_bump(d, r, true);
    }
    if (c->nrows || c->ndeltas || made || c->linked || c->after == NULL)
        rules->carry_out(c);
    if (c->after != NULL && c->changed && !c->nrows)
        decision_bump(d, r, false);
    event_change(c, was_active);
    if (c->after == NULL) {
        unit_reindex(d->unit, r, c->before, NULL);
        unit_delete(r);
        return ERR_OK;
    }
    decision_reply_resource(d, r, rules->answered);
    return unit_error(d->unit, &d->err);
}

enum err_code apply_create(struct decision *d) {
    const struct command *cmd = d->command;
    struct unit_resource *r = unit_resource(d->unit, d->workspace, cmd->rt, cmd->id.s);
    if (r == NULL)
        return decision_db_error(d);
    if (r->state != ROW_ABSENT)
        return err_set(&d->err, ERR_CONFLICT, "The id is already in use");
    struct unit_resource *account = link_account(d);
    if (account != NULL)
        return link_take_over(d, account);
    if (unit_error(d->unit, &d->err) != ERR_OK)
        return d->err.code;
    resource_default(cmd->rt, cmd->resource);
    struct member_delta members = {.kind = MEMBER_ADD};
    members.ids = decision_id_texts(d, cmd->members, &members.nids);
    struct change c = {.decision = d,
                       .resource = r,
                       .after = cmd->resource,
                       .deltas = &members,
                       .ndeltas = members.nids > 0};
    return change_carry_through(&c);
}

static bool names_version(const json_t *versions, int64_t version) {
    size_t i;
    json_t *v;
    json_array_foreach(versions, i, v) {
        if (json_integer_value(v) == version)
            return true;
    }
    return false;
}

/* Decided here and not by a look in the ingest, which another change could overtake (rule V2). */
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

static void drop(void *json) {
    json_decref(json);
}

bool change_begin(struct change *c, struct decision *d, struct unit_resource *r) {
    const char *text = unit_doc(d->unit, r);
    json_t *doc = text != NULL ? json_loads(text, 0, NULL) : NULL;
    *c = (struct change){.decision = d, .resource = r, .before = doc};
    if (doc == NULL)
        (void)decision_db_error(d);
    else
        arena_defer(unit_arena(d->unit), drop, doc);
    return doc != NULL;
}

void change_set(struct change *c, json_t *after) {
    arena_defer(unit_arena(c->decision->unit), drop, after);
    c->after = after;
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
    return precondition(d, r) == ERR_OK && change_begin(c, d, r);
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
    change_set(&c, json_deep_copy(c.before));
    if (patch_apply(cmd->rt, cmd->dialect, cmd->ops, c.after, unit_arena(d->unit), &deltas, &c.ndeltas,
                    &d->err) != ERR_OK)
        return d->err.code;
    c.ops = cmd->ops;
    c.deltas = deltas;
    return change_carry_through(&c);
}

enum err_code apply_delete(struct decision *d) {
    struct change c;
    return change_target(d, &c) ? change_carry_through(&c) : d->err.code;
}
