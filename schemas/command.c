#include "schemas/command.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/mem.h"

#include <stdlib.h>
#include <string.h>

#define COMMAND_VERSION 1

static const char *const type_texts[] = {
#define COMMAND_TEXT(sym, text) text,
    COMMAND_TYPES(COMMAND_TEXT)
#undef COMMAND_TEXT
};

/* What a command of each type carries besides the envelope: decode demands it, and refuses what does not
 * belong. */
enum { CARRY_RESOURCE = 1, CARRY_OPS = 2, MAY_MEMBERS = 4, CARRY_TYPE = 8, MAY_CLEARED = 16 };
static const unsigned type_carries[COMMAND_TYPE_COUNT] = {
    [COMMAND_USER_CREATE] = CARRY_RESOURCE,
    [COMMAND_USER_REPLACE] = CARRY_RESOURCE | MAY_CLEARED,
    [COMMAND_USER_PATCH] = CARRY_OPS,
    [COMMAND_ROOM_CREATE] = CARRY_RESOURCE | MAY_MEMBERS,
    [COMMAND_ROOM_REPLACE] = CARRY_RESOURCE | MAY_MEMBERS | MAY_CLEARED,
    [COMMAND_ROOM_PATCH] = CARRY_OPS,
    [COMMAND_RESOURCE_CREATE] = CARRY_TYPE | CARRY_RESOURCE,
    [COMMAND_RESOURCE_REPLACE] = CARRY_TYPE | CARRY_RESOURCE | MAY_CLEARED,
    [COMMAND_RESOURCE_PATCH] = CARRY_TYPE | CARRY_OPS,
    [COMMAND_RESOURCE_DELETE] = CARRY_TYPE,
    [COMMAND_WORKSPACE_CREATE] = CARRY_RESOURCE,
    [COMMAND_WORKSPACE_SET] = CARRY_RESOURCE,
    [COMMAND_KEY_CREATE] = CARRY_RESOURCE,
};

const char *command_type_text(enum command_type t) {
    return t < COMMAND_TYPE_COUNT ? type_texts[t] : "unknown";
}

/* Encoding */

static int append_chunk(const char *p, size_t n, void *out) {
    jb_mem(out, p, n);
    return 0;
}

/* Documents have any shape, so jansson writes them; it keeps the order of members. */
static void put_tree(struct jbuf *out, const char *name, const json_t *tree) {
    if (tree == NULL)
        return;
    jb_key(out, name);
    json_dump_callback(tree, append_chunk, out, JSON_COMPACT);
}

static void put_time(struct jbuf *out, const char *name, int64_t us) {
    char text[RFC3339_SIZE];
    jb_kstr(out, name, us != 0 ? rfc3339_us(us, text) : NULL);
}

void actor_put(struct jbuf *out, const struct actor *a) {
    jb_key(out, "actor");
    jb_raw(out, "{");
    jb_kstr(out, "kind", a->kind == ACTOR_KEY ? "key" : "operator");
    jb_kstr(out, "id", a->id[0] != '\0' ? a->id : NULL);
    jb_kstr(out, "name", a->name);
    jb_raw(out, "}");
}

static void put_async(struct jbuf *out, const struct command_async *a) {
    if (a->txn[0] == '\0')
        return;
    jb_key(out, "async");
    jb_raw(out, "{");
    jb_kstr(out, "txn", a->txn);
    jb_kstr(out, "method", a->method);
    if (a->bulk_id[0] != '\0')
        jb_kstr(out, "bulkId", a->bulk_id);
    jb_raw(out, "}");
}

/* What only some requests say: preconditions, the Bulk around them, that nobody waits. */
static void put_conditions(const struct command *c, struct jbuf *out) {
    put_tree(out, "cleared", c->cleared);
    put_tree(out, "ifMatch", c->if_match);
    put_tree(out, "ifNoneMatch", c->if_none_match);
    put_tree(out, "needs", c->needs);
    if (c->bulk_fail_on > 0) {
        jb_key(out, "bulk");
        jb_raw(out, "{");
        jb_kstr(out, "txn", c->bulk.s);
        jb_kint(out, "failOn", c->bulk_fail_on);
        jb_raw(out, "}");
    }
    put_async(out, &c->async);
}

void command_encode(const struct command *c, struct jbuf *out) {
    jb_raw(out, "{");
    jb_kint(out, "v", COMMAND_VERSION);
    jb_kstr(out, "type", command_type_text(c->type));
    jb_kstr(out, "txn", c->txn.s);
    jb_kstr(out, "workspace", c->workspace.s);
    actor_put(out, &c->actor);
    jb_kstr(out, "dialect", dialect_name(c->dialect));
    jb_kstr(out, "reason", c->reason);
    jb_kint(out, "replyPartition", c->reply_partition);
    put_time(out, "time", c->time_us);
    put_time(out, "notAfter", c->not_after_us);
    jb_kstr(out, "id", c->id.s);
    if (c->traceparent[0] != '\0')
        jb_kstr(out, "traceparent", c->traceparent);
    if ((type_carries[c->type] & CARRY_TYPE) != 0)
        jb_kstr(out, "resourceType", c->rt->name);
    put_tree(out, "resource", c->resource);
    put_tree(out, "ops", c->ops);
    put_tree(out, "members", c->members);
    put_conditions(c, out);
    jb_raw(out, "}");
}

/* Details are cut at a size (err_set), perhaps within a character: the record must stay UTF-8. Length without
 * such a rest. */
static size_t whole_characters(const char *text) {
    size_t n = strlen(text), start = n;
    while (start > 0 && n - start < 3 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0 || (unsigned char)text[start - 1] < 0xc0)
        return n;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t due = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    return n - start + 1 < due ? start - 1 : n;
}

void reply_encode(const struct reply *r, struct jbuf *out) {
    jb_raw(out, "{");
    jb_kint(out, "v", COMMAND_VERSION);
    jb_kstr(out, "txn", r->txn.s);
    jb_kstr(out, "code", err_name(r->code));
    jb_key(out, "detail");
    if (r->detail[0] != '\0')
        jb_strn(out, r->detail, whole_characters(r->detail));
    else
        jb_raw(out, "null");
    jb_kstr(out, "id", r->id.s[0] != '\0' ? r->id.s : NULL);
    jb_kint(out, "version", r->version);
    put_time(out, "created", r->created_us);
    put_time(out, "modified", r->modified_us);
    if (r->doc != NULL)
        jb_kraw(out, "doc", r->doc);
    jb_raw(out, "}");
}

/* Decoding: each getter returns false, with err set, for a member that is missing or of the wrong kind. */

static bool bad(struct err *err, const char *name, const char *what) {
    err_set_path(err, ERR_DECODE, name, "%s: %s", name, what);
    return false;
}

static bool get_uuid(const json_t *o, const char *name, bool may_be_null, struct uuid *out, struct err *err) {
    const json_t *v = json_object_get(o, name);
    if (may_be_null && (v == NULL || json_is_null(v))) {
        out->s[0] = '\0';
        return true;
    }
    if (!json_is_string(v) || !uuid_parse(json_string_value(v), out))
        return bad(err, name, "not a UUID");
    return true;
}

static bool get_time(const json_t *o, const char *name, bool may_be_null, int64_t *us, struct err *err) {
    const json_t *v = json_object_get(o, name);
    *us = 0;
    if (may_be_null && (v == NULL || json_is_null(v)))
        return true;
    if (!json_is_string(v) || !rfc3339_parse(json_string_value(v), us))
        return bad(err, name, "not a time stamp");
    return true;
}

static bool get_int(const json_t *o, const char *name, int64_t min, int64_t max, int64_t *out,
                    struct err *err) {
    const json_t *v = json_object_get(o, name);
    if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
        return bad(err, name, "not an integer in range");
    *out = json_integer_value(v);
    return true;
}

/* A text that must fit; texts of ours always do. */
static bool get_text(const json_t *o, const char *name, bool may_be_null, char *out, size_t size,
                     struct err *err) {
    const json_t *v = json_object_get(o, name);
    out[0] = '\0';
    if (may_be_null && (v == NULL || json_is_null(v)))
        return true;
    if (!json_is_string(v))
        return bad(err, name, "not a string");
    if (json_string_length(v) >= size)
        return bad(err, name, "too long");
    memcpy(out, json_string_value(v), json_string_length(v) + 1);
    return true;
}

static bool get_actor(const json_t *o, struct actor *a, struct err *err) {
    const json_t *v = json_object_get(o, "actor");
    char kind[16];
    struct uuid id;
    if (!json_is_object(v))
        return bad(err, "actor", "not an object");
    if (!get_text(v, "kind", false, kind, sizeof kind, err))
        return false;
    if (strcmp(kind, "key") == 0)
        a->kind = ACTOR_KEY;
    else if (strcmp(kind, "operator") == 0)
        a->kind = ACTOR_OPERATOR;
    else
        return bad(err, "actor.kind", "unknown");
    if (!get_uuid(v, "id", a->kind == ACTOR_OPERATOR, &id, err))
        return false;
    memcpy(a->id, id.s, sizeof a->id);
    return get_text(v, "name", false, a->name, sizeof a->name, err);
}

static bool get_type(const json_t *o, enum command_type *type, struct err *err) {
    const char *text = json_string_value(json_object_get(o, "type"));
    for (int t = 0; text != NULL && t < COMMAND_TYPE_COUNT; t++) {
        if (strcmp(text, type_texts[t]) == 0) {
            *type = (enum command_type)t;
            return true;
        }
    }
    return bad(err, "type", "unknown");
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
    return bad(err, "reason", "unknown");
}

static bool get_tree(const json_t *o, const char *name, bool wanted, json_type kind, json_t **out,
                     struct err *err) {
    json_t *v = json_object_get(o, name);
    if (v == NULL && !wanted)
        return true;
    if (!wanted)
        return bad(err, name, "does not belong to a command of this type");
    if (v == NULL || json_typeof(v) != kind)
        return bad(err, name, kind == JSON_OBJECT ? "not an object" : "not an array");
    *out = json_incref(v);
    return true;
}

/* Texts as the caller gave them: one that is no UUID is a member that nobody knows, for the worker to name.
 */
static bool get_members(const json_t *o, bool allowed, json_t **out, struct err *err) {
    size_t i;
    json_t *v;
    if (!get_tree(o, "members", allowed && json_object_get(o, "members") != NULL, JSON_ARRAY, out, err))
        return false;
    json_array_foreach(*out, i, v) {
        if (!json_is_string(v) || json_string_length(v) == 0)
            return bad(err, "members", "an element is not a text");
    }
    return true;
}

static bool get_ops(const json_t *ops, struct err *err) {
    size_t i;
    json_t *v;
    json_array_foreach(ops, i, v) {
        if (!json_is_string(json_object_get(v, "op")))
            return bad(err, "ops", "an element is not an operation");
    }
    return true;
}

static bool get_envelope(const json_t *o, struct command *c, struct err *err) {
    const char *dialect = json_string_value(json_object_get(o, "dialect"));
    int64_t partition;
    if (!get_type(o, &c->type, err) || !get_uuid(o, "txn", false, &c->txn, err) ||
        !get_uuid(o, "workspace", false, &c->workspace, err) || !get_actor(o, &c->actor, err))
        return false;
    if (dialect == NULL || !dialect_parse(dialect, &c->dialect))
        return bad(err, "dialect", "unknown");
    if (!get_reason(o, &c->reason, err) || !get_int(o, "replyPartition", -1, INT32_MAX, &partition, err))
        return false;
    c->reply_partition = (int32_t)partition;
    return get_time(o, "time", false, &c->time_us, err) &&
           get_time(o, "notAfter", true, &c->not_after_us, err) && get_uuid(o, "id", false, &c->id, err) &&
           get_text(o, "traceparent", true, c->traceparent, sizeof c->traceparent, err);
}

/* Users and rooms are known by the command's type, the others by name. */
static bool get_resource_type(const json_t *o, struct command *c, struct err *err) {
    const char *type = command_type_text(c->type);
    const char *name = json_string_value(json_object_get(o, "resourceType"));
    bool named = (type_carries[c->type] & CARRY_TYPE) != 0;
    if (named != (name != NULL))
        return bad(err, "resourceType", named ? "missing" : "does not belong to a command of this type");
    if (named)
        c->rt = resource_type_by_name(name);
    else if (type[0] == 'u' || type[0] == 'r')
        c->rt = resource_type_of(type[0] == 'u' ? RESOURCE_USER : RESOURCE_ROOM);
    if (named && (c->rt == NULL || c->rt->kind != RESOURCE_CUSTOM))
        return bad(err, "resourceType", "unknown here");
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
            return bad(err, name, "an element is of the wrong kind");
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
        if (!json_is_string(json_object_get(v, "bulkId")) || !get_uuid(v, "id", false, &id, err))
            return bad(err, "needs", "an element is of the wrong kind");
    }
    return true;
}

static bool get_bulk(const json_t *o, struct command *c, struct err *err) {
    const json_t *v = json_object_get(o, "bulk");
    int64_t fail_on;
    if (v == NULL)
        return true;
    if (!get_uuid(v, "txn", false, &c->bulk, err) || !get_int(v, "failOn", 1, INT32_MAX, &fail_on, err))
        return false;
    c->bulk_fail_on = (int)fail_on;
    return true;
}

static bool get_async(const json_t *o, struct command_async *a, struct err *err) {
    const json_t *v = json_object_get(o, "async");
    if (v == NULL)
        return true;
    return get_text(v, "txn", false, a->txn, sizeof a->txn, err) &&
           get_text(v, "method", false, a->method, sizeof a->method, err) &&
           get_text(v, "bulkId", true, a->bulk_id, sizeof a->bulk_id, err);
}

static bool get_conditions(const json_t *o, struct command *c, struct err *err) {
    bool may_clear = (type_carries[c->type] & MAY_CLEARED) != 0;
    if (!may_clear && json_object_get(o, "cleared") != NULL)
        return bad(err, "cleared", "does not belong to a command of this type");
    return get_list(o, "cleared", false, &c->cleared, err) &&
           get_list(o, "ifMatch", true, &c->if_match, err) && get_none_match(o, &c->if_none_match, err) &&
           get_needs(o, &c->needs, err) && get_bulk(o, c, err) && get_async(o, &c->async, err);
}

static bool get_payload(const json_t *o, struct command *c, struct err *err) {
    unsigned carries = type_carries[c->type];
    return get_tree(o, "resource", (carries & CARRY_RESOURCE) != 0, JSON_OBJECT, &c->resource, err) &&
           get_tree(o, "ops", (carries & CARRY_OPS) != 0, JSON_ARRAY, &c->ops, err) && get_ops(c->ops, err) &&
           get_members(o, (carries & MAY_MEMBERS) != 0, &c->members, err) && get_conditions(o, c, err);
}

/* The root object of a record of ours, version checked; new reference or NULL. */
static json_t *load(const char *buf, size_t len, struct err *err) {
    json_error_t at;
    int64_t version;
    json_t *root = buf != NULL ? json_loadb(buf, len, JSON_REJECT_DUPLICATES, &at) : NULL;
    if (root == NULL) {
        err_set(err, ERR_DECODE, "%s", buf == NULL ? "no value" : at.text);
        return NULL;
    }
    if (!json_is_object(root))
        err_set(err, ERR_DECODE, "not a JSON object");
    else if (get_int(root, "v", COMMAND_VERSION, COMMAND_VERSION, &version, err))
        return root;
    json_decref(root);
    return NULL;
}

enum err_code command_decode(const char *buf, size_t len, struct command *c, struct err *err) {
    memset(c, 0, sizeof *c);
    json_t *root = load(buf, len, err);
    if (root == NULL)
        return ERR_DECODE;
    bool ok = get_envelope(root, c, err) && get_resource_type(root, c, err) && get_payload(root, c, err);
    json_decref(root);
    if (!ok)
        command_clear(c);
    return ok ? ERR_OK : ERR_DECODE;
}

void command_clear(struct command *c) {
    json_decref(c->resource);
    json_decref(c->ops);
    json_decref(c->members);
    json_decref(c->cleared);
    json_decref(c->if_match);
    json_decref(c->if_none_match);
    json_decref(c->needs);
    c->resource = c->ops = c->members = NULL;
    c->cleared = c->if_match = c->if_none_match = c->needs = NULL;
}

/* Replies */

/* The text of the top-level member "doc" in a valid JSON object, byte for byte: the answer shows exactly what
 * the worker stored, and nothing is written anew. NULL if there is none. */
static char *slice_doc(const char *p, const char *end) {
    static const char name[] = "\"doc\":{";
    const char *start = NULL;
    int depth = 0;
    for (; p < end; p++) {
        if (depth == 1 && start == NULL && (size_t)(end - p) >= sizeof name - 1 &&
            memcmp(p, name, sizeof name - 1) == 0) {
            p += sizeof name - 2;
            start = p;
        }
        if (*p == '"') {
            for (p++; p < end && *p != '"'; p++)
                p += *p == '\\';
        } else if (*p == '{' || *p == '[') {
            depth++;
        } else if (*p == '}' || *p == ']') {
            if (--depth == 1 && start != NULL) {
                size_t n = (size_t)(p + 1 - start);
                char *doc = xmalloc(n + 1);
                memcpy(doc, start, n);
                doc[n] = '\0';
                return doc;
            }
        }
    }
    return NULL;
}

static bool get_code(const json_t *o, enum err_code *code, struct err *err) {
    const char *name = json_string_value(json_object_get(o, "code"));
    if (name == NULL)
        return bad(err, "code", "not a string");
    *code = err_from_name(name);
    return true;
}

static bool get_doc(const json_t *o, const char *buf, size_t len, char **doc, struct err *err) {
    const json_t *v = json_object_get(o, "doc");
    if (v == NULL)
        return true;
    *doc = json_is_object(v) ? slice_doc(buf, buf + len) : NULL;
    return *doc != NULL || bad(err, "doc", "not an object in compact form");
}

enum err_code reply_decode(const char *buf, size_t len, struct reply *r, struct err *err) {
    memset(r, 0, sizeof *r);
    json_t *root = load(buf, len, err);
    if (root == NULL)
        return ERR_DECODE;
    bool ok = get_uuid(root, "txn", false, &r->txn, err) && get_code(root, &r->code, err) &&
              get_text(root, "detail", true, r->detail, sizeof r->detail, err) &&
              get_uuid(root, "id", true, &r->id, err) &&
              get_int(root, "version", 0, INT64_MAX, &r->version, err) &&
              get_time(root, "created", true, &r->created_us, err) &&
              get_time(root, "modified", true, &r->modified_us, err) && get_doc(root, buf, len, &r->doc, err);
    json_decref(root);
    if (!ok)
        reply_clear(r);
    return ok ? ERR_OK : ERR_DECODE;
}

void reply_clear(struct reply *r) {
    free(r->doc);
    r->doc = NULL;
}
