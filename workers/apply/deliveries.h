/* Verbs on endpoints that events are delivered to over HTTP. */
#ifndef USHER_WORKERS_APPLY_DELIVERIES_H
#define USHER_WORKERS_APPLY_DELIVERIES_H

#include "workers/apply/decision.h"

void announce_deliveries(struct unit *u, struct unit_workspace *w, const struct command *c);
enum err_code apply_delivery_create(struct decision *d);
enum err_code apply_delivery_set(struct decision *d);
enum err_code apply_delivery_rotate(struct decision *d);
enum err_code apply_delivery_replay(struct decision *d);
enum err_code apply_delivery_delete(struct decision *d);

#endif
