#include "schemas/stream/command_impl.h"

#include <string.h>

static bool get_actor(const json_t *o, struct actor *a, struct err *err) {
    const json_t *v = json_object_get(o, "actor");
    char kind[16];
    struct uuid id;
    if (!json_is_object(v))
        return wire_bad(err, "actor", "not an object");
    if (!wire_text(v, "kind", false, kind, sizeof kind, err))
        return false;
    a->kind = ACTOR_KEY;
    while (strcmp(kind, actor_kind_text(a->kind)) != 0) {
        if (a->kind == ACTOR_OWNER)
            return wire_bad(err, "actor.kind", "unknown");
        a->kind++;
    }
    if (!wire_uuid(v, "id", a->kind == ACTOR_OPERATOR, &id, err))
        return false;
    memcpy(a->id, id.s, sizeof a->id);
    return wire_text(v, "name", false, a->name, sizeof a->name, err) &&
           wire_text(v, "host", true, a->host, sizeof a->host, err);
}

static bool get_type(const json_t *o, enum command_type *type, struct err *err) {
    const char *text = json_string_value(json_object_get(o, "type"));
    *type = command_type_parse(text);
    if (*type == COMMAND_TYPE_COUNT && text != NULL)
        (void)err_set(err, ERR_NOT_IMPLEMENTED, "type: \"%.60s\" is not known: a newer version's", text);
    else if (*type == COMMAND_TYPE_COUNT)
        (void)wire_bad(err, "type", "not a string");
    return *type < COMMAND_TYPE_COUNT;
}

/* The reason becomes static text, because events keep pointers to it. */
static bool get_reason(const json_t *o, const char **reason, struct err *err) {
    static const char *const known[] = {"scim", "api", "portal"};
    const char *text = json_string_value(json_object_get(o, "reason"));
    for (size_t i = 0; text != NULL && i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(text, known[i]) == 0) {
            *reason = known[i];
            return true;
        }
    }
    return wire_bad(err, "reason", "unknown");
}

static bool get_tree(const json_t *o, const char *name, bool wanted, json_type kind, json_t **out,
                     struct err *err) {
    json_t *v = json_object_get(o, name);
    if (v == NULL && !wanted)
        return true;
    if (!wanted)
        return wire_bad(err, name, "does not belong to a command of this type");
    if (v == NULL || json_typeof(v) != kind)
        return wire_bad(err, name, kind == JSON_OBJECT ? "not an object" : "not an array");
    *out = json_incref(v);
    return true;
}

/* Texts as the client gave them. One that is no UUID is an unknown member, which the worker reports. */
static bool get_members(const json_t *o, bool allowed, json_t **out, struct err *err) {
    size_t i;
    json_t *v;
    if (!get_tree(o, "members", allowed && json_object_get(o, "members") != NULL, JSON_ARRAY, out, err))
        return false;
    json_array_foreach(*out, i, v) {
        if (!json_is_string(v) || json_string_length(v) == 0)
            return wire_bad(err, "members", "an element is not a text");
    }
    return true;
}

static bool get_ops(const json_t *ops, struct err *err) {
    size_t i;
    json_t *v;
    json_array_foreach(ops, i, v) {
        if (!json_is_string(json_object_get(v, "op")))
            return wire_bad(err, "ops", "an element is not an operation");
    }
    return true;
}

static bool get_envelope(const json_t *o, struct command *c, struct err *err) {
    const char *dialect = json_string_value(json_object_get(o, "dialect"));
    int64_t partition;
    if (!get_type(o, &c->type, err) || !wire_uuid(o, "txn", false, &c->txn, err) ||
        !wire_uuid(o, "workspace", false, &c->workspace, err) || !get_actor(o, &c->actor, err))
        return false;
    if (dialect == NULL || !dialect_parse(dialect, &c->dialect))
        return wire_bad(err, "dialect", "unknown");
    if (!get_reason(o, &c->reason, err) || !wire_int(o, "replyPartition", -1, INT32_MAX, &partition, err))
        return false;
    c->reply_partition = (int32_t)partition;
    c->dry = json_integer_value(json_object_get(o, "v")) == COMMAND_VERSION_DRY;
    c->replies_together = json_is_true(json_object_get(o, "repliesTogether"));
    return wire_time(o, "time", false, &c->time_us, err) &&
           wire_time(o, "notAfter", true, &c->not_after_us, err) && wire_uuid(o, "id", false, &c->id, err) &&
           wire_text(o, "traceparent", true, c->traceparent, sizeof c->traceparent, err);
}

/* Users and rooms are known by the command's type, the others by name. */
static bool get_resource_type(const json_t *o, struct command *c, struct err *err) {
    const json_t *name = json_object_get(o, "resourceType");
    const struct command_row *row = command_row(c->type);
    unsigned carries = row->carries;
    if (row->target == TARGET_USER || row->target == TARGET_ROOM)
        c->rt = resource_type_of(row->target == TARGET_USER ? RESOURCE_USER : RESOURCE_ROOM);
    if (name == NULL && (carries & CARRY_TYPE) == 0)
        return true;
    if ((carries & (CARRY_TYPE | MAY_TYPE)) == 0)
        return wire_bad(err, "resourceType", "does not belong to a command of this type");
    if (!json_is_string(name))
        return wire_bad(err, "resourceType", "not a string");
    c->rt = resource_type_by_name(json_string_value(name));
    if (c->rt == NULL || ((carries & CARRY_TYPE) != 0 && c->rt->kind != RESOURCE_CUSTOM))
        return wire_bad(err, "resourceType", "unknown here");
    return true;
}

/* Members of an array: strings (or, numbers true, integers). */
static bool get_list(const json_t *o, const char *name, bool numbers, json_t **out, struct err *err) {
    size_t i;
    json_t *v;
    if (!get_tree(o, name, json_object_get(o, name) != NULL, JSON_ARRAY, out, err))
        return false;
    json_array_foreach(*out, i, v) {
        if (numbers ? !json_is_integer(v) : !json_is_string(v))
            return wire_bad(err, name, "an element is of the wrong kind");
    }
    return true;
}

static bool get_none_match(const json_t *o, json_t **out, struct err *err) {
    json_t *v = json_object_get(o, "ifNoneMatch");
    if (json_is_string(v) && strcmp(json_string_value(v), "*") == 0) {
        *out = json_incref(v);
        return true;
    }
    return get_list(o, "ifNoneMatch", true, out, err);
}

static bool get_needs(const json_t *o, json_t **out, struct err *err) {
    size_t i;
    json_t *v;
    struct uuid id;
    if (!get_tree(o, "needs", json_object_get(o, "needs") != NULL, JSON_ARRAY, out, err))
        return false;
    json_array_foreach(*out, i, v) {
        if (!json_is_string(json_object_get(v, "bulkId")) || !wire_uuid(v, "id", false, &id, err))
            return wire_bad(err, "needs", "an element is of the wrong kind");
    }
    return true;
}

static bool get_bulk(const json_t *o, struct command *c, struct err *err) {
    const json_t *v = json_object_get(o, "bulk");
    int64_t fail_on;
    if (v == NULL)
        return true;
    if (!wire_uuid(v, "txn", false, &c->bulk, err) || !wire_int(v, "failOn", 1, INT32_MAX, &fail_on, err))
        return false;
    c->bulk_fail_on = (int)fail_on;
    return true;
}

static bool get_async(const json_t *o, struct command_async *a, struct err *err) {
    const json_t *v = json_object_get(o, "async");
    if (v == NULL)
        return true;
    return wire_text(v, "txn", false, a->txn, sizeof a->txn, err) &&
           wire_text(v, "method", false, a->method, sizeof a->method, err) &&
           wire_text(v, "bulkId", true, a->bulk_id, sizeof a->bulk_id, err) &&
           wire_text(v, "base", true, a->base, sizeof a->base, err);
}

static bool get_refusal(const json_t *o, struct command *c, struct err *err) {
    const json_t *v = json_object_get(o, "refusal");
    bool wanted = (command_row(c->type)->carries & CARRY_REFUSAL) != 0;
    if (wanted != json_is_object(v))
        return v == NULL && !wanted
                   ? true
                   : wire_bad(err, "refusal",
                              wanted ? "not an object" : "does not belong to a command of this type");
    if (!wanted)
        return true;
    if (!wire_code(v, "code", &c->refusal, err) ||
        !wire_text(v, "detail", true, c->refusal_detail, sizeof c->refusal_detail, err))
        return false;
    return err_class(c->refusal) != ERR_CLASS_OK || wire_bad(err, "refusal", "is none");
}

/* Commands that are tried together. Each is decoded when it is tried. */
static bool get_operations(const json_t *o, struct command *c, struct err *err) {
    bool wanted = (command_row(c->type)->carries & CARRY_OPERATIONS) != 0;
    size_t i;
    json_t *v;
    if (wanted && !c->dry)
        return wire_bad(err, "v", "a Bulk as a whole is only tried");
    if (!get_tree(o, "operations", wanted, JSON_ARRAY, &c->operations, err))
        return false;
    if (json_array_size(c->operations) > COMMAND_OPERATIONS_MAX)
        return wire_bad(err, "operations", "too many");
    json_array_foreach(c->operations, i, v) {
        if (!json_is_object(v))
            return wire_bad(err, "operations", "an element is not a command");
    }
    return true;
}

static bool get_conditions(const json_t *o, struct command *c, struct err *err) {
    bool may_clear = (command_row(c->type)->carries & MAY_CLEARED) != 0;
    if (!may_clear && json_object_get(o, "cleared") != NULL)
        return wire_bad(err, "cleared", "does not belong to a command of this type");
    return get_list(o, "cleared", false, &c->cleared, err) &&
           get_list(o, "ifMatch", true, &c->if_match, err) && get_none_match(o, &c->if_none_match, err) &&
           get_needs(o, &c->needs, err) && get_bulk(o, c, err) && get_async(o, &c->async, err);
}

static bool get_payload(const json_t *o, struct command *c, struct err *err) {
    unsigned carries = command_row(c->type)->carries;
    return get_tree(o, "resource", (carries & CARRY_RESOURCE) != 0, JSON_OBJECT, &c->resource, err) &&
           get_tree(o, "ops", (carries & CARRY_OPS) != 0, JSON_ARRAY, &c->ops, err) && get_ops(c->ops, err) &&
           get_operations(o, c, err) && get_members(o, (carries & MAY_MEMBERS) != 0, &c->members, err) &&
           get_refusal(o, c, err) && get_conditions(o, c, err);
}

enum err_code command_decode(const char *buf, size_t len, struct command *c, struct err *err) {
    memset(c, 0, sizeof *c);
    struct err why = {0};
    err = err != NULL ? err : &why;
    json_t *root = wire_load(buf, len, COMMAND_VERSION_DRY, err);
    if (root == NULL)
        return err->code;
    bool ok = get_envelope(root, c, err) && get_resource_type(root, c, err) && get_payload(root, c, err);
    json_decref(root);
    if (!ok)
        command_clear(c);
    return ok ? ERR_OK : err->code;
}

void command_clear(struct command *c) {
    json_decref(c->resource);
    json_decref(c->ops);
    json_decref(c->operations);
    json_decref(c->members);
    json_decref(c->cleared);
    json_decref(c->if_match);
    json_decref(c->if_none_match);
    json_decref(c->needs);
    c->resource = c->ops = c->operations = c->members = NULL;
    c->cleared = c->if_match = c->if_none_match = c->needs = NULL;
}
