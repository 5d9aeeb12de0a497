/* Large commands under way, and the commands that wait for them (ops/DESIGN.md, "Slices"). While one of a
 * workspace is decided in steps, or its slices are done, each of the workspace's other commands waits here,
 * in the order of the log; those of other workspaces go on. Everything here is in memory alone: the offset
 * that is committed never passes a command that waits, and a partition's next owner finds the slices in
 * PostgreSQL. One thread uses it. */
#ifndef USHER_WORKERS_PARKING_H
#define USHER_WORKERS_PARKING_H

#include "workers/delivery.h"

#define PARKING_COMMANDS 512
#define PARKING_BYTES (64u << 20)

struct parking;
struct parking *parking_new(void);
void parking_free(struct parking *p);

/* A large command of the workspace is decided, and its slices are to be done. reply: what its client is told
 * when the last one is; NULL: it has been told, or nobody knows what. */
void parking_begin(struct parking *p, int32_t partition, const char *workspace, const struct delivery *reply);
/* A command that was added, the first one of its workspace, is to be decided in steps. */
void parking_step_by_step(struct parking *p, const struct delivery *d);

/* Whose slice or step is due: each workspace in turn. */
struct parking_turn {
    const char *workspace; /* NULL: there is none */
    int32_t partition;
    struct batch *steps; /* the command that is decided so, borrowed; NULL: a slice is due */
};
struct parking_turn parking_turn(struct parking *p);
/* It is decided: the command leaves, as a batch. */
struct batch *parking_decided(struct parking *p, const char *workspace);
/* It must wait for slices, which somebody else has begun. */
void parking_not_decided(struct parking *p, const char *workspace);
/* The last slice is done. Gives the reply that waited for it, or NULL; to be freed with parking_reply_free.
 */
struct delivery *parking_end(struct parking *p, const char *workspace);
void parking_reply_free(struct delivery *reply);

/* Must a command of the workspace wait? */
bool parking_holds(const struct parking *p, const char *workspace);
/* Copies the delivery in. */
void parking_add(struct parking *p, const struct delivery *d);
/* Commands that need not wait any more, in order, at most `max`; NULL: there are none. They leave. */
struct batch *parking_take(struct parking *p, size_t max);
/* The first command of the partition that waits; INT64_MAX: none does. */
int64_t parking_first(const struct parking *p, int32_t partition);
/* The partition is not ours any more, or is taken anew. */
void parking_drop(struct parking *p, int32_t partition);

size_t parking_slices(const struct parking *p); /* large commands whose slices are under way … */
size_t parking_steps(const struct parking *p);  /* … and that are decided in steps */
size_t parking_waiting(const struct parking *p);
/* Is there no room for more? Once there was none, there is some only when half of it is empty. */
bool parking_full(struct parking *p);

#endif
