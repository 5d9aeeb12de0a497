/* The archive: a thread that reads usher.audit into PostgreSQL, with a consumer and a connection of its own.
 * It has nothing in common with those who apply commands, so that it can be slow, behind or away without
 * anybody's notice. */
#ifndef USHER_WORKERS_ARCHIVE_ARCHIVE_H
#define USHER_WORKERS_ARCHIVE_ARCHIVE_H

#include "ops/runtime/config.h"
#include "ops/runtime/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct archive;

/* trial: the broker forgets what it holds when it ends. NULL and ERR_CONFIG: the settings are wrong. */
struct archive *archive_start(const struct config *config, bool trial, struct err *err);
/* Thread-safe. */
bool archive_ready(struct archive *a, char *why, size_t n);
int64_t archive_turned_us(struct archive *a); /* when it last came round */
/* Ends when the batch under way is done; on a trial broker it first takes what is still there. */
void archive_stop(struct archive *a);

#endif
