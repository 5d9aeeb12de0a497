/* The role deliver: a thread that takes messages out of the streams into the log of messages, and one that
 * sends them to endpoints over HTTP, each with a connection of its own. Neither has anything in common with
 * those who apply commands, so that receivers can be slow or dead without anybody's notice. */
#ifndef USHER_WORKERS_DELIVER_DELIVER_H
#define USHER_WORKERS_DELIVER_DELIVER_H

#include "ops/runtime/config.h"
#include "ops/runtime/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct deliver;

/* trial: the broker pretends to be one. NULL: the settings are wrong. */
struct deliver *deliver_start(const struct config *config, bool trial, struct err *err);
/* Thread-safe. */
bool deliver_ready(struct deliver *d, char *why, size_t n);
int64_t deliver_turned_us(struct deliver *d); /* when the slower of the two last came round */
/* Ends when what is under way in PostgreSQL is done; requests to endpoints are broken off. NULL is fine. */
void deliver_stop(struct deliver *d);

#endif
