/* The emitter's producer: one instance after the other, and what Kafka knows when one of them was given up.
 */
#include "ops/runtime/clock.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/kafka_place.h"
#include "ops/runtime/log.h"
#include "workers/emit/emit_record.h"
#include "workers/emit/emitter_impl.h"
#include "workers/emit/producer_end.h"
#include "workers/emit/topics.h"

#include <string.h>

#define ASK_MS 10000
#define LONGEST_US 10000000 /* that a request may take */

static void emitter_on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque) {
    (void)rk;
    char quoted[300];
    struct emitter *e = opaque;
    atomic_store(&e->doubtful, true);
    log_event(LOG_WARN, "emit-error", "code=%s reason=%s", rd_kafka_err2name((rd_kafka_resp_err_t)code),
              log_quote(reason, quoted, sizeof quoted));
}

const char *const emit_topics[LANE_TOPICS] = {
    [LANE_MEMBERSHIP] = TOPIC_MEMBERSHIP, [LANE_ROOMS] = TOPIC_ROOMS,           [LANE_EVENTS] = TOPIC_EVENTS,
    [LANE_AUDIT] = TOPIC_AUDIT,           [LANE_DEADLETTER] = TOPIC_DEADLETTER,
};

/* Where the topic goes on behind the record. Output partition p belongs to partition p of the commands. */
static void note_position(struct emitter *e, const rd_kafka_message_t *m) {
    const char *topic = rd_kafka_topic_name(m->rkt);
    if (m->partition < 0 || m->partition >= e->lanes.n)
        return;
    struct lane *p = &e->lanes.lane[m->partition];
    for (int t = 0; t < LANE_TOPICS; t++)
        if (strcmp(topic, emit_topics[t]) == 0 && m->offset >= p->open_positions[t])
            p->open_positions[t] = m->offset + 1;
}

/* On the emit thread. A failed delivery fails the transaction's end; what was refused for ever goes out in
 * another form the next time. */
static void emitter_on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque) {
    (void)rk;
    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        note_position(opaque, m);
    else if (emit_refused_for_ever(m->err) && m->_private != NULL)
        emit_refusal(m->_private, rd_kafka_topic_name(m->rkt), m->partition, rd_kafka_err2str(m->err));
}

void emitter_close_producer(struct emitter *e) {
    if (e->producer != NULL)
        producer_end(e->producer);
    e->producer = NULL;
}

/* One line when trouble begins. */
void emitter_report(struct emitter *e, const char *step, rd_kafka_error_t *error) {
    char quoted[300];
    enum log_level level = e->troubled ? LOG_DEBUG : LOG_WARN;
    e->troubled = true;
    log_event(level, "emit-failed", "step=%s code=%s fatal=%d abort=%d retry=%d error=%s", step,
              rd_kafka_error_name(error), rd_kafka_error_is_fatal(error),
              rd_kafka_error_txn_requires_abort(error), rd_kafka_error_is_retriable(error),
              log_quote(rd_kafka_error_string(error), quoted, sizeof quoted));
}

/* A new instance ends whatever the one before left open under this id, and waits for it. */
bool emitter_open_producer(struct emitter *e) {
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
    rd_kafka_error_t *error = rd_kafka_init_transactions(e->producer, ASK_MS);
    if (error != NULL) {
        emitter_report(e, "init", error);
        rd_kafka_error_destroy(error);
        emitter_close_producer(e);
        return false;
    }
    atomic_store(&e->doubtful, false);
    return true;
}

bool emitter_doubts(struct emitter *e, int64_t started_us) {
    rd_kafka_poll(e->producer, 0); /* error callbacks */
    return atomic_load(&e->doubtful) || clock_mono_us() - started_us > LONGEST_US;
}

/* ---- what Kafka knows ---- */

static rd_kafka_topic_partition_list_t *held_partitions(struct emitter *e) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(e->lanes.n);
    for (int32_t i = 0; i < e->lanes.n; i++)
        if (e->lanes.lane[i].held)
            rd_kafka_topic_partition_list_add(list, TOPIC_COMMANDS, i);
    return list;
}

/* What is not between what was seen and what is in PostgreSQL was written by others: that is for a new start.
 */
static void settle_lane(struct emitter *e, const rd_kafka_topic_partition_t *place) {
    struct lane *p = &e->lanes.lane[place->partition];
    int64_t number = place_number(place);
    if (place->offset >= 0 && number >= p->done && number <= p->last) {
        lane_settle(&e->lanes, p, number, place->offset);
        return;
    }
    log_event(LOG_WARN, "place-unknown", "partition=%d offset=%lld number=%lld known=%lld", place->partition,
              (long long)place->offset, (long long)number, (long long)p->done);
    emitter_lose(e, place->partition);
}

bool emitter_look_up(struct emitter *e) {
    rd_kafka_t *consumer = atomic_load(&e->consumer);
    if (!e->exactly_once || consumer == NULL)
        return !e->exactly_once;
    pthread_mutex_lock(&e->lock);
    rd_kafka_topic_partition_list_t *list = held_partitions(e);
    pthread_mutex_unlock(&e->lock);
    bool known = list->cnt == 0 || rd_kafka_committed(consumer, list, ASK_MS) == RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; i < list->cnt; i++)
        known &= !list->elems[i].err;
    pthread_mutex_lock(&e->lock);
    for (int i = 0; known && i < list->cnt; i++)
        settle_lane(e, &list->elems[i]);
    pthread_mutex_unlock(&e->lock);
    rd_kafka_topic_partition_list_destroy(list);
    return known;
}
