#include "workers/livekit/work.h"

#include "ops/runtime/mem.h"
#include "workers/livekit/stats.h"

#include <pthread.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct person {
    char *id;
    int64_t since_us;
    bool under_way; /* a call is about him; `again` says that he was marked since */
    bool again;
};

struct work_room {
    char key[80]; /* workspace/room: what the tree is ordered by */
    struct uuid workspace, room;
    struct person *people;
    size_t npeople;
    bool mark, compare; /* the room itself; all who are in it */
    int64_t mark_since_us, compare_due_us;
    size_t under_way; /* calls about people */
    bool alone;       /* a call about the room or all in it */
    int64_t retry_us; /* not before that; 0: it has not failed */
    int64_t wait_us;  /* of the next failure */
    enum { NOWHERE, IN_TURN, LATER } place;
    struct work_room *next, *before; /* before: of those in LATER */
};

struct work {
    struct work_limits limits;
    void (*moved)(void *ctx);
    void *ctx;
    pthread_mutex_t lock; /* of all below */
    void *rooms;          /* tree (search.h) of struct work_room, by key */
    size_t nrooms, npeople;
    struct work_room *first, **last; /* rooms that may have something to take, in turns */
    struct work_room *later;         /* rooms that wait for a time, in no order */
    int64_t later_us;                /* none of these is due before that */
};

/* ---- rooms ---- */

static int order_rooms(const void *a, const void *b) {
    return strcmp(((const struct work_room *)a)->key, ((const struct work_room *)b)->key);
}

static struct work_room *find_room(struct work *w, const char *workspace, const char *room) {
    struct work_room like;
    snprintf(like.key, sizeof like.key, "%.36s/%.36s", workspace, room);
    struct work_room **at = tfind(&like, &w->rooms, order_rooms);
    return at != NULL ? *at : NULL;
}

static struct work_room *make_room(struct work *w, const char *workspace, const char *room) {
    struct work_room *r = find_room(w, workspace, room);
    if (r != NULL)
        return r;
    r = xcalloc(1, sizeof *r);
    snprintf(r->key, sizeof r->key, "%.36s/%.36s", workspace, room);
    snprintf(r->workspace.s, sizeof r->workspace.s, "%.36s", workspace);
    snprintf(r->room.s, sizeof r->room.s, "%.36s", room);
    if (tsearch(r, &w->rooms, order_rooms) == NULL)
        abort(); /* no memory */
    w->nrooms++;
    return r;
}

static bool is_idle(const struct work_room *r) {
    return !r->mark && !r->compare && r->npeople == 0 && !r->alone && r->under_way == 0;
}

static void leave_later(struct work *w, struct work_room *r) {
    if (r->before != NULL)
        r->before->next = r->next;
    else
        w->later = r->next;
    if (r->next != NULL)
        r->next->before = r->before;
    r->place = NOWHERE;
}

/* Behind all that wait for their turn. */
static void queue_room(struct work *w, struct work_room *r) {
    if (r->place == IN_TURN)
        return;
    if (r->place == LATER)
        leave_later(w, r);
    r->place = IN_TURN;
    r->next = NULL;
    *w->last = r;
    w->last = &r->next;
}

static void put_off(struct work *w, struct work_room *r, int64_t due_us) {
    r->place = LATER;
    r->next = w->later;
    r->before = NULL;
    if (w->later != NULL)
        w->later->before = r;
    w->later = r;
    if (due_us < w->later_us)
        w->later_us = due_us;
}

static struct work_room *unqueue_first(struct work *w) {
    struct work_room *r = w->first;
    w->first = r->next;
    if (w->first == NULL)
        w->last = &w->first;
    r->place = NOWHERE;
    return r;
}

static void free_room(void *arg) {
    struct work_room *r = arg;
    for (size_t i = 0; i < r->npeople; i++)
        free(r->people[i].id);
    free(r->people);
    free(r);
}

static void forget_room(struct work *w, struct work_room *r) {
    tdelete(r, &w->rooms, order_rooms);
    w->nrooms--;
    free_room(r);
}

/* ---- marks ---- */

void work_mark_room(struct work *w, const char *workspace, const char *room, int64_t since_us) {
    pthread_mutex_lock(&w->lock);
    struct work_room *r = make_room(w, workspace, room);
    if (!r->mark)
        r->mark_since_us = since_us;
    r->mark = true;
    queue_room(w, r);
    pthread_mutex_unlock(&w->lock);
    w->moved(w->ctx);
}

static void want_compare(struct work_room *r, int64_t due_us) {
    if (!r->compare || due_us < r->compare_due_us)
        r->compare_due_us = due_us;
    r->compare = true;
}

static void add_person(struct work *w, struct work_room *r, const char *person, int64_t since_us) {
    for (size_t i = 0; i < r->npeople; i++) {
        if (strcmp(r->people[i].id, person) == 0) {
            r->people[i].again = r->people[i].under_way;
            return;
        }
    }
    if (r->npeople == WORK_PEOPLE || w->npeople >= w->limits.waiting_max) {
        metric_add(livekit_stats.overflowed, 1);
        want_compare(r, 0);
        return;
    }
    r->people = xreallocarray(r->people, r->npeople + 1, sizeof *r->people);
    r->people[r->npeople++] = (struct person){.id = xstrdup(person), .since_us = since_us};
    w->npeople++;
}

void work_mark_person(struct work *w, const char *workspace, const char *room, const char *person,
                      int64_t since_us) {
    pthread_mutex_lock(&w->lock);
    struct work_room *r = make_room(w, workspace, room);
    add_person(w, r, person, since_us);
    queue_room(w, r);
    pthread_mutex_unlock(&w->lock);
    w->moved(w->ctx);
}

void work_mark_compare(struct work *w, const char *workspace, const char *room, int64_t due_us) {
    pthread_mutex_lock(&w->lock);
    struct work_room *r = make_room(w, workspace, room);
    want_compare(r, due_us);
    queue_room(w, r);
    pthread_mutex_unlock(&w->lock);
    w->moved(w->ctx);
}

/* ---- taking ---- */

static void start_job(struct work_room *r, enum work_kind kind, struct work_job *job) {
    *job = (struct work_job){.kind = kind, .workspace = r->workspace, .room = r->room, .of = r};
    r->alone = kind != WORK_PERSON;
}

static bool take_person(const struct work *w, struct work_room *r, struct work_job *job) {
    for (size_t i = 0; i < r->npeople && r->under_way < w->limits.per_room; i++) {
        struct person *p = &r->people[i];
        if (p->under_way)
            continue;
        start_job(r, WORK_PERSON, job);
        job->person = p->id;
        job->since_us = p->since_us;
        p->under_way = true;
        r->under_way++;
        return true;
    }
    return false;
}

/* What of a room may begin now. */
static bool take_of(const struct work *w, struct work_room *r, int64_t now_us, struct work_job *job) {
    if (r->alone || r->retry_us > now_us)
        return false;
    if (r->mark) {
        if (r->under_way > 0)
            return false;
        start_job(r, WORK_ROOM, job);
        job->since_us = r->mark_since_us;
        r->mark = false;
        return true;
    }
    if (take_person(w, r, job))
        return true;
    if (!r->compare || r->npeople > 0 || r->compare_due_us > now_us)
        return false;
    start_job(r, WORK_COMPARE, job);
    r->compare = false;
    return true;
}

/* When there may be something of a room of which there is nothing now. INT64_MAX: when a call of it ends. */
static int64_t due_of(const struct work_room *r, int64_t now_us) {
    if (r->retry_us > now_us)
        return r->retry_us;
    if (r->compare && !r->alone && r->npeople == 0 && !r->mark)
        return r->compare_due_us;
    return INT64_MAX;
}

/* Rooms whose time has come get in line. */
static void queue_due(struct work *w, int64_t now_us) {
    if (w->later_us > now_us)
        return;
    w->later_us = INT64_MAX;
    for (struct work_room *r = w->later, *next; r != NULL; r = next) {
        int64_t due_us = due_of(r, now_us);
        next = r->next;
        if (due_us <= now_us || due_us == INT64_MAX) /* it waits for no time any more */
            queue_room(w, r);
        else if (due_us < w->later_us)
            w->later_us = due_us;
    }
}

bool work_take(struct work *w, int64_t now_us, struct work_job *job, int64_t *due_us) {
    bool taken = false;
    pthread_mutex_lock(&w->lock);
    queue_due(w, now_us);
    while (!taken && w->first != NULL) {
        struct work_room *r = unqueue_first(w);
        taken = take_of(w, r, now_us, job);
        int64_t later_us = due_of(r, now_us);
        if (taken)
            queue_room(w, r); /* there may be more of it, after the others */
        else if (later_us != INT64_MAX)
            put_off(w, r, later_us);
        else if (is_idle(r))
            forget_room(w, r);
        /* else: when its calls end, it is queued again */
    }
    *due_us = w->later_us;
    pthread_mutex_unlock(&w->lock);
    return taken;
}

/* ---- the end of a job ---- */

static void end_person(struct work *w, struct work_room *r, const char *id, bool good) {
    size_t i = 0;
    while (r->people[i].id != id)
        i++;
    struct person *p = &r->people[i];
    bool again = p->again;
    p->under_way = p->again = false;
    r->under_way--;
    if (good && !again) {
        free(p->id);
        memmove(p, p + 1, (r->npeople - i - 1) * sizeof *p);
        r->npeople--;
        w->npeople--;
    }
}

void work_done(struct work *w, const struct work_job *job, bool good, int64_t now_us) {
    pthread_mutex_lock(&w->lock);
    struct work_room *r = job->of;
    if (job->kind == WORK_PERSON)
        end_person(w, r, job->person, good);
    else
        r->alone = false;
    if (!good && job->kind == WORK_ROOM) {
        r->mark = true;
        r->mark_since_us = job->since_us;
    }
    if (!good && job->kind == WORK_COMPARE)
        want_compare(r, 0);
    if (good) {
        r->wait_us = 0;
        r->retry_us = 0;
    } else {
        r->wait_us = r->wait_us == 0 ? w->limits.retry_first_us : r->wait_us * 2;
        if (r->wait_us > w->limits.retry_most_us)
            r->wait_us = w->limits.retry_most_us;
        r->retry_us = now_us + r->wait_us;
    }
    queue_room(w, r);
    pthread_mutex_unlock(&w->lock);
    w->moved(w->ctx);
}

/* ---- life ---- */

size_t work_waiting(struct work *w) {
    pthread_mutex_lock(&w->lock);
    size_t n = w->nrooms + w->npeople;
    pthread_mutex_unlock(&w->lock);
    return n;
}

struct work *work_new(const struct work_limits *limits, void (*moved)(void *ctx), void *ctx) {
    struct work *w = xcalloc(1, sizeof *w);
    w->limits = *limits;
    w->moved = moved;
    w->ctx = ctx;
    w->last = &w->first;
    w->later_us = INT64_MAX;
    pthread_mutex_init(&w->lock, NULL);
    return w;
}

void work_free(struct work *w) {
    tdestroy(w->rooms, free_room);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
