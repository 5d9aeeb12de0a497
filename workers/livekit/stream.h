/* The reader of usher's streams: fills the table from usher.rooms, follows usher.membership read_uncommitted,
 * and marks what an event may have changed (schemas/README.md, "4. Sequence numbers"). It begins anew where
 * its place is lost, and waits for Kafka as long as it takes. */
#ifndef USHER_WORKERS_LIVEKIT_STREAM_H
#define USHER_WORKERS_LIVEKIT_STREAM_H

#include "workers/livekit/bridge.h"

/* Until a stop is asked for (lifecycle.h). */
void stream_run(const struct config *c, struct table *t, struct bridge *b);

#endif
