/* The memory that bodies of requests take, over all requests of this ingest: a budget (body-memory), of which
 * one workspace gets a quarter for large bodies, so that one client cannot take it from all others. */
#ifndef USHER_INGEST_REQUEST_BODIES_H
#define USHER_INGEST_REQUEST_BODIES_H

#include "ops/runtime/id.h"

#include <stdbool.h>
#include <stddef.h>

/* A body above this size is large: it is read after admission, and worked on by threads of its own. */
#define BODY_LARGE 65536u
/* Up to this size a body always finds room: what nearly all clients send is not refused for the large bodies
 * of others. The number of connections bounds what that may come to. */
#define BODY_TINY 16384u

/* The sentence of the refusal. */
#define BODIES_FULL "The memory for request bodies is full; try again"

struct bodies;

/* What is counted for one body. Zero: nothing yet. */
struct body_room {
    struct bodies *of;
    size_t bytes;
    bool shared; /* counted for the workspace too */
    struct uuid workspace;
};

struct bodies *bodies_new(size_t budget, size_t largest);
void bodies_free(struct bodies *b);

/* Counts n more bytes. workspace counts for large bodies; their clients are admitted. False: there is no
 * room, and nothing was counted. */
bool bodies_take(struct bodies *b, struct body_room *room, const struct uuid *workspace, size_t n);
/* Gives back all that was counted. */
void bodies_give(struct body_room *room);

#endif
