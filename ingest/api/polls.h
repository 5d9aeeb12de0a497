/* Polls of streams (RFC 8936) that wait for events. None of them holds a thread: one thread does all of them,
 * with its own connection, and looks several times a second who has got something. The answer is made while
 * it is sent (request/stream.h). How many may wait is bounded, of all and of one key. */
#ifndef USHER_INGEST_API_POLLS_H
#define USHER_INGEST_API_POLLS_H

#include "ingest/request/request.h"

#include <jansson.h>

struct polls;
struct polls *polls_new(struct ingest *in);
/* After the server has stopped. NULL is fine. */
void polls_close(struct polls *p);

/* What a receiver asks for. */
struct poll_request {
    struct uuid stream;
    json_t *acks, *errors; /* the request's; NULL: none */
    size_t most;
    bool at_once;
};
/* Begins the answer of r. ERR_RATE_LIMITED, ERR_UNAVAILABLE: too many wait. */
enum err_code polls_enter(struct polls *p, struct request *r, const struct poll_request *what,
                          struct err *err);

#endif
