/* The secret key for sealing cursors and addresses of outcomes. It is read from the database once, so all
 * instances have the same key, also after a restart. */
#ifndef USHER_INGEST_GATE_SEAL_H
#define USHER_INGEST_GATE_SEAL_H

#include "ops/runtime/err.h"
#include "sql/db.h"

#include <stdbool.h>

#define SEAL_KEY_SIZE 32

/* Reads the key, unless it was read before. Called until it succeeds. Any thread, with its own connection. */
enum err_code seal_load(struct db *db, struct err *err);
bool seal_loaded(void);
/* SEAL_KEY_SIZE bytes that never change; NULL until the key was read. */
const unsigned char *seal_key(void);

#endif
