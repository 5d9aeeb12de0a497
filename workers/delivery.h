/* What a worker carries from the log to the streams: the commands of one batch, what became of them, and the
 * records that they emit. A batch is made by the consumer, decided by apply, answered by replies, and ends in
 * the emitter. One thread owns it at a time. */
#ifndef USHER_WORKERS_DELIVERY_H
#define USHER_WORKERS_DELIVERY_H

#include "ops/runtime/arena.h"
#include "schemas/stream/command.h"
#include "schemas/stream/record.h"

/* librdkafka's, which who only decides does not need to know. */
struct rd_kafka_message_s;
struct rd_kafka_consumer_group_metadata_s;

/* One record of usher.commands. */
struct delivery {
    int32_t partition;
    int64_t offset;
    const char *key, *value; /* as they stood in the log */
    size_t key_len, value_len;
    bool decoded;
    struct err decode_err;
    struct command command; /* if decoded */
    struct reply reply;     /* what became of it; doc lives in the batch's arena */
    bool reply_due;         /* somebody is to be told */
    bool poison;            /* goes to usher.deadletter */
    int refusals;           /* the emitter's: how often Kafka refused that */
    struct record_list records;
    const char *traceparent; /* of the records: the command's, or the stored one's */
};

struct batch_offset {
    int32_t partition;
    int64_t first, next; /* next: what is committed when the batch is done */
};

struct batch {
    struct arena *arena;
    struct delivery *deliveries;
    size_t n, cap;
    struct batch_offset *offsets;
    size_t noffsets;
    /* Of the very poll that brought the batch: fences a worker that lost the partition. */
    struct rd_kafka_consumer_group_metadata_s *group;
    unsigned epoch; /* of the assignment; see emitter */
    /* The emitter's: what it holds in memory, what of that goes out, and since when it waits. */
    size_t bytes, record_bytes, records;
    int64_t since_us;
    struct batch *next;
};

struct batch *batch_new(void);
void batch_free(struct batch *b);
/* Copies the message in. Not if it is a newer version's: ERR_NOT_IMPLEMENTED. */
enum err_code batch_add(struct batch *b, const struct rd_kafka_message_s *m, struct err *err);

#endif
