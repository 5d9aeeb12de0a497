#include "schemas/stream/command_impl.h"

struct audit_target command_target(const struct command *c) {
    if (c->rt != NULL)
        return target_resource(c->rt, c->id.s, NULL);
    return (struct audit_target){.kind = command_row(c->type)->target, .id = c->id.s};
}

static int command_chunk(const char *p, size_t n, void *out) {
    jb_mem(out, p, n);
    return 0;
}

/* Documents have any shape, so jansson writes them. It keeps the order of members. */
static void put_tree(struct jbuf *out, const char *name, const json_t *tree) {
    if (tree == NULL)
        return;
    jb_key(out, name);
    json_dump_callback(tree, command_chunk, out, JSON_COMPACT | JSON_ENCODE_ANY);
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
    if (a->host[0] != '\0')
        jb_kstr(out, "host", a->host);
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

/* Members that only some commands have: preconditions, the Bulk around them, that nobody waits. */
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
    if ((command_row(c->type)->carries & CARRY_REFUSAL) == 0)
        return;
    jb_key(out, "refusal");
    jb_raw(out, "{");
    jb_kstr(out, "code", err_name(c->refusal));
    wire_put_detail(out, c->refusal_detail);
    jb_raw(out, "}");
}

void command_encode(const struct command *c, struct jbuf *out) {
    jb_raw(out, "{");
    jb_kint(out, "v", c->dry ? COMMAND_VERSION_DRY : COMMAND_VERSION);
    jb_kstr(out, "type", command_type_text(c->type));
    jb_kstr(out, "txn", c->txn.s);
    jb_kstr(out, "workspace", c->workspace.s);
    actor_put(out, &c->actor);
    jb_kstr(out, "dialect", dialect_name(c->dialect));
    jb_kstr(out, "reason", c->reason);
    jb_kint(out, "replyPartition", c->reply_partition);
    if (c->replies_together)
        jb_kbool(out, "repliesTogether", true);
    wire_put_time(out, "time", c->time_us);
    wire_put_time(out, "notAfter", c->not_after_us);
    jb_kstr(out, "id", c->id.s);
    if (c->traceparent[0] != '\0')
        jb_kstr(out, "traceparent", c->traceparent);
    if ((command_row(c->type)->carries & (CARRY_TYPE | MAY_TYPE)) != 0 && c->rt != NULL)
        jb_kstr(out, "resourceType", c->rt->name);
    put_tree(out, "resource", c->resource);
    put_tree(out, "ops", c->ops);
    put_tree(out, "operations", c->operations);
    put_tree(out, "members", c->members);
    put_refusal(c, out);
    put_conditions(c, out);
    jb_raw(out, "}");
}
