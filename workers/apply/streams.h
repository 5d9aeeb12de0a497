/* Verbs on streams (schemas/api/ssf.h): endpoints that belong to a key, which makes and changes them itself.
 * Owners and administrators may set their state, and delete them. */
#ifndef USHER_WORKERS_APPLY_STREAMS_H
#define USHER_WORKERS_APPLY_STREAMS_H

#include "workers/apply/decision.h"

/* delivery.create and delivery.set: of a stream, or of a webhook (deliveries.h). */
enum err_code apply_endpoint_create(struct decision *d);
enum err_code apply_endpoint_set(struct decision *d);
/* delivery.verify: a token that tells the receiver that the stream works. */
enum err_code apply_delivery_verify(struct decision *d);

#endif
