#include "workers/apply/carry.h"

#include "schemas/resource/resource.h"
#include "schemas/text/fold.h"
#include "schemas/text/jsonx.h"
#include "workers/apply/event.h"
#include "workers/apply/managed.h"

#include <assert.h>
#include <stdlib.h>

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

/* ---- the documents ---- */

static void drop_json(void *json) {
    json_decref(json);
}

bool change_begin(struct change *c, struct decision *d, struct unit_resource *r) {
    const char *text = unit_doc(d->unit, r);
    json_t *doc = text != NULL ? json_loads(text, 0, NULL) : NULL;
    *c = (struct change){.decision = d, .resource = r, .before = doc};
    if (doc == NULL)
        (void)decision_db_error(d);
    else
        arena_defer(unit_arena(d->unit), drop_json, doc);
    return doc != NULL;
}

void change_set(struct change *c, json_t *after) {
    arena_defer(unit_arena(c->decision->unit), drop_json, after);
    c->after = after;
}

static const char *fold_into(struct arena *a, const char *text) {
    if (text == NULL)
        return NULL;
    char *key = fold_text(text);
    arena_defer(a, free, key);
    return key;
}

/* Document, search text, names, external id and keys of the row. */
static void set_document(struct change *c) {
    struct decision *d = c->decision;
    struct unit_resource *r = c->resource;
    const json_t *after = c->after;
    struct arena *a = unit_arena(d->unit);
    struct jbuf doc = {0};
    jsonx_text(after, &doc);
    char *text = jb_take(&doc), *search = resource_search_text(r->rt, after);
    arena_defer(a, free, text);
    arena_defer(a, free, search);
    r->doc = text;
    r->search = search;
    r->external_id = arena_strdup(a, resource_string(after, "externalId"));
    if (r->rt->kind == RESOURCE_USER) {
        r->display_name = arena_strdup(a, resource_string(after, "displayName"));
        r->display_name_key = fold_into(a, r->display_name);
    }
    const char *attr = rules_of(r->rt)->name;
    if (attr != NULL) {
        const char *name = arena_strdup(a, resource_string(after, attr));
        unit_rename(d->unit, r, name, fold_into(a, name));
    }
    unit_reindex(d->unit, r, c->before, after);
}

/* ---- checks ---- */

static enum err_code check_name(const struct change *c, const char *attr) {
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

static enum err_code check_unique(const struct change *c) {
    struct decision *d = c->decision;
    const char *path = "";
    bool taken = unit_value_taken(d->unit, d->workspace, c->resource->rt, c->after,
                                  c->before != NULL ? c->resource : NULL, &path);
    if (unit_error(d->unit, &d->err) != ERR_OK)
        return d->err.code;
    return taken ? err_set_path(&d->err, ERR_UNIQUENESS, path, "The value of %s is already in use", path)
                 : ERR_OK;
}

static enum err_code check_change(struct change *c) {
    const struct resource_rules *rules = rules_of(c->resource->rt);
    struct decision *d = c->decision;
    enum err_code code = ERR_OK;
    if (change_writes(c)) /* first, because what follows goes through all values */
        code = resource_check_bounds(c->resource->rt, &d->bounds->resource, c->before, c->after, &d->err);
    if (code == ERR_OK && change_writes(c) && rules->name != NULL)
        code = check_name(c, rules->name);
    if (code == ERR_OK && change_writes(c))
        code = check_unique(c);
    if (code == ERR_OK && rules->check != NULL)
        code = rules->check(c);
    return code;
}

/* ---- carrying out: nothing refuses any more ---- */

static enum err_code delete_resource(struct change *c) {
    rules_of(c->resource->rt)->carry_out(c);
    event_deleted(c);
    unit_reindex(c->decision->unit, c->resource, c->before, NULL);
    if (!c->sliced)
        unit_delete(c->resource);
    return unit_error(c->decision->unit, &c->decision->err);
}

static void write_document(struct change *c) {
    if (change_makes(c))
        c->resource->created_us = c->decision->now_us;
    set_document(c);
    managed_note(c->decision, c->resource, change_makes(c) || c->linked);
    decision_bump(c->decision, c->resource, true);
}

static enum err_code write_resource(struct change *c) {
    struct decision *d = c->decision;
    const struct resource_rules *rules = rules_of(c->resource->rt);
    bool writes = change_writes(c);
    if (writes)
        write_document(c);
    if (writes || c->ndeltas > 0)
        rules->carry_out(c);
    if (!writes && c->members_changed)
        decision_bump(d, c->resource, false);
    if (writes || c->members_changed)
        event_changed(c);
    decision_reply_resource(d, c->resource, rules->answered);
    return unit_error(d->unit, &d->err);
}

enum err_code change_carry_through(struct change *c) {
    const struct resource_rules *rules = rules_of(c->resource->rt);
    assert(!change_makes(c) || !change_deletes(c));
    c->was_active = !change_makes(c) && c->resource->active;
    if (!change_deletes(c) && rules->complete != NULL)
        rules->complete(c);
    if (!change_deletes(c))
        c->nrows =
            resource_diff(c->resource->rt, c->before, c->after, unit_arena(c->decision->unit), &c->rows);
    if (check_change(c) != ERR_OK)
        return c->decision->err.code;
    return change_deletes(c) ? delete_resource(c) : write_resource(c);
}
