/* An endpoint that this process delivers to just now: what was claimed of it, the messages that it is to get,
 * and where it stands with them. */
#ifndef USHER_WORKERS_DELIVER_ENDPOINT_H
#define USHER_WORKERS_DELIVER_ENDPOINT_H

#include "ops/runtime/arena.h"
#include "ops/runtime/post.h"
#include "sql/ask/delivery.h"
#include "workers/deliver/push.h"
#include "workers/deliver/webhook.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct endpoint {
    struct arena *arena; /* of all texts */
    char workspace[37], id[37];
    const char *url, *host;
    struct webhook_key keys[2];
    size_t nkeys;
    struct push *push; /* of a stream; NULL: it is a webhook */
    int64_t turn, version, failures, failing_since_us;
    int64_t cursor, newest;
    bool is_due;   /* the messages behind the cursor are to be sent */
    int64_t asked; /* what is sent once more, first of all; -1: nothing */
    struct delivery_message *messages;
    size_t nmessages, at; /* at: the next one */

    int64_t held_us; /* by the steady clock: when it was claimed, or settled, last */
    bool under_way;
    bool is_settling;                 /* something has come of it that PostgreSQL has not taken yet */
    bool is_asked;                    /* what is under way, or was: what was asked for … */
    struct delivery_message now;      /* … and which message it is */
    int64_t began_us, waits_since_us; /* waits_since_us: for its host, 0: it does not */
    struct jbuf body;
    struct endpoint *next;
};

/* The endpoint of a claim, and those of the messages that are its own. NULL: its secrets do not open with the
 * service's. now_us decides whether the secret before the present one signs too.
 * keys: what the tokens of streams are signed with; they outlive it. */
struct endpoint *endpoint_new(const struct delivery_claimed *c, const struct delivery_message *messages,
                              size_t n, const unsigned char *service, const struct push_keys *keys,
                              int64_t now_us);
void endpoint_free(struct endpoint *e);

/* Goes to the next message that is to be sent, into e->now. Passes over those that it does not want. *lost:
 * so many the log has forgotten before. False: there is none in hand. */
bool endpoint_step(struct endpoint *e, int64_t *lost);
/* A token went well, and is not the last one of its message: the next one is to follow. False: it was the
 * last one, or the endpoint is no stream. */
bool endpoint_next_part(struct endpoint *e);
/* The message as it is posted; its texts live until the next call, or until the endpoint ends. */
void endpoint_letter(struct endpoint *e, int64_t now_us, struct post_message *out);

#endif
