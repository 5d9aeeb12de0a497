/* The record of usher.audit that says that a command was accepted: all that is left of it once the log has
 * lost the command. */
#ifndef USHER_WORKERS_ACCEPTANCE_H
#define USHER_WORKERS_ACCEPTANCE_H

#include "schemas/stream/command.h"

#include <stddef.h>

/* Does the record say that one command was answered 202, so that its sender expects an outcome? Then c is the
 * command that makes ERR_LOST its outcome: a request.refused with the same txn, for the same sender. It holds
 * no memory. */
bool acceptance_read(const char *value, size_t n, int64_t now_us, struct command *c);

#endif
