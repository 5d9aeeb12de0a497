#include "ingest/api/polls.h"

#include "ingest/api/poll_sets.h"
#include "ingest/request/answer.h"
#include "ingest/request/stream.h"
#include "ingest/stats.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_US 250000 /* so often it is looked who has got something */

struct waiter {
    struct stream stream; /* the first member */
    struct polls *of;
    struct poll_sets sets;
    struct uuid workspace, id, key;
    int64_t until_us;
    bool at_once;
    struct waiter *next;
    struct waiter *prev_all, *next_all; /* of all */
};

struct polls {
    struct ingest *in;
    struct db *db;
    pthread_t thread;
    struct waiter *held;  /* the thread's own: those that have nothing */
    pthread_mutex_t lock; /* protects all below */
    pthread_cond_t come;
    struct waiter *fresh, *all; /* fresh: not looked at yet */
    int n;
    bool stop;
};

/* ---- coming and going ---- */

/* The head is sent, and the connection waits for the body. On an HTTP thread. */
static void waiter_wants(struct stream *s) {
    struct waiter *w = (struct waiter *)s;
    struct polls *p = w->of;
    pthread_mutex_lock(&p->lock);
    w->next = p->fresh;
    p->fresh = w;
    pthread_mutex_unlock(&p->lock);
    pthread_cond_signal(&p->come);
}

/* The request is over. Nobody has the waiter any more. */
static void waiter_leave(void *arg) {
    struct waiter *w = arg;
    struct polls *p = w->of;
    pthread_mutex_lock(&p->lock);
    *(w->prev_all != NULL ? &w->prev_all->next_all : &p->all) = w->next_all;
    if (w->next_all != NULL)
        w->next_all->prev_all = w->prev_all;
    metric_set(stats.polls, --p->n);
    pthread_mutex_unlock(&p->lock);
    jb_free(&w->stream.piece);
    poll_sets_free(&w->sets);
}

static int polls_of(const struct polls *p, const struct uuid *key) {
    int n = 0;
    for (const struct waiter *w = p->all; w != NULL; w = w->next_all)
        n += uuid_eq(&w->key, key) ? 1 : 0;
    return n;
}

static enum err_code waiter_enter(struct polls *p, struct waiter *w, struct err *err) {
    const struct settings *s = &p->in->settings;
    enum err_code code = ERR_OK;
    pthread_mutex_lock(&p->lock);
    if (polls_of(p, &w->key) >= s->key_polls)
        code =
            err_set(err, ERR_RATE_LIMITED, "%d polls of this key wait already (polls-per-key)", s->key_polls);
    else if (p->n >= s->polls)
        code = err_set(err, ERR_UNAVAILABLE, "%d polls wait here, which is the most (polls)", s->polls);
    if (code == ERR_OK) {
        w->next_all = p->all;
        if (p->all != NULL)
            p->all->prev_all = w;
        p->all = w;
        metric_set(stats.polls, ++p->n);
    }
    pthread_mutex_unlock(&p->lock);
    return code;
}

enum err_code polls_enter(struct polls *p, struct request *r, const struct poll_request *what,
                          struct err *err) {
    struct waiter *w = arena_alloc(r->arena, sizeof *w);
    *w = (struct waiter){.stream = {.want = waiter_wants},
                         .of = p,
                         .workspace = r->verdict.workspace,
                         .id = what->stream,
                         .key = r->verdict.key,
                         .at_once = what->at_once || what->most == 0,
                         .until_us = clock_mono_us() + p->in->settings.poll_us,
                         .sets = {.acks = what->acks, .errors = what->errors, .most = what->most}};
    w->sets.at.workspace = w->workspace.s;
    w->sets.at.id = w->id.s;
    w->sets.at.key = w->key.s;
    if (waiter_enter(p, w, err) != ERR_OK)
        return err->code;
    arena_defer(r->arena, waiter_leave, w);
    (void)answer_begin(r, 200);
    r->answer.no_store = true;
    r->answer.stream = &w->stream;
    return ERR_OK;
}

/* ---- serving ---- */

static void waiter_finish(struct waiter *w, bool broken) {
    if (broken)
        w->stream.broken = true;
    else
        poll_sets_answer(&w->sets, &w->stream.piece);
    w->stream.last = true;
    w->stream.give(&w->stream); /* and w is no more ours */
}

/* Asks for it. True: it is answered, and no more ours. What it has acknowledged is lost where the database is
 * away: then the connection ends without an answer, and the receiver sends it again. */
static bool waiter_serve(struct polls *p, struct waiter *w) {
    struct arena *a = arena_new();
    struct err err = {0};
    bool failed = poll_sets_work(p->db, &w->sets, a, &err) != ERR_OK;
    bool gone = !failed && w->sets.at.doc == NULL;
    arena_free(a);
    w->sets.at.doc = w->sets.at.done = NULL; /* they were the arena's */
    if (failed)
        log_event(LOG_WARN, "poll-failed", "stream=%s error=\"%s\"", w->id.s, err_text(&err));
    if (!failed && !gone && w->sets.n == 0 && !w->at_once)
        return false;
    waiter_finish(w, failed);
    return true;
}

static void waiter_hold(struct polls *p, struct waiter *w) {
    w->next = p->held;
    p->held = w;
}

static void serve_fresh(struct polls *p, struct waiter *list) {
    while (list != NULL) {
        struct waiter *w = list;
        list = w->next;
        if (!waiter_serve(p, w))
            waiter_hold(p, w);
    }
}

static bool waiter_is_over(const struct polls *p, const struct waiter *w) {
    return clock_mono_us() >= w->until_us || w->stream.gone(&w->stream) || atomic_load(&p->in->stopping);
}

/* Looks at all that are held, in one round trip; an error of it is one of every poll that has news. */
static void look_at_held(struct polls *p) {
    size_t n = 0, i = 0;
    struct err err = {0};
    struct waiter *list = p->held;
    for (const struct waiter *w = list; w != NULL; w = w->next)
        n++;
    const struct stream_poll **at = xcalloc(n + 1, sizeof *at);
    bool *news = xcalloc(n + 1, sizeof *news);
    for (const struct waiter *w = list; w != NULL; w = w->next)
        at[i++] = &w->sets.at;
    if (stream_poll_news(p->db, at, n, news, &err) != ERR_OK)
        memset(news, 0, n * sizeof *news);
    p->held = NULL;
    for (i = 0; list != NULL; i++) {
        struct waiter *w = list;
        list = w->next;
        if (news[i] && waiter_serve(p, w))
            continue;
        if (waiter_is_over(p, w))
            waiter_finish(w, false);
        else
            waiter_hold(p, w);
    }
    free(at);
    free(news);
}

/* ---- the thread ---- */

static void add_us(struct timespec *t, int64_t us) {
    t->tv_nsec += (long)(us % 1000000) * 1000;
    t->tv_sec += us / 1000000 + t->tv_nsec / 1000000000;
    t->tv_nsec %= 1000000000;
}

/* Waits for somebody who comes, and no longer than until the next look. False: it is over. */
static bool take_fresh(struct polls *p, struct waiter **list) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    add_us(&until, LOOK_US);
    pthread_mutex_lock(&p->lock);
    while (p->fresh == NULL && !p->stop) {
        if (p->held == NULL)
            pthread_cond_wait(&p->come, &p->lock);
        else if (pthread_cond_timedwait(&p->come, &p->lock, &until) != 0)
            break;
    }
    *list = p->fresh;
    p->fresh = NULL;
    bool goes_on = !p->stop || *list != NULL || p->held != NULL;
    pthread_mutex_unlock(&p->lock);
    return goes_on;
}

static void *polls_main(void *arg) {
    struct polls *p = arg;
    struct waiter *fresh;
    int64_t look_us = 0;
    while (take_fresh(p, &fresh)) {
        serve_fresh(p, fresh);
        if (p->held == NULL || clock_mono_us() < look_us)
            continue;
        look_at_held(p);
        look_us = clock_mono_us() + LOOK_US / 2;
    }
    return NULL;
}

struct polls *polls_new(struct ingest *in) {
    struct polls *p = xcalloc(1, sizeof *p);
    p->in = in;
    p->db = db_new(in->settings.pg, "usher-ingest polls", "");
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->come, NULL);
    if (pthread_create(&p->thread, NULL, polls_main, p) != 0)
        abort();
    return p;
}

void polls_close(struct polls *p) {
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_mutex_unlock(&p->lock);
    pthread_cond_signal(&p->come);
    pthread_join(p->thread, NULL);
    db_free(p->db);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->come);
    free(p);
}
