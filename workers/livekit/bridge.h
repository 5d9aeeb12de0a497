/* Keeps the rooms of LiveKit servers equal to the table: one thread that takes marks, asks the table what
 * ought to be, and calls; a server for each project. Marks may be made by any thread. */
#ifndef USHER_WORKERS_LIVEKIT_BRIDGE_H
#define USHER_WORKERS_LIVEKIT_BRIDGE_H

#include "ops/runtime/config.h"
#include "schemas/voice/voice_project.h"
#include "workers/livekit/table.h"

struct bridge;

/* projects and table must outlive it. NULL and err on failure. */
struct bridge *bridge_start(const struct config *c, const struct voice_projects *projects, struct table *t,
                            struct err *err);
/* Calls under way are broken off: whoever starts next compares everything. */
void bridge_stop(struct bridge *b);

/* Marks (work.h). A workspace that no LiveKit serves is passed over. since_us: the time of the event,
 * monotonic. */
void bridge_mark_room(struct bridge *b, const char *workspace, const char *room, int64_t since_us);
void bridge_mark_person(struct bridge *b, const char *workspace, const char *room, const char *person,
                        int64_t since_us);
void bridge_mark_compare(struct bridge *b, const char *workspace, const char *room);
/* Compares everything at all servers. */
void bridge_compare_all(struct bridge *b);

/* Whose room is this at LiveKit? False: none that the table has. */
USHER_MUST_CHECK bool bridge_find(struct bridge *b, const char *name, struct uuid *workspace,
                                  struct uuid *room);

/* False, with the reason: a LiveKit does not answer, refuses our key, or was not compared yet. */
bool bridge_ready(struct bridge *b, char *why, size_t n);

#endif
