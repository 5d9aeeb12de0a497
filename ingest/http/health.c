#include "ingest/http/health.h"

#include "ingest/gate/lists.h"
#include "ingest/gate/seal.h"
#include "ingest/http/tls.h"
#include "ingest/log/audit.h"
#include "ingest/log/pending.h"
#include "ingest/log/producer.h"
#include "ingest/log/publish.h"
#include "ingest/log/replies.h"
#include "ingest/log/topics.h"
#include "ingest/log/window.h"
#include "ingest/request/answer.h"
#include "ingest/scim/jwks.h"
#include "ingest/stats.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/lifecycle.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "ops/runtime/notify.h"
#include "ops/runtime/process_metrics.h"
#include "sql/ask/stalled.h"
#include "sql/migrate.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define WATCH_MS 1000
#define RETRY_MS 100
/* A check that takes longer counts as failed. */
#define SILENT_US (3 * INT64_C(1000000))
/* PostgreSQL's disk counts as full for so long after a statement was refused for it, and until a try that
 * began later has found room. */
#define FULL_US (3 * INT64_C(1000000))
#define TRY_ROOM_US (10 * INT64_C(1000000))
#define TRY_ROOM_AGAIN_US INT64_C(1000000)
#define ROOM_KIB "1024" /* less free than that is full … */
#define ROOM_AGAIN_KIB                                                                                       \
    "8192" /* … and until there is more, it stays full: a little comes and goes by itself */

struct health {
    struct ingest *in;
    struct db *db;   /* its session also holds the lock of the reply partition … */
    struct db *room; /* … so that this is another: a statement that the system refuses ends its session */
    int64_t room_due_us, room_found_us, stalled_due_us;
    struct topics *topics;
    _Atomic int64_t postgres_us; /* when PostgreSQL answered last; 0 = never, or an error since */
    atomic_bool schema, topics_ready, commands, audit;
    bool announced, stop, schema_told;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
};

/* ---- what is missing ---- */

struct part {
    const char *name;
    bool ready;
};
enum { PARTS = 7 };

static void look_at_parts(struct health *h, struct part parts[PARTS]) {
    struct ingest *in = h->in;
    int64_t answered_us = atomic_load(&h->postgres_us);
    parts[0] = (struct part){"postgresql", answered_us > 0 && clock_mono_us() - answered_us < SILENT_US};
    parts[1] = (struct part){"topics", atomic_load(&h->topics_ready)};
    parts[2] = (struct part){"replies", replies_polled(in->replies)};
    parts[3] = (struct part){"command producer",
                             atomic_load(&h->commands) && !producer_fatal(publish_producer(in->publish))};
    parts[4] = (struct part){"audit producer", atomic_load(&h->audit) && !audit_stalled(in->audit) &&
                                                   !producer_fatal(audit_producer(in->audit))};
    parts[5] = (struct part){"schema", atomic_load(&h->schema)};
    parts[6] = (struct part){"disk of postgresql", !atomic_load(&in->no_room)};
}

bool health_ready(struct health *h) {
    struct part parts[PARTS];
    look_at_parts(h, parts);
    for (size_t i = 0; i < PARTS; i++)
        if (!parts[i].ready)
            return false;
    return !atomic_load(&h->in->draining);
}

/* ---- bringing up and watching ---- */

static void fail(struct health *h, const struct err *err) {
    char quoted[600];
    log_event(LOG_ERROR, "cannot-serve", "reason=%s", log_quote(err_text(err), quoted, sizeof quoted));
    atomic_store(&h->in->failed, 1);
    lifecycle_stop();
}

/* Asked each time: it may be migrated while we run. */
static void check_schema(struct health *h) {
    struct err err = {0};
    char quoted[600];
    bool good = schema_check(h->db, &err) == ERR_OK;
    bool was = atomic_exchange(&h->schema, good);
    if (!good && (was || !h->schema_told))
        log_event(LOG_ERROR, "schema", "error=%s", log_quote(err_text(&err), quoted, sizeof quoted));
    h->schema_told = !good;
}

/* Any statement of this process tells of a full disk. While nobody writes, it is tried. It ends when nothing
 * was refused for a while, and a try has found room since: on a slow machine tries may come late. */
static void check_room(struct health *h) {
    struct err err = {0};
    int64_t now_us = clock_mono_us();
    if (now_us >= h->room_due_us) {
        const char *params[] = {atomic_load(&h->in->no_room) ? ROOM_AGAIN_KIB : ROOM_KIB};
        if (db_run(h->room, SQL_CONNECTION_TRY_ROOM, params, NULL, &err) == ERR_OK)
            h->room_found_us = now_us; /* of what fails db_full_us has what matters */
        h->room_due_us = clock_mono_us() + TRY_ROOM_US;
    }
    int64_t refused_us = db_full_us();
    bool full = refused_us != 0 && (clock_mono_us() - refused_us < FULL_US || refused_us >= h->room_found_us);
    if (full && h->room_due_us > clock_mono_us() + TRY_ROOM_AGAIN_US)
        h->room_due_us = clock_mono_us() + TRY_ROOM_AGAIN_US;
    if (full != atomic_exchange(&h->in->no_room, full))
        log_event(full ? LOG_ERROR : LOG_INFO, "postgresql-disk", "full=%s", full ? "yes" : "no");
    metric_set(stats.no_room, full);
}

/* Another ingest that is frozen may hold rows that this one waits for. */
static void check_stalled(struct health *h) {
    struct err err = {0};
    if (clock_mono_us() < h->stalled_due_us)
        return;
    (void)stalled_end(h->db, &err);
    h->stalled_due_us = clock_mono_us() + STALLED_EVERY_US;
}

static void check_postgres(struct health *h) {
    struct err err = {0};
    bool up = db_ping(h->db, &err) == ERR_OK;
    if (up)
        up = replies_hold_slot(h->in->replies, h->db, &err) == ERR_OK;
    if (up)
        up = seal_load(h->db, &err) == ERR_OK;
    if (up)
        up = jwks_refresh(h->db, &err) == ERR_OK;
    if (up != (atomic_exchange(&h->postgres_us, up ? clock_mono_us() : 0) != 0))
        log_event(up ? LOG_INFO : LOG_WARN, "postgresql", "reachable=%s", up ? "yes" : "no");
    if (!up)
        return;
    check_stalled(h);
    lists_check_keys(h->in->lists, h->db);
    check_schema(h);
    check_room(h);
}

/* With a wrong number of partitions the process ends. */
static void check_topics(struct health *h) {
    struct err err = {0};
    enum err_code code = topics_ensure(h->topics, &err);
    if (code == ERR_CONFIG)
        fail(h, &err);
    if (code == ERR_OK)
        atomic_store(&h->topics_ready, true);
}

/* Asks for the metadata of each topic once, so that the first command need not wait for it. */
static void warm_up(struct health *h) {
    if (!atomic_load(&h->commands))
        atomic_store(&h->commands, producer_warm_up(publish_producer(h->in->publish), 1000));
    if (!atomic_load(&h->audit))
        atomic_store(&h->audit, producer_warm_up(audit_producer(h->in->audit), 1000));
}

static void check_all(struct health *h) {
    struct err err = {0};
    check_postgres(h);
    check_topics(h);
    if (!atomic_load(&h->topics_ready))
        return;
    warm_up(h);
    if (replies_partition(h->in->replies) >= 0 && replies_follow(h->in->replies, &err) != ERR_OK)
        log_event(LOG_WARN, "replies-not-followed", "code=%s", err_name(err.code));
}

static bool wait_ms(struct health *h, int64_t ms) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&h->lock);
    if (!h->stop)
        pthread_cond_timedwait(&h->wake, &h->lock, &until);
    bool stop = h->stop;
    pthread_mutex_unlock(&h->lock);
    return !stop;
}

/* To the service manager. */
static void tell_status(struct health *h, bool ready) {
    struct part parts[PARTS];
    struct jbuf text = {0};
    look_at_parts(h, parts);
    for (size_t i = 0; i < PARTS; i++)
        if (!parts[i].ready)
            jb_printf(&text, "%s %s", text.n > 0 ? "," : "waits for", parts[i].name);
    if (atomic_load(&h->in->draining))
        notify_status("stopping");
    else
        notify_status(ready || text.n == 0 ? "ready" : text.p);
    jb_free(&text);
}

static void *watch_thread(void *arg) {
    struct health *h = arg;
    bool ready;
    do {
        check_all(h);
        ready = health_ready(h);
        tell_status(h, ready);
        if (ready && !h->announced && atomic_load(&h->in->open)) {
            h->announced = true;
            log_event(LOG_INFO, "ready", "instance=%s reply_partition=%d", h->in->settings.instance,
                      replies_partition(h->in->replies));
            lifecycle_ready();
        }
    } while (wait_ms(h, h->announced && ready ? WATCH_MS : RETRY_MS));
    return NULL;
}

struct health *health_new(struct ingest *in) {
    struct health *h = xcalloc(1, sizeof *h);
    h->in = in;
    h->topics = topics_new(&in->settings);
    h->db = db_new(in->settings.pg, "usher-ingest watch", "");
    h->room = db_new(in->settings.pg, "usher-ingest room", "work_mem=64kB");
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->wake, NULL);
    if (pthread_create(&h->thread, NULL, watch_thread, h) != 0)
        abort();
    return h;
}

void health_close(struct health *h) {
    if (h == NULL)
        return;
    pthread_mutex_lock(&h->lock);
    h->stop = true;
    pthread_mutex_unlock(&h->lock);
    pthread_cond_signal(&h->wake);
    pthread_join(h->thread, NULL);
    topics_close(h->topics);
    db_free(h->db);
    db_free(h->room);
    pthread_mutex_destroy(&h->lock);
    pthread_cond_destroy(&h->wake);
    free(h);
}

/* ---- answers ---- */

static enum step alive_begin(struct request *r) {
    jb_raw(&r->answer.body, "ok\n");
    answer_plain(r, 200, "text/plain; charset=utf-8");
    return STEP_ANSWERED;
}

static enum step readiness_begin(struct request *r) {
    struct health *h = r->in->health;
    struct part parts[PARTS];
    struct jbuf *b = &r->answer.body;
    bool ready = health_ready(h);
    look_at_parts(h, parts);
    jb_raw(b, "{");
    jb_kbool(b, "ready", ready);
    jb_key(b, "missing");
    jb_raw(b, "[");
    for (size_t i = 0; i < PARTS; i++) {
        if (parts[i].ready)
            continue;
        jb_sep(b);
        jb_str(b, parts[i].name);
    }
    if (atomic_load(&h->in->draining)) {
        jb_sep(b);
        jb_str(b, "stopping");
    }
    jb_raw(b, "]}\n");
    answer_plain(r, ready ? 200 : 503, PLAIN_JSON);
    return STEP_ANSWERED;
}

static enum step metrics_begin(struct request *r) {
    struct ingest *in = r->in;
    metric_set(stats.in_flight, atomic_load(&in->in_flight));
    metric_set(stats.pending, (int64_t)pending_count(in->pending));
    metric_set(stats.window_waiting, (int64_t)window_waiting(in->window));
    if (in->tls != NULL)
        metric_set(stats.tls_expires, tls_expires_s(in->tls));
    process_metrics_render(&r->answer.body, health_ready(in->health));
    metrics_render(&r->answer.body);
    answer_plain(r, 200, "text/plain; version=0.0.4; charset=utf-8");
    return STEP_ANSWERED;
}

const struct handler health_alive = {.begin = alive_begin};
const struct handler health_readiness = {.begin = readiness_begin};
const struct handler health_metrics = {.begin = metrics_begin};
