/* Gaps of usher.commands: commands that were gone before a worker took them (workers/lost.c). */
#ifndef USHER_SQL_ASK_LOG_GAPS_H
#define USHER_SQL_ASK_LOG_GAPS_H

#include "ops/runtime/id.h"
#include "sql/db.h"

/* A gap that is being looked into. */
struct log_gap {
    int32_t partition;
    int64_t found_us; /* the newest one of the partition */
};

/* The worker stood at `place` (negative: nobody knows where), and the log begins at `first`. */
enum err_code log_gaps_note(struct db *db, int32_t partition, int64_t place, int64_t first, struct err *err);
/* Up to max partitions with gaps that are not settled. */
enum err_code log_gaps_open(struct db *db, struct log_gap *gaps, size_t max, size_t *n, struct err *err);
/* So many requests of the partition were told as failed. */
enum err_code log_gaps_count(struct db *db, int32_t partition, int64_t lost, struct err *err);
/* Every request that was accepted before until_us has its outcome. Forgets gaps that were settled `hours`
 * ago. */
enum err_code log_gaps_settle(struct db *db, const struct log_gap *gap, int64_t until_us, long hours,
                              struct err *err);
/* Was a command lost that was accepted at_us and has no outcome? */
enum err_code log_gaps_cover(struct db *db, int32_t partition, int64_t at_us, bool *lost, struct err *err);

struct txn_of {
    const char *workspace, *txn;
};
/* Sets unclaimed[i] where nobody has claimed the i-th. */
enum err_code log_gaps_unclaimed(struct db *db, const struct txn_of *txns, size_t n, bool *unclaimed,
                                 struct err *err);

#endif
