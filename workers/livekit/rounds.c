/* Probes, which ask whether a LiveKit still has usher's rooms, and lists, which compare all of them. */
#include "ops/runtime/clock.h"
#include "ops/runtime/log.h"
#include "schemas/voice/voice_name.h"
#include "workers/livekit/bridge_impl.h"
#include "workers/livekit/judge.h"
#include "workers/livekit/stats.h"

#include <string.h>

/* LiveKit's JSON spells names either way. */
static json_t *either_name(const json_t *object, const char *snake, const char *camel) {
    json_t *value = json_object_get(object, snake);
    return value != NULL ? value : json_object_get(object, camel);
}

/* ---- a list ---- */

/* A room that LiveKit has. */
static void compare_listed(struct server *s, const json_t *room) {
    const char *name = json_string_value(json_object_get(room, "name"));
    const char *metadata = json_string_value(json_object_get(room, "metadata"));
    struct uuid workspace, id, of;
    struct bridge *b = s->bridge;
    if (name == NULL || !voice_name_read(s->project->form, name, &workspace, &id))
        return;
    if (table_find(b->table, id.s, &of)) {
        json_t *people = either_name(room, "num_participants", "numParticipants");
        if (voice_project_of(b->projects, of.s) == s->project &&
            (s->list_whole || json_integer_value(people) > 0))
            work_mark_compare(s->work, of.s, id.s, 0);
        return;
    }
    if (judge_room_is_gone(b->table, metadata, &of) && voice_project_of(b->projects, of.s) == s->project) {
        metric_add(livekit_stats.differences, 1);
        log_event(LOG_INFO, "difference", "workspace=%s room=%s is=gone", of.s, id.s);
        work_mark_room(s->work, of.s, id.s, 0);
    }
}

struct missing {
    struct server *server;
    json_t *listed; /* by name */
    size_t n;
};

static void mark_missing(void *ctx, const char *workspace, const char *room) {
    struct missing *m = ctx;
    char name[VOICE_NAME_MAX];
    if (voice_project_of(m->server->bridge->projects, workspace) != m->server->project ||
        json_object_get(m->listed, voice_name_make(m->server->project->form, workspace, room, name)) != NULL)
        return;
    m->n++;
    work_mark_room(m->server->work, workspace, room, 0);
}

static void compare_rooms(struct server *s, const json_t *rooms) {
    struct missing missing = {.server = s, .listed = json_object()};
    size_t i;
    json_t *room;
    json_array_foreach(rooms, i, room) {
        const char *name = json_string_value(json_object_get(room, "name"));
        if (name != NULL)
            json_object_set(missing.listed, name, room);
        compare_listed(s, room);
    }
    table_rooms(s->bridge->table, mark_missing, &missing);
    json_decref(missing.listed);
    metric_add(livekit_stats.differences, (int64_t)missing.n);
    s->settling = true;
    log_event(missing.n > 0 ? LOG_INFO : LOG_DEBUG, "compared", "url=%s rooms=%zu missing=%zu",
              s->project->url, json_array_size(rooms), missing.n);
}

static void on_list(void *ctx, enum twirp_result result, const char *text, size_t n, const char *why) {
    struct server *s = ctx;
    if (result == TWIRP_STOPPED)
        return;
    json_t *answer = result == TWIRP_DONE ? json_loadb(text, n, 0, NULL) : NULL;
    s->listing = false;
    bridge_note(s, result, why);
    if (answer != NULL) {
        metric_add(livekit_stats.listed, 1);
        compare_rooms(s, json_object_get(answer, "rooms"));
        json_decref(answer);
        return;
    }
    char quoted[300];
    metric_add(livekit_stats.failed, 1);
    log_event(LOG_WARN, "list-failed", "url=%s why=%s", s->project->url,
              log_quote(why, quoted, sizeof quoted));
    /* Asked for again with the next probe that is answered. */
    s->compare_due_us = clock_mono_us() + s->bridge->retry_most_us;
}

static void begin_list(struct server *s, bool whole, int64_t now_us) {
    s->listing = true;
    s->list_whole = whole;
    s->compare_due_us = now_us + s->bridge->compare_us;
    bridge_call(s, "ListRooms", NULL, "{}", on_list, s);
}

/* ---- a probe ---- */

/* A server that was started anew has lost all its rooms. */
static void judge_sample(struct server *s, const char *text, size_t n) {
    json_t *answer = json_loadb(text, n, 0, NULL);
    bool lost = answer != NULL && json_array_size(json_object_get(answer, "rooms")) == 0 &&
                uuid_is_set(&s->sample) && work_waiting(s->work) == 0 &&
                table_ask(s->bridge->table, s->sample_workspace.s, s->sample.s, NULL).room;
    json_decref(answer);
    if (!lost)
        return;
    log_event(LOG_WARN, "livekit-lost-rooms", "url=%s room=%s", s->project->url, s->sample.s);
    atomic_store(&s->compare_wanted, true);
}

static void on_probe(void *ctx, enum twirp_result result, const char *text, size_t n, const char *why) {
    struct server *s = ctx;
    if (result == TWIRP_STOPPED)
        return;
    s->listing = false;
    bridge_note(s, result, why);
    if (result == TWIRP_DONE)
        judge_sample(s, text, n);
}

static bool is_served(void *ctx, const char *workspace) {
    struct server *s = ctx;
    return voice_project_of(s->bridge->projects, workspace) == s->project;
}

static void begin_probe(struct server *s, int64_t due_us) {
    char name[VOICE_NAME_MAX] = "usher";
    struct jbuf body = {0};
    s->listing = true;
    s->probe_due_us = due_us;
    if (table_any(s->bridge->table, is_served, s, &s->sample_workspace, &s->sample))
        voice_name_make(s->project->form, s->sample_workspace.s, s->sample.s, name);
    else
        s->sample = (struct uuid){""};
    jb_raw(&body, "{\"names\":[");
    jb_str(&body, name);
    jb_raw(&body, "]}");
    bridge_call(s, "ListRooms", NULL, body.p, on_probe, s);
    jb_free(&body);
}

/* ---- when ---- */

static bool note_settled(struct server *s) {
    if (!s->settling || work_waiting(s->work) > 0)
        return false;
    s->settling = false;
    metric_add(livekit_stats.reconciled, 1);
    pthread_mutex_lock(&s->lock);
    bool first = !s->compared;
    s->compared = true;
    pthread_mutex_unlock(&s->lock);
    return first;
}

void rounds_begin(struct server *s, int64_t now_us, int64_t *due_us) {
    if (note_settled(s))
        log_event(LOG_INFO, "equal", "url=%s", s->project->url);
    pthread_mutex_lock(&s->lock);
    bool away = s->away;
    pthread_mutex_unlock(&s->lock);
    if (!s->listing) {
        if (!away && atomic_exchange(&s->compare_wanted, false))
            begin_list(s, true, now_us);
        else if (!away && s->compare_due_us <= now_us)
            begin_list(s, false, now_us);
        else if (s->probe_due_us <= now_us)
            begin_probe(s, away ? now_us : now_us + s->bridge->probe_us); /* away: bridge_note says when */
    }
    if (s->listing)
        return;
    if (s->probe_due_us < *due_us)
        *due_us = s->probe_due_us;
    if (!away && s->compare_due_us < *due_us)
        *due_us = s->compare_due_us;
}
