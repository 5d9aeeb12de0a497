#include "workers/apply/stand_in.h"

#include "schemas/resource/resource.h"
#include "schemas/stream/tried_id.h"
#include "workers/apply/create.h"

#include <stdlib.h>
#include <string.h>

/* Calls fn for each id of a dry run that the command names, but for that of what it creates. */
typedef void visit(struct decision *d, const struct resource_type *rt, const char *id);

static void visit_users(struct decision *d, const json_t *value, visit *fn) {
    const char *name;
    size_t i;
    json_t *part;
    if (json_is_string(value) && is_tried_id(json_string_value(value)))
        fn(d, resource_type_of(RESOURCE_USER), json_string_value(value));
    if (json_array_size(value) > unit_slice_rows(d->unit))
        return; /* looked up in steps */
    json_array_foreach(value, i, part) {
        visit_users(d, part, fn);
    }
    json_object_foreach((json_t *)(uintptr_t)value, name, part) {
        visit_users(d, part, fn);
    }
}

/* Of members[value eq "…"] */
static void visit_path(struct decision *d, const char *path, visit *fn) {
    for (const char *at = path; at != NULL && (at = strchr(at, '"')) != NULL; at++) {
        char id[37];
        if (strlen(at + 1) < 36)
            return;
        memcpy(id, at + 1, 36);
        id[36] = '\0';
        if (is_tried_id(id))
            fn(d, resource_type_of(RESOURCE_USER), id);
    }
}

static bool creates(enum command_type type) {
    return type == COMMAND_USER_CREATE || type == COMMAND_ROOM_CREATE || type == COMMAND_RESOURCE_CREATE;
}

static void visit_all(struct decision *d, visit *fn) {
    const struct command *c = d->command;
    size_t i;
    json_t *op;
    if (c->rt != NULL && !creates(c->type) && is_tried_id(c->id.s))
        fn(d, c->rt, c->id.s);
    visit_users(d, c->members, fn);
    if (c->type == COMMAND_MEMBER_PUT || c->type == COMMAND_MEMBER_DELETE)
        visit_users(d, json_object_get(c->resource, "user"), fn);
    if (c->type != COMMAND_ROOM_PATCH)
        return;
    json_array_foreach(c->ops, i, op) {
        visit_path(d, json_string_value(json_object_get(op, "path")), fn);
        visit_users(d, json_object_get(op, "value"), fn);
    }
}

/* ---- making ---- */

static void want(struct decision *d, const struct resource_type *rt, const char *id) {
    unit_want_resource(d->unit, d->workspace, rt, id, false);
}

static void drop_document(void *json) {
    json_decref(json);
}

static json_t *document_of(struct decision *d, const struct resource_type *rt, const char *id) {
    bool user = rt->kind == RESOURCE_USER;
    const char *name = arena_printf(unit_arena(d->unit), user ? "%s@dry-run.invalid" : "%s", id);
    json_t *doc = json_pack("{s:s}", user ? "userName" : "displayName", name);
    if (doc == NULL || (user && json_object_set_new(doc, "active", json_true()) != 0))
        abort();
    resource_tidy(rt, doc);
    arena_defer(unit_arena(d->unit), drop_document, doc);
    return doc;
}

/* By the verb that makes any other, so that the unit knows all of it. What it counts is put back. */
static void make(struct decision *d, const struct resource_type *rt, const char *id) {
    const struct unit_resource *r = unit_resource(d->unit, d->workspace, rt, id);
    if (r == NULL || r->state != ROW_ABSENT || rt->kind == RESOURCE_CUSTOM)
        return;
    struct command made = {.type = rt->kind == RESOURCE_USER ? COMMAND_USER_CREATE : COMMAND_ROOM_CREATE,
                           .txn = d->command->txn,
                           .workspace = d->command->workspace,
                           .actor = d->command->actor,
                           .dialect = d->command->dialect,
                           .reason = d->command->reason,
                           .rt = rt,
                           .resource = document_of(d, rt, id)};
    struct unit_workspace *w = d->workspace, before = *w;
    struct reply reply = {0};
    struct record_list records = {0};
    struct decision own = *d;
    (void)uuid_parse(id, &made.id);
    own.command = &made;
    own.reply = &reply;
    own.records.out = &records;
    w->settings.seats = -1;
    (void)apply_create(&own);
    w->settings.seats = before.settings.seats;
    w->seats_used = before.seats_used;
    w->membership_seq = before.membership_seq;
    w->audit_seq = before.audit_seq;
    w->events_seq = before.events_seq;
    record_list_clear(&records);
}

void stand_ins_make(struct decision *d) {
    visit_all(d, want);
    visit_all(d, make);
}
