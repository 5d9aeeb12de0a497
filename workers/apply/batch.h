/* Applies the commands of a batch: one transaction for all of them, or, where that cannot be stored, one for
 * each, until the command is found that cannot be stored alone. */
#ifndef USHER_WORKERS_APPLY_BATCH_H
#define USHER_WORKERS_APPLY_BATCH_H

#include "sql/unit/unit.h"
#include "workers/apply/decision.h"
#include "workers/delivery.h"
#include "workers/rows.h"

/* Where and how commands are applied. */
struct apply {
    struct unit_store store;
    int partitions;            /* of usher.commands */
    struct place *places;      /* of each of them: the numbers of their rows go on with every commit */
    const char *events_issuer; /* who says so: claim iss of SCIM events */
    struct decision_bounds bounds;
    int64_t (*now_us)(void); /* wall clock */
    /* Asked after an error that may go away: is another try worth it? tries: how many there were of this
     * transaction. It may wait. */
    bool (*again)(void *arg, int tries);
    /* How long the database may take for what follows; bytes: of the command that needs longer than usual; 0:
     * as usual again. */
    enum err_code (*patience)(void *arg, size_t bytes, struct err *err);
    /* Called after each commit, with the rows that it added to the outbox, which it is given; NULL: none. */
    void (*committed)(void *arg, struct row *rows);
    void *arg;
};

/* Decides every command and commits: claims, changes, sequence numbers, outcomes, and records as rows of the
 * outbox. On ERR_OK every delivery has its reply; a command whose data the database refuses when it is alone
 * is refused, and marked as poison; one that takes too long alone, with more time than others get, is
 * refused. ERR_DB_FENCED: another worker has taken a partition of the batch; ERR_DB_LOST: perhaps what was
 * asked for last is committed. After both the partitions are taken anew (takeover.h). Otherwise the trouble
 * is the database's. After any error the batch is delivered again, and what was committed of it is known by
 * its claims. */
enum err_code apply_batch(const struct apply *a, struct batch *b, struct err *err);

#endif
