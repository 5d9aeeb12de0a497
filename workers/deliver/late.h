/* Endpoints that are so far behind that the log may soon forget what they still are to get: one line in the
 * log when that begins, and a metric. */
#ifndef USHER_WORKERS_DELIVER_LATE_H
#define USHER_WORKERS_DELIVER_LATE_H

#include "ops/runtime/err.h"
#include "sql/ask/delivery.h"

#define LATE_TOLD 100 /* of more the number alone is told */

struct late {
    struct delivery_late told[LATE_TOLD]; /* at the last look */
    size_t n;
};
/* keep: days that messages are kept. */
enum err_code late_look(struct late *l, struct db *db, int keep, struct err *err);

#endif
