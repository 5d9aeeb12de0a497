/* The worker's loop: poll, apply, answer, hand over to the emitter. */
#ifndef USHER_WORKERS_LOOP_H
#define USHER_WORKERS_LOOP_H

#include "workers/consumer.h"
#include "workers/emit/emitter.h"
#include "workers/emit/slot.h"
#include "workers/replies.h"

struct loop;

struct loop *loop_new(const struct config *config, struct consumer *consumer, struct emitter *emitter,
                      struct replies *replies, struct slot *slot, bool exactly_once);
/* Until a stop is asked for (0) or the process has lost its place (75: start it again). *why: what it has
 * lost; untouched otherwise. */
int loop_run(struct loop *l, const char **why);
/* For readiness and guard; thread-safe. */
bool loop_ready(struct loop *loop, char *why, size_t n);
int64_t loop_turned_us(const struct loop *loop); /* when it last came round */
bool loop_troubled(struct loop *loop);           /* the database does not do what it is asked */
void loop_free(struct loop *l);

#endif
