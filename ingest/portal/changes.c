#include "ingest/portal/changes.h"

#include "ingest/api/api.h"
#include "ingest/request/answer.h"
#include "ingest/request/handle.h"
#include "ingest/request/stream.h"
#include "ingest/stats.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "sql/ask/changes.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_US 250000
#define SILENCE_US (15 * INT64_C(1000000)) /* then a comment says that we are there */
#define WELCOME_US 1000000                 /* so often it is asked who may still watch */
#define KEEP_BYTES 16384                   /* of a piece that was sent */
#define AWAY_US 2000000                    /* after an error of the database */

struct viewer {
    struct stream stream; /* the first member */
    struct change_place place;
    struct changes *changes;
    struct viewer *next;                /* of those whose connection waits */
    struct viewer *prev_all, *next_all; /* of all */
    int64_t told_us;                    /* when something was sent last */
    int64_t named;                      /* the seq that the client knows as its place */
    bool follows;                       /* false: it ends where there is nothing more */
};

struct changes {
    struct ingest *in;
    struct db *db;
    pthread_t thread;
    pthread_mutex_t lock; /* protects all below */
    pthread_cond_t come;
    struct viewer *waiting, *all;
    int n;
    bool stop;
};

/* ---- coming and going ---- */

/* The connection has taken all that there was. On an HTTP thread. */
static void viewer_wants(struct stream *s) {
    struct viewer *v = (struct viewer *)s;
    struct changes *c = v->changes;
    if (s->piece.cap > KEEP_BYTES)
        jb_free(&s->piece);
    pthread_mutex_lock(&c->lock);
    v->next = c->waiting;
    c->waiting = v;
    pthread_mutex_unlock(&c->lock);
    pthread_cond_signal(&c->come);
}

/* The request is over. Nobody has the viewer any more: it does not wait then. */
static void viewer_leave(void *arg) {
    struct viewer *v = arg;
    struct changes *c = v->changes;
    pthread_mutex_lock(&c->lock);
    *(v->prev_all != NULL ? &v->prev_all->next_all : &c->all) = v->next_all;
    if (v->next_all != NULL)
        v->next_all->prev_all = v->prev_all;
    metric_set(stats.viewers, --c->n);
    pthread_mutex_unlock(&c->lock);
    jb_free(&v->stream.piece);
}

static int count_of(const struct changes *c, const struct uuid *owner) {
    int n = 0;
    for (const struct viewer *v = c->all; v != NULL; v = v->next_all)
        n += uuid_eq(&v->place.owner, owner) ? 1 : 0;
    return n;
}

static enum err_code viewer_enter(struct changes *c, struct viewer *v, struct err *err) {
    const struct settings *s = &c->in->settings;
    enum err_code code = ERR_OK;
    pthread_mutex_lock(&c->lock);
    if (count_of(c, &v->place.owner) >= s->owner_viewers)
        code = err_set(err, ERR_RATE_LIMITED, "%d live views are open with this credential; close one",
                       s->owner_viewers);
    else if (c->n >= s->viewers)
        code = err_set(err, ERR_UNAVAILABLE, "%d live views are open here, which is the most", s->viewers);
    if (code == ERR_OK) {
        v->next_all = c->all;
        if (c->all != NULL)
            c->all->prev_all = v;
        c->all = v;
        metric_set(stats.viewers, ++c->n);
    }
    pthread_mutex_unlock(&c->lock);
    return code;
}

/* ---- telling ---- */

static void tell_change(void *ctx, size_t place, int64_t seq, const char *record, size_t n) {
    struct viewer *v = ((struct viewer **)ctx)[place];
    struct jbuf *b = &v->stream.piece;
    jb_printf(b, "id: %" PRId64 "\ndata: ", seq);
    jb_mem(b, record, n);
    jb_raw(b, "\n\n");
    v->named = seq;
}

/* A place without a change: whoever comes back goes on from here, also if nothing has happened before. */
static void name_place(struct viewer *v) {
    if (v->named == v->place.seq || v->place.seq < 0)
        return;
    jb_printf(&v->stream.piece, "id: %" PRId64 "\n\n", v->place.seq);
    v->named = v->place.seq;
}

static void viewer_end(struct viewer *v, const char *why) {
    if (why != NULL)
        jb_printf(&v->stream.piece, "event: end\ndata: {\"reason\":\"%s\"}\n\n", why);
    v->stream.last = true;
}

/* True: the connection has something to send. */
static bool viewer_judge(struct viewer *v, bool ended, int64_t now_us) {
    bool nothing = v->stream.piece.n == 0;
    name_place(v);
    if (v->place.unwelcome)
        viewer_end(v, "session");
    else if (ended || (nothing && !v->follows && v->place.seq >= 0))
        viewer_end(v, NULL);
    else if (v->stream.piece.n == 0 && now_us - v->told_us > SILENCE_US)
        jb_raw(&v->stream.piece, ":\n\n");
    if (v->stream.piece.n == 0 && !v->stream.last)
        return false;
    v->told_us = now_us;
    return true;
}

static void say_away(bool *away, enum err_code code, const struct err *err) {
    char quoted[600];
    if ((code != ERR_OK) == *away)
        return;
    *away = code != ERR_OK;
    if (*away)
        log_event(LOG_WARN, "changes-away", "reason=%s", log_quote(err_text(err), quoted, sizeof quoted));
    else
        log_event(LOG_INFO, "changes-back", "%s", "");
}

/* One round. Gives those of the list that have nothing to send. */
static struct viewer *serve(struct changes *c, struct viewer *list, bool welcome, enum err_code *code,
                            struct err *err) {
    size_t n = 0, i = 0;
    for (const struct viewer *v = list; v != NULL; v = v->next)
        n++;
    struct viewer **viewers = xcalloc(n + 1, sizeof *viewers), *rest = NULL;
    struct change_place **places = xcalloc(n + 1, sizeof *places);
    for (struct viewer *v = list; v != NULL; v = v->next, i++) {
        viewers[i] = v;
        places[i] = &v->place;
    }
    bool stopping = atomic_load(&c->in->stopping);
    *code = stopping ? ERR_OK : changes_look(c->db, places, n, welcome, tell_change, viewers, err);
    for (i = 0; i < n; i++) {
        struct viewer *v = viewers[i];
        if (viewer_judge(v, stopping || v->stream.gone(&v->stream), clock_mono_us())) {
            v->stream.give(&v->stream); /* and v is no more ours */
        } else {
            v->next = rest;
            rest = v;
        }
    }
    free(viewers);
    free(places);
    return rest;
}

static void put_back(struct changes *c, struct viewer *rest) {
    pthread_mutex_lock(&c->lock);
    while (rest != NULL) {
        struct viewer *v = rest;
        rest = v->next;
        v->next = c->waiting;
        c->waiting = v;
    }
    pthread_mutex_unlock(&c->lock);
}

/* Waits until somebody watches. False: it is over. */
static bool take_waiting(struct changes *c, struct viewer **list) {
    pthread_mutex_lock(&c->lock);
    while (c->waiting == NULL && !c->stop)
        pthread_cond_wait(&c->come, &c->lock);
    *list = c->waiting;
    c->waiting = NULL;
    pthread_mutex_unlock(&c->lock);
    return *list != NULL;
}

static void pause_us(struct changes *c, int64_t us) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)(us % 1000000) * 1000;
    until.tv_sec += us / 1000000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&c->lock);
    while (!c->stop && !atomic_load(&c->in->stopping) &&
           pthread_cond_timedwait(&c->come, &c->lock, &until) != ETIMEDOUT)
        continue;
    pthread_mutex_unlock(&c->lock);
}

static void *changes_main(void *arg) {
    struct changes *c = arg;
    struct viewer *list;
    int64_t welcomed_us = 0;
    bool away = false;
    while (take_waiting(c, &list)) {
        struct err err = {0};
        enum err_code code;
        int64_t now_us = clock_mono_us();
        bool welcome = now_us - welcomed_us > WELCOME_US;
        put_back(c, serve(c, list, welcome, &code, &err));
        welcomed_us = welcome ? now_us : welcomed_us;
        say_away(&away, code, &err);
        pause_us(c, code == ERR_OK ? LOOK_US : AWAY_US);
    }
    return NULL;
}

/* ---- the request ---- */

/* The number that the client has seen last; -1: none. */
static enum err_code read_last(const struct request *r, int64_t *seq, struct err *err) {
    const char *text = r->head.last_event_id;
    char *end = NULL;
    *seq = -1;
    if (text == NULL || text[0] == '\0')
        return ERR_OK;
    errno = 0;
    *seq = strtoll(text, &end, 10);
    if (*end != '\0' || errno != 0 || *seq < 0)
        return err_set(err, ERR_BAD_REQUEST, "Last-Event-ID is the number of a change");
    return ERR_OK;
}

static enum step changes_begin(struct request *r) {
    struct viewer *v = arena_alloc(r->arena, sizeof *v);
    const char *follow = query_get(&r->query, "follow");
    struct err err = {0};
    *v = (struct viewer){.stream = {.want = viewer_wants},
                         .changes = r->in->changes,
                         .place = {.workspace = r->verdict.workspace, .owner = r->verdict.key},
                         .told_us = clock_mono_us(),
                         .named = -1,
                         .follows = follow == NULL || strcmp(follow, "false") != 0};
    if (r->verdict.pass != PASS_NONE)
        v->place.pass = r->verdict.pass_id;
    if (read_last(r, &v->place.seq, &err) != ERR_OK)
        return handle_refuse(r, &err);
    v->named = v->place.seq;
    if (viewer_enter(r->in->changes, v, &err) != ERR_OK) {
        metric_add(stats.viewers_refused, 1);
        return handle_refuse(r, &err);
    }
    arena_defer(r->arena, viewer_leave, v);
    jb_raw(&v->stream.piece, "retry: 1000\n\n");
    (void)answer_begin(r, 200);
    r->answer.content_type = "text/event-stream";
    r->answer.no_store = true;
    r->answer.stream = &v->stream;
    return STEP_ANSWERED;
}

const struct handler admin_changes = {.begin = changes_begin};

/* ---- life ---- */

struct changes *changes_new(struct ingest *in) {
    struct changes *c = xcalloc(1, sizeof *c);
    c->in = in;
    c->db = db_new(in->settings.pg, "usher-ingest changes", "");
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->come, NULL);
    if (pthread_create(&c->thread, NULL, changes_main, c) != 0)
        abort();
    return c;
}

void changes_close(struct changes *c) {
    if (c == NULL)
        return;
    pthread_mutex_lock(&c->lock);
    c->stop = true;
    pthread_mutex_unlock(&c->lock);
    pthread_cond_signal(&c->come);
    pthread_join(c->thread, NULL);
    db_free(c->db);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->come);
    free(c);
}
