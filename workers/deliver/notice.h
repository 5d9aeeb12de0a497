/* Tells that an endpoint is disabled, or that a stream is paused, as a command like all others: so it stands
 * in the order of the workspace and in its audit. */
#ifndef USHER_WORKERS_DELIVER_NOTICE_H
#define USHER_WORKERS_DELIVER_NOTICE_H

#include "ops/runtime/config.h"
#include "ops/runtime/err.h"

struct notice;

struct notice *notice_new(const struct config *config,
                          struct err *err); /* NULL: Kafka's settings are wrong */
/* Sends the command; nobody waits for it. What does not arrive is sent again with the next failure. */
void notice_stop(struct notice *n, const char *workspace, const char *endpoint, const char *state,
                 const char *reason);
void notice_work(struct notice *n); /* now and then */
void notice_free(struct notice *n); /* NULL is fine */

#endif
