#include "workers/apply/decision.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/mem.h"
#include "schemas/resource/resource.h"
#include "schemas/stream/record_event.h"
#include "schemas/text/fold.h"
#include "schemas/text/jsonx.h"
#include "schemas/types/schema.h"
#include "workers/apply/event.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum err_code (*apply_fn)(struct decision *d);

/* An operation of an asynchronous Bulk that the ingest has refused: its outcome has a place here like those
 * of the others. */
static enum err_code apply_request_refused(struct decision *d) {
    return err_set(&d->err, d->command->refusal, "%s", d->command->refusal_detail);
}

static const apply_fn apply_table[COMMAND_TYPE_COUNT] = {
    [COMMAND_USER_CREATE] = apply_create,
    [COMMAND_USER_REPLACE] = apply_replace,
    [COMMAND_USER_PATCH] = apply_patch,
    [COMMAND_USER_DELETE] = apply_delete,
    [COMMAND_ROOM_CREATE] = apply_create,
    [COMMAND_ROOM_REPLACE] = apply_replace,
    [COMMAND_ROOM_PATCH] = apply_patch,
    [COMMAND_ROOM_DELETE] = apply_delete,
    [COMMAND_RESOURCE_CREATE] = apply_create,
    [COMMAND_RESOURCE_REPLACE] = apply_replace,
    [COMMAND_RESOURCE_PATCH] = apply_patch,
    [COMMAND_RESOURCE_DELETE] = apply_delete,
    [COMMAND_REQUEST_REFUSED] = apply_request_refused,
    [COMMAND_WORKSPACE_CREATE] = apply_workspace_create,
    [COMMAND_WORKSPACE_SET] = apply_workspace_set,
    [COMMAND_KEY_CREATE] = apply_key_create,
    [COMMAND_KEY_REVOKE] = apply_key_revoke,
    [COMMAND_KEY_ROTATE] = apply_key_rotate,
    [COMMAND_OWNER_CREATE] = apply_owner_create,
    [COMMAND_OWNER_REVOKE] = apply_owner_revoke,
    [COMMAND_USER_LOGIN] = apply_user_login,
    [COMMAND_MEMBER_PUT] = apply_member_put,
    [COMMAND_MEMBER_DELETE] = apply_member_delete,
    [COMMAND_GUARD_RELEASE] = apply_guard_release,
};

/* ---- deciding ---- */

enum err_code decision_db_error(struct decision *d) {
    if (unit_error(d->unit, &d->err) == ERR_OK)
        return err_set(&d->err, ERR_INTERNAL, "An object is missing");
    return d->err.code;
}

/* Is the credential still alive? It is read under the workspace's lock, which the revocation takes too. Who
 * revokes himself is dead already when this command follows. */
static enum err_code check_owner(struct decision *d) {
    const struct command *c = d->command;
    const struct unit_owner *o = unit_owner(d->unit, d->workspace, c->actor.id);
    if (o == NULL)
        return decision_db_error(d);
    bool himself = c->type == COMMAND_OWNER_REVOKE && strcmp(c->id.s, c->actor.id) == 0;
    if (!row_alive(o->state) || (o->revoked && !himself))
        return err_set(&d->err, ERR_UNAUTHORIZED, "The credential has been revoked");
    return ERR_OK;
}

static enum err_code check_actor(struct decision *d) {
    if (d->command->actor.kind == ACTOR_OWNER)
        return check_owner(d);
    if (d->command->actor.kind != ACTOR_KEY)
        return ERR_OK;
    const struct unit_key *k = unit_key(d->unit, d->workspace, d->command->actor.id);
    if (k == NULL)
        return decision_db_error(d);
    if (!row_alive(k->state) || k->revoked)
        return err_set(&d->err, ERR_UNAUTHORIZED, "The key has been revoked");
    return ERR_OK;
}

/* Identity providers wait until people can sign in. */
static enum err_code check_sso(struct decision *d) {
    const struct workspace_settings *s = &d->workspace->settings;
    if (!s->require_sso || s->sso_ready || strcmp(d->command->reason, "scim") != 0)
        return ERR_OK;
    return err_set(&d->err, ERR_FORBIDDEN,
                   "SCIM is refused in this workspace until single sign-on is marked as set up");
}

/* The operations before it in its Bulk have failed too often. */
static enum err_code check_bulk(struct decision *d) {
    const struct command *c = d->command;
    if (c->bulk_fail_on <= 0)
        return ERR_OK;
    const struct unit_bulk *b = unit_bulk(d->unit, d->workspace, c->bulk.s);
    if (b == NULL)
        return decision_db_error(d);
    return b->failures < c->bulk_fail_on
               ? ERR_OK
               : err_set(&d->err, ERR_BULK_STOPPED, "%d operations of the Bulk have failed", b->failures);
}

/* What it refers to in its Bulk must be there (rule B4). */
static enum err_code check_needs(struct decision *d) {
    size_t i;
    json_t *need;
    json_array_foreach(d->command->needs, i, need) {
        if (unit_any(d->unit, d->workspace, json_string_value(json_object_get(need, "id"))))
            continue;
        if (unit_error(d->unit, &d->err) != ERR_OK)
            return d->err.code;
        return err_set(&d->err, ERR_CONFLICT, "bulkId \"%.72s\" names a resource that was not created",
                       json_string_value(json_object_get(need, "bulkId")));
    }
    return ERR_OK;
}

static enum err_code decide(struct decision *d) {
    const struct command *c = d->command;
    if (!row_alive(d->workspace->state) && c->type != COMMAND_WORKSPACE_CREATE)
        return err_set(&d->err, ERR_NOT_FOUND, "The workspace does not exist");
    enum err_code code = check_bulk(d);
    if (code == ERR_OK && c->not_after_us && d->now_us > c->not_after_us)
        code = err_set(&d->err, ERR_DEADLINE, "The command came too late; nothing was changed");
    if (code == ERR_OK)
        code = check_actor(d);
    if (code == ERR_OK)
        code = check_sso(d);
    if (code == ERR_OK)
        code = check_needs(d);
    return code == ERR_OK ? apply_table[c->type](d) : code;
}

static void audit_refusal(struct decision *d) {
    char reason[40];
    snprintf(reason, sizeof reason, "%s", err_name(d->err.code));
    for (char *p = reason; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    struct audit_change change = {.action =
                                      d->err.code == ERR_SEATS ? ACTION_SEAT_REFUSED : ACTION_COMMAND_REFUSED,
                                  .target = command_target(d->command),
                                  .outcome = "refused",
                                  .reason = arena_strdup(d->records.arena, reason),
                                  .changes_json = "[]"};
    record_audit_change(&d->records, &change);
}

/* What a Bulk did not come to leaves no record: nothing was tried. */
static void refuse(struct decision *d) {
    d->reply->code = d->err.code;
    snprintf(d->reply->detail, sizeof d->reply->detail, "%s", err_text(&d->err));
    if (!row_alive(d->workspace->state) || d->err.code == ERR_BULK_STOPPED)
        return; /* (no workspace, no numbers, no audit of it) */
    audit_refusal(d);
    struct unit_bulk *b =
        d->command->bulk_fail_on > 0 ? unit_bulk(d->unit, d->workspace, d->command->bulk.s) : NULL;
    if (b != NULL)
        b->failures++;
}

/* A command whose txn is known: the stored outcome is the answer. Its records go out again only from the
 * record in the log that was applied: the first attempt may have died between PostgreSQL's commit and
 * Kafka's. A copy elsewhere in the log emits nothing. */
static enum err_code repeat(struct batch *b, struct delivery *delivery, const struct unit_claim *claim,
                            struct err *err) {
    if (claim->cancelled || claim->outcome == NULL)
        return ERR_OK; /* an ingest cancelled it and has answered */
    enum err_code code = reply_decode(claim->outcome, strlen(claim->outcome), &delivery->reply, err);
    if (code != ERR_OK)
        return code;
    delivery->reply.doc = NULL;
    delivery->reply_due = true;
    if (claim->origin_partition == delivery->partition && claim->origin_offset == delivery->offset &&
        claim->records != NULL && delivery->records.n == 0)
        code = record_list_decode(claim->records, b->arena, &delivery->records, &delivery->traceparent, err);
    return code;
}

/* The outcome and the records, as they are stored under the txn. */
static void claim(struct unit *u, struct unit_workspace *ws, struct delivery *delivery) {
    struct arena *a = unit_arena(u);
    struct jbuf outcome = {0}, records = {0};
    char *doc = delivery->reply.doc;
    delivery->reply.doc = NULL; /* the document stands in its table */
    reply_encode(&delivery->reply, &outcome);
    delivery->reply.doc = doc;
    if (delivery->records.n)
        record_list_encode(delivery->records.rows, delivery->records.n, delivery->traceparent, &records);
    unit_claim_set(u, ws, delivery->command.txn.s, command_type_text(delivery->command.type),
                   delivery->partition, delivery->offset, arena_strdup(a, outcome.p),
                   records.n ? arena_strdup(a, records.p) : NULL);
    jb_free(&outcome);
    jb_free(&records);
}

static struct decision decision_of(struct unit *u, struct batch *b, struct delivery *delivery,
                                   const struct apply_settings *settings, int64_t now_us) {
    struct unit_workspace *ws = unit_want_workspace(u, delivery->command.workspace.s);
    struct decision d = {.unit = u,
                         .workspace = ws,
                         .command = &delivery->command,
                         .reply = &delivery->reply,
                         .now_us = now_us};
    d.records = (struct record_context){
        .workspace = ws->id,
        .txn = delivery->command.txn.s,
        .actor = &delivery->command.actor,
        .reason = delivery->command.reason,
        .traceparent = delivery->command.traceparent,
        .time_us = now_us,
        .membership_seq = &ws->membership_seq,
        .audit_seq = &ws->audit_seq,
        .events_seq = &ws->events_seq,
        .events_issuer = settings->events_issuer,
        .events_txn = delivery->command.async.txn[0] ? delivery->command.async.txn : delivery->command.txn.s,
        .arena = b->arena,
        .out = &delivery->records};
    (void)events_mode_parse(ws->settings.events != NULL ? ws->settings.events : "off",
                            &d.records.events_mode);
    return d;
}

static enum err_code apply_one(struct unit *u, struct batch *b, struct delivery *delivery,
                               const struct apply_settings *settings, int64_t now_us, struct err *err) {
    struct decision d = decision_of(u, b, delivery, settings, now_us);
    const struct unit_claim *known = unit_claim(u, d.workspace, delivery->command.txn.s);
    if (known == NULL)
        return unit_error(u, err);
    if (known->known)
        return repeat(b, delivery, known, err);
    delivery->traceparent = delivery->command.traceparent;
    delivery->reply =
        (struct reply){.txn = delivery->command.txn, .code = ERR_OK, .id = delivery->command.id};
    delivery->reply_due = true;
    (void)decide(&d);
    if (unit_error(u, err) != ERR_OK)
        return err->code;
    if (d.err.code != ERR_OK)
        refuse(&d);
    event_outcome(&d);
    claim(u, d.workspace, delivery);
    return unit_error(u, err);
}

static bool usable(struct delivery *delivery, int partitions) {
    if (delivery->poison || !delivery->decoded) {
        delivery->poison = true;
        return false;
    }
    if (workspace_partition(delivery->command.workspace.s, partitions) != delivery->partition) {
        (void)err_set(&delivery->decode_err, ERR_DECODE, "The workspace does not belong to this partition");
        delivery->poison = true;
    }
    return !delivery->poison;
}

enum err_code apply_batch(struct unit_store store, struct batch *b, size_t first, size_t n,
                          const struct apply_settings *settings, struct err *err) {
    enum err_code code = ERR_OK;
    bool any = false;
    int64_t now_us = clock_wall_us();
    struct unit *u = unit_new(store);
    for (size_t i = first; i < first + n; i++) {
        struct delivery *delivery = &b->deliveries[i];
        delivery->records.n = 0; /* an attempt before may have left some */
        delivery->reply_due = false;
        if (!usable(delivery, settings->partitions))
            continue;
        decision_announce(u, unit_want_workspace(u, delivery->command.workspace.s), &delivery->command);
        any = true;
    }
    if (any)
        code = unit_begin(u, err);
    for (size_t i = first; any && code == ERR_OK && i < first + n; i++)
        if (!b->deliveries[i].poison)
            code = apply_one(u, b, &b->deliveries[i], settings, now_us, err);
    if (any && code == ERR_OK)
        code = unit_commit(u, err);
    unit_free(u);
    return code;
}

enum err_code apply_poison(struct unit_store store, struct batch *b, size_t at,
                           const struct apply_settings *settings, const struct err *why, struct err *err) {
    struct delivery *delivery = &b->deliveries[at];
    struct unit *u = unit_new(store);
    delivery->records.n = 0;
    struct unit_workspace *ws = unit_want_workspace(u, delivery->command.workspace.s);
    unit_want_claim(u, ws, delivery->command.txn.s);
    enum err_code code = unit_begin(u, err);
    if (code == ERR_OK) {
        struct decision d = decision_of(u, b, delivery, settings, clock_wall_us());
        delivery->reply = (struct reply){.txn = delivery->command.txn, .id = delivery->command.id};
        delivery->reply_due = true;
        (void)err_set(&d.err, ERR_INTERNAL, "The command cannot be stored");
        refuse(&d);
        event_outcome(&d);
        delivery->traceparent = delivery->command.traceparent;
        claim(u, ws, delivery);
        code = unit_commit(u, err);
    }
    unit_free(u);
    if (code == ERR_OK) {
        delivery->decode_err = *why;
        delivery->poison = true;
    }
    return code;
}

/* ---- shared by apply_*.c ---- */

struct audit_target decision_target(const struct unit_resource *r) {
    return target_resource(r->rt, r->id, r->name);
}

void decision_audit(struct decision *d, enum audit_action action, const struct audit_target *target,
                    const struct audit_target *subject, const char *reason,
                    const struct resource_change *changes, size_t nchanges) {
    struct audit_change change = {.action = action,
                                  .target = *target,
                                  .outcome = "applied",
                                  .reason = reason,
                                  .changes = changes,
                                  .nchanges = nchanges};
    if (subject != NULL)
        change.subject = *subject;
    if (nchanges == 0)
        change.changes_json = "[]";
    record_audit_change(&d->records, &change);
}

void decision_audit_json(struct decision *d, enum audit_action action, const struct audit_target *target,
                         const char *changes_json) {
    struct audit_change change = {
        .action = action, .target = *target, .outcome = "applied", .changes_json = changes_json};
    record_audit_change(&d->records, &change);
}

void decision_reply_resource(struct decision *d, const struct unit_resource *r, bool with_doc) {
    snprintf(d->reply->id.s, sizeof d->reply->id.s, "%s", r->id);
    d->reply->version = r->version;
    d->reply->created_us = r->created_us;
    d->reply->modified_us = r->modified_us;
    d->reply->doc = with_doc && r->doc != NULL ? arena_strdup(d->records.arena, r->doc) : NULL;
}

const char **decision_id_texts(struct decision *d, const json_t *ids, size_t *n) {
    const char **texts = arena_alloc(unit_arena(d->unit), (json_array_size(ids) + 1) * sizeof *texts);
    size_t i;
    json_t *id;
    *n = 0;
    json_array_foreach(ids, i, id) texts[(*n)++] = json_string_value(id);
    return texts;
}

static const char *folded(struct arena *a, const char *text) {
    if (text == NULL)
        return NULL;
    char *key = fold_text(text);
    arena_defer(a, free, key);
    return key;
}

void decision_set_doc(struct decision *d, struct unit_resource *r, const json_t *before,
                      const json_t *after) {
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
        r->display_name_key = folded(a, r->display_name);
    }
    const char *attr = rules_of(r->rt)->name;
    if (attr != NULL) {
        const char *name = arena_strdup(a, resource_string(after, attr));
        unit_rename(d->unit, r, name, folded(a, name));
    }
    unit_reindex(d->unit, r, before, after);
}

void decision_bump(struct decision *d, struct unit_resource *r, bool doc_changed) {
    r->version++;
    r->modified_us = d->now_us;
    unit_touch(r, doc_changed);
}
