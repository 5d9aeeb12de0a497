/* The start-up of partitions (ops/DESIGN.md, "Emitting"): after an assignment, and whenever what is known of
 * one is worth nothing any more. First it is taken in PostgreSQL, then Kafka is asked where it goes on. */
#ifndef USHER_WORKERS_TAKEOVER_H
#define USHER_WORKERS_TAKEOVER_H

#include "workers/consumer.h"

struct takeover {
    const struct config *config;
    struct db *db;
    struct consumer *consumer;
    bool exactly_once;
};

/* Where a partition begins. */
struct start {
    int32_t partition;
    struct place place;
    int64_t number; /* of the last row that is emitted */
    int64_t mark;
    int64_t offset; /* of the next command */
    bool ready;     /* all of this is known */
};

/* Tries to start these partitions; starts: one for each. Where one is not ready, err says why, and it is
 * tried again later. */
enum err_code takeover_try(const struct takeover *t, const int32_t *partitions, size_t n,
                           struct start *starts, struct err *err);

#endif
