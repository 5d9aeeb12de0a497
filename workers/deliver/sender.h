/* Sends messages to endpoints: claims those that are due, posts to each one message at a time, and settles
 * what has come of it before the next one goes out. A dead receiver holds up itself alone. A crash between an
 * answer and its settling repeats one message, with the same id. */
#ifndef USHER_WORKERS_DELIVER_SENDER_H
#define USHER_WORKERS_DELIVER_SENDER_H

#include "ops/runtime/config.h"
#include "ops/runtime/err.h"

struct sender;

/* NULL: the settings are wrong, or libcurl cannot be used. */
struct sender *sender_new(const struct config *config, struct err *err);
/* Any thread: a workspace has new messages. */
void sender_touch(struct sender *s, const char *workspace);
/* Goes round once; waits a little where there is nothing to do. After an error it is called again, after a
 * while. */
enum err_code sender_turn(struct sender *s, struct err *err);
void sender_wake(struct sender *s); /* any thread */
/* Leaves its endpoints to others. NULL is fine. */
void sender_free(struct sender *s);

#endif
