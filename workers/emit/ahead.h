/* Are the streams ahead of PostgreSQL, or shorter than they were? Then no worker goes on blindly: numbers
 * would be given twice, and nobody would notice. */
#ifndef USHER_WORKERS_EMIT_AHEAD_H
#define USHER_WORKERS_EMIT_AHEAD_H

#include "ops/runtime/config.h"
#include "sql/db.h"

#define AHEAD_OLDER "PostgreSQL is older than the streams"
#define AHEAD_RESTORE "Stop all workers and run: usherctl restore"

/* At the start of a worker, whatever its roles, before it reads or writes anything: the rows that Kafka has
 * beside the group's offsets are in the outbox; each topic goes as far as it went behind the marks; no new
 * epoch waits to be told. ERR_CONFIG, with the command to run; ERR_KAFKA, ERR_DB_…: ask again. */
enum err_code ahead_check(const struct config *config, struct db *db, struct err *err);
/* The last of these alone: partitions are taken at any time. */
enum err_code ahead_check_epoch(struct db *db, struct err *err);

#endif
