/* What stands on usher.checkpoints: of each tree the newest head. */
#ifndef USHER_WORKERS_ARCHIVE_PUBLISHED_H
#define USHER_WORKERS_ARCHIVE_PUBLISHED_H

#include "ops/runtime/config.h"
#include "schemas/proof/note.h"

struct published;

/* Of these partitions. NULL and ERR_KAFKA: it cannot be read now. */
struct published *published_read(const struct config *config, const int32_t *partitions, size_t n,
                                 struct err *err);
/* The head under that origin; NULL: there is none, or it was compared already. */
const struct checkpoint *published_of(const struct published *p, const char *origin);
/* It fits; it is asked for no more. */
void published_settle(struct published *p, const char *origin);
void published_free(struct published *p); /* NULL is fine */

#endif
