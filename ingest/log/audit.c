#include "ingest/log/audit.h"

#include "ingest/log/producer.h"
#include "ingest/request/answer.h"
#include "ingest/stats.h"
#include "ops/runtime/arena.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/failpoint.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "schemas/stream/headers.h"
#include "schemas/stream/record.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A record on its way to Kafka. It comes back with the delivery report. */
struct entry {
    struct entry *prev, *next; /* records that a request waits for, by time; the free list by next */
    struct request *r;         /* the request that waits for the record; NULL = none */
    int64_t since_us, due_us;
};

struct audit {
    struct ingest *in;
    struct producer *producer;
    atomic_bool closing, stalled;
    pthread_mutex_t lock; /* protects all below; records are produced in the order of their numbers */
    int64_t n;            /* the last number given */
    struct jbuf text;
    struct entry *first, *last, *spare;
    struct arena *entries; /* all of them, also those whose record the end finds unacknowledged */
};

/* Kafka's client never gives a record up, so it survives any outage of the brokers. */
static const struct producer_setting producer_settings[] = {{"message.timeout.ms", "0"}};

/* ---- the list of those that wait; all under the lock ---- */

static struct entry *entry_new(struct audit *a, struct request *r) {
    struct entry *e = a->spare;
    if (e != NULL)
        a->spare = e->next;
    else
        e = arena_alloc(a->entries, sizeof *e);
    int64_t now = clock_mono_us(), from = r != NULL && r->deadline_us > now ? r->deadline_us : now;
    *e = (struct entry){.r = r, .since_us = now, .due_us = from + a->in->settings.audit_wait_us};
    metric_add(stats.audit_waiting, 1);
    return e;
}

static void entry_free(struct audit *a, struct entry *e) {
    e->next = a->spare;
    a->spare = e;
    metric_add(stats.audit_waiting, -1);
}

/* The list is ordered by due_us. Requests come nearly in that order, so the walk from the end is short. */
static void entry_wait(struct audit *a, struct entry *e) {
    struct entry *after = a->last;
    while (after != NULL && after->due_us > e->due_us)
        after = after->prev;
    e->prev = after;
    e->next = after != NULL ? after->next : a->first;
    *(e->prev != NULL ? &e->prev->next : &a->first) = e;
    *(e->next != NULL ? &e->next->prev : &a->last) = e;
}

/* Gives the request that waits for the record to the caller; NULL if none does. */
static struct request *entry_take(struct audit *a, struct entry *e) {
    struct request *r = e->r;
    if (r == NULL)
        return NULL;
    *(e->prev != NULL ? &e->prev->next : &a->first) = e->next;
    *(e->next != NULL ? &e->next->prev : &a->last) = e->prev;
    e->prev = e->next = NULL;
    e->r = NULL;
    return request_move(r, REQUEST_AUDIT, REQUEST_DONE) ? r : NULL;
}

/* ---- producing; all under the lock ---- */

/* Gives the record its number and produces it. False: there is no room, and the number is not used. */
static bool produce_record(struct audit *a, struct audit_request *rec, const char *traceparent,
                           struct request *waiting) {
    rec->n = a->n + 1;
    jb_reset(&a->text);
    record_audit_request(rec, &a->text);
    struct headers h;
    headers_audit_request(&h, rec, traceparent);
    rd_kafka_headers_t *headers = producer_headers(&h);
    const char *key = audit_request_key(rec);
    struct entry *e = entry_new(a, waiting);
    struct producer_message m = {.partition = workspace_partition(key, a->in->settings.partitions),
                                 .key = key,
                                 .value = a->text.p,
                                 .len = a->text.n,
                                 .opaque = e};
    if (producer_send(a->producer, &m, headers) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_headers_destroy(headers);
        entry_free(a, e);
        metric_add(stats.audit_dropped, 1);
        return false;
    }
    a->n++;
    if (waiting != NULL)
        entry_wait(a, e);
    return true;
}

/* ---- requests ---- */

/* A text without tokens: whoever mixes up header, path and body sends one where a name belongs, and reads it
 * in the answer. Nothing that stands in a record may open a door. */
static const char *harmless(struct request *r, const char *s) {
    char *out = arena_strdup(r->arena, s);
    if (out != NULL)
        token_mask(out);
    return out;
}

/* A text of the client as a record may contain it: cut, with "?" for all that is not printable ASCII. */
static const char *printable(struct request *r, const char *s, size_t max) {
    if (s == NULL)
        return NULL;
    char *out = arena_strndup(r->arena, s, max);
    for (char *p = out; *p != '\0'; p++)
        if (*p < 0x20 || *p > 0x7e)
            *p = '?';
    token_mask(out);
    return out;
}

/* The class of the credential: by the place where it is used, else by its scopes. */
static const char *class_of(const struct request *r) {
    const struct admit_verdict *v = &r->verdict;
    if (v->kind != ADMIT_KEY)
        return "owner";
    if (r->route.row->access == ACCESS_API || r->route.row->access == ACCESS_SCIM)
        return r->route.row->access == ACCESS_API ? "api" : "scim";
    return v->scopes & (SCOPE_SCIM_ROOMS_WRITE * 2 - 1) ? "scim" : "api";
}

/* Of a token that nobody knows: what lists show of one, so that its owner recognises it. */
static const char *prefix_of_unknown(struct request *r) {
    char prefix[TOKEN_PREFIX_SIZE];
    if (r->admitted || r->answer.code != ERR_UNAUTHORIZED || r->head.token == NULL ||
        !token_show_foreign(r->head.token, prefix))
        return NULL;
    return arena_strdup(r->arena, prefix);
}

static struct audit_request describe(struct request *r) {
    const struct admit_verdict *v = &r->verdict;
    bool known = r->admitted;
    const char *path = r->head.path != NULL ? r->head.path : r->head.target;
    size_t path_len = path != NULL ? strcspn(path, "?") : 0;
    return (struct audit_request){
        .workspace = known ? v->workspace.s : NULL,
        .workspace_name = known ? v->workspace_name : NULL,
        .instance = r->in->settings.instance,
        .time_us = r->wall_us,
        .txn = r->txn.s,
        .key_id = known ? v->key.s : NULL,
        .key_name = known ? v->key_name : NULL,
        .key_class = known ? class_of(r) : NULL,
        .prefix = prefix_of_unknown(r),
        .room = r->route.room,
        .user = r->route.user,
        .method = printable(r, r->head.method, sizeof r->head.method),
        .path = path != NULL ? printable(r, path, path_len < 1024 ? path_len : 1024) : "",
        .query = harmless(r, query_masked(&r->query, r->arena)),
        .status = r->answer.status,
        .error = r->answer.detail != NULL ? err_name(r->answer.code) : NULL,
        .detail = harmless(r, r->answer.detail),
        .scim_type = r->answer.scim_type,
        .rate_limited = r->rate_limited,
        .duration_us = r->done_us - r->arrived_us,
        .source_ip = r->head.source_ip,
        .user_agent = printable(r, r->head.user_agent, 256),
        .bytes_in = (int64_t)r->body_bytes,
        .bytes_out =
            strcmp(r->head.method, "HEAD") == 0 || r->answer.status == 304 ? 0 : (int64_t)r->answer.body.n,
        .operations = r->operations,
        .bulk = r->part_of,
        .dry_run = r->dry,
        .ignored = r->ignored,
    };
}

void audit_submit(struct audit *a, struct request *r) {
    struct audit_request rec = describe(r);
    pthread_mutex_lock(&a->lock);
    request_enter(r, REQUEST_AUDIT);
    bool kept = produce_record(a, &rec, r->head.traceparent, r);
    if (kept)
        r->audit_n = rec.n;
    pthread_mutex_unlock(&a->lock);
    if (kept)
        return;
    r->drop = true;
    request_enter(r, REQUEST_DONE);
    request_resume(r);
}

void audit_note(struct audit *a, struct request *r) {
    r->done_us = clock_mono_us();
    struct audit_request rec = describe(r);
    pthread_mutex_lock(&a->lock);
    r->drop = !produce_record(a, &rec, r->head.traceparent, NULL);
    pthread_mutex_unlock(&a->lock);
}

void audit_skip(struct request *r) {
    request_enter(r, REQUEST_AUDIT);
    request_enter(r, REQUEST_DONE);
    request_resume(r);
}

bool audit_note_group(struct audit *a, const struct audit_group *g) {
    struct uuid txn = uuid_v7();
    struct audit_request rec = {.instance = a->in->settings.instance,
                                .time_us = g->first_us,
                                .txn = txn.s,
                                .method = "",
                                .path = "",
                                .status = err_http_status(ERR_RATE_LIMITED),
                                .error = err_name(ERR_RATE_LIMITED),
                                .detail = g->detail,
                                .rate_limited = true,
                                .duration_us = g->duration_us,
                                .source_ip = g->source_ip,
                                .requests = g->requests};
    pthread_mutex_lock(&a->lock);
    bool kept = produce_record(a, &rec, "", NULL);
    pthread_mutex_unlock(&a->lock);
    return kept;
}

/* ---- acknowledgements and time-outs ---- */

static void acknowledged(struct audit *a, struct entry *e) {
    metric_observe_us(stats.audit_ack, clock_mono_us() - e->since_us);
    if (atomic_load_explicit(&a->stalled, memory_order_relaxed))
        atomic_store(&a->stalled, false);
    pthread_mutex_lock(&a->lock);
    struct request *r = entry_take(a, e);
    entry_free(a, e);
    pthread_mutex_unlock(&a->lock);
    (void)failpoint("ingest.after_audit");
    if (r != NULL)
        request_resume(r);
}

/* A producer instance that was given up hands back records that it has not delivered, or that it does not
 * know to be delivered. They are sent again with the same number: a reader may see one twice, but misses
 * none. */
static void produce_again(struct audit *a, const rd_kafka_message_t *message) {
    rd_kafka_headers_t *headers = NULL;
    char key[37] = "";
    memcpy(key, message->key, message->key_len < sizeof key ? message->key_len : sizeof key - 1);
    if (rd_kafka_message_detach_headers((rd_kafka_message_t *)(uintptr_t)message, &headers) !=
        RD_KAFKA_RESP_ERR_NO_ERROR)
        headers = rd_kafka_headers_new(0);
    struct producer_message m = {.partition = message->partition,
                                 .key = key,
                                 .value = message->payload,
                                 .len = message->len,
                                 .opaque = message->_private,
                                 .must = true};
    if (producer_send(a->producer, &m, headers) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        log_event(LOG_ERROR, "audit-record-lost", "bytes=%zu", message->len);
        rd_kafka_headers_destroy(headers);
    }
}

static void audit_on_report(void *ctx, const rd_kafka_message_t *m) {
    struct audit *a = ctx;
    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        acknowledged(a, m->_private);
    else if (!atomic_load(&a->closing))
        produce_again(a, m);
}

static void audit_on_replaced(void *ctx) {
    /* the reports of the old instance bring back what it held; the rest still waits in the producer */
    (void)ctx;
}

/* The client gets a 503 instead of the answer. The 503 has a record too, for which nobody waits. */
static void give_up(struct audit *a, struct request *r) {
    if (r->answer.status != 503) {
        metric_add(stats.audit_late, 1);
        answer_error(r, ERR_UNAVAILABLE, "The request could not be recorded in time");
        struct audit_request rec = describe(r);
        rec.supersedes = r->audit_n;
        rec.duration_us = clock_mono_us() - r->arrived_us;
        pthread_mutex_lock(&a->lock);
        r->drop = !produce_record(a, &rec, r->head.traceparent, NULL);
        pthread_mutex_unlock(&a->lock);
    }
    request_resume(r);
}

void audit_tick(struct audit *a, int64_t now_us) {
    struct request *late = NULL;
    pthread_mutex_lock(&a->lock);
    while (a->first != NULL && a->first->due_us <= now_us) {
        struct request *r = entry_take(a, a->first);
        if (r != NULL) {
            r->next = late;
            late = r;
            atomic_store(&a->stalled, true);
        }
    }
    pthread_mutex_unlock(&a->lock);
    while (late != NULL) {
        struct request *r = late;
        late = r->next;
        give_up(a, r);
    }
}

/* ---- life ---- */

struct audit *audit_new(struct ingest *in, struct err *err) {
    struct audit *a = xcalloc(1, sizeof *a);
    a->in = in;
    a->entries = arena_new();
    pthread_mutex_init(&a->lock, NULL);
    struct producer_events events = {audit_on_report, audit_on_replaced, a};
    a->producer = producer_new(TOPIC_AUDIT, in->settings.partitions, in->settings.config, producer_settings,
                               sizeof producer_settings / sizeof *producer_settings, &events, err);
    if (a->producer == NULL) {
        audit_close(a, 0);
        return NULL;
    }
    return a;
}

void audit_close(struct audit *a, int flush_ms) {
    if (a == NULL)
        return;
    int64_t until = clock_mono_us() + (int64_t)flush_ms * 1000;
    while (a->producer != NULL && producer_queued(a->producer) > 0 && clock_mono_us() < until)
        usleep(2000);
    atomic_store(&a->closing, true);
    if (a->producer != NULL && producer_queued(a->producer) > 0)
        log_event(LOG_ERROR, "audit-unacknowledged", "records=%d", producer_queued(a->producer));
    producer_close(a->producer, 0);
    arena_free(a->entries);
    jb_free(&a->text);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

bool audit_stalled(const struct audit *a) {
    return atomic_load(&a->stalled);
}

struct producer *audit_producer(struct audit *a) {
    return a->producer;
}
