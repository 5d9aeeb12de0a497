/* The two kinds of record of usher.audit. */
#include "schemas/stream/record.h"

#include "ops/runtime/clock.h"
#include "schemas/text/jsonx.h"

#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>
#include <unistr.h>

/* How long the text of one value may be: as told, then shorter where the whole still is too long. The last
 * one cuts everything but numbers and short names. */
static const size_t value_limits[] = {64 << 10, 4 << 10, 256, 40};
#define LIMITS (sizeof value_limits / sizeof *value_limits)

/* In the place of a value that is too long: how long its text was, and its hash, so that whoever has the
 * value can prove that it was this one. */
static void put_cut(struct jbuf *b, const char *text, size_t n) {
    unsigned char hash[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof hash + 1];
    crypto_hash_sha256(hash, (const unsigned char *)text, n);
    jb_raw(b, "{");
    jb_kbool(b, "cut", true);
    jb_kint(b, "bytes", (int64_t)n);
    jb_kstr(b, "sha256", sodium_bin2hex(hex, sizeof hex, hash, sizeof hash));
    jb_raw(b, "}");
}

static void put_json_within(struct jbuf *b, const char *name, const json_t *tree, size_t limit) {
    struct jbuf text = {0};
    jsonx_text(tree, &text);
    jb_key(b, name);
    if (text.n > limit)
        put_cut(b, text.p, text.n);
    else
        jb_mem(b, text.p, text.n);
    jb_free(&text);
}

static void put_target(struct jbuf *b, const char *name, const struct audit_target *t) {
    jb_key(b, name);
    if (t->kind == TARGET_COMMAND) {
        jb_raw(b, "null");
        return;
    }
    jb_raw(b, "{");
    jb_kstr(b, "type", target_type(t));
    jb_kstr(b, "id", t->id);
    jb_kstr(b, "name", t->name);
    jb_raw(b, "}");
}

static void put_rows(struct jbuf *b, const struct audit_change *a, size_t limit) {
    jb_raw(b, "[");
    for (size_t i = 0; i < a->nchanges; i++) {
        const struct resource_change *ch = &a->changes[i];
        jb_sep(b);
        jb_raw(b, "{");
        jb_kstr(b, "path", ch->path);
        jb_kstr(b, "op", ch->op);
        put_json_within(b, "from", ch->from, limit);
        put_json_within(b, "to", ch->to, limit);
        jb_raw(b, "}");
    }
    jb_raw(b, "]");
}

/* A list that is too long even without its values is cut as a whole. */
static void put_whole_cut(struct jbuf *b, const char *text, size_t n) {
    jb_raw(b, "[{");
    jb_kstr(b, "path", "");
    jb_kstr(b, "op", "replace");
    jb_kraw(b, "from", "null");
    jb_key(b, "to");
    put_cut(b, text, n);
    jb_raw(b, "}]");
}

static void put_changes(struct jbuf *b, const struct audit_change *a) {
    struct jbuf text = {0};
    if (a->changes_json != NULL)
        jb_raw(&text, a->changes_json);
    else
        put_rows(&text, a, value_limits[0]);
    for (size_t i = 1; i < LIMITS && a->changes_json == NULL && text.n > AUDIT_CHANGES_MAX; i++) {
        jb_reset(&text);
        put_rows(&text, a, value_limits[i]);
    }
    jb_key(b, "changes");
    if (text.n > AUDIT_CHANGES_MAX)
        put_whole_cut(b, text.p, text.n);
    else
        jb_mem(b, text.p, text.n);
    jb_free(&text);
}

/* The ce_subject of a record: its target, as in "users/{id}"; the command itself where there is no target. */
static const char *audit_subject(const struct record_context *c, const struct audit_target *t) {
    if (t->kind == TARGET_COMMAND || t->id == NULL)
        return arena_printf(c->arena, "%s/%s", target_row(TARGET_COMMAND)->collection, c->txn);
    return arena_printf(c->arena, "%s/%s", target_row(t->kind)->collection, t->id);
}

/* Before `target`, and so before all that a client has chosen but names: searches look for it there
 * (sql/statements/audit.sql). A record without it is as it was before there was such a member. */
static void put_seat(struct jbuf *b, enum audit_seat seat) {
    if (seat != AUDIT_SEAT_SAME)
        jb_kstr(b, "seat", seat == AUDIT_SEAT_TAKEN ? "taken" : "freed");
}

void record_audit_change(struct record_context *c, const struct audit_change *a) {
    const struct audit_action_row *action = audit_action_row(a->action);
    assert(action->target == TARGET_COMMAND || action->target == a->target.kind);
    assert(a->subject.kind == TARGET_COMMAND || action->subject == a->subject.kind);
    assert(a->seat == AUDIT_SEAT_SAME || action->target == TARGET_USER);
    int64_t seq = ++*c->audit_seq;
    char time[RFC3339_SIZE];
    struct jbuf b = {0};

    jb_raw(&b, "{");
    jb_kstr(&b, "kind", "change");
    jb_kstr(&b, "workspace", c->workspace);
    jb_kint(&b, "epoch", c->epoch);
    jb_kint(&b, "seq", seq);
    jb_kstr(&b, "time", rfc3339_us(c->time_us, time));
    jb_kstr(&b, "txn", c->txn);
    actor_put(&b, c->actor);
    jb_kstr(&b, "action", action->name);
    put_seat(&b, a->seat);
    put_target(&b, "target", &a->target);
    put_target(&b, "subject", &a->subject);
    jb_kstr(&b, "outcome", a->outcome);
    jb_kstr(&b, "reason", a->reason);
    put_changes(&b, a);
    jb_raw(&b, "}");

    *record_list_add(c->out) = (struct record){
        .topic = RECORD_AUDIT,
        .key = arena_strdup(c->arena, c->workspace),
        .value = arena_strndup(c->arena, b.p, b.n),
        .ce_id = arena_printf(c->arena, "%s/audit/%" PRId64, c->workspace, seq),
        .ce_type = "usher.audit.change",
        .ce_subject = audit_subject(c, &a->target),
        .time_us = c->time_us,
        .epoch = c->epoch,
        .seq = seq,
    };
    jb_free(&b);
}

/* Text that a client chose may be anything, and a record must be UTF-8. Each byte that is not becomes U+FFFD.
 */
static void put_foreign(struct jbuf *b, const char *name, const char *text) {
    if (text == NULL || u8_check((const uint8_t *)text, strlen(text)) == NULL) {
        jb_kstr(b, name, text);
        return;
    }
    struct jbuf clean = {0};
    for (const uint8_t *p = (const uint8_t *)text; *p != '\0';) {
        ucs4_t c;
        int n = u8_mbtouc(&c, p, strlen((const char *)p));
        if (c == 0xfffd)
            jb_raw(&clean, "\xef\xbf\xbd");
        else
            jb_mem(&clean, (const char *)p, (size_t)n);
        p += n;
    }
    jb_kstr(b, name, clean.p);
    jb_free(&clean);
}

static void put_key(struct jbuf *b, const struct audit_request *r) {
    jb_key(b, "key");
    if (r->key_id == NULL) {
        jb_raw(b, "null");
        return;
    }
    jb_raw(b, "{");
    jb_kstr(b, "id", r->key_id);
    jb_kstr(b, "name", r->key_name);
    jb_kstr(b, "class", r->key_class);
    jb_raw(b, "}");
}

static void put_error(struct jbuf *b, const struct audit_request *r) {
    jb_key(b, "error");
    if (r->error == NULL) {
        jb_raw(b, "null");
        return;
    }
    jb_raw(b, "{");
    jb_kstr(b, "code", r->error);
    put_foreign(b, "detail", r->detail);
    jb_raw(b, "}");
}

static void put_if_any(struct jbuf *b, const char *name, const char *text) {
    if (text != NULL)
        jb_kstr(b, name, text);
}

static void put_ignored(struct jbuf *b, const char *const *names) {
    if (names == NULL)
        return;
    jb_key(b, "ignored");
    jb_raw(b, "[");
    for (; *names != NULL; names++) {
        jb_sep(b);
        jb_str(b, *names);
    }
    jb_raw(b, "]");
}

void record_audit_request(const struct audit_request *r, struct jbuf *out) {
    char time[RFC3339_SIZE];

    jb_raw(out, "{");
    jb_kstr(out, "kind", "request");
    jb_kstr(out, "workspace", r->workspace);
    jb_kstr(out, "workspaceName", r->workspace_name);
    jb_kstr(out, "instance", r->instance);
    jb_kint(out, "n", r->n);
    jb_kstr(out, "time", rfc3339_us(r->time_us, time));
    jb_kstr(out, "txn", r->txn);
    put_key(out, r);
    put_if_any(out, "prefix", r->prefix);
    put_foreign(out, "method", r->method);
    put_foreign(out, "path", r->path);
    put_foreign(out, "query", r->query);
    put_if_any(out, "room", r->room);
    put_if_any(out, "user", r->user);
    jb_kint(out, "status", r->status);
    put_error(out, r);
    jb_kstr(out, "scimType", r->scim_type);
    jb_kbool(out, "rateLimited", r->rate_limited);
    jb_kint(out, "durationUs", r->duration_us);
    jb_kstr(out, "sourceIp", r->source_ip);
    put_foreign(out, "userAgent", r->user_agent);
    jb_kint(out, "bytesIn", r->bytes_in);
    jb_kint(out, "bytesOut", r->bytes_out);
    jb_kint(out, "operations", r->operations);
    put_if_any(out, "bulk", r->bulk);
    if (r->dry_run)
        jb_kbool(out, "dryRun", true);
    if (r->supersedes != 0)
        jb_kint(out, "supersedes", r->supersedes);
    if (r->requests != 0)
        jb_kint(out, "requests", r->requests);
    put_ignored(out, r->ignored);
    jb_raw(out, "}");
}
