/* The health of the instance. A thread brings up what requests need (topics, the reply partition, metadata)
 * and watches it; /readyz says what is missing. */
#ifndef USHER_INGEST_HTTP_HEALTH_H
#define USHER_INGEST_HTTP_HEALTH_H

#include "ingest/request/request.h"

struct health *health_new(struct ingest *in);
void health_close(struct health *h);
bool health_ready(struct health *h);
/* GET /healthz, /readyz, /metrics */
extern const struct handler health_alive, health_readiness, health_metrics;

#endif
