/* Reads that may take long: lists, sorts, look-ups that find much, rooms with many members. They have threads
 * and connections of their own, so that nothing else waits behind them. Of a key two run at a time
 * (lists-per-key), and keys and workspaces have their turns; whoever waits too long gets 429. A list that
 * nobody wants any more is cancelled in PostgreSQL: its time is over, its client has gone, or its key was
 * revoked. */
#ifndef USHER_INGEST_GATE_LISTS_H
#define USHER_INGEST_GATE_LISTS_H

#include "ingest/request/request.h"

struct db;
struct lists;

struct lists *lists_new(struct ingest *in);
void lists_close(struct lists *l); /* nothing waits or runs, and it stays so */

/* Does the look-up of r->read belong here, because the last one of its workspace took long? */
bool lists_takes(struct lists *l, const struct request *r);
/* Does r->read, or asks r->question, and makes the answer. r is admitted, in the state GATE, and no longer
 * the caller's. */
void lists_push(struct lists *l, struct request *r);

/* The key is revoked, or was rotated: what it has here ends. why: the sentence of the answer; it stays. Any
 * thread. */
void lists_revoke(struct lists *l, const struct uuid *key, const char *why);
/* Asks the database for the keys of what is here, because another ingest, or usherctl, may have revoked them.
 * On the health thread, every second. */
void lists_check_keys(struct lists *l, struct db *db);
/* What has waited too long is refused. What hangs in the database beyond its deadline is answered by a
 * stand-in. */
void lists_tick(struct lists *l, int64_t now_us);

#endif
