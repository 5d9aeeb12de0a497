#include "workers/consumer.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/failpoint.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/lifecycle.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "workers/stats.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BATCH_BYTES_MAX (8u << 20)
/* Under load, that is where the last batch had so many commands, not longer ago than that, a batch waits for
 * others: most of what a batch costs all processes does not depend on its size. */
#define LOAD_BATCH 4
#define LOAD_US 50000
#define GATHER_US 1000
#define NONE (-1)
#define ASK_MS 5000
#define LEAVE_US 5000000

struct consumer {
    const struct config *config;
    int slot;
    bool exactly_once;
    rd_kafka_t *rk;
    struct emitter *emitter;
    struct gap_listener gaps;
    /* Of each partition: is it ours, and is it to be started before anything is polled of it? */
    bool *due;
    int64_t *next; /* what is polled next; NONE: it is not ours, or due */
    bool *still;   /* nothing is fetched of it for now */
    atomic_llong *turns;
    atomic_llong *done; /* … and up to where it is applied; CONSUMER_NONE */
    int partitions;
    atomic_int ndue;
    bool changed;      /* others run than are fetched */
    atomic_bool *held; /* it stands before a command that only a newer version can apply */
    atomic_int nheld;
    unsigned epoch;    /* counts assignments taken and given back */
    int64_t loaded_us; /* when the last batch under load was taken */
    atomic_int assigned;
    atomic_bool dead;
};

static void place(struct consumer *c, int32_t partition, int64_t offset) {
    c->next[partition] = offset;
    atomic_store(&c->done[partition], offset == NONE ? CONSUMER_NONE : offset);
}

static void set_due(struct consumer *c, int32_t partition, bool due) {
    if (c->due[partition] != due)
        atomic_fetch_add(&c->ndue, due ? 1 : -1);
    c->due[partition] = due;
}

static void forget_places(struct consumer *c) {
    for (int i = 0; i < c->partitions; i++) {
        place(c, i, NONE);
        set_due(c, i, false);
        atomic_store(&c->held[i], false);
    }
    atomic_store(&c->nheld, 0);
}

/* An assignment that fails would leave partitions that nobody reads: the group is joined anew then. */
static void assign(struct consumer *c, const rd_kafka_topic_partition_list_t *parts) {
    rd_kafka_resp_err_t code = rd_kafka_assign(c->rk, parts);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    log_event(LOG_ERROR, "assign-failed", "code=%s", rd_kafka_err2name(code));
    atomic_store(&c->dead, true);
}

/* What is fetched: all that was started, each from where it is. (A seek does not do where a fetch has failed:
 * it says "ok" before the library has reset the fetch, and nothing is fetched afterwards.) */
static void fetch_what_runs(struct consumer *c) {
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(c->partitions);
    for (int i = 0; i < c->partitions; i++)
        if (c->next[i] != NONE && !c->held[i] && !c->still[i])
            rd_kafka_topic_partition_list_add(parts, TOPIC_COMMANDS, i)->offset = c->next[i];
    assign(c, parts);
    rd_kafka_topic_partition_list_destroy(parts);
}

/* All are due: nothing is fetched before it is known where they begin (takeover.h). */
static void consumer_on_assign(struct consumer *c, const rd_kafka_topic_partition_list_t *parts) {
    emitter_assign(c->emitter, rd_kafka_consumer_group_metadata(c->rk));
    forget_places(c);
    for (int i = 0; i < parts->cnt; i++)
        if (parts->elems[i].partition < c->partitions)
            set_due(c, parts->elems[i].partition, true);
    fetch_what_runs(c);
    atomic_store(&c->assigned, 1);
}

/* Runs inside poll, so no batch is under way on this thread; what the emitter holds is ended, or dropped
 * where the partitions are already another's. */
static void consumer_on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t what,
                                  rd_kafka_topic_partition_list_t *parts, void *opaque) {
    struct consumer *c = opaque;
    c->epoch++;
    metric_add(worker_stats.rebalances, 1);
    if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        consumer_on_assign(c, parts);
        return;
    }
    bool lost = rd_kafka_assignment_lost(rk);
    log_event(LOG_INFO, "revoked", "partitions=%d lost=%s", parts->cnt, lost ? "yes" : "no");
    atomic_store(&c->assigned, 0);
    emitter_settle(c->emitter, lost);
    forget_places(c);
    assign(c, NULL);
}

static void consumer_on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque) {
    struct consumer *c = opaque;
    char quoted[300], text[256];
    log_event(LOG_WARN, "consumer-error", "code=%s reason=%s", rd_kafka_err2name((rd_kafka_resp_err_t)code),
              log_quote(reason, quoted, sizeof quoted));
    if (code == RD_KAFKA_RESP_ERR__FATAL &&
        rd_kafka_fatal_error(rk, text, sizeof text) != RD_KAFKA_RESP_ERR_NO_ERROR)
        atomic_store(&c->dead, true);
}

static rd_kafka_t *consumer_join(struct consumer *c, struct err *err) {
    rd_kafka_conf_t *conf = kafka_conf_new(c->config, KAFKA_CONSUMER_GROUP);
    kafka_conf_set(conf, "group.id", "usher-worker");
    if (c->exactly_once) { /* the trial broker knows no static members */
        char member[40];
        slot_transactional_id(c->slot, member);
        kafka_conf_set(conf, "group.instance.id", member);
    } else {
        kafka_conf_set(conf, "fetch.wait.max.ms", "1"); /* it sleeps that long on every empty fetch */
    }
    rd_kafka_conf_set_rebalance_cb(conf, consumer_on_rebalance);
    rd_kafka_conf_set_error_cb(conf, consumer_on_error);
    rd_kafka_conf_set_opaque(conf, c);
    rd_kafka_t *rk = kafka_open(conf, KAFKA_CONSUMER_GROUP, err);
    if (rk == NULL)
        return NULL;
    rd_kafka_poll_set_consumer(rk);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, TOPIC_COMMANDS, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(rk, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        (void)err_set(err, ERR_KAFKA, "Cannot subscribe: %s", rd_kafka_err2str(code));
        rd_kafka_destroy(rk);
        return NULL;
    }
    return rk;
}

struct consumer *consumer_open(const struct config *config, int slot, bool exactly_once,
                               struct emitter *emitter, struct gap_listener gaps, struct err *err) {
    struct consumer *c = xcalloc(1, sizeof *c);
    c->config = config;
    c->slot = slot;
    c->exactly_once = exactly_once;
    c->emitter = emitter;
    c->gaps = gaps;
    c->partitions = (int)config_int(config, "partitions");
    c->next = xcalloc((size_t)c->partitions, sizeof *c->next);
    c->held = xcalloc((size_t)c->partitions, sizeof *c->held);
    c->done = xcalloc((size_t)c->partitions, sizeof *c->done);
    c->still = xcalloc((size_t)c->partitions, sizeof *c->still);
    c->turns = xcalloc((size_t)c->partitions, sizeof *c->turns);
    c->due = xcalloc((size_t)c->partitions, sizeof *c->due);
    forget_places(c);
    c->rk = consumer_join(c, err);
    if (c->rk == NULL) {
        free(c->next);
        free(c->held);
        free(c->done);
        free(c->due);
        free(c->still);
        free(c->turns);
        free(c);
        return NULL;
    }
    emitter_attach(emitter, c->rk);
    return c;
}

/* A static member whose answer from the group was lost in a broker's fall is taken for a stranger when it
 * comes again, which librdkafka calls fatal: that instance never deliveries again, another one does. */
static bool consumer_join_again(struct consumer *c) {
    struct err err = {0};
    char quoted[600];
    emitter_settle(c->emitter, true); /* ours no longer: whoever has the partitions next emits what waits */
    emitter_attach(c->emitter, NULL);
    rd_kafka_consumer_close(c->rk);
    rd_kafka_destroy(c->rk);
    c->epoch++;
    forget_places(c);
    atomic_store(&c->assigned, 0);
    atomic_store(&c->dead, false);
    c->rk = consumer_join(c, &err);
    log_event(c->rk != NULL ? LOG_WARN : LOG_ERROR, "consumer-replaced", "error=%s",
              log_quote(c->rk != NULL ? "" : err_text(&err), quoted, sizeof quoted));
    emitter_attach(c->emitter, c->rk);
    return c->rk != NULL;
}

/* Where a partition goes on whose place the log does not hold: where the log begins. If the place lies before
 * that, the commands between are gone. If it lies behind the end (somebody set the offset, or a trial broker
 * began anew), nobody knows which of those that are there were applied: known ones only repeat their replies.
 * False: it cannot be asked now. */
static bool find_place(struct consumer *c, int32_t partition, int64_t *place) {
    int64_t first, end, from = *place;
    rd_kafka_resp_err_t code =
        rd_kafka_query_watermark_offsets(c->rk, TOPIC_COMMANDS, partition, &first, &end, ASK_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        log_event(LOG_WARN, "ends-unknown", "partition=%d code=%s", partition, rd_kafka_err2name(code));
        return false;
    }
    if (from < first || from > end) {
        if (!c->gaps.note(c->gaps.arg, partition, from, first))
            return false;
        *place = first;
    }
    int64_t gone = from >= 0 && from < first ? first - from : 0;
    metric_add(worker_stats.out_of_range, 1);
    metric_add(worker_stats.commands_gone, gone);
    log_event(LOG_ERROR, "offset-out-of-range",
              "partition=%d from=%lld first=%lld end=%lld again=%lld gone=%lld", partition, (long long)from,
              (long long)first, (long long)end, (long long)*place, (long long)gone);
    return true;
}

static void consumer_begin_again(struct consumer *c, int32_t partition) {
    if (partition < 0 || partition >= c->partitions || c->next[partition] == NONE)
        return;
    while (!find_place(c, partition, &c->next[partition]))
        if (lifecycle_stopping() || rd_kafka_assignment_lost(c->rk))
            return;
    place(c, partition, c->next[partition]);
    emitter_offset(c->emitter, partition, c->next[partition]);
    fetch_what_runs(c);
}

static void consumer_on_message_error(struct consumer *c, const rd_kafka_message_t *m) {
    char quoted[300];
    if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || m->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
        consumer_begin_again(c, m->partition);
        return;
    }
    if (m->err == RD_KAFKA_RESP_ERR__FATAL || m->err == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
        atomic_store(&c->dead, true);
    log_event(LOG_WARN, "poll-error", "code=%s reason=%s", rd_kafka_err2name(m->err),
              log_quote(rd_kafka_message_errstr(m), quoted, sizeof quoted));
}

/* The partition stands from here on, until a newer version has it: what comes behind may depend on the
 * command that we do not understand. Its offset is not committed, so nothing is lost. */
static void hold(struct consumer *c, const rd_kafka_message_t *m, const struct err *why) {
    char quoted[600];
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(parts, TOPIC_COMMANDS, m->partition);
    log_event(LOG_ERROR, "put-off", "partition=%d offset=%lld reason=%s", m->partition, (long long)m->offset,
              log_quote(err_text(why), quoted, sizeof quoted));
    atomic_store(&c->held[m->partition], true);
    atomic_fetch_add(&c->nheld, 1);
    rd_kafka_resp_err_t code = rd_kafka_pause_partitions(c->rk, parts);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) /* what still comes is not taken */
        log_event(LOG_WARN, "pause-failed", "partition=%d code=%s", m->partition, rd_kafka_err2name(code));
    rd_kafka_topic_partition_list_destroy(parts);
}

static void take(struct consumer *c, struct batch *b, const rd_kafka_message_t *m) {
    struct err err = {0};
    if (m->partition >= c->partitions || c->held[m->partition] || c->next[m->partition] == NONE)
        return;
    if (batch_add(b, m, rd_kafka_message_timestamp(m, NULL) * 1000, &err) != ERR_OK)
        hold(c, m, &err);
    else
        c->next[m->partition] = m->offset + 1;
}

/* A batch that is being taken. */
struct taking {
    struct batch *b; /* NULL: there is nothing yet */
    size_t bytes, max;
};

static bool is_full(const struct taking *t) {
    return t->b != NULL && (t->b->n >= t->max || t->bytes >= BATCH_BYTES_MAX);
}

/* Takes m, and whatever else is there. */
static void take_messages(struct consumer *c, struct taking *t, rd_kafka_message_t *m) {
    while (m != NULL) {
        if (m->err) {
            consumer_on_message_error(c, m);
        } else {
            t->b = t->b != NULL ? t->b : batch_new();
            take(c, t->b, m);
            t->bytes += m->len;
        }
        rd_kafka_message_destroy(m);
        m = is_full(t) ? NULL : rd_kafka_consumer_poll(c->rk, 0);
    }
}

static void gather_commands(struct consumer *c, struct taking *t) {
    int64_t now_us = clock_mono_us();
    if (c->loaded_us + LOAD_US > now_us && !is_full(t)) {
        usleep(GATHER_US);
        take_messages(c, t, rd_kafka_consumer_poll(c->rk, 0));
    }
    if (t->b->n >= LOAD_BATCH)
        c->loaded_us = now_us;
}

struct batch *consumer_next(struct consumer *c, int timeout_ms, size_t max) {
    if (c->changed)
        fetch_what_runs(c);
    c->changed = false;
    struct taking t = {.max = max};
    rd_kafka_message_t *m = rd_kafka_consumer_poll(c->rk, timeout_ms);
    unsigned epoch = c->epoch; /* a rebalance before the first message does no harm */
    take_messages(c, &t, m);
    if (t.b == NULL)
        return NULL;
    gather_commands(c, &t);
    struct batch *b = t.b;
    /* taken away between two polls: whoever has them now begins at the committed offset */
    if (c->epoch != epoch || b->n == 0) {
        batch_free(b);
        return NULL;
    }
    metric_add(worker_stats.batches, 1);
    metric_add(worker_stats.commands, (int64_t)b->n);
    (void)failpoint("worker.polled");
    return b;
}

/* Where a seek fails, what the batch had would be skipped: then all is assigned anew. */
static bool seek_all(struct consumer *c, rd_kafka_topic_partition_list_t *parts) {
    rd_kafka_error_t *error = rd_kafka_seek_partitions(c->rk, parts, -1);
    rd_kafka_resp_err_t code = error != NULL ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < parts->cnt; i++)
        code = parts->elems[i].err;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        log_event(LOG_WARN, "rewind-failed", "code=%s", rd_kafka_err2name(code));
    if (error != NULL)
        rd_kafka_error_destroy(error);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR;
}

void consumer_rewind(struct consumer *c, const struct batch *b) {
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new((int)b->noffsets);
    for (size_t i = 0; i < b->noffsets; i++) {
        if (c->next[b->offsets[i].partition] == NONE)
            continue;
        rd_kafka_topic_partition_list_add(parts, TOPIC_COMMANDS, b->offsets[i].partition)->offset =
            b->offsets[i].first;
        c->next[b->offsets[i].partition] = b->offsets[i].first;
    }
    if (parts->cnt > 0 && !seek_all(c, parts))
        fetch_what_runs(c);
    rd_kafka_topic_partition_list_destroy(parts);
}

void consumer_applied(struct consumer *c, const struct batch *b) {
    for (size_t i = 0; i < b->noffsets; i++)
        atomic_store(&c->done[b->offsets[i].partition], b->offsets[i].next);
}

bool consumer_note_gap(const struct consumer *c, int32_t partition, int64_t from, int64_t first) {
    return c->gaps.note(c->gaps.arg, partition, from, first);
}

rd_kafka_t *consumer_client(const struct consumer *c) {
    return c->rk;
}

size_t consumer_due(const struct consumer *c, int32_t *partitions) {
    size_t n = 0;
    for (int i = 0; i < c->partitions; i++)
        if (c->due[i])
            partitions[n++] = i;
    return n;
}

int consumer_ndue(const struct consumer *c) {
    return atomic_load(&c->ndue);
}

bool consumer_runs(const struct consumer *c, int32_t partition) {
    return c->next[partition] != NONE;
}

void consumer_start(struct consumer *c, int32_t partition, int64_t offset) {
    log_event(LOG_INFO, "assigned", "partition=%d offset=%lld", (int)partition, (long long)offset);
    set_due(c, partition, false);
    place(c, partition, offset);
    c->still[partition] = false;
    c->changed = true;
}

void consumer_set_fetch(struct consumer *c, int32_t partition, bool fetch) {
    c->changed |= c->still[partition] == fetch;
    c->still[partition] = !fetch;
}

void consumer_goes_on(struct consumer *c, int32_t partition) {
    atomic_fetch_add(&c->turns[partition], 1);
}

int64_t consumer_turns(const struct consumer *c, int32_t partition) {
    return atomic_load(&c->turns[partition]);
}

void consumer_halt(struct consumer *c, int32_t partition) {
    if (c->next[partition] == NONE)
        return;
    if (c->held[partition])
        atomic_fetch_sub(&c->nheld, 1);
    atomic_store(&c->held[partition], false);
    place(c, partition, NONE);
    set_due(c, partition, true);
    c->changed = true;
}

int64_t consumer_done(const struct consumer *c, int32_t partition) {
    return atomic_load(&c->done[partition]);
}

bool consumer_is_held(const struct consumer *c, int32_t partition) {
    return atomic_load(&c->held[partition]);
}

int consumer_held(const struct consumer *c) {
    return atomic_load(&c->nheld);
}

bool consumer_assigned(const struct consumer *c) {
    return atomic_load(&c->assigned) != 0;
}

bool consumer_stay(struct consumer *c) {
    return !atomic_load(&c->dead) || consumer_join_again(c);
}

/* The library forgets the member's id when it has sent that it leaves. */
static bool is_member(const struct consumer *c) {
    char *id = rd_kafka_memberid(c->rk);
    bool member = id != NULL && *id != '\0';
    if (id != NULL)
        rd_kafka_mem_free(c->rk, id);
    return member;
}

/* A static member does not leave its group when it closes: its partitions would stand until its session has
 * timed out. It does leave when it unsubscribes, after what it had is given back; closing it before that
 * keeps it from leaving. The others get the partitions with their next heartbeat. */
static void leave_group(struct consumer *c) {
    int64_t until_us = clock_mono_us() + LEAVE_US;
    if (rd_kafka_unsubscribe(c->rk) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    while ((atomic_load(&c->assigned) != 0 || is_member(c)) && clock_mono_us() < until_us) {
        rd_kafka_message_t *m =
            rd_kafka_consumer_poll(c->rk, 20); /* serves the rebalance; nothing is fetched any more */
        if (m != NULL)
            rd_kafka_message_destroy(m);
    }
}

void consumer_close(struct consumer *c) {
    if (c->rk != NULL) {
        leave_group(c);
        rd_kafka_consumer_close(c->rk);
        emitter_attach(c->emitter, NULL);
        rd_kafka_destroy(c->rk);
    }
    free(c->next);
    free(c->held);
    free(c->done);
    free(c->due);
    free(c->still);
    free(c->turns);
    free(c);
}
