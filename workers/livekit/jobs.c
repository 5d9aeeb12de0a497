#include "ops/runtime/clock.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "schemas/voice/voice_name.h"
#include "workers/livekit/bridge_impl.h"
#include "workers/livekit/judge.h"
#include "workers/livekit/stats.h"

#include <stdlib.h>

/* LiveKit has acknowledged removals of people who had come back a moment before, and kept them. So a room
 * from which somebody was taken is compared a little later. */
#define LOOK_AGAIN_US 1000000

/* A job whose call is under way. */
struct job {
    struct server *server;
    struct work_job work;
    struct metric *count;       /* of calls of its kind; NULL: of none */
    const char *does;           /* for the log */
    struct table_state as_told; /* what the table said when it began */
};

static void end_job(struct job *j, bool good) {
    int64_t now_us = clock_mono_us();
    if (good && j->work.since_us > 0)
        metric_observe_us(livekit_stats.act, now_us - j->work.since_us);
    work_done(j->server->work, &j->work, good, now_us);
    j->server->under_way--;
    free(j);
}

static const char *name_of(const struct job *j, char out[VOICE_NAME_MAX]) {
    return voice_name_make(j->server->project->form, j->work.workspace.s, j->work.room.s, out);
}

/* Counts the call, or says why it failed. */
static bool note_result(struct job *j, enum twirp_result result, const char *why) {
    if (result == TWIRP_STOPPED)
        return false;
    bool good = result == TWIRP_DONE || result == TWIRP_ABSENT;
    char quoted[300];
    bridge_note(j->server, result, why);
    if (good)
        metric_add(result == TWIRP_DONE ? j->count : livekit_stats.absent, 1);
    else
        metric_add(livekit_stats.failed, 1);
    log_event(good ? LOG_DEBUG : LOG_WARN, good ? "call" : "call-failed",
              "does=%s workspace=%s room=%s result=%s", j->does, j->work.workspace.s, j->work.room.s,
              good ? (result == TWIRP_DONE ? "done" : "absent") : log_quote(why, quoted, sizeof quoted));
    return good;
}

/* ---- whether a room is there ---- */

static void on_room(void *ctx, enum twirp_result result, const char *text, size_t n, const char *why) {
    (void)text, (void)n;
    struct job *j = ctx;
    end_job(j, note_result(j, result, why));
}

static void create_room(struct job *j) {
    char name[VOICE_NAME_MAX];
    struct jbuf body = {0}, metadata = {0};
    voice_room_metadata(j->work.workspace.s, j->as_told.at, &metadata);
    jb_raw(&body, "{");
    jb_kstr(&body, "name", name_of(j, name));
    jb_kint(&body, "empty_timeout", j->server->bridge->room_empty_s);
    jb_kint(&body, "departure_timeout", j->server->bridge->room_empty_s);
    jb_kstr(&body, "metadata", metadata.p);
    jb_raw(&body, "}");
    j->count = livekit_stats.created;
    j->does = "create";
    bridge_call(j->server, "CreateRoom", name, body.p, on_room, j);
    jb_free(&body);
    jb_free(&metadata);
}

static void delete_room(struct job *j) {
    char name[VOICE_NAME_MAX];
    struct jbuf body = {0};
    jb_raw(&body, "{");
    jb_kstr(&body, "room", name_of(j, name));
    jb_raw(&body, "}");
    j->count = livekit_stats.deleted;
    j->does = "delete";
    bridge_call(j->server, "DeleteRoom", name, body.p, on_room, j);
    jb_free(&body);
}

/* ---- one person ---- */

static void on_removed(void *ctx, enum twirp_result result, const char *text, size_t n, const char *why) {
    (void)text, (void)n;
    struct job *j = ctx;
    bool good = note_result(j, result, why);
    if (result == TWIRP_DONE)
        work_mark_compare(j->server->work, j->work.workspace.s, j->work.room.s,
                          clock_mono_us() + LOOK_AGAIN_US);
    end_job(j, good);
}

static void on_permitted(void *ctx, enum twirp_result result, const char *text, size_t n, const char *why) {
    (void)text, (void)n;
    struct job *j = ctx;
    end_job(j, note_result(j, result, why));
}

static void settle_person(struct job *j) {
    char name[VOICE_NAME_MAX];
    struct jbuf body = {0};
    bool member = j->as_told.member;
    jb_raw(&body, "{");
    jb_kstr(&body, "room", name_of(j, name));
    jb_kstr(&body, "identity", j->work.person);
    if (member) {
        jb_key(&body, "permission");
        voice_permission(j->as_told.transmit, &body);
    }
    jb_raw(&body, "}");
    j->count = member ? livekit_stats.permitted : livekit_stats.removed;
    j->does = member ? "permission" : "remove";
    bridge_call(j->server, member ? "UpdateParticipant" : "RemoveParticipant", name, body.p,
                member ? on_permitted : on_removed, j);
    jb_free(&body);
}

/* ---- all who are in a room ---- */

static void compare_people(struct job *j, const json_t *participants) {
    size_t i;
    json_t *participant;
    json_array_foreach(participants, i, participant) {
        enum judge_verdict v =
            judge_participant(j->server->bridge->table, j->work.workspace.s, j->work.room.s, participant);
        if (v == JUDGE_LEAVE)
            continue;
        char quoted[300];
        metric_add(livekit_stats.differences, 1);
        log_event(LOG_INFO, "difference", "workspace=%s room=%s person=%s is=%s", j->work.workspace.s,
                  j->work.room.s, log_word(judge_identity(participant), quoted, sizeof quoted),
                  v == JUDGE_REMOVE ? "no-member" : "otherwise-permitted");
        work_mark_person(j->server->work, j->work.workspace.s, j->work.room.s, judge_identity(participant),
                         0);
    }
}

static void on_people(void *ctx, enum twirp_result result, const char *text, size_t n, const char *why) {
    struct job *j = ctx;
    json_t *answer = result == TWIRP_DONE ? json_loadb(text, n, 0, NULL) : NULL;
    bool good = note_result(j, result == TWIRP_DONE && answer == NULL ? TWIRP_FAILED : result,
                            why[0] != '\0' ? why : "no JSON");
    if (result == TWIRP_ABSENT) /* the room is gone, and nobody could enter it */
        work_mark_room(j->server->work, j->work.workspace.s, j->work.room.s, 0);
    compare_people(j, json_object_get(answer, "participants"));
    json_decref(answer);
    end_job(j, good);
}

static void list_people(struct job *j) {
    char name[VOICE_NAME_MAX];
    struct jbuf body = {0};
    jb_raw(&body, "{");
    jb_kstr(&body, "room", name_of(j, name));
    jb_raw(&body, "}");
    j->count = livekit_stats.listed;
    j->does = "list";
    bridge_call(j->server, "ListParticipants", name, body.p, on_people, j);
    jb_free(&body);
}

/* ---- which of them ---- */

bool jobs_begin(struct server *s, int64_t now_us, int64_t *due_us) {
    struct job *j = xcalloc(1, sizeof *j);
    j->server = s;
    if (!work_take(s->work, now_us, &j->work, due_us)) {
        free(j);
        return false;
    }
    s->under_way++;
    j->as_told = table_ask(s->bridge->table, j->work.workspace.s, j->work.room.s, j->work.person);
    if (j->work.kind == WORK_ROOM && !j->as_told.room)
        delete_room(j);
    else if (j->work.kind == WORK_ROOM)
        create_room(j);
    else if (!j->as_told.room) /* whoever was in it went with the room */
        end_job(j, true);
    else if (j->work.kind == WORK_PERSON)
        settle_person(j);
    else
        list_people(j);
    return true;
}
