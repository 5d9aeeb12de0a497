/* Does this worker work? Its listener for /metrics, /healthz and /readyz, which answers from the very start;
 * a probe that asks Kafka and PostgreSQL; and a guard that never waits for either: it takes SIGTERM, sees to
 * it that the process ends in time after one, and ends a process that is stuck. */
#ifndef USHER_WORKERS_HEALTH_H
#define USHER_WORKERS_HEALTH_H

#include "workers/archive/archive.h"
#include "workers/deliver/deliver.h"
#include "workers/loop.h"

struct health;

/* NULL and err: cannot listen there. */
struct health *health_start(const struct config *config, struct err *err);
/* What the start waits for, as the reason of not being ready. A line in the log, once while it stays the same
 * step; the waits grow. True: a stop was asked for. */
bool health_wait(struct health *h, const char *step, const struct err *why);
/* It has started: from now on these are looked at … */
void health_attach(struct health *h, struct consumer *consumer, struct emitter *emitter, struct loop *loop,
                   struct slot *slot);
/* … and no longer, as they are about to be freed. */
void health_detach(struct health *h);
/* The same of the archive and of who delivers; NULL: there is none, or no longer. alone: this process applies
 * no commands. */
void health_attach_roles(struct health *h, struct archive *archive, struct deliver *deliver, bool alone);
void health_stop(struct health *h); /* NULL is fine */

#endif
