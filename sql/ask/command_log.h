/* Claims and outcomes of commands by txn, as the ingest needs them at the deadline (ops/DESIGN.md, "The way
 * through"). */
#ifndef USHER_SQL_ASK_COMMAND_LOG_H
#define USHER_SQL_ASK_COMMAND_LOG_H

#include "schemas/stream/command.h"
#include "sql/db.h"

enum claim_result {
    CLAIM_WON,  /* cancelled: no worker will ever apply it */
    CLAIM_LOST, /* a worker was first; *outcome is what it stored */
};

/* Decides the race for txn between the deadline and the workers. Takes the workspace's row lock, so that it
 * stands before or after a worker's transaction, never inside it. ERR_DB_*: could not be asked; the outcome
 * is unknown. */
enum err_code command_log_cancel(struct db *db, const char *workspace, const char *txn,
                                 enum claim_result *result, struct reply *outcome, struct err *err);
struct claim {
    const char *workspace, *txn;
    enum claim_result result;
    struct reply outcome; /* with CLAIM_LOST; reply_clear frees it */
};
/* command_log_cancel for many commands, in one round trip: all results or none. */
enum err_code command_log_cancel_many(struct db *db, struct claim *claims, size_t n, struct err *err);
/* The stored outcome of txn, for tools that wait: *found false while there is none. */
enum err_code command_log_find(struct db *db, const char *workspace, const char *txn, bool *found,
                               bool *cancelled, struct reply *outcome, struct err *err);

/* What became of several commands of one workspace: calls fn for each, in the order given. known: its txn is
 * claimed; records: what it put on the streams (record_list_decode), NULL where it put nothing or was
 * cancelled. One round trip; ERR_DB_*: fn was not called. */
enum err_code command_log_outcomes(struct db *db, const char *workspace, const struct uuid *txns, size_t n,
                                   void (*fn)(size_t i, bool known, const char *records, void *ctx),
                                   void *ctx, struct err *err);

/* Forgets outcomes older than `hours`, some thousands at a time (*gone: how many, 0 = none was left), how
 * Bulks of that age went, and answers to repeated requests older than a day. `hours` must exceed the
 * retention of usher.commands. */
enum err_code command_log_prune(struct db *db, long hours, int64_t *gone, struct err *err);

#endif
