/* Replies to the ingests, sent as soon as PostgreSQL has committed. A lost reply costs the client's wait,
 * nothing else: the ingest asks for the stored outcome at its deadline. */
#ifndef USHER_WORKERS_REPLIES_H
#define USHER_WORKERS_REPLIES_H

#include "ops/runtime/config.h"
#include "workers/delivery.h"

struct answers;

struct answers *answers_open(const struct config *config, struct err *err);
void answers_send(struct answers *a, const struct work *works, size_t n);
void answers_poll(struct answers *a); /* must be called now and then */
void answers_close(struct answers *a);

#endif
