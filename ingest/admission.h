/* Who is asking, and may he: tokens of a whole batch in one round trip, then the checks that need no
 * database. */
#ifndef USHER_INGEST_ADMISSION_H
#define USHER_INGEST_ADMISSION_H

#include "ingest/request.h"

#define GATE_BATCH 256

/* Admits requests[0..n), n <= GATE_BATCH; answers those that are refused. Those that go on are moved to the
 * front, in order; returns how many. */
size_t admission_run(struct db *db, struct request **requests, size_t n);

#endif
