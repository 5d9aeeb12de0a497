#include "workers/apply/plan.h"

#include "ops/runtime/jbuf.h"

#include <stdio.h>
#include <string.h>

#define PLAN_VERSION 1

static const char *const kinds[PLAN_KINDS] = {
    [PLAN_MEMBERS] = "members",         [PLAN_ROOM_DELETE] = "room.delete", [PLAN_USER_LEAVE] = "user.leave",
    [PLAN_USER_RETURN] = "user.return", [PLAN_USER_DELETE] = "user.delete", [PLAN_SEATS] = "seats",
};

bool plan_reply_waits(enum plan_kind kind) {
    return kind == PLAN_MEMBERS || kind == PLAN_USER_RETURN || kind == PLAN_SEATS;
}

static const char *plan_text(struct arena *a, const struct plan *p) {
    struct jbuf b = {0};
    jb_raw(&b, "{");
    jb_kint(&b, "v", PLAN_VERSION);
    jb_kstr(&b, "kind", kinds[p->kind]);
    actor_put(&b, &p->actor);
    jb_kstr(&b, "reason", p->reason);
    jb_kstr(&b, "traceparent", p->traceparent);
    jb_kint(&b, "time", p->time_us);
    jb_kstr(&b, "room", p->room);
    jb_kstr(&b, "user", p->user);
    jb_kbool(&b, "transmit", p->transmit);
    jb_kbool(&b, "hold", p->hold);
    jb_kint(&b, "before", p->before);
    jb_kint(&b, "offset", p->offset);
    jb_raw(&b, "}");
    const char *text = arena_strdup(a, b.p);
    jb_free(&b);
    return text;
}

struct unit_plan *plan_begin(struct decision *d, struct plan p) {
    p.actor = d->command->actor;
    p.reason = d->command->reason;
    p.traceparent = d->command->traceparent;
    p.time_us = d->now_us;
    p.offset = d->command_offset;
    struct unit_plan *stored = unit_plan_new(d->unit, d->workspace, d->command->txn.s, d->command_partition);
    stored->work = plan_text(unit_arena(d->unit), &p);
    d->sliced = true;
    d->reply_waits = plan_reply_waits(p.kind);
    return stored;
}

/* ---- reading ---- */

static const char *plan_text_of(struct arena *a, const json_t *o, const char *name) {
    return arena_strdup(a, json_string_value(json_object_get(o, name)));
}

static void plan_read_actor(const json_t *o, struct actor *a) {
    const char *kind = json_string_value(json_object_get(o, "kind")),
               *id = json_string_value(json_object_get(o, "id"));
    for (enum actor_kind k = ACTOR_KEY; k <= ACTOR_OWNER; k++)
        if (kind != NULL && strcmp(kind, actor_kind_text(k)) == 0)
            a->kind = k;
    snprintf(a->id, sizeof a->id, "%s", id != NULL ? id : "");
    const char *name = json_string_value(json_object_get(o, "name"));
    snprintf(a->name, sizeof a->name, "%s", name != NULL ? name : "");
    const char *host = json_string_value(json_object_get(o, "host"));
    snprintf(a->host, sizeof a->host, "%s", host != NULL ? host : "");
}

static enum plan_kind plan_kind_of(const char *text) {
    enum plan_kind k = PLAN_MEMBERS;
    while (k < PLAN_KINDS && (text == NULL || strcmp(text, kinds[k]) != 0))
        k++;
    return k;
}

enum err_code plan_read(const struct unit_plan *stored, struct arena *a, struct plan *p, struct err *err) {
    json_t *o = json_loads(stored->work, 0, NULL);
    *p = (struct plan){.kind = plan_kind_of(json_string_value(json_object_get(o, "kind"))),
                       .reason = plan_text_of(a, o, "reason"),
                       .traceparent = plan_text_of(a, o, "traceparent"),
                       .time_us = json_integer_value(json_object_get(o, "time")),
                       .room = plan_text_of(a, o, "room"),
                       .user = plan_text_of(a, o, "user"),
                       .transmit = json_is_true(json_object_get(o, "transmit")),
                       .hold = json_is_true(json_object_get(o, "hold")),
                       .before = json_integer_value(json_object_get(o, "before")),
                       .offset = json_integer_value(json_object_get(o, "offset"))};
    plan_read_actor(json_object_get(o, "actor"), &p->actor);
    bool good = json_integer_value(json_object_get(o, "v")) == PLAN_VERSION && p->kind < PLAN_KINDS;
    json_decref(o);
    return good ? ERR_OK
                : err_set(err, ERR_DB_SYSTEM, "The plan of command %s is of another version", stored->txn);
}
