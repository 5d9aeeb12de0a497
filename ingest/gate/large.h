/* Requests with large bodies: they are parsed, checked and made into commands on threads of their own, so
 * that the gate threads stay free for everybody else. Workspaces take turns, and of one workspace one body is
 * worked on at a time, so nobody waits for more than one body of somebody else. The threads have a lower
 * priority. */
#ifndef USHER_INGEST_GATE_LARGE_H
#define USHER_INGEST_GATE_LARGE_H

#include "ingest/request/request.h"

struct large *large_new(struct ingest *in);
void large_close(struct large *l); /* nothing may wait any more */

/* Takes over an admitted request whose body was read; from a gate thread. */
void large_push(struct large *l, struct request *r);
/* Answers those that have waited until their deadline. */
void large_tick(struct large *l, int64_t now_us);

#endif
