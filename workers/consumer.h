/* The consumer of usher.commands: polls batches, follows rebalances, knows where to begin. One thread uses
 * it. */
#ifndef USHER_WORKERS_CONSUMER_H
#define USHER_WORKERS_CONSUMER_H

#include "ops/runtime/config.h"
#include "workers/delivery.h"
#include "workers/emit/emitter.h"

struct consumer;

/* Who is told of a gap, before the consumer goes on behind it: it stood at `place` (negative: nobody knows
 * where), and the log begins at `first`. False: not now, ask again. */
struct gap_listener {
    bool (*note)(void *arg, int32_t partition, int64_t place, int64_t first);
    void *arg;
};

/* Joins the group. slot: names the static member, so that a restarted worker gets its partitions back at
 * once. exactly_once: as the emitter. NULL and err. */
struct consumer *consumer_open(const struct config *config, int slot, bool exactly_once,
                               struct emitter *emitter, struct gap_listener gaps, struct err *err);
/* Waits up to timeout_ms for a command, then takes what is there, never waiting for more. NULL: nothing came,
 * or the partitions were taken away meanwhile. */
struct batch *consumer_next(struct consumer *c, int timeout_ms, size_t max);
/* Partitions that are ours and have to be started before anything is polled of them (takeover.h): after an
 * assignment, and after consumer_halt. partitions: room for all; gives how many. The others run. */
size_t consumer_due(const struct consumer *c, int32_t *partitions);
int consumer_ndue(const struct consumer *c); /* thread-safe */
bool consumer_runs(const struct consumer *c, int32_t partition);
void consumer_start(struct consumer *c, int32_t partition, int64_t offset);
/* What is known of a partition that runs is worth nothing any more. */
void consumer_set_fetch(struct consumer *c, int32_t partition, bool fetch); /* it runs, but nothing comes */
/* Work of the partition goes on, though nothing is taken from the log. consumer_turns: how often that was so;
 * thread-safe. */
void consumer_goes_on(struct consumer *c, int32_t partition);
int64_t consumer_turns(const struct consumer *c, int32_t partition);
void consumer_halt(struct consumer *c, int32_t partition);
/* Tells the listener; false: try again. */
bool consumer_note_gap(const struct consumer *c, int32_t partition, int64_t from, int64_t first);
rd_kafka_t *consumer_client(const struct consumer *c);

/* Goes back to the batch's first offsets, in those partitions that run: it will be polled again. */
void consumer_rewind(struct consumer *c, const struct batch *b);
#define CONSUMER_NONE INT64_MIN
/* The batch is applied. */
void consumer_applied(struct consumer *c, const struct batch *b);
/* Up to where the commands of a partition are applied; CONSUMER_NONE: it is not ours, or has to be started.
 * Thread-safe, as is: does it stand before a command of a newer version? */
int64_t consumer_done(const struct consumer *c, int32_t partition);
bool consumer_is_held(const struct consumer *c, int32_t partition);
/* How many partitions stand before a command of a newer version. Thread-safe. */
int consumer_held(const struct consumer *c);
bool consumer_assigned(const struct consumer *c);
/* Joins the group anew if this member was thrown out for good. False: not possible, the process must end. */
bool consumer_stay(struct consumer *c);
/* Leaves; the rebalance settles the emitter first. */
void consumer_close(struct consumer *c);

#endif
