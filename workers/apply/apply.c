#include "workers/apply/apply.h"

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

typedef enum err_code (*apply_fn)(struct task *t);

/* An operation of an asynchronous Bulk that the ingest has refused: its outcome has a place here like those
 * of the others. */
static enum err_code apply_request_refused(struct task *t) {
    return err_set(&t->err, t->command->refusal, "%s", t->command->refusal_detail);
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

enum err_code task_db_error(struct task *t) {
    if (unit_error(t->unit, &t->err) == ERR_OK)
        return err_set(&t->err, ERR_INTERNAL, "An object is missing");
    return t->err.code;
}

/* Is the credential still alive? It is read under the workspace's lock, which the revocation takes too. Who
 * revokes himself is dead already when this command follows. */
static enum err_code check_owner(struct task *t) {
    const struct command *c = t->command;
    const struct unit_owner *o = unit_owner(t->unit, t->workspace, c->actor.id);
    if (o == NULL)
        return task_db_error(t);
    bool himself = c->type == COMMAND_OWNER_REVOKE && strcmp(c->id.s, c->actor.id) == 0;
    if (!row_alive(o->state) || (o->revoked && !himself))
        return err_set(&t->err, ERR_UNAUTHORIZED, "The credential has been revoked");
    return ERR_OK;
}

static enum err_code check_actor(struct task *t) {
    if (t->command->actor.kind == ACTOR_OWNER)
        return check_owner(t);
    if (t->command->actor.kind != ACTOR_KEY)
        return ERR_OK;
    const struct unit_key *k = unit_key(t->unit, t->workspace, t->command->actor.id);
    if (k == NULL)
        return task_db_error(t);
    if (!row_alive(k->state) || k->revoked)
        return err_set(&t->err, ERR_UNAUTHORIZED, "The key has been revoked");
    return ERR_OK;
}

/* Identity providers wait until people can sign in. */
static enum err_code check_sso(struct task *t) {
    const struct workspace_settings *s = &t->workspace->settings;
    if (!s->require_sso || s->sso_ready || strcmp(t->command->reason, "scim") != 0)
        return ERR_OK;
    return err_set(&t->err, ERR_FORBIDDEN,
                   "SCIM is refused in this workspace until single sign-on is marked as set up");
}

/* The operations before it in its Bulk have failed too often. */
static enum err_code check_bulk(struct task *t) {
    const struct command *c = t->command;
    if (c->bulk_fail_on <= 0)
        return ERR_OK;
    const struct unit_bulk *b = unit_bulk(t->unit, t->workspace, c->bulk.s);
    if (b == NULL)
        return task_db_error(t);
    return b->failures < c->bulk_fail_on
               ? ERR_OK
               : err_set(&t->err, ERR_BULK_STOPPED, "%d operations of the Bulk have failed", b->failures);
}

/* What it refers to in its Bulk must be there (rule B4). */
static enum err_code check_needs(struct task *t) {
    size_t i;
    json_t *need;
    json_array_foreach(t->command->needs, i, need) {
        if (unit_any(t->unit, t->workspace, json_string_value(json_object_get(need, "id"))))
            continue;
        if (unit_error(t->unit, &t->err) != ERR_OK)
            return t->err.code;
        return err_set(&t->err, ERR_CONFLICT, "bulkId \"%.72s\" names a resource that was not created",
                       json_string_value(json_object_get(need, "bulkId")));
    }
    return ERR_OK;
}

static enum err_code decide(struct task *t) {
    const struct command *c = t->command;
    if (!row_alive(t->workspace->state) && c->type != COMMAND_WORKSPACE_CREATE)
        return err_set(&t->err, ERR_NOT_FOUND, "The workspace does not exist");
    enum err_code code = check_bulk(t);
    if (code == ERR_OK && c->not_after_us && t->now_us > c->not_after_us)
        code = err_set(&t->err, ERR_DEADLINE, "The command came too late; nothing was changed");
    if (code == ERR_OK)
        code = check_actor(t);
    if (code == ERR_OK)
        code = check_sso(t);
    if (code == ERR_OK)
        code = check_needs(t);
    return code == ERR_OK ? apply_table[c->type](t) : code;
}

static void audit_refusal(struct task *t) {
    char reason[40];
    snprintf(reason, sizeof reason, "%s", err_name(t->err.code));
    for (char *p = reason; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    struct audit_change change = {.action =
                                      t->err.code == ERR_SEATS ? ACTION_SEAT_REFUSED : ACTION_COMMAND_REFUSED,
                                  .target = command_target(t->command),
                                  .outcome = "refused",
                                  .reason = arena_strdup(t->records.arena, reason),
                                  .changes_json = "[]"};
    record_audit_change(&t->records, &change);
}

/* What a Bulk did not come to leaves no record: nothing was tried. */
static void refuse(struct task *t) {
    t->reply->code = t->err.code;
    snprintf(t->reply->detail, sizeof t->reply->detail, "%s", err_text(&t->err));
    if (!row_alive(t->workspace->state) || t->err.code == ERR_BULK_STOPPED)
        return; /* (no workspace, no numbers, no audit of it) */
    audit_refusal(t);
    struct unit_bulk *b =
        t->command->bulk_fail_on > 0 ? unit_bulk(t->unit, t->workspace, t->command->bulk.s) : NULL;
    if (b != NULL)
        b->failures++;
}

/* A command whose txn is known: the stored outcome is the answer. Its records go out again only from the
 * record in the log that was applied: the first attempt may have died between PostgreSQL's commit and
 * Kafka's. A copy elsewhere in the log emits nothing. */
static enum err_code repeat(struct batch *b, struct work *w, const struct unit_claim *claim,
                            struct err *err) {
    if (claim->cancelled || claim->outcome == NULL)
        return ERR_OK; /* an ingest cancelled it and has answered */
    enum err_code code = reply_decode(claim->outcome, strlen(claim->outcome), &w->reply, err);
    if (code != ERR_OK)
        return code;
    w->reply.doc = NULL;
    w->reply_due = true;
    if (claim->origin_partition == w->partition && claim->origin_offset == w->offset &&
        claim->records != NULL && w->records.n == 0)
        code = record_list_decode(claim->records, b->arena, &w->records, &w->traceparent, err);
    return code;
}

/* The outcome and the records, as they are stored under the txn. */
static void claim(struct unit *u, struct unit_workspace *ws, struct work *w) {
    struct arena *a = unit_arena(u);
    struct jbuf outcome = {0}, records = {0};
    char *doc = w->reply.doc;
    w->reply.doc = NULL; /* the document stands in its table */
    reply_encode(&w->reply, &outcome);
    w->reply.doc = doc;
    if (w->records.n)
        record_list_encode(w->records.rows, w->records.n, w->traceparent, &records);
    unit_claim_set(u, ws, w->command.txn.s, command_type_text(w->command.type), w->partition, w->offset,
                   arena_strdup(a, outcome.p), records.n ? arena_strdup(a, records.p) : NULL);
    jb_free(&outcome);
    jb_free(&records);
}

static struct task task_of(struct unit *u, struct batch *b, struct work *w,
                           const struct apply_settings *settings, int64_t now_us) {
    struct unit_workspace *ws = unit_want_workspace(u, w->command.workspace.s);
    struct task t = {
        .unit = u, .workspace = ws, .command = &w->command, .reply = &w->reply, .now_us = now_us};
    t.records = (struct record_context){.workspace = ws->id,
                                        .txn = w->command.txn.s,
                                        .actor = &w->command.actor,
                                        .reason = w->command.reason,
                                        .traceparent = w->command.traceparent,
                                        .time_us = now_us,
                                        .membership_seq = &ws->membership_seq,
                                        .audit_seq = &ws->audit_seq,
                                        .events_seq = &ws->events_seq,
                                        .events_issuer = settings->events_issuer,
                                        .events_txn =
                                            w->command.async.txn[0] ? w->command.async.txn : w->command.txn.s,
                                        .arena = b->arena,
                                        .out = &w->records};
    (void)events_mode_parse(ws->settings.events != NULL ? ws->settings.events : "off",
                            &t.records.events_mode);
    return t;
}

static enum err_code apply_one(struct unit *u, struct batch *b, struct work *w,
                               const struct apply_settings *settings, int64_t now_us, struct err *err) {
    struct task t = task_of(u, b, w, settings, now_us);
    const struct unit_claim *known = unit_claim(u, t.workspace, w->command.txn.s);
    if (known == NULL)
        return unit_error(u, err);
    if (known->known)
        return repeat(b, w, known, err);
    w->traceparent = w->command.traceparent;
    w->reply = (struct reply){.txn = w->command.txn, .code = ERR_OK, .id = w->command.id};
    w->reply_due = true;
    (void)decide(&t);
    if (unit_error(u, err) != ERR_OK)
        return err->code;
    if (t.err.code != ERR_OK)
        refuse(&t);
    event_outcome(&t);
    claim(u, t.workspace, w);
    return unit_error(u, err);
}

static bool usable(struct work *w, int partitions) {
    if (w->poison || !w->decoded) {
        w->poison = true;
        return false;
    }
    if (workspace_partition(w->command.workspace.s, partitions) != w->partition) {
        (void)err_set(&w->decode_err, ERR_DECODE, "The workspace does not belong to this partition");
        w->poison = true;
    }
    return !w->poison;
}

enum err_code apply_batch(struct unit_store store, struct batch *b, size_t first, size_t n,
                          const struct apply_settings *settings, struct err *err) {
    enum err_code code = ERR_OK;
    bool any = false;
    int64_t now_us = clock_wall_us();
    struct unit *u = unit_new(store);
    for (size_t i = first; i < first + n; i++) {
        struct work *w = &b->works[i];
        w->records.n = 0; /* an attempt before may have left some */
        w->reply_due = false;
        if (!usable(w, settings->partitions))
            continue;
        task_announce(u, unit_want_workspace(u, w->command.workspace.s), &w->command);
        any = true;
    }
    if (any)
        code = unit_begin(u, err);
    for (size_t i = first; any && code == ERR_OK && i < first + n; i++)
        if (!b->works[i].poison)
            code = apply_one(u, b, &b->works[i], settings, now_us, err);
    if (any && code == ERR_OK)
        code = unit_commit(u, err);
    unit_free(u);
    return code;
}

enum err_code apply_poison(struct unit_store store, struct batch *b, size_t at,
                           const struct apply_settings *settings, const struct err *why, struct err *err) {
    struct work *w = &b->works[at];
    struct unit *u = unit_new(store);
    w->records.n = 0;
    struct unit_workspace *ws = unit_want_workspace(u, w->command.workspace.s);
    unit_want_claim(u, ws, w->command.txn.s);
    enum err_code code = unit_begin(u, err);
    if (code == ERR_OK) {
        struct task t = task_of(u, b, w, settings, clock_wall_us());
        w->reply = (struct reply){.txn = w->command.txn, .id = w->command.id};
        w->reply_due = true;
        (void)err_set(&t.err, ERR_INTERNAL, "The command cannot be stored");
        refuse(&t);
        event_outcome(&t);
        w->traceparent = w->command.traceparent;
        claim(u, ws, w);
        code = unit_commit(u, err);
    }
    unit_free(u);
    if (code == ERR_OK) {
        w->decode_err = *why;
        w->poison = true;
    }
    return code;
}

/* ---- shared by apply_*.c ---- */

struct audit_target task_target(const struct unit_resource *r) {
    return target_resource(r->rt, r->id, r->name);
}

void task_audit(struct task *t, enum audit_action action, const struct audit_target *target,
                const struct audit_target *subject, const char *reason, const struct resource_change *changes,
                size_t nchanges) {
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
    record_audit_change(&t->records, &change);
}

void task_audit_json(struct task *t, enum audit_action action, const struct audit_target *target,
                     const char *changes_json) {
    struct audit_change change = {
        .action = action, .target = *target, .outcome = "applied", .changes_json = changes_json};
    record_audit_change(&t->records, &change);
}

void task_reply_resource(struct task *t, const struct unit_resource *r, bool with_doc) {
    snprintf(t->reply->id.s, sizeof t->reply->id.s, "%s", r->id);
    t->reply->version = r->version;
    t->reply->created_us = r->created_us;
    t->reply->modified_us = r->modified_us;
    t->reply->doc = with_doc && r->doc != NULL ? arena_strdup(t->records.arena, r->doc) : NULL;
}

const char **task_id_texts(struct task *t, const json_t *ids, size_t *n) {
    const char **texts = arena_alloc(unit_arena(t->unit), (json_array_size(ids) + 1) * sizeof *texts);
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

void task_set_doc(struct task *t, struct unit_resource *r, const json_t *before, const json_t *after) {
    struct arena *a = unit_arena(t->unit);
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
        unit_rename(t->unit, r, name, folded(a, name));
    }
    unit_reindex(t->unit, r, before, after);
}

void task_bump(struct task *t, struct unit_resource *r, bool doc_changed) {
    r->version++;
    r->modified_us = t->now_us;
    unit_touch(r, doc_changed);
}
