/* How many commands of one workspace are under way in the log at once. The log is a queue that all workspaces
 * of a partition share: a Bulk of a thousand operations, or a flood of requests that are answered 202, would
 * stand in it before everybody else's next change. So each workspace has a number of places. A command takes
 * one when it is sent and gives it back when its outcome is known; what finds no place waits here, in order.
 * Its deadline goes on: pending.h knows it from the beginning.
 *
 * A workspace that is the only one to send has eight times as many places: full batches cost less.
 * A place is given back after two seconds in any case, that of a large command after thirty. A worker that is
 * away then slows promises (202) down, and does not end them.
 *
 * Large commands are bounded by their bytes: the worker keeps in memory what waits for a large command of its
 * workspace, and takes nothing for anybody when that is full. One command goes, however large it is.
 *
 * Any thread may call these functions. */
#ifndef USHER_INGEST_LOG_WINDOW_H
#define USHER_INGEST_LOG_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WINDOW_ALONE 8            /* times as many places for a workspace that is alone */
#define WINDOW_PLACE_US 2000000   /* a place is held at most so long … */
#define WINDOW_LARGE (256u << 10) /* … but that of a command of more bytes … */
#define WINDOW_LARGE_US 30000000  /* … so long */
#define WINDOW_BYTES (2u << 20)   /* of one workspace's commands under way, if there are several */
#define WINDOW_ALONE_US 1000000   /* the others have sent nothing for so long */

struct window_command {
    const char *workspace, *txn;
    const char *bytes; /* encoded */
    size_t len;
    int64_t expires_us; /* not to be sent after this */
};

/* Sends a command that has waited; it has its place now. Called without a lock, by whichever thread has given
 * a place back; for one workspace by one thread at a time, in the order of window_enter. If it does not send
 * the command, it calls window_leave. */
typedef void (*window_send)(void *ctx, const struct window_command *c);

struct window *window_new(size_t places, window_send send, void *ctx);
void window_free(struct window *w); /* what waits is dropped */

/* True: the command has its place, and the caller sends it. False: it waits; its bytes are copied. */
bool window_enter(struct window *w, const struct window_command *c, int64_t now_us);
/* The outcome is known, or the command is not in the log. False: the command holds no place (any more). */
bool window_leave(struct window *w, const char *txn, int64_t now_us);
/* To be called every few milliseconds: takes back the places that are held too long. */
void window_tick(struct window *w, int64_t now_us);
/* Does the command wait to be sent? */
bool window_waits(struct window *w, const char *workspace, const char *txn);
size_t window_waiting(struct window *w); /* how many wait */

#endif
