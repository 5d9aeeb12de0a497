#include "workers/deliver/sender.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/failpoint.h"
#include "ops/runtime/id.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "ops/runtime/post.h"
#include "ops/runtime/trace.h"
#include "sql/ask/secret.h"
#include "sql/ask/signing_key.h"
#include "workers/deliver/attempt_trace.h"
#include "workers/deliver/endpoint.h"
#include "workers/deliver/late.h"
#include "workers/deliver/notice.h"
#include "workers/deliver/schedule.h"
#include "workers/stats.h"

#include <inttypes.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS "synchronous_commit=off"
#define LOOK_EVERY_US 1000000 /* for retries, changed endpoints, and those of who is gone */
#define STATE_EVERY_US 5000000
#define LATE_EVERY_US 15000000
#define MESSAGES 16          /* of one endpoint that are read at a time … */
#define MESSAGE_BYTES 262144 /* … and about so many bytes */
#define HOLD_MORE_S 15       /* beyond the time of an attempt: within it the next one begins, or none does */
#define HOST_WAIT_US 10000000
#define KEYS_WAIT_US 5000000    /* until every ingest shows the public keys that were published */
#define NOTICE_WAIT_US 60000000 /* until a command that disables an endpoint has surely come through */
#define TOUCHED_MAX 1000        /* more than that: all are looked at */

struct touched {
    char **names;
    size_t n;
    bool all;
};

struct sender {
    const struct config *config;
    char holder[37];
    struct db *db;
    struct post *post;
    struct notice *notice;
    struct net_ranges allowed;
    struct schedule schedule;
    unsigned char service[SECRET_SIZE];
    bool has_service;
    struct push_keys keys;
    int64_t keys_us; /* from when on receivers find them; 0: they are not published */
    int hold_s;
    int64_t look_us, state_us, late_us;
    struct late late;
    struct attempt_traces traces;
    struct endpoint *endpoints, **last; /* that are held: who came first begins first */
    size_t n;
    bool full;                         /* there was no room for all that were due, perhaps */
    struct delivery_outcome *outcomes; /* that are to be settled: of each endpoint one at most */
    struct delivery_attempt *attempts;
    struct endpoint **of;
    size_t noutcomes;
    pthread_mutex_t lock; /* of touched */
    struct touched touched;
};

/* ---- touched workspaces ---- */

void sender_touch(struct sender *s, const char *workspace) {
    pthread_mutex_lock(&s->lock);
    struct touched *t = &s->touched;
    bool there = t->all;
    for (size_t i = 0; !there && i < t->n; i++)
        there = strcmp(t->names[i], workspace) == 0;
    if (!there && t->n == TOUCHED_MAX) {
        t->all = true;
    } else if (!there) {
        t->names = xrealloc(t->names, (t->n + 1) * sizeof *t->names);
        t->names[t->n++] = xstrdup(workspace);
    }
    pthread_mutex_unlock(&s->lock);
}

static void touched_free(struct touched *t) {
    for (size_t i = 0; i < t->n; i++)
        free(t->names[i]);
    free(t->names);
    *t = (struct touched){0};
}

static struct touched take_touched(struct sender *s) {
    pthread_mutex_lock(&s->lock);
    struct touched t = s->touched;
    s->touched = (struct touched){0};
    pthread_mutex_unlock(&s->lock);
    return t;
}

static bool anything_touched(struct sender *s) {
    pthread_mutex_lock(&s->lock);
    bool any = s->touched.all || s->touched.n > 0;
    pthread_mutex_unlock(&s->lock);
    return any;
}

/* ---- claiming ---- */

static void sender_hold(struct sender *s, const struct delivery_claimed *c,
                        const struct delivery_message *messages, size_t n, int64_t held_us) {
    struct endpoint *e = endpoint_new(c, messages, n, s->service, &s->keys, clock_wall_us());
    if (e == NULL) {
        log_event(LOG_ERROR, "deliver-endpoint-unreadable", "workspace=%s endpoint=%s", c->workspace, c->id);
        return; /* it stays claimed for a while, so that others go on */
    }
    e->held_us = held_us;
    *s->last = e;
    s->last = &e->next;
    s->n++;
}

static enum err_code sender_claim(struct sender *s, const struct touched *t, size_t room, struct err *err) {
    bool all = t == NULL || t->all;
    struct arena *a = arena_new();
    struct delivery_claimed *claimed;
    struct delivery_message *messages;
    size_t n = 0, nmessages = 0;
    int64_t now_us = clock_mono_us();
    enum err_code code = delivery_claim(
        s->db, s->holder, all ? NULL : (const char *const *)t->names, all ? 0 : t->n, (int)room,
        (int)config_int(s->config, "deliver-per-workspace"), s->hold_s, a, &claimed, &n, err);
    if (code == ERR_OK && n > 0)
        code = delivery_messages(s->db, claimed, n, MESSAGES, MESSAGE_BYTES, a, &messages, &nmessages, err);
    if (code == ERR_OK && nmessages > 0 && trace_on())
        code = delivery_traces(s->db, claimed, n, a, messages, nmessages, err);
    for (size_t i = 0; code == ERR_OK && i < n; i++)
        sender_hold(s, &claimed[i], messages, nmessages, now_us);
    s->full = s->full || n == room;
    arena_free(a);
    return code;
}

static size_t sender_room(const struct sender *s) {
    size_t most = (size_t)config_int(s->config, "deliver-connections");
    return most > s->n ? most - s->n : 0;
}

static enum err_code claim_due(struct sender *s, struct err *err) {
    size_t room = sender_room(s);
    bool looks = clock_mono_us() >= s->look_us;
    if (room == 0 || (!looks && !anything_touched(s)))
        return ERR_OK;
    struct touched t = take_touched(s);
    enum err_code code = sender_claim(s, looks ? NULL : &t, room, err);
    if (looks && code == ERR_OK)
        s->look_us = clock_mono_us() + LOOK_EVERY_US;
    if (code != ERR_OK)
        s->look_us = 0; /* what was touched is looked for with all others */
    touched_free(&t);
    return code;
}

/* ---- outcomes ---- */

static struct delivery_outcome *outcome_of(struct sender *s, struct endpoint *e) {
    struct delivery_outcome *o = &s->outcomes[s->noutcomes];
    *o = (struct delivery_outcome){
        .turn = e->turn, .version = e->version, .cursor = e->cursor, .failed = -1, .answered = -1};
    snprintf(o->workspace, sizeof o->workspace, "%s", e->workspace);
    snprintf(o->id, sizeof o->id, "%s", e->id);
    s->of[s->noutcomes] = e;
    s->noutcomes++;
    e->is_settling = true;
    return o;
}

static struct delivery_attempt *attempt_of(struct sender *s, const struct endpoint *e) {
    struct delivery_attempt *t = &s->attempts[s->noutcomes - 1];
    bool is_token = e->push != NULL && e->push->at < e->push->n;
    *t = (struct delivery_attempt){.at_us = clock_wall_us(),
                                   .number = e->now.number,
                                   .event = is_token ? e->push->sets[e->push->at].jti : e->now.event,
                                   .type = is_token ? e->push->sets[e->push->at].type : e->now.type};
    s->outcomes[s->noutcomes - 1].attempt = t;
    return t;
}

/* There is nothing in hand any more: it is free, and looked at again if more has come meanwhile. */
static void let_go(struct sender *s, struct endpoint *e, int64_t lost) {
    struct delivery_outcome *o = outcome_of(s, e);
    o->frees = true;
    o->lost = lost;
    if (lost == 0)
        return;
    struct delivery_attempt *t = attempt_of(s, e);
    t->number = e->cursor;
    t->type = t->event = "";
    t->error = arena_printf(
        e->arena, "%" PRId64 " messages before this one are gone: the log did not keep them any more", lost);
    metric_add(worker_stats.deliver_lost, lost);
    log_event(LOG_ERROR, "deliver-messages-lost",
              "workspace=%s endpoint=%s upto=%" PRId64 " messages=%" PRId64, e->workspace, e->id, e->cursor,
              lost);
}

static const char *why_disabled(const struct sender *s, const struct endpoint *e, int status) {
    int64_t most_us = config_int(s->config, "deliver-give-up-seconds") * INT64_C(1000000);
    if (status == 410)
        return "gone";
    return e->failing_since_us > 0 && clock_wall_us() - e->failing_since_us >= most_us ? "failing" : NULL;
}

static void note_failure(struct sender *s, struct endpoint *e, struct delivery_outcome *o,
                         const struct post_answer *a) {
    const char *off = why_disabled(s, e, a->status);
    metric_add(worker_stats.deliver_failed, 1);
    if (off != NULL)
        notice_stop(s->notice, e->workspace, e->id,
                    e->push != NULL && strcmp(off, "failing") == 0 ? "paused" : "disabled", off);
    o->failed = 1;
    o->frees = true;
    o->wait_us = off != NULL ? NOTICE_WAIT_US
                             : schedule_wait_us(&s->schedule, e->failures + 1, a->status, a->retry_after_s,
                                                randombytes_random());
}

static void note_success(struct endpoint *e, struct delivery_outcome *o, bool taken) {
    metric_add(taken ? worker_stats.deliver_sent : worker_stats.deliver_failed, 1);
    if (endpoint_next_part(e))
        return; /* the message is not done, and nothing is settled but the attempt */
    metric_observe_us(worker_stats.deliver_time, clock_wall_us() - e->now.at_us);
    o->failed = 0;
    o->cursor = e->cursor = e->now.number;
    e->at++;
}

static void note_answer(struct sender *s, const struct post_answer *a) {
    struct endpoint *e = a->ctx;
    bool good = a->status >= 200 && a->status < 300;
    struct delivery_outcome *o = outcome_of(s, e);
    struct delivery_attempt *t = attempt_of(s, e);
    e->under_way = false;
    t->at_us = e->began_us;
    t->duration_us = a->duration_us;
    t->status = a->status;
    t->answer = arena_strdup(e->arena, a->shown);
    const char *refused = e->push != NULL ? push_refused(a, e->arena) : NULL;
    if (refused != NULL)
        t->error = refused;
    else if (!good)
        t->error = a->error != NULL                      ? a->error
                   : a->status >= 300 && a->status < 400 ? "redirects are not followed"
                                                         : "the status is none of 200 to 299";
    attempt_trace(&s->traces, e, t);
    if (e->is_asked && (good || refused != NULL) && endpoint_next_part(e)) {
        o->failed = -1;
    } else if (e->is_asked) {
        o->answered = e->asked;
        o->frees = true; /* the next claim says what else there is */
        sender_touch(s, e->workspace);
    } else if (good || refused != NULL) {
        note_success(e, o, good);
    } else {
        note_failure(s, e, o, a);
    }
}

/* ---- sending ---- */

static size_t under_way_to(const struct sender *s, const char *host) {
    size_t n = 0;
    for (const struct endpoint *e = s->endpoints; e != NULL; e = e->next)
        n += e->under_way && strcmp(e->host, host) == 0;
    return n;
}

/* What was asked for is not in the log any more. */
static void refuse_asked(struct sender *s, struct endpoint *e) {
    struct delivery_outcome *o = outcome_of(s, e);
    o->answered = e->asked;
    o->frees = true;
    attempt_of(s, e)->error = "the log does not keep this message any more";
    sender_touch(s, e->workspace);
}

static void sender_begin(struct sender *s, struct endpoint *e) {
    struct post_message m;
    int64_t lost = 0;
    if (e->push != NULL && clock_mono_us() < s->keys_us)
        return;
    if (clock_mono_us() - e->held_us > HOLD_MORE_S * INT64_C(1000000)) {
        let_go(s, e, 0); /* whoever has it by now is ahead; what went out from here would be out of order */
        sender_touch(s, e->workspace);
        return;
    }
    if (!endpoint_step(e, &lost) || lost > 0) {
        let_go(s, e, lost);
        if (lost > 0 || e->newest > e->cursor)
            sender_touch(s, e->workspace);
        return;
    }
    if (e->is_asked && e->now.value == NULL) {
        refuse_asked(s, e);
        return;
    }
    if (under_way_to(s, e->host) >= (size_t)config_int(s->config, "deliver-per-host")) {
        if (e->waits_since_us == 0)
            e->waits_since_us = clock_mono_us();
        else if (clock_mono_us() - e->waits_since_us > HOST_WAIT_US)
            let_go(s, e, 0);
        return;
    }
    e->waits_since_us = 0;
    e->under_way = true;
    e->began_us = clock_wall_us();
    endpoint_letter(e, e->began_us, &m);
    post_start(s->post, &m, e);
}

static void begin_all(struct sender *s) {
    for (struct endpoint *e = s->endpoints; e != NULL; e = e->next)
        if (!e->under_way && !e->is_settling)
            sender_begin(s, e);
}

/* ---- settling ---- */

static void sender_drop(struct sender *s, struct endpoint *e) {
    struct endpoint **at = &s->endpoints;
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    if (*at == NULL)
        s->last = at;
    s->n--;
    endpoint_free(e);
}

static bool holds_another(const struct sender *s, const struct endpoint *than) {
    for (const struct endpoint *e = s->endpoints; e != NULL; e = e->next)
        if (e != than && strcmp(e->workspace, than->workspace) == 0)
            return true;
    return false;
}

/* There is room for one more: of its workspace, which may have had as many as it may; or of any, where all
 * places were taken. Those that were due then are not waited for until the next look. */
static void sender_make_room(struct sender *s, struct endpoint *e) {
    if (s->full)
        s->look_us = 0;
    else if (holds_another(s, e))
        sender_touch(s, e->workspace);
    s->full = false;
    sender_drop(s, e);
}

/* Outcomes stay until PostgreSQL has taken them: no further message goes to those endpoints before. */
static enum err_code sender_settle(struct sender *s, struct err *err) {
    if (s->noutcomes == 0)
        return ERR_OK;
    int64_t now_us = clock_mono_us();
    (void)failpoint("deliver.before_settle");
    if (delivery_settle(s->db, s->holder, s->hold_s, s->outcomes, s->noutcomes, err) != ERR_OK)
        return err->code;
    for (size_t i = 0; i < s->noutcomes; i++) {
        struct endpoint *e = s->of[i];
        e->is_settling = false;
        e->held_us = now_us;
        e->newest = s->outcomes[i].newest;
        e->failures = 0;
        e->failing_since_us = 0; /* whoever goes on has just answered well */
        if (!s->outcomes[i].goes_on)
            sender_make_room(s, e);
    }
    s->noutcomes = 0;
    return ERR_OK;
}

/* ---- a turn ---- */

static enum err_code sender_prepare(struct sender *s, struct err *err) {
    if (db_connect(s->db, err) != ERR_OK)
        return err->code;
    if (!s->has_service && secret_read(s->db, SECRET_SEAL, s->service, err) != ERR_OK)
        return err->code;
    s->has_service = true;
    if (s->keys_us == 0 && (signing_key_publish(s->db, s->keys.es256, err) != ERR_OK ||
                            signing_key_publish(s->db, s->keys.rs256, err) != ERR_OK))
        return err->code;
    if (s->keys_us == 0)
        s->keys_us = clock_mono_us() + KEYS_WAIT_US;
    return ERR_OK;
}

static enum err_code sender_look(struct sender *s, struct err *err) {
    int64_t failing = 0, disabled = 0, waiting = 0;
    notice_work(s->notice);
    metric_set(worker_stats.deliver_held, (int64_t)s->n);
    if (clock_mono_us() < s->state_us)
        return ERR_OK;
    if (delivery_state(s->db, &failing, &disabled, &waiting, err) != ERR_OK)
        return err->code;
    s->state_us = clock_mono_us() + STATE_EVERY_US;
    metric_set(worker_stats.deliver_failing, failing);
    metric_set(worker_stats.deliver_disabled, disabled);
    metric_set(worker_stats.deliver_waiting, waiting);
    if (clock_mono_us() < s->late_us)
        return ERR_OK;
    s->late_us = clock_mono_us() + LATE_EVERY_US;
    return late_look(&s->late, s->db, (int)config_int(s->config, "deliver-days"), err);
}

enum err_code sender_turn(struct sender *s, struct err *err) {
    struct post_answer a;
    if (sender_prepare(s, err) != ERR_OK || sender_settle(s, err) != ERR_OK || claim_due(s, err) != ERR_OK)
        return err->code;
    begin_all(s);
    /* Where there is no room, what was touched waits for an answer, as everything else. */
    bool goes_on = s->noutcomes > 0 || (sender_room(s) > 0 && anything_touched(s));
    post_work(s->post, goes_on ? 0 : 100);
    while (post_take(s->post, &a))
        note_answer(s, &a);
    return sender_settle(s, err) != ERR_OK ? err->code : sender_look(s, err);
}

void sender_wake(struct sender *s) {
    post_wake(s->post);
}

/* ---- life ---- */

struct sender *sender_new(const struct config *config, struct err *err) {
    struct sender *s = xcalloc(1, sizeof *s);
    size_t most = (size_t)config_int(config, "deliver-connections");
    s->config = config;
    s->last = &s->endpoints;
    snprintf(s->holder, sizeof s->holder, "%s", uuid_v7().s);
    s->hold_s = (int)config_int(config, "deliver-seconds") + HOLD_MORE_S;
    pthread_mutex_init(&s->lock, NULL);
    s->outcomes = xcalloc(most, sizeof *s->outcomes);
    s->attempts = xcalloc(most, sizeof *s->attempts);
    s->of = xcalloc(most, sizeof(struct endpoint *));
    if (!net_ranges_parse(config_str(config, "deliver-networks"), &s->allowed, NULL) ||
        !schedule_parse(config_str(config, "deliver-retries"), &s->schedule) || sodium_init() < 0)
        abort(); /* was judged with the settings */
    struct post_settings p = {.allowed = &s->allowed,
                              .ca_file = config_str(config, "deliver-ca"),
                              .http = config_bool(config, "deliver-http"),
                              .timeout_ms = config_int(config, "deliver-seconds") * 1000,
                              .connections = (long)most};
    s->post = post_new(&p);
    s->notice = notice_new(config, err);
    s->db = db_new(config_str(config, "pg"), "usher-worker-deliver", OPTIONS);
    if (s->notice != NULL)
        s->keys = (struct push_keys){signing_key_open(config_str(config, "deliver-key"), err),
                                     signing_key_open_rsa(config_str(config, "deliver-key-rsa"), err)};
    if (s->post != NULL && s->notice != NULL && s->keys.es256 != NULL && s->keys.rs256 != NULL)
        return s;
    if (s->post == NULL)
        (void)err_set(err, ERR_CONFIG, "libcurl cannot be used");
    sender_free(s);
    return NULL;
}

void sender_free(struct sender *s) {
    struct err err = {0};
    if (s == NULL)
        return;
    if (db_connected(s->db))
        (void)delivery_free_all(s->db, s->holder, &err); /* else they are free when their time is over */
    post_free(s->post);
    while (s->endpoints != NULL)
        sender_drop(s, s->endpoints);
    jws_key_free(s->keys.es256);
    jws_key_free(s->keys.rs256);
    notice_free(s->notice);
    db_free(s->db);
    touched_free(&s->touched);
    net_ranges_free(&s->allowed);
    pthread_mutex_destroy(&s->lock);
    free(s->outcomes);
    free(s->attempts);
    free(s->of);
    free(s);
}
