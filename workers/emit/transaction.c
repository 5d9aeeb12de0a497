/* One Kafka transaction: rows of the outbox within its bounds, then the offsets. */
#include "ops/runtime/clock.h"
#include "ops/runtime/failpoint.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/kafka_place.h"
#include "ops/runtime/lifecycle.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "ops/runtime/trace.h"
#include "workers/emit/emit_record.h"
#include "workers/emit/emit_trace.h"
#include "workers/emit/emitter_impl.h"
#include "workers/stats.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AGAIN_FIRST_MS 20 /* of a back-off */
#define AGAIN_MOST_MS 2000
#define STEP_MS 10000

enum verdict { DONE, AGAIN, DROPPED };

struct transaction {
    struct emitter *e;
    size_t records, bytes;
    bool full;         /* something waits that does not fit in any more */
    struct row **rows; /* that are in it, in their order */
    size_t nrows, cap;
};

/* ---- failures ---- */

/* The coordinator says that we no longer own the partitions: their next owner emits. */
static bool lost_ownership(rd_kafka_resp_err_t code) {
    return code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION || code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
           code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
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
        replace = error != NULL || emitter_doubts(e, started_us);
    }
    if (replace) {
        emitter_close_producer(e);
        e->in_doubt = true;
    }
    return verdict;
}

/* ---- rows ---- */

/* The next row that goes into the transaction; NULL: there is none, or it is full. */
static struct row *take_row(struct transaction *t) {
    struct emitter *e = t->e;
    struct row *found = NULL;
    pthread_mutex_lock(&e->lock);
    for (int32_t i = 0; found == NULL && i < e->lanes.n; i++) {
        struct lane *p = &e->lanes.lane[i];
        struct row *row = p->held ? lane_next(p) : NULL;
        if (row == NULL)
            continue;
        if (t->records > 0 && (t->records + row->records > ROW_RECORDS || t->bytes + row->n > ROW_BYTES)) {
            t->full = true;
            continue;
        }
        lane_sent(p);
        found = row;
    }
    pthread_mutex_unlock(&e->lock);
    return found;
}

static void keep_row(struct transaction *t, struct row *row) {
    if (t->nrows == t->cap) {
        t->cap = t->cap != 0 ? t->cap * 2 : 64;
        t->rows = xrealloc(t->rows, t->cap * sizeof *t->rows);
    }
    t->rows[t->nrows++] = row;
}

/* Nobody acts at once on what these topics tell. Their records go out at the end of the transaction, all that
 * it has together, so that a partition of them costs Kafka one request and not one for each row. */
static bool goes_last(const struct row_item *item) {
    return !item->is_letter && (item->record.topic == RECORD_EVENTS || item->record.topic == RECORD_AUDIT);
}

static rd_kafka_error_t *produce_row(struct transaction *t, struct row *row) {
    struct err err = {0};
    rd_kafka_error_t *error = NULL;
    struct emission x = {t->e->producer, row->partition, row->number};
    if (row->items.n == 0 && row_decode(row->bytes, row->n, &row->items, &err) != ERR_OK)
        return rd_kafka_error_new(RD_KAFKA_RESP_ERR__BAD_MSG, "row %lld of partition %d: %s",
                                  (long long)row->number, row->partition, err_text(&err));
    for (size_t i = 0; error == NULL && i < row->items.n; i++)
        if (!goes_last(&row->items.items[i]))
            error = emit_item(&x, &row->items.items[i]);
    keep_row(t, row);
    t->records += row->items.n;
    t->bytes += row->n;
    return error;
}

static rd_kafka_error_t *produce_last(struct transaction *t) {
    rd_kafka_error_t *error = NULL;
    for (size_t i = 0; error == NULL && i < t->nrows; i++) {
        struct row *row = t->rows[i];
        struct emission x = {t->e->producer, row->partition, row->number};
        for (size_t k = 0; error == NULL && k < row->items.n; k++)
            if (goes_last(&row->items.items[k]))
                error = emit_item(&x, &row->items.items[k]);
    }
    return error;
}

static rd_kafka_error_t *produce_rows(struct transaction *t) {
    rd_kafka_error_t *error = NULL;
    struct row *row;
    while (error == NULL && (row = take_row(t)) != NULL)
        error = produce_row(t, row);
    return error;
}

/* Further records would only wait in the client, busily (2.0.x), while these are in flight. */
static void settle_deliveries(struct emitter *e) {
    int64_t until_us = clock_mono_us() + 20000;
    while (rd_kafka_outq_len(e->producer) > 0 && clock_mono_us() < until_us)
        rd_kafka_poll(e->producer, 2);
}

/* Is there another row in memory? Under the lock. lacks: one that is not, for which the transaction should
 * end. */
static bool more_rows(const struct emitter *e, bool *lacks) {
    bool more = false;
    int64_t last;
    for (int32_t i = 0; i < e->lanes.n; i++) {
        const struct lane *p = &e->lanes.lane[i];
        more |= p->held && lane_next(p) != NULL;
        *lacks |= lane_lacks(p, &last);
    }
    return more;
}

/* The end of a transaction takes tens of milliseconds, and nothing can follow before it. So a transaction
 * stays open for a while and takes what comes: memberships are with read_uncommitted readers at once, and one
 * end serves many batches. Where nothing comes for a third of that while, it ends: a change that is alone
 * waits no longer. */
static rd_kafka_error_t *gather(struct transaction *t, int64_t end_us) {
    struct emitter *e = t->e;
    rd_kafka_error_t *error = NULL;
    bool go_on = true;
    while (error == NULL && go_on && !t->full) {
        bool lacks = false;
        int64_t quiet_us = clock_mono_us() + e->hold_us / 3;
        int64_t until_us = quiet_us < end_us ? quiet_us : end_us;
        pthread_mutex_lock(&e->lock);
        bool more = more_rows(e, &lacks);
        while (!more && !lacks && !e->stopping && !e->settling && emitter_wait_until(e, until_us))
            more = more_rows(e, &lacks);
        go_on = more && !e->settling && clock_mono_us() < end_us;
        pthread_mutex_unlock(&e->lock);
        if (!go_on)
            break;
        error = produce_rows(t);
        settle_deliveries(e);
    }
    return error;
}

/* ---- the end ---- */

/* For each partition of the transaction how far its commands are decided, and which row is its last. Those
 * whose offset alone moves are in it too. */
static rd_kafka_topic_partition_list_t *take_offsets(struct emitter *e) {
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(e->lanes.n);
    pthread_mutex_lock(&e->lock);
    for (int32_t i = 0; i < e->lanes.n; i++) {
        struct lane *p = &e->lanes.lane[i];
        if (!p->held || (p->sent == p->done && p->offset == p->committed))
            continue;
        p->ending = p->offset;
        rd_kafka_topic_partition_t *place = rd_kafka_topic_partition_list_add(offsets, TOPIC_COMMANDS, i);
        place->offset = p->offset;
        place_set_number(place, p->sent);
    }
    pthread_mutex_unlock(&e->lock);
    return offsets;
}

static rd_kafka_error_t *send_offsets(struct emitter *e, const rd_kafka_topic_partition_list_t *offsets) {
    rd_kafka_error_t *error = NULL;
    do {
        if (error != NULL) {
            rd_kafka_error_destroy(error);
            usleep(2000);
        }
        error = rd_kafka_send_offsets_to_transaction(e->producer, offsets, e->group, -1);
    } while (error != NULL && rd_kafka_error_is_retriable(error) && !atomic_load(&e->dropping));
    return error;
}

static rd_kafka_error_t *commit(struct emitter *e) {
    rd_kafka_error_t *error = rd_kafka_commit_transaction(e->producer, -1);
    while (error != NULL && rd_kafka_error_is_retriable(error)) {
        rd_kafka_error_destroy(error);
        usleep(2000);
        error = rd_kafka_commit_transaction(e->producer, -1);
    }
    return error;
}

static enum verdict end(struct transaction *t, const rd_kafka_topic_partition_list_t *offsets) {
    struct emitter *e = t->e;
    rd_kafka_error_t *error;
    int64_t ending_us = clock_mono_us();
    if (e->exactly_once) {
        (void)failpoint("emit.before_send_offsets");
        if ((error = send_offsets(e, offsets)) != NULL)
            return recover(e, "send-offsets", error);
        (void)failpoint("emit.after_send_offsets");
    }
    if (atomic_load(&e->dropping)) {
        (void)recover(e, "dropping",
                      rd_kafka_error_new(RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST, "the partitions were lost"));
        return DROPPED;
    }
    (void)failpoint("emit.before_commit");
    if ((error = commit(e)) != NULL)
        return recover(e, "commit", error);
    (void)failpoint("emit.after_commit");
    metric_add(worker_stats.emit_transactions, 1);
    metric_add(worker_stats.emit_records, (int64_t)t->records);
    metric_observe_us(worker_stats.emit_end, clock_mono_us() - ending_us);
    if (emitter_doubts(e, ending_us))
        emitter_close_producer(e);
    return DONE;
}

static rd_kafka_error_t *produce(struct transaction *t, int64_t until_us) {
    rd_kafka_error_t *error = produce_rows(t);
    if (error == NULL && t->e->attempts == 0)
        error = gather(t, until_us);
    return error != NULL ? error : produce_last(t);
}

static enum verdict transact(struct emitter *e, rd_kafka_topic_partition_list_t **offsets) {
    struct transaction t = {.e = e};
    rd_kafka_error_t *error;
    int64_t started_us = clock_mono_us();
    atomic_store(&e->doubtful, false);
    (void)failpoint("emit.before_begin");
    if ((error = rd_kafka_begin_transaction(e->producer)) != NULL)
        return recover(e, "begin", error);
    (void)failpoint("emit.after_begin");
    (void)failpoint("emit.before_produce");
    error = produce(&t, started_us + e->hold_us);
    free(t.rows);
    if (error != NULL)
        return recover(e, "produce", error);
    (void)failpoint("emit.after_produce");
    *offsets = take_offsets(e);
    return end(&t, *offsets);
}

/* ---- and what follows from it ---- */

/* Longer from time to time. */
static void wait_longer(struct emitter *e) {
    int ms = e->attempts < 7 ? AGAIN_FIRST_MS << e->attempts : AGAIN_MOST_MS;
    e->attempts++;
    e->retry_at_us = clock_mono_us() + ms * INT64_C(1000);
}

/* Under the lock, while the lane still has its rows. */
static void trace_sent(const struct lane *p) {
    for (const struct row *row = trace_on() ? p->head : NULL; row != NULL && row->number <= p->sent;
         row = row->next)
        emit_trace(row);
}

static void conclude(struct emitter *e, enum verdict verdict) {
    pthread_mutex_lock(&e->lock);
    for (int32_t i = 0; i < e->lanes.n; i++) {
        struct lane *p = &e->lanes.lane[i];
        if (!p->held)
            continue;
        if (verdict == DONE) {
            trace_sent(p);
            lane_commit(&e->lanes, p);
        } else {
            lane_abort(p);
        }
        if (verdict == DROPPED)
            emitter_lose(e, i);
    }
    pthread_mutex_unlock(&e->lock);
    if (verdict == AGAIN) {
        wait_longer(e);
        return;
    }
    if (e->troubled && verdict == DONE) {
        log_event(LOG_INFO, "emit-goes-on", "slot=%d", slot_number(e->slot));
        e->troubled = false;
    }
    e->attempts = 0;
    e->retry_at_us = 0;
}

/* On the trial broker offsets in transactions are thrown away, and the mark is all that tells how far it is.
 */
static void commit_plainly(struct emitter *e, const rd_kafka_topic_partition_list_t *offsets) {
    rd_kafka_t *consumer = atomic_load(&e->consumer);
    emitter_write_marks(e);
    if (consumer != NULL && offsets->cnt > 0)
        (void)rd_kafka_commit(consumer, offsets, 1);
}

void emitter_transact(struct emitter *e) {
    rd_kafka_topic_partition_list_t *offsets = NULL;
    if (!slot_hold(e->slot)) {
        log_event(LOG_ERROR, "slot-lost", "slot=%d", slot_number(e->slot));
        lifecycle_stop();
        conclude(e, DROPPED); /* whoever has the partitions next emits what waits */
        return;
    }
    bool ready = (e->producer != NULL || emitter_open_producer(e)) && (!e->in_doubt || emitter_look_up(e));
    if (ready)
        e->in_doubt = false;
    if (!ready || !emitter_fetch_rows(e)) {
        wait_longer(e);
        return;
    }
    pthread_mutex_lock(&e->lock);
    bool waits = lanes_wait(&e->lanes);
    pthread_mutex_unlock(&e->lock);
    if (!waits) { /* Kafka had it all, or the partitions are to be taken anew */
        conclude(e, DONE);
        return;
    }
    enum verdict verdict = transact(e, &offsets);
    conclude(e, verdict);
    if (verdict == DONE && !e->exactly_once)
        commit_plainly(e, offsets);
    if (offsets != NULL)
        rd_kafka_topic_partition_list_destroy(offsets);
}
