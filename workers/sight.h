/* Metrics of the whole installation that are for operators: seats, and credentials that run out. Every worker
 * that applies commands looks by itself, so each shows the same, and none has to be the one that does. */
#ifndef USHER_WORKERS_SIGHT_H
#define USHER_WORKERS_SIGHT_H

#include "sql/ask/sight.h"

struct sight {
    int64_t due_us;
    bool failed; /* said so */
};

/* Asks PostgreSQL where it is time to. named: how many of the fullest workspaces have series of their own.
 * A failure is told in the log, once: whoever serves requests does not depend on it. */
void sight_look(struct sight *s, struct db *db, int named);
/* What was found, as metrics. */
void sight_show_seats(const struct sight_seats *seats);

#endif
