/* What was accepted and is gone from the log. A request that was answered 202 is told as failed if the log
 * has lost its command before a worker took it: by retention while no worker ran, or by an accident with the
 * topic. The truth about acceptances stands in usher.audit, in the partition of the same number. A thread of
 * its own reads it there, and hands those that nobody has claimed to the log once more, each as a command
 * whose outcome is ERR_LOST. So they get claim, audit record and event as every command does; and a command
 * that the log holds after all comes first, and wins. */
#ifndef USHER_WORKERS_LOST_H
#define USHER_WORKERS_LOST_H

#include "ops/runtime/config.h"
#include "ops/runtime/err.h"

#include <stdbool.h>
#include <stdint.h>

struct consumer;
struct lost;

struct lost *lost_new(const struct config *config);
/* Begins to look into gaps of the partitions that the consumer has. */
void lost_start(struct lost *l, const struct consumer *consumer);
/* The consumer's gap_listener, on its thread (arg: the struct lost). It remembers the gap for good; false:
 * PostgreSQL does not take it now. */
USHER_MUST_CHECK bool lost_note(void *arg, int32_t partition, int64_t place, int64_t first);
void lost_stop(struct lost *l);
void lost_free(struct lost *l);

#endif
