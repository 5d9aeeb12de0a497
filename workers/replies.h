/* Replies to the ingests, sent as soon as PostgreSQL has committed. A lost reply costs the client's wait,
 * nothing else: the ingest asks for the stored outcome at its deadline. */
#ifndef USHER_WORKERS_REPLIES_H
#define USHER_WORKERS_REPLIES_H

#include "ops/runtime/config.h"
#include "workers/delivery.h"

struct replies;

struct replies *replies_open(const struct config *config, struct err *err);
void replies_send(struct replies *r, const struct delivery *deliveries, size_t n);
void replies_poll(struct replies *r); /* must be called now and then */
void replies_close(struct replies *r);

#endif
