#include "workers/apply/event.h"

#include "schemas/stream/record_event.h"
#include "workers/apply/member_diff.h"

#define UUID_TEXT 36 /* bytes of an id */

static struct event_subject subject_of(const struct unit_resource *r) {
    return (struct event_subject){r->rt, r->id, r->external_id};
}

/* Who is in a room that was made, as ids; a new reference. */
static json_t *members_of(const struct change *c) {
    const struct unit_resource *room = c->resource;
    json_t *ids = json_array();
    for (size_t i = c->sliced ? c->diff->nadds : 0; i-- > 0;)
        if (c->diff->shown[i])
            json_array_append_new(ids, json_string(uuid_unpack(&c->diff->adds[i]).s));
    for (const struct unit_member *m = room->members; m != NULL; m = m->next_of_room)
        if (m->present && !m->held)
            json_array_append_new(ids, json_string(m->user->id));
    return ids;
}

static enum event_change_kind kind_of(const struct change *c) {
    if (change_makes(c))
        return EVENT_CREATE;
    return c->ops != NULL ? EVENT_PATCH : EVENT_PUT;
}

/* The `data` of a full event. Not built where the workspace wants notices. */
static json_t *data_of(const struct change *c, const struct event_change *e) {
    const struct command *cmd = c->decision->command;
    json_t *members, *data;
    if (c->decision->records.events_mode != EVENTS_FULL ||
        json_array_size(cmd->members) > EVENT_DATA_MAX / UUID_TEXT)
        return NULL; /* so many ids alone are more than an event may carry */
    if (e->kind == EVENT_PATCH)
        return event_data_patch(cmd->rt, c->ops);
    if (e->kind == EVENT_PUT)
        return event_data_put(cmd->rt, cmd->resource, cmd->members);
    members = c->resource->rt->kind == RESOURCE_ROOM ? members_of(c) : NULL;
    data = event_data_create(&e->subject, c->after, e->version, c->decision->now_us, members);
    json_decref(members);
    return data;
}

void event_deleted(const struct change *c) {
    struct event_subject subject = subject_of(c->resource);
    record_event_deleted(&c->decision->records, &subject);
}

void event_changed(const struct change *c) {
    struct decision *d = c->decision;
    struct event_subject subject = subject_of(c->resource);
    struct event_change e = {.kind = kind_of(c),
                             .subject = subject,
                             .version = c->resource->version,
                             .changes = c->rows,
                             .nchanges = c->nrows,
                             .members = c->members_changed};
    e.data = data_of(c, &e);
    record_event_change(&d->records, &e);
    if (!change_makes(c) && c->resource->rt->kind == RESOURCE_USER && c->resource->active != c->was_active)
        record_event_active(&d->records, &subject, c->resource->active);
}

/* The external id of the resource that the command made, took over, or was about; NULL where the unit does
 * not know one. */
static const char *external_id_of(struct decision *d) {
    const struct command *c = d->command;
    if (c->rt == NULL || c->type == COMMAND_REQUEST_REFUSED)
        return NULL;
    const struct unit_resource *r = unit_resource(d->unit, d->workspace, c->rt, d->reply->id.s);
    bool deletes = c->type == COMMAND_USER_DELETE || c->type == COMMAND_ROOM_DELETE;
    return r != NULL && row_alive(r->state) && !(deletes && d->sliced) ? r->external_id : NULL;
}

void event_outcome(struct decision *d) {
    if (d->command->async.txn[0] && row_alive(d->workspace->state))
        record_event_outcome(&d->records, d->command, d->reply, external_id_of(d));
}
