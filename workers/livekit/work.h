/* What is to be made right at one LiveKit: rooms and people, as marks. A mark says where to look and not what
 * to do: whoever takes it asks the table what ought to be. So a mark may be made twice, or late, and marks of
 * one person become one. Knows neither Kafka nor HTTP. Any thread marks; one thread takes.
 *
 * Bounds: a room waits once, with at most WORK_PEOPLE people; all rooms together with `waiting_max`. Beyond
 * either, the room is compared as a whole, which makes the same right with one list. No mark is ever dropped.
 *
 * Order: of one room, whether it is there comes first and alone; then people, at most `per_room` at once and
 * each one once at a time; then comparing, alone. Rooms take turns. A room whose call has failed waits,
 * longer each time, and holds up no other. */
#ifndef USHER_WORKERS_LIVEKIT_WORK_H
#define USHER_WORKERS_LIVEKIT_WORK_H

#include "ops/runtime/id.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORK_PEOPLE 64 /* of one room */

struct work_limits {
    size_t waiting_max; /* people, of all rooms */
    size_t per_room;    /* calls of one room at once */
    int64_t retry_first_us, retry_most_us;
};

enum work_kind { WORK_ROOM, WORK_PERSON, WORK_COMPARE };

struct work_room;
struct work_job {
    enum work_kind kind;
    struct uuid workspace, room;
    const char *person; /* of WORK_PERSON: an identity, which need not be usher's; borrowed until work_done */
    int64_t since_us;   /* when it was marked first; 0: nobody waits for it */
    struct work_room *of;
};

struct work;

/* moved is called, without a lock, when there is something to take; any thread. */
struct work *work_new(const struct work_limits *limits, void (*moved)(void *ctx), void *ctx);
void work_free(struct work *w);

/* since_us: the time of the event, monotonic; 0 for what comparing has found. */
void work_mark_room(struct work *w, const char *workspace, const char *room, int64_t since_us);
void work_mark_person(struct work *w, const char *workspace, const char *room, const char *person,
                      int64_t since_us);
/* The whole room, not before due_us (0: at once). */
void work_mark_compare(struct work *w, const char *workspace, const char *room, int64_t due_us);

/* The next job. False: there is none now; *due_us is when there may be one (INT64_MAX: when something is
 * marked). */
USHER_MUST_CHECK bool work_take(struct work *w, int64_t now_us, struct work_job *job, int64_t *due_us);
/* The job is done, or has failed and comes again. */
void work_done(struct work *w, const struct work_job *job, bool good, int64_t now_us);

/* Rooms with anything to do, and people who wait. */
size_t work_waiting(struct work *w);

#endif
