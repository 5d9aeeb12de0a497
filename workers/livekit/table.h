/* Who may be in which room, and who may transmit: as usher has it, up to the number that was read last. The
 * reader of the streams writes it, everybody asks it; any thread. What is held, and by which rules it
 * changes, is the example reader's (schemas/readers/rooms.h). */
#ifndef USHER_WORKERS_LIVEKIT_TABLE_H
#define USHER_WORKERS_LIVEKIT_TABLE_H

#include "ops/runtime/id.h"
#include "schemas/voice/voice_grant.h"

#include <jansson.h>
#include <stdbool.h>

struct table;

struct table *table_new(void);
void table_free(struct table *t);

/* From now on it holds these workspaces, in the form of rooms.h, and nothing else. Takes the reference. */
void table_load(struct table *t, json_t *workspaces);
/* One workspace anew: the rooms that it held before and holds now are told to `each`, under the lock. held is
 * borrowed. */
typedef void (*table_each)(void *ctx, const char *workspace, const char *room);
void table_reload(struct table *t, const char *workspace, json_t *held, table_each each, void *ctx);

enum table_news {
    TABLE_OLD,    /* known already: in the snapshot, or a transaction was broken off and done again */
    TABLE_NEWS,   /* done */
    TABLE_UNKNOWN /* the workspace must be read anew: a number is missing, a new epoch, a stub, a new kind of
                     event */
};
/* An event of usher.membership. kind: its ce_type. */
enum table_news table_apply(struct table *t, const char *workspace, const char *kind, const json_t *event,
                            struct voice_number at);
struct voice_number table_number(struct table *t, const char *workspace);

struct table_state {
    bool loaded;            /* false: nothing is known yet, and all others are false too */
    bool room;              /* the room is there */
    bool member, transmit;  /* the user is a member of it */
    struct voice_number at; /* of the workspace */
};
/* user NULL: about the room alone. */
struct table_state table_ask(struct table *t, const char *workspace, const char *room, const char *user);
/* Of which workspace is a room? False: it is not there. */
USHER_MUST_CHECK bool table_find(struct table *t, const char *room, struct uuid *workspace);
/* Tells all rooms, under the lock. */
void table_rooms(struct table *t, table_each each, void *ctx);
/* Any room of a workspace that fits. False: there is none. */
USHER_MUST_CHECK bool table_any(struct table *t, bool (*fits)(void *ctx, const char *workspace), void *ctx,
                                struct uuid *workspace, struct uuid *room);
bool table_loaded(struct table *t);

#endif
