/* What a command carries, judged as the ingest judges it: who can write to the log cannot do more than who
 * sends requests. What the ingest made is in normal form, so that making it once more changes nothing. */
#include "schemas/stream/command_impl.h"

#include "schemas/patch/patch.h"
#include "schemas/resource/resource.h"
#include "schemas/text/jsonx.h"

#include <stdlib.h>
#include <string.h>

static enum err_code refuse_member_id(const char *path, struct err *err) {
    return err_set_path(err, ERR_INVALID_VALUE, path, "The command sets '%s', which it may not", path);
}

/* Refuses what the normaliser has left out: read-only attributes, id, meta, members, what nobody knows, and
 * names in another spelling. It fills `schemas` itself. */
static enum err_code check_kept(const json_t *given, const json_t *kept, struct err *err) {
    const char *name;
    json_t *value;
    enum err_code code = ERR_OK;
    json_object_foreach((json_t *)given, name, value) {
        const json_t *there = json_object_get(kept, name);
        if (strcmp(name, "schemas") == 0)
            continue;
        if (there == NULL)
            code = refuse_member_id(name, err);
        else if (json_is_object(value))
            code = check_kept(value, there, err);
        for (size_t i = 0;
             code == ERR_OK && i < json_array_size(value) && json_array_size(value) == json_array_size(there);
             i++)
            code = check_kept(json_array_get(value, i), json_array_get(there, i), err);
        if (code != ERR_OK)
            break;
    }
    return code;
}

static enum err_code check_document(struct command *c, struct err *err) {
    json_t *doc = NULL, *members = NULL;
    if (resource_normalise(c->rt, c->dialect, c->resource, &doc, &members, NULL, err) != ERR_OK)
        return err->code;
    json_decref(members);
    if (check_kept(c->resource, doc, err) != ERR_OK) {
        json_decref(doc);
        return err->code;
    }
    json_decref(c->resource);
    c->resource = doc;
    return ERR_OK;
}

static enum err_code check_cleared(const struct command *c, struct err *err) {
    size_t i;
    json_t *v;
    struct attr_path path;
    json_array_foreach(c->cleared, i, v) {
        if (attr_path_resolve(c->rt, json_string_value(v), json_string_length(v), ERR_INVALID_PATH, &path,
                              err) != ERR_OK)
            return err->code;
    }
    return ERR_OK;
}

/* The operations as the body of a request has them: they are made to be read again. */
static enum err_code check_ops(struct command *c, struct err *err) {
    json_t *ops = NULL;
    if (json_array_size(c->ops) == 0)
        return ERR_OK;
    json_t *body = json_pack("{s:[s], s:O}", "schemas", MESSAGE_PATCH, "Operations", c->ops);
    if (body == NULL)
        abort();
    enum err_code code = patch_normalise(c->rt, c->dialect, body, c->id.s, &ops, err);
    json_decref(body);
    if (code != ERR_OK)
        return code;
    if (json_array_size(ops) != json_array_size(c->ops)) {
        json_decref(ops);
        return err_set(err, ERR_INVALID_VALUE, "The command has an operation that does nothing");
    }
    json_decref(c->ops);
    c->ops = ops;
    return ERR_OK;
}

/* member.put and member.delete: what must be of the membership so far. */
static enum err_code check_was(const struct command *c, struct err *err) {
    static const char *const all[] = {"absent", "present", "transmit", "mute", "never"};
    const json_t *was = json_object_get(c->resource, "was");
    if (was == NULL || (c->type != COMMAND_MEMBER_PUT && c->type != COMMAND_MEMBER_DELETE))
        return ERR_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (json_is_string(was) && strcmp(json_string_value(was), all[i]) == 0)
            return ERR_OK;
    return err_set_path(err, ERR_INVALID_VALUE, "was",
                        "was must be absent, present, transmit, mute or never");
}

/* Of commands whose `resource` is no document: what the verbs of the worker take as it is. */
static enum err_code check_fields(const struct command *c, struct err *err) {
    static const struct {
        enum command_type type;
        const char *name;
        bool is_id; /* else a moment, or null */
    } fields[] = {{COMMAND_USER_LOGIN, "at", false},
                  {COMMAND_KEY_ROTATE, "overlapUntil", false},
                  {COMMAND_MEMBER_PUT, "user", true},
                  {COMMAND_MEMBER_DELETE, "user", true}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const json_t *v = json_object_get(c->resource, fields[i].name);
        struct uuid id;
        if (fields[i].type != c->type || v == NULL)
            continue;
        bool good = fields[i].is_id ? json_is_string(v) && uuid_parse(json_string_value(v), &id)
                                    : json_is_null(v) || json_is_integer(v);
        if (!good)
            return err_set_path(err, ERR_INVALID_VALUE, fields[i].name, "%s must be %s", fields[i].name,
                                fields[i].is_id ? "an id" : "a moment, or null");
    }
    return check_was(c, err);
}

static bool carries_document(enum command_type type) {
    return type == COMMAND_USER_CREATE || type == COMMAND_USER_REPLACE || type == COMMAND_ROOM_CREATE ||
           type == COMMAND_ROOM_REPLACE || type == COMMAND_RESOURCE_CREATE ||
           type == COMMAND_RESOURCE_REPLACE;
}

enum err_code command_check(struct command *c, struct err *err) {
    if (carries_document(c->type))
        return check_document(c, err) != ERR_OK ? err->code : check_cleared(c, err);
    return c->ops != NULL ? check_ops(c, err) : check_fields(c, err);
}
