#include "schemas/stream/command_impl.h"

static const char *const type_texts[] = {
#define COMMAND_TEXT(sym, text) text,
    COMMAND_TYPES(COMMAND_TEXT)
#undef COMMAND_TEXT
};

static const unsigned type_carries[COMMAND_TYPE_COUNT] = {
    [COMMAND_USER_CREATE] = OF_USERS | CARRY_RESOURCE,
    [COMMAND_USER_REPLACE] = OF_USERS | CARRY_RESOURCE | MAY_CLEARED,
    [COMMAND_USER_PATCH] = OF_USERS | CARRY_OPS,
    [COMMAND_USER_DELETE] = OF_USERS,
    [COMMAND_ROOM_CREATE] = OF_ROOMS | CARRY_RESOURCE | MAY_MEMBERS,
    [COMMAND_ROOM_REPLACE] = OF_ROOMS | CARRY_RESOURCE | MAY_MEMBERS | MAY_CLEARED,
    [COMMAND_ROOM_PATCH] = OF_ROOMS | CARRY_OPS,
    [COMMAND_ROOM_DELETE] = OF_ROOMS,
    [COMMAND_RESOURCE_CREATE] = CARRY_TYPE | CARRY_RESOURCE,
    [COMMAND_RESOURCE_REPLACE] = CARRY_TYPE | CARRY_RESOURCE | MAY_CLEARED,
    [COMMAND_RESOURCE_PATCH] = CARRY_TYPE | CARRY_OPS,
    [COMMAND_RESOURCE_DELETE] = CARRY_TYPE,
    [COMMAND_REQUEST_REFUSED] = MAY_TYPE | CARRY_REFUSAL,
    [COMMAND_WORKSPACE_CREATE] = CARRY_RESOURCE,
    [COMMAND_WORKSPACE_SET] = CARRY_RESOURCE,
    [COMMAND_KEY_CREATE] = CARRY_RESOURCE,
    [COMMAND_KEY_ROTATE] = CARRY_RESOURCE,
    [COMMAND_OWNER_CREATE] = CARRY_RESOURCE,
    [COMMAND_USER_LOGIN] = OF_USERS | CARRY_RESOURCE,
    [COMMAND_MEMBER_PUT] = OF_ROOMS | CARRY_RESOURCE,
    [COMMAND_MEMBER_DELETE] = OF_ROOMS | CARRY_RESOURCE,
};

unsigned command_carries(enum command_type t) {
    return type_carries[t];
}

const char *command_type_text(enum command_type t) {
    return t < COMMAND_TYPE_COUNT ? type_texts[t] : "unknown";
}

static int append_chunk(const char *p, size_t n, void *out) {
    jb_mem(out, p, n);
    return 0;
}

/* Documents have any shape, so jansson writes them; it keeps the order of members. */
static void put_tree(struct jbuf *out, const char *name, const json_t *tree) {
    if (tree == NULL)
        return;
    jb_key(out, name);
    json_dump_callback(tree, append_chunk, out, JSON_COMPACT | JSON_ENCODE_ANY);
}

const char *actor_kind_text(enum actor_kind kind) {
    static const char *const texts[] = {
        [ACTOR_KEY] = "key", [ACTOR_OPERATOR] = "operator", [ACTOR_OWNER] = "owner"};
    return texts[kind];
}

void actor_put(struct jbuf *out, const struct actor *a) {
    jb_key(out, "actor");
    jb_raw(out, "{");
    jb_kstr(out, "kind", actor_kind_text(a->kind));
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
    jb_kstr(out, "base", a->base);
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

static void put_refusal(const struct command *c, struct jbuf *out) {
    if ((type_carries[c->type] & CARRY_REFUSAL) == 0)
        return;
    jb_key(out, "refusal");
    jb_raw(out, "{");
    jb_kstr(out, "code", err_name(c->refusal));
    wire_put_detail(out, c->refusal_detail);
    jb_raw(out, "}");
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
    wire_put_time(out, "time", c->time_us);
    wire_put_time(out, "notAfter", c->not_after_us);
    jb_kstr(out, "id", c->id.s);
    if (c->traceparent[0] != '\0')
        jb_kstr(out, "traceparent", c->traceparent);
    if ((type_carries[c->type] & (CARRY_TYPE | MAY_TYPE)) != 0 && c->rt != NULL)
        jb_kstr(out, "resourceType", c->rt->name);
    put_tree(out, "resource", c->resource);
    put_tree(out, "ops", c->ops);
    put_tree(out, "members", c->members);
    put_refusal(c, out);
    put_conditions(c, out);
    jb_raw(out, "}");
}
