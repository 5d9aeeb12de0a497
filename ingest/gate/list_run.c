/* How a list runs, and how it ends. */
#include "ingest/gate/lists_impl.h"
#include "ingest/request/answer.h"
#include "ingest/request/handle.h"
#include "ingest/request/handler.h"
#include "ingest/stats.h"
#include "ops/runtime/clock.h"
#include "sql/ask/read.h"

#include <assert.h>
#include <malloc.h>
#include <stdio.h>

/* An answer of which more is kept counts for its key, and in list-memory, until it is sent. */
#define SMALL_BYTES (1024 * 1024)
/* One answer may take this part of list-memory. */
#define ANSWER_SHARE 4
/* After an answer of which more was kept, memory is given back to the system. */
#define TRIM_BYTES ((size_t)8 * 1024 * 1024)

/* ---- refusals ---- */

static void refuse(struct list *e, enum err_code code, const char *detail) {
    struct request *r = e->r;
    if (code == ERR_RATE_LIMITED)
        r->verdict.retry_after_s = 1;
    if (r->read == NULL) {
        answer_error(r, code, detail[0] != '\0' ? detail : NULL);
        request_finish(r);
        return;
    }
    r->read->code = err_set(&r->read->err, code, "%s", detail);
    enum step step = r->handler->on_read(r, ERR_OK);
    assert(step == STEP_ANSWERED);
    (void)step;
    request_finish(r);
}

static void count_end(enum list_end end) {
    struct metric *const of[LIST_ENDS] = {
        [LIST_WAITED] = stats.lists_waited,       [LIST_WORKED] = stats.lists_worked,
        [LIST_TOO_LARGE] = stats.lists_too_large, [LIST_NO_MEMORY] = stats.lists_no_memory,
        [LIST_LATE] = stats.lists_late,           [LIST_GONE] = stats.lists_gone,
        [LIST_REVOKED] = stats.lists_revoked,
    };
    metric_add(of[end], 1);
}

static size_t most_bytes(const struct lists *l) {
    return (size_t)l->in->settings.list_memory;
}

void list_refuse(struct list *e, enum list_end end) {
    char detail[200];
    count_end(end);
    switch (end) {
    case LIST_WAITED:
        snprintf(detail, sizeof detail, "%d lists of this key run already, or all that may; try again in 1 s",
                 e->lists->in->settings.lists_per_key);
        refuse(e, ERR_RATE_LIMITED, detail);
        break;
    case LIST_WORKED:
        snprintf(
            detail, sizeof detail,
            "This takes longer than %d ms; ask for less, with a filter that finds fewer or without sortBy",
            (int)(e->lists->run_us / 1000));
        refuse(e, ERR_TOO_MANY, detail);
        break;
    case LIST_TOO_LARGE:
        snprintf(
            detail, sizeof detail,
            "The answer would have more than %zu bytes; ask for fewer resources, or without members and groups",
            most_bytes(e->lists) / ANSWER_SHARE);
        refuse(e, ERR_TOO_MANY, detail);
        break;
    case LIST_REVOKED:
        refuse(e, ERR_UNAUTHORIZED, atomic_load(&e->dead));
        break;
    default: /* late, gone, or no memory */
        refuse(e, ERR_UNAVAILABLE, "");
    }
}

/* ---- its place ---- */

/* The request has gone, and with it its answer; or it never was large. */
static void end_turn(void *list) {
    struct list *e = list;
    struct lists *l = e->lists;
    atomic_fetch_sub(&l->bytes, e->bytes);
    metric_set(stats.list_bytes, (int64_t)atomic_load(&l->bytes));
    e->bytes = 0;
    pthread_mutex_lock(&l->lock);
    turns_done(l->turns, &e->turn);
    pthread_mutex_unlock(&l->lock);
    pthread_cond_signal(&l->changed);
}

/* The thread is through with it. A large answer keeps its place until it is sent. */
static void stop_running(struct lists *l, struct list *e, size_t keeps) {
    atomic_fetch_add(&l->bytes, keeps);
    atomic_fetch_sub(&l->bytes, e->bytes);
    e->bytes = keeps;
    pthread_mutex_lock(&l->lock);
    l->nrunning--;
    lists_leave(l, e);
    turns_rest(l->turns, &e->turn);
    pthread_mutex_unlock(&l->lock);
    if (keeps > 0)
        arena_defer(e->r->arena, end_turn, e);
    else
        end_turn(e);
}

/* ---- a list runs ---- */

static enum list_end end_of(const struct list_thread *t, int64_t now_us) {
    const struct list *e = t->list;
    const struct request *r = e->r;
    if (request_is_abandoned(r))
        return LIST_LATE;
    if (atomic_load(&e->dead) != NULL)
        return LIST_REVOKED;
    if (now_us >= t->until_us)
        return t->whole_time ? LIST_WORKED : LIST_LATE;
    return r->owner->gone != NULL && r->owner->gone(r) ? LIST_GONE : LIST_GOES_ON;
}

/* Asked while PostgreSQL works, on the thread (db_watch). With the lock, because a stand-in that has answered
 * gives the connection free. */
bool list_is_unwanted(void *thread) {
    struct list_thread *t = thread;
    pthread_mutex_lock(&t->lock);
    if (t->end == LIST_GOES_ON)
        t->end = end_of(t, clock_mono_us());
    pthread_mutex_unlock(&t->lock);
    return t->end != LIST_GOES_ON;
}

/* Asked before rows are kept, on the thread. */
static bool keep(void *thread, size_t bytes) {
    struct list_thread *t = thread;
    struct lists *l = t->lists;
    size_t most = most_bytes(l);
    if (list_is_unwanted(t)) /* also where each piece is quick */
        return false;
    t->list->bytes += bytes;
    size_t all = atomic_fetch_add(&l->bytes, bytes) + bytes;
    metric_set(stats.list_bytes, (int64_t)all);
    if (t->list->bytes > most / ANSWER_SHARE)
        t->end = LIST_TOO_LARGE;
    else if (t->list->bytes > SMALL_BYTES && all > most)
        t->end = LIST_NO_MEMORY;
    return t->end == LIST_GOES_ON;
}

static void set_blocked(struct list_thread *t, struct list *e) {
    pthread_mutex_lock(&t->lock);
    t->list = e;
    t->blocked = true;
    pthread_mutex_unlock(&t->lock);
}

/* True: a stand-in has answered meanwhile. */
static bool set_back(struct list_thread *t) {
    pthread_mutex_lock(&t->lock);
    t->blocked = false;
    bool abandoned = request_is_abandoned(t->list->r);
    pthread_mutex_unlock(&t->lock);
    return abandoned;
}

static enum err_code read_rows(struct list_thread *t, struct read_query *q) {
    struct err err = {0};
    enum err_code code = ERR_DB_LOST;
    q->keep = keep;
    q->keep_ctx = t;
    for (int i = 0; i < 2 && (code == ERR_DB_LOST || code == ERR_DB_RETRY) && t->end == LIST_GOES_ON; i++)
        code = read_whole(t->db, q, &err);
    /* PostgreSQL's own watch, or a cancellation that came too late to be ours: its time is over as well. */
    if (code == ERR_DB_SLOW && t->end == LIST_GOES_ON)
        t->end = LIST_WORKED;
    return code;
}

/* A question has its time as a list has; what it keeps is bounded by itself. */
static enum err_code ask_question(struct list_thread *t, struct question *q) {
    struct err err = {0};
    enum err_code code = ERR_DB_LOST;
    for (int i = 0; i < 2 && (code == ERR_DB_LOST || code == ERR_DB_RETRY) && t->end == LIST_GOES_ON; i++)
        code = q->ask(q, t->db, &err);
    if (code == ERR_DB_SLOW && t->end == LIST_GOES_ON)
        t->end = LIST_WORKED;
    return code;
}

/* Makes the answer and gives back what was read. Gives how much of the answer is kept until it is sent. */
static size_t answer(struct request *r, enum err_code code) {
    enum step step = r->read != NULL ? r->handler->on_read(r, code) : handle_rows(r, code);
    assert(step == STEP_ANSWERED);
    (void)step;
    if (r->read != NULL)
        read_let_go(r->read);
    return r->answer.body.n > SMALL_BYTES ? r->answer.body.n : 0;
}

void list_run(struct list_thread *t, struct list *e) {
    struct lists *l = t->lists;
    struct request *r = e->r;
    int64_t begin_us = clock_mono_us();
    t->end = begin_us > e->begin_by_us ? LIST_WAITED : LIST_GOES_ON;
    /* One resource takes what its members take; there is no way to ask for less. */
    t->whole_time = (r->read == NULL || r->read->id == NULL) && begin_us + l->run_us <= e->due_us;
    t->until_us = t->whole_time ? begin_us + l->run_us : e->due_us;
    set_blocked(t, e);
    enum err_code code = r->read != NULL ? read_rows(t, r->read) : ask_question(t, r->question);
    bool abandoned = set_back(t), large = e->bytes > TRIM_BYTES;
    metric_observe_us(stats.list_seconds, clock_mono_us() - begin_us);
    if (abandoned) {
        count_end(LIST_LATE);
        stop_running(l, e, 0);
        pthread_mutex_lock(&t->lock);
        request_let_go(r);
        pthread_mutex_unlock(&t->lock);
        return;
    }
    if (t->end != LIST_GOES_ON) {
        if (r->read != NULL)
            read_let_go(r->read);
        stop_running(l, e, 0);
        list_refuse(e, t->end);
    } else {
        stop_running(l, e, answer(r, code));
        request_finish(r);
    }
    if (large)
        malloc_trim(0);
}
