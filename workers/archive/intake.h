/* The archive's consumer of usher.audit. The group only shares out the partitions. Where each of them goes on
 * stands in PostgreSQL, and is read when a partition comes, and again whenever it may be another than we
 * think. */
#ifndef USHER_WORKERS_ARCHIVE_INTAKE_H
#define USHER_WORKERS_ARCHIVE_INTAKE_H

#include "ops/runtime/config.h"
#include "workers/archive/entry.h"

#define INTAKE_RECORDS 1000     /* of one batch */
#define INTAKE_BYTES (4u << 20) /* a batch is full when it has so many */

struct intake;

/* trial: the broker pretends to be one. */
struct intake *intake_open(const struct config *config, bool trial, struct err *err);
/* Are there partitions whose place is to be read before anything comes of them? */
bool intake_due(const struct intake *in);
enum err_code intake_start(struct intake *in, struct db *db, struct err *err);
/* All places are to be read anew. */
void intake_forget(struct intake *in);
/* The next records, in `out` (room for INTAKE_RECORDS); 0: none came for a while. They live until the next
 * call. */
size_t intake_next(struct intake *in, struct entry_source *out);
/* False: the consumer is of no use any more, and a new one is to be opened. */
bool intake_good(const struct intake *in);

/* Of all partitions, by number; next is negative where a partition is not ours. The book moves them. */
struct archive_place *intake_places(struct intake *in);
/* Which are ours and started; n: how many. Changes only in intake_start and intake_next. */
const int32_t *intake_ours(const struct intake *in, size_t *n);
unsigned intake_generation(const struct intake *in); /* another one: the assignment is another one */
bool intake_at_end(const struct intake *in, int32_t partition);
int64_t intake_lag(struct intake *in); /* records that wait */
void intake_close(struct intake *in);

#endif
