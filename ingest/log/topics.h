/* The topics of the log: made where they are missing, and checked once. One thread. */
#ifndef USHER_INGEST_LOG_TOPICS_H
#define USHER_INGEST_LOG_TOPICS_H

#include "ingest/settings.h"
#include "ops/runtime/err.h"

struct topics;

struct topics *topics_new(const struct settings *s);
void topics_close(struct topics *t);
/* ERR_OK: they are as they must be, and nobody looks again. ERR_CONFIG: one has another number of partitions,
 * which would tear workspaces apart. ERR_KAFKA: try again. */
enum err_code topics_ensure(struct topics *t, struct err *err);

#endif
