#include "workers/emit/emitter.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/failpoint.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/lifecycle.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "workers/emit/emit_record.h"
#include "workers/emit/producer_end.h"
#include "workers/stats.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define QUEUE_BATCHES 1024 /* at one command a batch: what comes while a transaction ends */
#define TRANSACTION_RECORDS 5000
#define TRANSACTION_BYTES (8u << 20)
#define RECORD_AROUND 512 /* headers and key of a record */
#define AGAIN_FIRST_MS 20 /* of a back-off */
#define AGAIN_MOST_MS 2000

struct emitter {
    const struct config *config;
    struct slot *slot;
    const struct jws_key *key;
    bool exactly_once;
    rd_kafka_t *producer; /* the emit thread's alone */
    _Atomic(rd_kafka_t *) consumer;
    atomic_bool doubtful; /* a transport error was seen while a transaction was open */
    atomic_bool dropping;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct batch *head, **tail;
    size_t queued, bytes; /* batches that wait; bytes of all that are not freed */
    size_t under_way;     /* batches of the open transaction */
    int64_t under_way_us; /* since when the oldest of them waits */
    bool busy, stopping, settling;
    bool troubled; /* said so */
    int64_t hold_us;
    size_t most_bytes;
    bool clean;
};

enum verdict { DONE, AGAIN, DROPPED };

/* ---- the producer ---- */

static void emitter_on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque) {
    (void)rk;
    char quoted[300];
    struct emitter *e = opaque;
    atomic_store(&e->doubtful, true);
    log_event(LOG_WARN, "emit-error", "code=%s reason=%s", rd_kafka_err2name((rd_kafka_resp_err_t)code),
              log_quote(reason, quoted, sizeof quoted));
}

/* Wakes rd_kafka_poll. A failed delivery fails the transaction's end; what was refused for ever goes out in
 * another form the next time. */
static void emitter_on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque) {
    (void)rk, (void)opaque;
    if (m->err && emit_refused_for_ever(m->err) && m->_private != NULL)
        emit_refusal(m->_private, rd_kafka_topic_name(m->rkt), m->partition, rd_kafka_err2str(m->err));
}

static void emitter_close_producer(struct emitter *e) {
    if (e->producer != NULL)
        producer_end(e->producer);
    e->producer = NULL;
}

/* One line when trouble begins. */
static void emitter_report(struct emitter *e, const char *step, rd_kafka_error_t *error) {
    char quoted[300];
    enum log_level level = e->troubled ? LOG_DEBUG : LOG_WARN;
    e->troubled = true;
    log_event(level, "emit-failed", "step=%s code=%s fatal=%d abort=%d retry=%d error=%s", step,
              rd_kafka_error_name(error), rd_kafka_error_is_fatal(error),
              rd_kafka_error_txn_requires_abort(error), rd_kafka_error_is_retriable(error),
              log_quote(rd_kafka_error_string(error), quoted, sizeof quoted));
}

/* A new instance ends whatever the one before left open under this id, and waits for it. */
static bool emitter_open_producer(struct emitter *e) {
    char id[40];
    struct err err;
    emitter_close_producer(e);
    slot_transactional_id(slot_number(e->slot), id);
    rd_kafka_conf_t *conf = kafka_conf_new(e->config, KAFKA_PRODUCER_TRANSACTIONAL);
    kafka_conf_set(conf, "transactional.id", id);
    rd_kafka_conf_set_error_cb(conf, emitter_on_error);
    rd_kafka_conf_set_dr_msg_cb(conf, emitter_on_delivery);
    rd_kafka_conf_set_opaque(conf, e);
    e->producer = kafka_open(conf, KAFKA_PRODUCER_TRANSACTIONAL, &err);
    if (e->producer == NULL)
        return false;
    rd_kafka_error_t *error = rd_kafka_init_transactions(e->producer, 10000);
    if (error != NULL) {
        emitter_report(e, "init", error);
        rd_kafka_error_destroy(error);
        emitter_close_producer(e);
        return false;
    }
    atomic_store(&e->doubtful, false);
    return true;
}

/* ---- one transaction ---- */

static size_t offsets_of(const struct batch *list, rd_kafka_topic_partition_list_t *offsets) {
    for (const struct batch *b = list; b != NULL; b = b->next) {
        for (size_t i = 0; i < b->noffsets; i++) {
            rd_kafka_topic_partition_t *p =
                rd_kafka_topic_partition_list_find(offsets, TOPIC_COMMANDS, b->offsets[i].partition);
            if (p == NULL)
                p = rd_kafka_topic_partition_list_add(offsets, TOPIC_COMMANDS, b->offsets[i].partition);
            p->offset = b->offsets[i].next;
        }
    }
    return (size_t)offsets->cnt;
}

/* Have the offsets of these batches been committed, by a transaction whose end we did not see? -1: cannot be
 * asked. */
static int already_committed(struct emitter *e, const struct batch *list) {
    rd_kafka_t *consumer = atomic_load(&e->consumer);
    if (!e->exactly_once || consumer == NULL)
        return 0;
    rd_kafka_topic_partition_list_t *want = rd_kafka_topic_partition_list_new(8), *have;
    offsets_of(list, want);
    have = rd_kafka_topic_partition_list_copy(want);
    int committed = rd_kafka_committed(consumer, have, 10000) == RD_KAFKA_RESP_ERR_NO_ERROR ? 1 : -1;
    for (int i = 0; committed >= 0 && i < want->cnt; i++) {
        if (have->elems[i].err)
            committed = -1;
        else if (have->elems[i].offset < want->elems[i].offset)
            committed = 0;
    }
    rd_kafka_topic_partition_list_destroy(want);
    rd_kafka_topic_partition_list_destroy(have);
    return committed;
}

/* The coordinator says that we no longer own the partitions: their next owner emits. */
static bool lost_ownership(rd_kafka_resp_err_t code) {
    return code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION || code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
           code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
}

/* A transport error while a transaction was open, or an end that took longer than a request may: a late
 * request of it could hit the next transaction of the same instance, so there must not be one. */
static bool in_doubt(struct emitter *e, int64_t started_us) {
    rd_kafka_poll(e->producer, 0); /* error callbacks */
    return atomic_load(&e->doubtful) || clock_mono_us() - started_us > 10000000;
}

/* After a failed step: abort where that is enough, a new producer where it is not. Frees the error. */
static enum verdict recover(struct emitter *e, const char *step, rd_kafka_error_t *error) {
    emitter_report(e, step, error);
    metric_add(worker_stats.emit_aborted, 1);
    enum verdict verdict = lost_ownership(rd_kafka_error_code(error)) ? DROPPED : AGAIN;
    int64_t started_us = clock_mono_us();
    /* The transaction's own error counts: that of a plain produce says nothing of it. */
    bool replace = rd_kafka_fatal_error(e->producer, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR ||
                   rd_kafka_error_is_fatal(error) ||
                   (strcmp(step, "produce") != 0 && !rd_kafka_error_txn_requires_abort(error));
    rd_kafka_error_destroy(error);
    if (!replace) {
        error = rd_kafka_abort_transaction(e->producer, -1);
        if (error != NULL) {
            emitter_report(e, "abort", error);
            rd_kafka_error_destroy(error);
        }
        replace = error != NULL || in_doubt(e, started_us);
    }
    if (replace)
        emitter_close_producer(e);
    return verdict;
}

static rd_kafka_error_t *send_offsets(struct emitter *e, const struct batch *list) {
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(8);
    rd_kafka_error_t *error = NULL;
    offsets_of(list, offsets);
    do {
        if (error != NULL) {
            rd_kafka_error_destroy(error);
            usleep(2000);
        }
        error = rd_kafka_send_offsets_to_transaction(e->producer, offsets, list->group, -1);
    } while (error != NULL && rd_kafka_error_is_retriable(error) && !atomic_load(&e->dropping));
    rd_kafka_topic_partition_list_destroy(offsets);
    return error;
}

static rd_kafka_error_t *emitter_commit(struct emitter *e) {
    rd_kafka_error_t *error = rd_kafka_commit_transaction(e->producer, -1);
    while (error != NULL && rd_kafka_error_is_retriable(error)) {
        rd_kafka_error_destroy(error);
        usleep(2000);
        error = rd_kafka_commit_transaction(e->producer, -1);
    }
    return error;
}

/* Waits for a change or the time; false when the time has come. Under the lock. */
static bool wait_until(struct emitter *e, int64_t until_us) {
    int64_t left_us = until_us - clock_mono_us();
    if (left_us <= 0)
        return false;
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    int64_t ns = at.tv_nsec + left_us * 1000;
    at.tv_sec += ns / 1000000000;
    at.tv_nsec = ns % 1000000000;
    (void)pthread_cond_timedwait(&e->changed, &e->lock, &at);
    return true;
}

/* Under the lock. */
static void emitter_show(struct emitter *e) {
    metric_set(worker_stats.emit_waiting, (int64_t)(e->queued + e->under_way));
    metric_set(worker_stats.emit_bytes, (int64_t)e->bytes);
}

/* Takes what waits, up to a bounded number of records and bytes (with: of what was taken before); only
 * batches of one assignment go together, as they share the generation of the group. Under the lock. */
static struct batch *emitter_take(struct emitter *e, unsigned epoch, size_t records, size_t bytes) {
    struct batch *first = e->head, **end = &e->head;
    while (*end != NULL && (*end)->epoch == epoch &&
           (records == 0 || (records + (*end)->records <= TRANSACTION_RECORDS &&
                             bytes + (*end)->record_bytes <= TRANSACTION_BYTES))) {
        records += (*end)->records;
        bytes += (*end)->record_bytes;
        end = &(*end)->next;
        e->queued--;
        e->under_way++;
    }
    if (end == &e->head)
        return NULL;
    struct batch *rest = *end;
    *end = NULL;
    e->head = rest;
    if (rest == NULL)
        e->tail = &e->head;
    if (e->under_way_us == 0)
        e->under_way_us = first->since_us;
    emitter_show(e);
    pthread_cond_broadcast(&e->changed);
    return first;
}

/* Further records would only wait in the client, busily (2.0.x), while these are in flight. */
static void settle_deliveries(struct emitter *e) {
    int64_t until_us = clock_mono_us() + 20000;
    while (rd_kafka_outq_len(e->producer) > 0 && clock_mono_us() < until_us)
        rd_kafka_poll(e->producer, 2);
}

/* The end of a transaction takes tens of milliseconds, and nothing can follow before it. So a transaction
 * stays open for a while and takes what comes: its records are with read_uncommitted readers at once, and one
 * end serves many batches. */
static rd_kafka_error_t *gather(struct emitter *e, struct batch *list, size_t *records, int64_t until_us) {
    struct batch *last = list;
    rd_kafka_error_t *error = NULL;
    size_t bytes = list->record_bytes;
    for (; last->next != NULL; last = last->next)
        bytes += last->next->record_bytes;
    while (error == NULL) {
        struct batch *more = NULL;
        pthread_mutex_lock(&e->lock);
        while (e->head == NULL && !e->stopping && !e->settling && wait_until(e, until_us))
            ;
        if (e->head != NULL && clock_mono_us() < until_us && !e->settling)
            more = emitter_take(e, list->epoch, *records, bytes);
        pthread_mutex_unlock(&e->lock);
        if (more == NULL)
            break;
        last->next = more;
        for (; more != NULL && error == NULL; more = more->next) {
            error = emit_batch(e->producer, e->key, more, records);
            bytes += more->record_bytes;
            last = more;
        }
        settle_deliveries(e);
    }
    return error;
}

static enum verdict emitter_transact(struct emitter *e, struct batch *list, bool first) {
    rd_kafka_error_t *error;
    int64_t started_us = clock_mono_us();
    size_t records = 0;
    atomic_store(&e->doubtful, false);
    (void)failpoint("emit.before_begin");
    if ((error = rd_kafka_begin_transaction(e->producer)) != NULL)
        return recover(e, "begin", error);
    (void)failpoint("emit.after_begin");
    (void)failpoint("emit.before_produce");
    for (struct batch *b = list; b != NULL; b = b->next)
        if ((error = emit_batch(e->producer, e->key, b, &records)) != NULL)
            return recover(e, "produce", error);
    if (first && (error = gather(e, list, &records, started_us + e->hold_us)) != NULL)
        return recover(e, "produce", error);
    int64_t ending_us = clock_mono_us();
    (void)failpoint("emit.after_produce");
    if (e->exactly_once) {
        (void)failpoint("emit.before_send_offsets");
        if ((error = send_offsets(e, list)) != NULL)
            return recover(e, "send-offsets", error);
        (void)failpoint("emit.after_send_offsets");
    }
    if (atomic_load(&e->dropping)) {
        (void)recover(e, "dropping",
                      rd_kafka_error_new(RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST, "the partitions were lost"));
        return DROPPED;
    }
    (void)failpoint("emit.before_commit");
    if ((error = emitter_commit(e)) != NULL)
        return recover(e, "commit", error);
    (void)failpoint("emit.after_commit");
    metric_add(worker_stats.emit_transactions, 1);
    metric_add(worker_stats.emit_records, (int64_t)records);
    metric_observe_us(worker_stats.emit_end, clock_mono_us() - ending_us);
    if (in_doubt(e, ending_us))
        emitter_close_producer(e);
    return DONE;
}

/* On the trial broker offsets in transactions are thrown away. */
static void commit_plainly(struct emitter *e, const struct batch *list) {
    rd_kafka_t *consumer = atomic_load(&e->consumer);
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(8);
    if (consumer != NULL && offsets_of(list, offsets))
        (void)rd_kafka_commit(consumer, offsets, 1);
    rd_kafka_topic_partition_list_destroy(offsets);
}

/* Longer from time to time, unless the batches are not ours any more. */
static void pause_before(const struct emitter *e, int attempt) {
    int ms = attempt < 8 ? AGAIN_FIRST_MS << (attempt - 1) : AGAIN_MOST_MS;
    for (int waited = 0; waited < ms && waited < AGAIN_MOST_MS && !atomic_load(&e->dropping);
         waited += AGAIN_FIRST_MS)
        usleep(AGAIN_FIRST_MS * 1000);
}

static void emit(struct emitter *e, struct batch *list) {
    enum verdict verdict = AGAIN;
    for (int attempt = 0; verdict == AGAIN && !atomic_load(&e->dropping); attempt++) {
        if (!slot_hold(e->slot)) {
            log_event(LOG_ERROR, "slot-lost", "slot=%d", slot_number(e->slot));
            lifecycle_stop();
            return; /* dropped: whoever has the partitions next emits it */
        }
        if (attempt > 0)
            pause_before(e, attempt);
        if (e->producer == NULL && !emitter_open_producer(e))
            continue;
        int committed = attempt > 0 ? already_committed(e, list) : 0;
        if (committed != 0) {
            verdict = committed > 0 ? DONE : AGAIN;
            continue;
        }
        verdict = emitter_transact(e, list, attempt == 0);
    }
    if (verdict == DONE && e->troubled)
        log_event(LOG_INFO, "emit-goes-on", "slot=%d", slot_number(e->slot));
    e->troubled = e->troubled && verdict != DONE;
    if (verdict == DONE && !e->exactly_once)
        commit_plainly(e, list);
}

/* ---- the thread ---- */

/* Gives how many bytes they were. */
static size_t free_list(struct batch *list) {
    size_t bytes = 0;
    while (list != NULL) {
        struct batch *next = list->next;
        bytes += list->bytes;
        batch_free(list);
        list = next;
    }
    return bytes;
}

static void *emitter_main(void *arg) {
    struct emitter *e = arg;
    pthread_mutex_lock(&e->lock);
    for (;;) {
        while (e->head == NULL && !e->stopping)
            pthread_cond_wait(&e->changed, &e->lock);
        if (e->head == NULL)
            break;
        struct batch *list = emitter_take(e, e->head->epoch, 0, 0);
        e->busy = true;
        pthread_mutex_unlock(&e->lock);
        if (!atomic_load(&e->dropping))
            emit(e, list);
        size_t bytes = free_list(list);
        pthread_mutex_lock(&e->lock);
        e->bytes -= bytes;
        e->under_way = 0;
        e->under_way_us = 0;
        e->busy = false;
        emitter_show(e);
        pthread_cond_broadcast(&e->changed);
    }
    pthread_mutex_unlock(&e->lock);
    e->clean = e->producer != NULL;
    emitter_close_producer(e);
    return NULL;
}

struct emitter *emitter_start(const struct config *config, struct slot *slot, const struct jws_key *key,
                              bool exactly_once) {
    struct emitter *e = xcalloc(1, sizeof *e);
    e->config = config;
    e->slot = slot;
    e->key = key;
    e->exactly_once = exactly_once;
    e->tail = &e->head;
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->changed, NULL);
    e->hold_us = config_int(config, "emit-hold-ms") * 1000;
    e->most_bytes = (size_t)config_int(config, "emit-queue-bytes");
    while (!emitter_open_producer(e)) {
        if (lifecycle_wait(200)) {
            free(e);
            return NULL;
        }
    }
    if (pthread_create(&e->thread, NULL, emitter_main, e) != 0)
        abort();
    return e;
}

void emitter_attach(struct emitter *e, rd_kafka_t *consumer) {
    atomic_store(&e->consumer, consumer);
}

/* What the commands held is not needed any more, but for who asked. */
static void weigh(struct batch *b) {
    b->bytes = b->record_bytes = b->records = 0;
    for (size_t i = 0; i < b->n; i++) {
        struct delivery *d = &b->deliveries[i];
        if (d->decoded)
            command_clear(&d->command);
        b->records += d->records.n + d->poison;
        b->record_bytes += d->poison ? d->value_len : 0;
        b->bytes += d->value_len + sizeof *d;
        for (size_t k = 0; k < d->records.n; k++) {
            const struct record *r = &d->records.rows[k];
            b->record_bytes += RECORD_AROUND + (r->value != NULL ? strlen(r->value) : 0);
        }
    }
    b->bytes += b->record_bytes;
    b->since_us = clock_mono_us();
}

static bool full(const struct emitter *e, const struct batch *b) {
    return e->queued >= QUEUE_BATCHES || (e->bytes > 0 && e->bytes + b->bytes > e->most_bytes);
}

void emitter_push(struct emitter *e, struct batch *b) {
    weigh(b);
    pthread_mutex_lock(&e->lock);
    while (full(e, b) && !lifecycle_stopping())
        (void)wait_until(e, clock_mono_us() + 200000);
    if (full(e, b)) { /* its offset is not committed: the next owner emits it */
        pthread_mutex_unlock(&e->lock);
        batch_free(b);
        return;
    }
    b->next = NULL;
    *e->tail = b;
    e->tail = &b->next;
    e->queued++;
    e->bytes += b->bytes;
    emitter_show(e);
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
}

void emitter_settle(struct emitter *e, bool lost) {
    atomic_store(&e->dropping, lost);
    pthread_mutex_lock(&e->lock);
    e->settling = true;
    pthread_cond_broadcast(&e->changed);
    while (e->head != NULL || e->busy)
        pthread_cond_wait(&e->changed, &e->lock);
    e->settling = false;
    pthread_mutex_unlock(&e->lock);
    atomic_store(&e->dropping, false);
}

int64_t emitter_age_us(struct emitter *e) {
    pthread_mutex_lock(&e->lock);
    int64_t since_us = e->under_way_us > 0 ? e->under_way_us : e->head != NULL ? e->head->since_us : 0;
    pthread_mutex_unlock(&e->lock);
    return since_us > 0 ? clock_mono_us() - since_us : 0;
}

bool emitter_stop(struct emitter *e) {
    pthread_mutex_lock(&e->lock);
    e->stopping = true;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
    pthread_join(e->thread, NULL);
    bool clean = e->clean;
    pthread_mutex_destroy(&e->lock);
    pthread_cond_destroy(&e->changed);
    free(e);
    return clean;
}
