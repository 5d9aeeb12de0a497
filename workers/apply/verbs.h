/* What a worker does with each type of command: one row a type. A new type gets a row in
 * schemas/stream/command_type.h, one here, and the two functions that it names. */
#ifndef USHER_WORKERS_APPLY_VERBS_H
#define USHER_WORKERS_APPLY_VERBS_H

#include "workers/apply/decision.h"

struct verb {
    /* Tells the unit what the command will touch, before the transaction begins, so that one round trip loads
     * it for the whole batch. Only speed rests on it: what was not told is loaded when it is needed. */
    void (*announce)(struct unit *u, struct unit_workspace *w, const struct command *c);
    /* Checks everything before it changes or records anything. ERR_OK (applied, reply filled), a refusal
     * (d->err says why), or the database's error. */
    enum err_code (*apply)(struct decision *d);
};

const struct verb *verb_of(enum command_type type);
/* Checks the command and applies it. fault: of what it carries; ERR_OK: it is in order. The error is d->err.
 */
enum err_code verb_decide(struct decision *d, const struct err *fault);

#endif
