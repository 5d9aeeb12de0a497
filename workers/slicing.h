/* The loop's part in large commands (ops/DESIGN.md, "Slices"): which commands wait, one slice after the
 * other, and how far the offset of a partition may go. On the loop's thread. */
#ifndef USHER_WORKERS_SLICING_H
#define USHER_WORKERS_SLICING_H

#include "workers/apply/batch.h"
#include "workers/consumer.h"
#include "workers/replies.h"

struct db;
struct slicing;

/* Borrows all of it. */
struct slicing *slicing_new(const struct config *config, const struct apply *apply, struct db *db,
                            struct consumer *consumer, struct emitter *emitter, struct replies *replies);
void slicing_free(struct slicing *s);

/* A partition is taken, or taken anew: what was known of it is forgotten, and what is under way is asked for.
 */
enum err_code slicing_start(struct slicing *s, int32_t partition, struct err *err);
/* The partition is not ours, or must be taken anew. */
void slicing_drop(struct slicing *s, int32_t partition);

/* Before a batch of the log is applied: those of its deliveries that must wait go to its end, marked so.
 * Gives how many are to be applied. */
size_t slicing_sort(const struct slicing *s, struct batch *b);
/* After it was applied: what waits is kept, and what is done in slices begins. Before the replies. */
void slicing_keep(struct slicing *s, struct batch *b);
/* After the replies: offsets of the batch may be committed, as far as no command waits. */
void slicing_pass(struct slicing *s, const struct batch *b);
/* Commands that need not wait any more; NULL: there are none. */
struct batch *slicing_next(struct slicing *s, size_t max);

bool slicing_busy(const struct slicing *s);
/* One slice, or one step of a decision, if there is one. *partition: whose it was; -1: none. *decided: the
 * command that was, to be concluded as any batch; NULL: none. */
enum err_code slicing_turn(struct slicing *s, int32_t *partition, struct batch **decided, struct err *err);

#endif
