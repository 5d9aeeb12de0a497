/* One reading of usher.audit, in one partition, for accepted requests that the log has lost. */
#ifndef USHER_WORKERS_LOST_SCAN_H
#define USHER_WORKERS_LOST_SCAN_H

#include "ops/runtime/config.h"
#include "sql/db.h"
#include "workers/consumer.h"

#include <stdatomic.h>

struct lost_scan {
    const struct config *config;
    const struct consumer *consumer;
    struct db *db;
    const atomic_bool *stop;
    int32_t partition;
    int64_t next;     /* the record to begin with; negative: by time. Afterwards: where it ended */
    int64_t since_us; /* what was accepted before is left alone */
};

/* Reads up to what is there now. *lost: how many were handed to the log as lost, also where it ends with an
 * error. A partition that is taken away, or a stop, is one too. */
enum err_code lost_scan(struct lost_scan *s, int64_t *lost, struct err *err);

#endif
