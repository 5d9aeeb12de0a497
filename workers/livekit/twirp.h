/* Calls to LiveKit (Twirp: JSON over HTTP/1.1), many at once on connections that are kept: the one place of
 * the bridge that touches libcurl. One thread. No redirects, no proxy. */
#ifndef USHER_WORKERS_LIVEKIT_TWIRP_H
#define USHER_WORKERS_LIVEKIT_TWIRP_H

#include "ops/runtime/jbuf.h"

#include <stddef.h>
#include <stdint.h>

enum twirp_result {
    TWIRP_DONE,
    TWIRP_ABSENT,  /* the person or the room is not there (404 not_found) */
    TWIRP_REFUSED, /* 401 or 403: our key or secret is wrong */
    TWIRP_FAILED,  /* any other status, or no answer in time: this call may succeed later */
    TWIRP_AWAY,    /* there was no connection, or it broke */
    TWIRP_LARGE,   /* the answer is larger than it may be */
    TWIRP_STOPPED  /* it was under way when the program ended */
};

struct twirp;

struct twirp_limits {
    long call_ms;
    size_t answer_max;
    long connections; /* to one server */
};

/* NULL if the library cannot be used. */
struct twirp *twirp_new(const struct twirp_limits *limits);
/* Calls under way end as TWIRP_STOPPED. */
void twirp_free(struct twirp *t);

/* text[0..n) is the answer of TWIRP_DONE, until the function returns. why: a few words for a log, of all
 * others. */
typedef void (*twirp_done)(void *ctx, enum twirp_result result, const char *text, size_t n, const char *why);

/* method: "ListRooms". body and token are copied. done is called once, by twirp_turn. */
void twirp_call(struct twirp *t, const char *url, const char *method, const char *token, const char *body,
                twirp_done done, void *ctx);
/* Goes on with all calls, tells those that have ended, and waits until something happens, wait_ms at most. */
void twirp_turn(struct twirp *t, int wait_ms);
/* Ends the waiting of twirp_turn. Any thread. */
void twirp_wake(struct twirp *t);

#endif
