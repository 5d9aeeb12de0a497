/* What a batch's requests add up to: for each key and minute, hour and day, and for each source address. */
#ifndef USHER_WORKERS_ARCHIVE_SUMS_H
#define USHER_WORKERS_ARCHIVE_SUMS_H

#include "workers/archive/entry.h"

struct sums;
struct sums *sums_new(void);
void sums_add(struct sums *s, const struct entry *e); /* of a change: does nothing */
/* Borrowed: as long as the sums live. Sources borrow from the entries. */
void sums_put(const struct sums *s, struct archive_batch *out);
void sums_free(struct sums *s);

#endif
