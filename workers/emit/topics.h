/* The topics of the outbox's records, by enum lane_topic (lanes.h). */
#ifndef USHER_WORKERS_EMIT_TOPICS_H
#define USHER_WORKERS_EMIT_TOPICS_H

#include "workers/emit/lanes.h"

extern const char *const emit_topics[LANE_TOPICS];

#endif
