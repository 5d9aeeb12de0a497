/* Slots: small numbers that processes hold by session advisory locks. A worker's slot names its transactional
 * id, so that the successor of a dead worker ends what that one left open in Kafka. */
#ifndef USHER_SQL_ASK_SLOTS_H
#define USHER_SQL_ASK_SLOTS_H

#include "sql/db.h"

#define SLOTS_WORKERS 7002 /* advisory lock classes */
#define SLOTS_REPLIES 7001

/* Takes the lowest free slot below max; the lock lives as long as the connection's session. *slot = -1 if
 * none is free. */
enum err_code slots_take(struct db *db, int lock_class, int max, int *slot, struct err *err);
/* Tries one. */
enum err_code slots_try(struct db *db, int lock_class, int slot, bool *taken, struct err *err);
enum err_code slots_release(struct db *db, int lock_class, int slot, struct err *err);
/* A worker's slot is dirty while its worker may have an open Kafka transaction. */
enum err_code slots_mark(struct db *db, int slot, bool dirty, struct err *err);
/* Up to max dirty slots other than `own`. */
enum err_code slots_dirty(struct db *db, int own, int *slots, size_t max, size_t *n, struct err *err);
/* How many dirty slots nobody holds. */
enum err_code slots_dead(struct db *db, int lock_class, int64_t *n, struct err *err);

#endif
