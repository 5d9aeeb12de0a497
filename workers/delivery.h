/* The commands of one batch, what became of them, and the records that they make. A batch is made by the
 * consumer, decided by apply, and ends when it is answered. One thread owns it. */
#ifndef USHER_WORKERS_DELIVERY_H
#define USHER_WORKERS_DELIVERY_H

#include "ops/runtime/arena.h"
#include "schemas/stream/command.h"
#include "schemas/stream/record.h"

struct rd_kafka_message_s; /* librdkafka's, which who only decides does not need to know */

struct crowd;

/* One record of usher.commands. */
struct delivery {
    int32_t partition;
    int64_t offset;
    const char *key, *value; /* as they stood in the log */
    size_t key_len, value_len;
    bool decoded;
    struct err decode_err;
    struct command command; /* if decoded */
    struct err fault;       /* of what that carries: it is refused; ERR_OK: it is in order */
    struct reply reply;     /* what became of it; doc lives in the batch's arena */
    bool reply_due;         /* somebody is to be told */
    bool poison;            /* goes to usher.deadletter, for this reason: decode_err */
    bool repeated;          /* it was decided before: nothing of it goes out again */
    int64_t time_us;        /* of the record */
    bool waits;       /* a large command of its workspace is not done: it was not touched, and comes again */
    bool steps;       /* … or it is large: it is to be decided in steps, in a batch of its own */
    bool sliced;      /* decided; the rest is done in slices */
    bool reply_waits; /* … and the reply waits for the last one */
    char *tried; /* of a command that is only tried: what it would have come to, in the batch's arena; NULL:
                    it is still to be decided */
    struct reply tried_reply; /* … and what the reply would have been */
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
    /* One delivery that is decided in steps: the batch is applied again and again, until it need not wait. */
    bool stepwise;
    bool has_steps;      /* one of the deliveries is to be decided so, or was in a try before */
    struct crowd *crowd; /* what the steps have found (apply/crowd.h) */
};

struct batch *batch_new(void);
void batch_free(struct batch *b);
/* Copies the message in, which has this time. Not if it is a newer version's: ERR_NOT_IMPLEMENTED. */
enum err_code batch_add(struct batch *b, const struct rd_kafka_message_s *m, int64_t time_us,
                        struct err *err);

#endif
