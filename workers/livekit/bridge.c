#include "workers/livekit/bridge.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/hs256.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "schemas/voice/voice_name.h"
#include "workers/livekit/bridge_impl.h"
#include "workers/livekit/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_SECONDS 60
#define TURN_MOST_MS 1000
#define RETRY_FIRST_US 100000

/* ---- a server, there or away ---- */

void bridge_call(struct server *s, const char *method, const char *room, const char *body, twirp_done done,
                 void *ctx) {
    struct jbuf claims = {0}, token = {0};
    int64_t now_s = clock_wall_us() / 1000000;
    voice_bridge_claims(s->project->key, room, now_s, now_s + TOKEN_SECONDS, &claims);
    hs256_sign(s->project->secret, claims.p, claims.n, &token);
    twirp_call(s->bridge->twirp, s->api, method, token.p, body, done, ctx);
    jb_free(&claims);
    jb_free(&token);
}

static void note_away(struct server *s, const char *why) {
    char quoted[300];
    pthread_mutex_lock(&s->lock);
    bool news = !s->away;
    s->away = true;
    snprintf(s->why, sizeof s->why, "%s: %.120s", s->project->url, why);
    pthread_mutex_unlock(&s->lock);
    int64_t now_us = clock_mono_us();
    if (news) {
        s->away_wait_us = 0;
        metric_add(livekit_stats.away, 1);
        log_event(LOG_WARN, "livekit-away", "url=%s why=%s", s->project->url,
                  log_quote(why, quoted, sizeof quoted));
    }
    if (!news && s->probe_due_us > now_us) /* one of many calls that broke off together */
        return;
    s->away_wait_us = s->away_wait_us == 0 ? RETRY_FIRST_US : s->away_wait_us * 2;
    if (s->away_wait_us > s->bridge->retry_most_us)
        s->away_wait_us = s->bridge->retry_most_us;
    s->probe_due_us = now_us + s->away_wait_us;
}

/* What happened to its rooms meanwhile is not known, so they are compared. */
static void note_back(struct server *s) {
    pthread_mutex_lock(&s->lock);
    bool news = s->away;
    s->away = false;
    pthread_mutex_unlock(&s->lock);
    if (!news)
        return;
    metric_add(livekit_stats.away, -1);
    atomic_store(&s->compare_wanted, true);
    log_event(LOG_INFO, "livekit-back", "url=%s", s->project->url);
}

/* A call that merely failed says nothing about the server: one room may be slow. */
void bridge_note(struct server *s, enum twirp_result result, const char *why) {
    if (result == TWIRP_AWAY || result == TWIRP_REFUSED)
        note_away(s, why);
    else if (result == TWIRP_DONE || result == TWIRP_ABSENT)
        note_back(s);
}

/* ---- the thread ---- */

static bool is_away(struct server *s) {
    pthread_mutex_lock(&s->lock);
    bool away = s->away;
    pthread_mutex_unlock(&s->lock);
    return away;
}

/* Begins what may begin; returns when it must be asked again at the latest. */
static int64_t begin_calls(struct server *s, int64_t now_us) {
    int64_t due_us = INT64_MAX;
    if (!table_loaded(s->bridge->table))
        return due_us;
    while (!is_away(s) && s->under_way < s->bridge->calls_at_once && jobs_begin(s, now_us, &due_us))
        continue;
    rounds_begin(s, now_us, &due_us);
    return due_us;
}

static void count_waiting(struct bridge *b) {
    size_t n = 0;
    for (size_t i = 0; i < b->projects->n; i++)
        n += work_waiting(b->servers[i].work);
    metric_set(livekit_stats.waiting, (int64_t)n);
}

static void *run_bridge(void *arg) {
    struct bridge *b = arg;
    while (!atomic_load(&b->stop)) {
        int64_t now_us = clock_mono_us(), due_us = now_us + TURN_MOST_MS * INT64_C(1000);
        for (size_t i = 0; i < b->projects->n; i++) {
            int64_t server_due_us = begin_calls(&b->servers[i], now_us);
            if (server_due_us < due_us)
                due_us = server_due_us;
        }
        count_waiting(b);
        twirp_turn(b->twirp, due_us > now_us ? (int)((due_us - now_us + 999) / 1000) : 0);
    }
    return NULL;
}

/* ---- marks ---- */

static struct server *server_of(struct bridge *b, const char *workspace) {
    const struct voice_project *p = voice_project_of(b->projects, workspace);
    return p != NULL ? &b->servers[p - b->projects->v] : NULL;
}

void bridge_mark_room(struct bridge *b, const char *workspace, const char *room, int64_t since_us) {
    struct server *s = server_of(b, workspace);
    if (s != NULL)
        work_mark_room(s->work, workspace, room, since_us);
}

void bridge_mark_person(struct bridge *b, const char *workspace, const char *room, const char *person,
                        int64_t since_us) {
    struct server *s = server_of(b, workspace);
    if (s != NULL)
        work_mark_person(s->work, workspace, room, person, since_us);
}

void bridge_mark_compare(struct bridge *b, const char *workspace, const char *room) {
    struct server *s = server_of(b, workspace);
    if (s != NULL)
        work_mark_compare(s->work, workspace, room, 0);
}

void bridge_compare_all(struct bridge *b) {
    for (size_t i = 0; i < b->projects->n; i++)
        atomic_store(&b->servers[i].compare_wanted, true);
    twirp_wake(b->twirp);
}

bool bridge_find(struct bridge *b, const char *name, struct uuid *workspace, struct uuid *room) {
    for (size_t i = 0; i < b->projects->n; i++) {
        struct uuid of;
        if (voice_name_read(b->projects->v[i].form, name, workspace, room) &&
            table_find(b->table, room->s, &of) && (!uuid_is_set(workspace) || uuid_eq(workspace, &of)) &&
            voice_project_of(b->projects, of.s) == &b->projects->v[i]) {
            *workspace = of;
            return true;
        }
    }
    return false;
}

bool bridge_ready(struct bridge *b, char *why, size_t n) {
    for (size_t i = 0; i < b->projects->n; i++) {
        struct server *s = &b->servers[i];
        pthread_mutex_lock(&s->lock);
        bool good = !s->away && s->compared;
        if (!good)
            snprintf(why, n, "%s", s->away ? s->why : "LiveKit is being compared");
        pthread_mutex_unlock(&s->lock);
        if (!good)
            return false;
    }
    return true;
}

/* ---- life ---- */

static void wake_up(void *ctx) {
    struct bridge *b = ctx;
    twirp_wake(b->twirp);
}

static void init_server(struct bridge *b, const struct config *c, size_t i) {
    struct work_limits limits = {.waiting_max = (size_t)config_int(c, "calls-waiting"),
                                 .per_room = (size_t)config_int(c, "calls-per-room"),
                                 .retry_first_us = RETRY_FIRST_US,
                                 .retry_most_us = b->retry_most_us};
    struct server *s = &b->servers[i];
    s->bridge = b;
    s->project = &b->projects->v[i];
    s->api = voice_project_api(s->project);
    s->work = work_new(&limits, wake_up, b);
    pthread_mutex_init(&s->lock, NULL);
}

struct bridge *bridge_start(const struct config *c, const struct voice_projects *projects, struct table *t,
                            struct err *err) {
    struct twirp_limits limits = {.call_ms = config_int(c, "call-ms"),
                                  .answer_max = (size_t)config_int(c, "answer-max-bytes"),
                                  .connections = config_int(c, "calls-at-once") + 1};
    struct twirp *twirp = twirp_new(&limits);
    if (twirp == NULL) {
        (void)err_set(err, ERR_CONFIG, "libcurl cannot be used");
        return NULL;
    }
    struct bridge *b = xcalloc(1, sizeof *b);
    *b = (struct bridge){.projects = projects, .table = t, .twirp = twirp};
    b->calls_at_once = (size_t)config_int(c, "calls-at-once");
    b->probe_us = config_int(c, "probe-ms") * INT64_C(1000);
    b->compare_us = config_int(c, "reconcile-seconds") * INT64_C(1000000);
    b->retry_most_us = config_int(c, "retry-max-ms") * INT64_C(1000);
    b->room_empty_s = config_int(c, "room-empty-seconds");
    b->servers = xcalloc(projects->n, sizeof *b->servers);
    for (size_t i = 0; i < projects->n; i++)
        init_server(b, c, i);
    if (pthread_create(&b->thread, NULL, run_bridge, b) != 0)
        abort();
    return b;
}

void bridge_stop(struct bridge *b) {
    atomic_store(&b->stop, true);
    twirp_wake(b->twirp);
    pthread_join(b->thread, NULL);
    twirp_free(b->twirp);
    for (size_t i = 0; i < b->projects->n; i++) {
        work_free(b->servers[i].work);
        free(b->servers[i].api);
        pthread_mutex_destroy(&b->servers[i].lock);
    }
    free(b->servers);
    free(b);
}
