/* The topics: made if they are missing, and checked once. For one thread. */
#ifndef USHER_INGEST_LOG_TOPICS_H
#define USHER_INGEST_LOG_TOPICS_H

#include "ingest/settings.h"
#include "ops/runtime/err.h"

struct topics;

struct topics *topics_new(const struct settings *s);
void topics_close(struct topics *t);
/* ERR_OK: the topics are right; further calls do nothing. ERR_CONFIG: a topic has another number of
 * partitions, so commands of one workspace would get into two partitions. ERR_KAFKA: try again. */
enum err_code topics_ensure(struct topics *t, struct err *err);

#endif
