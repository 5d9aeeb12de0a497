/* What the files of the bridge share: one LiveKit server, as its thread sees it. */
#ifndef USHER_WORKERS_LIVEKIT_BRIDGE_IMPL_H
#define USHER_WORKERS_LIVEKIT_BRIDGE_IMPL_H

#include "workers/livekit/bridge.h"
#include "workers/livekit/twirp.h"
#include "workers/livekit/work.h"

#include <pthread.h>
#include <stdatomic.h>

struct server {
    struct bridge *bridge;
    const struct voice_project *project;
    char *api;
    struct work *work;
    atomic_bool compare_wanted; /* all rooms */
    /* of the bridge's thread alone: */
    size_t under_way; /* jobs */
    bool listing;     /* a probe or a list is under way */
    bool list_whole;  /* … and it compares all rooms, those without people too */
    bool settling;    /* what the last list has marked is not done yet */
    int64_t probe_due_us, compare_due_us, away_wait_us;
    struct uuid sample_workspace, sample; /* the room that a probe asks for; "" = none */
    /* under the lock: */
    pthread_mutex_t lock;
    bool away, compared;
    char why[160]; /* of away */
};

struct bridge {
    const struct voice_projects *projects;
    struct table *table;
    struct twirp *twirp;
    struct server *servers; /* one for each project, in their order */
    pthread_t thread;
    atomic_bool stop;
    size_t calls_at_once;
    int64_t probe_us, compare_us, retry_most_us;
    long room_empty_s;
};

/* Calls a method of the server for a room (NULL: for all). */
void bridge_call(struct server *s, const char *method, const char *room, const char *body, twirp_done done,
                 void *ctx);
/* The call ended like this: notes whether the server is there. */
void bridge_note(struct server *s, enum twirp_result result, const char *why);

/* jobs.c: begins the next job. False: there is none now; *due_us as of work_take. */
bool jobs_begin(struct server *s, int64_t now_us, int64_t *due_us);
/* rounds.c: begins a probe or a list if one is due; lowers *due_us to when the next one is. */
void rounds_begin(struct server *s, int64_t now_us, int64_t *due_us);

#endif
