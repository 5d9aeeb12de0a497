/* The secret that cursors and the addresses of outcomes are sealed with, fetched from the database once: the
 * same for all instances, and through restarts. */
#ifndef USHER_INGEST_GATE_SEAL_H
#define USHER_INGEST_GATE_SEAL_H

#include "ops/runtime/err.h"
#include "sql/db.h"

#include <stdbool.h>

#define SEAL_KEY_SIZE 32

/* Fetches it if it is not there yet; called until it has succeeded. Any thread, with its own connection. */
enum err_code seal_load(struct db *db, struct err *err);
bool seal_loaded(void);
/* SEAL_KEY_SIZE bytes that never change; NULL while it is not loaded (the database has never been reached).
 */
const unsigned char *seal_key(void);

#endif
