#include "ingest/gate/lists.h"

#include "ingest/gate/admission.h"
#include "ingest/gate/lists_impl.h"
#include "ingest/request/answer.h"
#include "ingest/request/command.h"
#include "ingest/stats.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/mem.h"
#include "sql/ask/read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Keys that are looked up at once (lists_check_keys). */
#define KEYS_MAX 64
/* A list that hangs in the database is given up this long after its time, which is enough for a cancellation.
 */
#define STUCK_US 200000
/* One that was waited for to its deadline (a write whose answer shows a large room) still has this long. */
#define LATE_US INT64_C(1000000)
/* Every list may wait this long. */
#define WAIT_US 50000
/* The time of PostgreSQL's own watch over a statement, beyond that of a list. */
#define SPARE_MS 1000

/* ---- what is here ---- */

static void count_here(struct lists *l) {
    metric_set(stats.lists_waiting, (int64_t)l->nwaiting);
    metric_set(stats.lists_running, (int64_t)l->nrunning);
}

static void enter(struct lists *l, struct list *e) {
    e->next = l->here;
    if (e->next != NULL)
        e->next->prev = e;
    l->here = e;
    l->nwaiting++;
    count_here(l);
}

void lists_leave(struct lists *l, struct list *e) {
    *(e->prev != NULL ? &e->prev->next : &l->here) = e->next;
    if (e->next != NULL)
        e->next->prev = e->prev;
    count_here(l);
}

/* ---- workspaces whose look-ups take long ---- */

static bool is_slow(struct lists *l, const struct uuid *workspace, int64_t now_us) {
    for (size_t i = 0; i < SLOW_MAX; i++)
        if (l->slow[i].until_us > now_us && uuid_eq(&l->slow[i].workspace, workspace))
            return true;
    return false;
}

static void note_slow(struct lists *l, const struct uuid *workspace, int64_t now_us) {
    if (is_slow(l, workspace, now_us))
        return;
    l->slow[l->nslow++ % SLOW_MAX] = (struct slow){*workspace, now_us + SLOW_US};
}

bool lists_takes(struct lists *l, const struct request *r) {
    int64_t now_us = clock_mono_us();
    if (r->read->id != NULL || atomic_load(&l->slow_until_us) < now_us)
        return false;
    pthread_mutex_lock(&l->lock);
    bool slow = is_slow(l, &r->verdict.workspace, now_us);
    pthread_mutex_unlock(&l->lock);
    return slow;
}

/* ---- in ---- */

static struct list *list_of(struct lists *l, struct request *r) {
    struct list *e = arena_alloc(r->arena, sizeof *e);
    int64_t now_us = clock_mono_us();
    e->lists = l;
    e->r = r;
    e->turn.heavy = r->read == NULL || !read_is_page(r->read);
    e->due_us = r->deadline_us;
    /* The client waits for a write that was done, so its answer may come late. */
    if (request_is_published(r) && e->due_us < now_us + LATE_US)
        e->due_us = now_us + LATE_US;
    e->begin_by_us = e->due_us - l->run_us;
    if (e->begin_by_us < now_us + WAIT_US)
        e->begin_by_us = now_us + WAIT_US;
    return e;
}

void lists_push(struct lists *l, struct request *r) {
    struct list *e = list_of(l, r);
    int64_t now_us = clock_mono_us();
    pthread_mutex_lock(&l->lock);
    if (r->read != NULL && r->read->is_slow) {
        note_slow(l, &r->verdict.workspace, now_us);
        atomic_store(&l->slow_until_us, now_us + SLOW_US);
    }
    bool taken = turns_add(l->turns, &e->turn, &r->verdict.workspace, &r->verdict.key);
    if (taken)
        enter(l, e);
    pthread_mutex_unlock(&l->lock);
    if (taken)
        pthread_cond_signal(&l->changed);
    else
        list_refuse(e, LIST_WAITED);
}

/* ---- the threads ---- */

static struct list *take(struct lists *l) {
    struct turn *turn = NULL;
    pthread_mutex_lock(&l->lock);
    while (!l->stop && (turn = turns_take(l->turns)) == NULL)
        pthread_cond_wait(&l->changed, &l->lock);
    if (turn != NULL) {
        l->nwaiting--;
        l->nrunning++;
        count_here(l);
    }
    pthread_mutex_unlock(&l->lock);
    return (struct list *)turn;
}

static void *list_main(void *arg) {
    struct list_thread *t = arg;
    for (struct list *e; (e = take(t->lists)) != NULL;)
        list_run(t, e);
    return NULL;
}

/* ---- the clock ---- */

static enum list_end end_of_waiting(const struct list *e, int64_t now_us) {
    if (atomic_load(&e->dead) != NULL)
        return LIST_REVOKED;
    return now_us >= e->begin_by_us ? LIST_WAITED : LIST_GOES_ON;
}

static bool waits_no_longer(const struct turn *turn, void *now_us) {
    return end_of_waiting((const struct list *)turn, *(const int64_t *)now_us) != LIST_GOES_ON;
}

static void abandon_if_stuck(struct list_thread *t, int64_t now_us) {
    struct request *stand_in = NULL;
    bool published = false;
    pthread_mutex_lock(&t->lock);
    if (t->blocked && !request_is_abandoned(t->list->r) && t->list->due_us + STUCK_US <= now_us) {
        published = request_is_published(t->list->r);
        stand_in = request_abandon(t->list->r);
    }
    pthread_mutex_unlock(&t->lock);
    if (stand_in == NULL)
        return;
    if (published)
        answer_unknown(stand_in);
    else
        answer_error(stand_in, ERR_UNAVAILABLE, NULL);
    request_finish(stand_in);
}

void lists_tick(struct lists *l, int64_t now_us) {
    for (;;) {
        pthread_mutex_lock(&l->lock);
        struct list *e = (struct list *)turns_withdraw(l->turns, waits_no_longer, &now_us);
        if (e != NULL) {
            l->nwaiting--;
            lists_leave(l, e);
        }
        pthread_mutex_unlock(&l->lock);
        if (e == NULL)
            break;
        list_refuse(e, end_of_waiting(e, now_us));
    }
    for (int i = 0; i < l->nthreads; i++)
        abandon_if_stuck(&l->threads[i], now_us);
}

/* ---- revocation ---- */

void lists_revoke(struct lists *l, const struct uuid *key, const char *why) {
    pthread_mutex_lock(&l->lock);
    for (struct list *e = l->here; e != NULL; e = e->next)
        if (uuid_eq(&e->r->verdict.key, key))
            atomic_store(&e->dead, why);
    pthread_mutex_unlock(&l->lock);
}

static bool is_of(const struct list *e, const struct admit_ask *ask) {
    return memcmp(e->r->credential.token_hash, ask->token_hash, TOKEN_HASH_SIZE) == 0;
}

/* The tokens of what is here, each once. */
static size_t collect_tokens(struct lists *l, struct admit_ask *asks) {
    size_t n = 0;
    pthread_mutex_lock(&l->lock);
    for (const struct list *e = l->here; e != NULL && n < KEYS_MAX; e = e->next) {
        bool known = false;
        for (size_t i = 0; i < n; i++)
            known = known || is_of(e, &asks[i]);
        if (!known)
            memcpy(asks[n++].token_hash, e->r->credential.token_hash, TOKEN_HASH_SIZE);
    }
    pthread_mutex_unlock(&l->lock);
    return n;
}

static void end_lists_of(struct lists *l, const struct admit_ask *ask, const char *why) {
    pthread_mutex_lock(&l->lock);
    for (struct list *e = l->here; e != NULL; e = e->next)
        if (is_of(e, ask))
            atomic_store(&e->dead, why);
    pthread_mutex_unlock(&l->lock);
}

/* By token and not by key: the old token of a key that was rotated is dead, the new one is not. No unit is
 * taken. */
void lists_check_keys(struct lists *l, struct db *db) {
    struct admit_ask asks[KEYS_MAX] = {0};
    struct admit_verdict verdicts[KEYS_MAX];
    struct err err = {0};
    size_t n = collect_tokens(l, asks);
    if (n == 0 || admit_batch(db, asks, n, verdicts, &err) != ERR_OK)
        return;
    for (size_t i = 0; i < n; i++) {
        if (verdicts[i].state != ADMIT_OK)
            end_lists_of(l, &asks[i], admission_refusal(&verdicts[i]));
        admit_verdict_clear(&verdicts[i]);
    }
}

/* ---- life ---- */

/* A list has list-ms, but not so long that it could not wait. */
static int64_t run_us_of(const struct settings *s) {
    int64_t most = s->deadline_us * 5 / 8;
    return s->list_us < most ? s->list_us : most;
}

/* enable_sort=off: a list is read along an index in its order, if there is one; a plan for any page size
 * would sort the whole list. */
static struct db *connection_of(const struct lists *l) {
    char options[100];
    snprintf(options, sizeof options, "enable_sort=off -c statement_timeout=%d",
             (int)(l->run_us / 1000) + SPARE_MS);
    return db_new(l->in->settings.pg, "usher-ingest list", options);
}

struct lists *lists_new(struct ingest *in) {
    const struct settings *s = &in->settings;
    int n = s->list_threads;
    struct lists *l = xcalloc(1, sizeof *l + (size_t)n * sizeof *l->threads);
    l->in = in;
    l->run_us = run_us_of(s);
    /* One thread is for pages, which take no time; so these never wait behind what does. */
    l->turns = turns_new((size_t)s->lists_per_key, (size_t)s->lists_waiting, n > 1 ? (size_t)n - 1 : 1);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    for (int i = 0; i < n; i++) {
        struct list_thread *t = &l->threads[i];
        t->lists = l;
        pthread_mutex_init(&t->lock, NULL);
        t->db = connection_of(l);
        db_watch(t->db, list_is_unwanted, t);
        if (pthread_create(&t->thread, NULL, list_main, t) != 0)
            abort();
        l->nthreads++;
    }
    return l;
}

void lists_close(struct lists *l) {
    if (l == NULL)
        return;
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_mutex_unlock(&l->lock);
    pthread_cond_broadcast(&l->changed);
    for (int i = 0; i < l->nthreads; i++) {
        pthread_join(l->threads[i].thread, NULL);
        db_free(l->threads[i].db);
        pthread_mutex_destroy(&l->threads[i].lock);
    }
    turns_free(l->turns);
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->changed);
    free(l);
}
