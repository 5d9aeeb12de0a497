#include "schemas/stream/record.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *record_topic_name(enum record_topic t) {
    switch (t) {
    case RECORD_MEMBERSHIP:
        return "usher.membership";
    case RECORD_ROOMS:
        return "usher.rooms";
    case RECORD_EVENTS:
        return "usher.events";
    case RECORD_AUDIT:
        return "usher.audit";
    }
    return "";
}

struct record *record_list_add(struct record_list *l) {
    if (l->n == l->cap) {
        l->cap = l->cap != 0 ? l->cap * 2 : 8;
        l->rows = xrealloc(l->rows, l->cap * sizeof *l->rows);
    }
    memset(&l->rows[l->n], 0, sizeof *l->rows);
    return &l->rows[l->n++];
}

void record_list_clear(struct record_list *l) {
    free(l->rows);
    *l = (struct record_list){0};
}

/* usher.membership */

/* Writes the members that every membership event begins with; the caller adds the others. */
static void begin_event(struct jbuf *b, const struct record_context *c, const char *type, int64_t seq,
                        const struct record_room *room) {
    char time[RFC3339_SIZE];
    jb_raw(b, "{");
    jb_kstr(b, "type", type);
    jb_kstr(b, "workspace", c->workspace);
    jb_kint(b, "epoch", c->epoch);
    jb_kint(b, "seq", seq);
    jb_kstr(b, "time", rfc3339_us(c->time_us, time));
    jb_kstr(b, "txn", c->txn);
    jb_key(b, "room");
    jb_raw(b, "{");
    jb_kstr(b, "id", room->id);
    jb_kstr(b, "name", room->name);
    jb_raw(b, "}");
}

static void end_event(struct jbuf *b, const struct record_context *c, const char *reason) {
    jb_kstr(b, "reason", reason != NULL ? reason : c->reason);
    actor_put(b, c->actor);
    jb_raw(b, "}");
}

/* Moves the text of b into the arena and appends the record; b is released. */
static void append_record(struct record_context *c, enum record_topic topic, const char *type,
                          const char *key, const char *ce_id, const char *ce_subject, int64_t seq,
                          struct jbuf *b) {
    struct record *r = record_list_add(c->out);
    *r = (struct record){
        .topic = topic,
        .key = key,
        .value = b != NULL ? arena_strndup(c->arena, b->p, b->n) : NULL,
        .ce_id = ce_id,
        .ce_type = type,
        .ce_subject = ce_subject,
        .time_us = c->time_us,
        .epoch = c->epoch,
        .seq = seq,
    };
    if (b != NULL)
        jb_free(b);
}

static void append_event(struct record_context *c, const char *type, const struct record_room *room,
                         const char *subject, int64_t seq, struct jbuf *b) {
    append_record(c, RECORD_MEMBERSHIP, type, arena_strdup(c->arena, room->id),
                  arena_printf(c->arena, "%s/membership/%" PRId64, c->workspace, seq), subject, seq, b);
}

/* usher.rooms: the state after the change, with the number of the event that tells the change. b NULL =
 * tombstone. */
static void append_state(struct record_context *c, const char *type, const struct record_room *room,
                         const struct record_user *user, const char *subject, int64_t seq, struct jbuf *b) {
    const char *slash = user != NULL ? "/" : "", *id = user != NULL ? user->id : "";
    append_record(
        c, RECORD_ROOMS, type, arena_printf(c->arena, "%s/%s%s%s", c->workspace, room->id, slash, id),
        arena_printf(c->arena, "%s/rooms/%" PRId64 "/%s%s%s", c->workspace, seq, room->id, slash, id),
        subject, seq, b);
}

static void room_state(struct record_context *c, const struct record_room *room, const char *subject,
                       int64_t seq, bool gone) {
    struct jbuf state = {0};
    if (!gone) {
        jb_raw(&state, "{");
        jb_kstr(&state, "workspace", c->workspace);
        jb_kstr(&state, "room", room->id);
        jb_kstr(&state, "name", room->name);
        jb_kint(&state, "epoch", c->epoch);
        jb_kint(&state, "seq", seq);
        jb_raw(&state, "}");
    }
    append_state(c, "usher.room.state", room, NULL, subject, seq, gone ? NULL : &state);
}

static void member_state(struct record_context *c, const struct record_room *room,
                         const struct record_user *user, bool transmit, const char *subject, int64_t seq,
                         bool gone) {
    struct jbuf state = {0};
    if (!gone) {
        jb_raw(&state, "{");
        jb_kstr(&state, "workspace", c->workspace);
        jb_kstr(&state, "room", room->id);
        jb_kstr(&state, "user", user->id);
        jb_kstr(&state, "userName", user->user_name);
        jb_kbool(&state, "transmit", transmit);
        jb_kint(&state, "epoch", c->epoch);
        jb_kint(&state, "seq", seq);
        jb_raw(&state, "}");
    }
    append_state(c, "usher.member.state", room, user, subject, seq, gone ? NULL : &state);
}

static void room_event(struct record_context *c, const char *type, const struct record_room *room,
                       const char *from, bool gone) {
    int64_t seq = ++*c->membership_seq;
    const char *subject = arena_printf(c->arena, "rooms/%s", room->id);
    struct jbuf event = {0};

    begin_event(&event, c, type, seq, room);
    if (from != NULL)
        jb_kstr(&event, "from", from);
    end_event(&event, c, NULL);
    append_event(c, type, room, subject, seq, &event);
    room_state(c, room, subject, seq, gone);
}

void record_room_created(struct record_context *c, const struct record_room *room) {
    room_event(c, "usher.room.created", room, NULL, false);
}

void record_room_renamed(struct record_context *c, const struct record_room *room, const char *from) {
    room_event(c, "usher.room.renamed", room, from, false);
}

void record_room_deleted(struct record_context *c, const struct record_room *room) {
    room_event(c, "usher.room.deleted", room, NULL, true);
}

static void member_event(struct record_context *c, const char *type, const struct record_room *room,
                         const struct record_user *user, bool transmit, const char *reason, bool gone) {
    int64_t seq = ++*c->membership_seq;
    const char *subject = arena_printf(c->arena, "rooms/%s/members/%s", room->id, user->id);
    struct jbuf event = {0};

    begin_event(&event, c, type, seq, room);
    jb_key(&event, "user");
    jb_raw(&event, "{");
    jb_kstr(&event, "id", user->id);
    jb_kstr(&event, "userName", user->user_name);
    jb_raw(&event, "}");
    jb_kbool(&event, "transmit", transmit);
    end_event(&event, c, reason);
    append_event(c, type, room, subject, seq, &event);
    member_state(c, room, user, transmit, subject, seq, gone);
}

void record_member_added(struct record_context *c, const struct record_room *room,
                         const struct record_user *user, bool transmit, const char *reason) {
    member_event(c, "usher.member.added", room, user, transmit, reason, false);
}

void record_member_removed(struct record_context *c, const struct record_room *room,
                           const struct record_user *user, bool transmit, const char *reason) {
    member_event(c, "usher.member.removed", room, user, transmit, reason, true);
}

void record_member_transmit_changed(struct record_context *c, const struct record_room *room,
                                    const struct record_user *user, bool transmit, const char *reason) {
    member_event(c, "usher.member.transmit_changed", room, user, transmit, reason, false);
}

/* A new epoch */

void record_room_again(struct record_context *c, const struct record_room *room, int64_t seq) {
    room_state(c, room, arena_printf(c->arena, "rooms/%s", room->id), seq, room->name == NULL);
}

void record_member_again(struct record_context *c, const char *room, const struct record_user *user,
                         bool transmit, int64_t seq) {
    const struct record_room in = {room, NULL};
    member_state(c, &in, user, transmit, arena_printf(c->arena, "rooms/%s/members/%s", room, user->id), seq,
                 user->user_name == NULL);
}

void record_epoch(struct record_context *c, enum record_topic topic, int64_t seq,
                  const struct record_epoch_before *before) {
    struct jbuf value = {0};
    jb_raw(&value, "{");
    jb_kstr(&value, "workspace", c->workspace);
    jb_kint(&value, "epoch", c->epoch);
    jb_kint(&value, "seq", seq);
    jb_key(&value, "previous");
    jb_raw(&value, "{");
    jb_kint(&value, "epoch", before->epoch);
    jb_kint(&value, "seq", before->seq);
    jb_raw(&value, "}");
    jb_kstr(&value, "reason", c->reason);
    jb_raw(&value, "}");
    /* The name of the topic behind "usher." stands in the id, as in those of all its records. */
    append_record(c, topic, "usher.stream.epoch", arena_strdup(c->arena, c->workspace),
                  arena_printf(c->arena, "%s/%s/%" PRId64, c->workspace,
                               record_topic_name(topic) + strlen("usher."), seq),
                  arena_printf(c->arena, "workspaces/%s", c->workspace), seq, &value);
}
