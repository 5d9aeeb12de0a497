/* Asks Kafka and PostgreSQL again and again how it stands, on a thread that may wait for them: how many
 * commands wait in each partition and whether it moves, whether PostgreSQL takes writes, whether the clocks
 * agree, whether topics take what is written to them; and what metrics tell of all workspaces (sight.h). */
#ifndef USHER_WORKERS_PROBE_H
#define USHER_WORKERS_PROBE_H

#include "workers/consumer.h"

struct probe;

struct probe *probe_start(const struct config *config, struct consumer *consumer, int slot);
bool probe_good(struct probe *p, char *why, size_t n);
/* For how long a partition has stood still although commands wait in it; of the one that stands longest. */
int64_t probe_stands_us(struct probe *p);
void probe_stop(struct probe *p); /* NULL is fine */

#endif
