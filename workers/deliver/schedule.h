/* When an endpoint that has failed is tried again. */
#ifndef USHER_WORKERS_DELIVER_SCHEDULE_H
#define USHER_WORKERS_DELIVER_SCHEDULE_H

#include "ops/runtime/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCHEDULE_MAX 32
#define SCHEDULE_SLOW_S 30               /* an endpoint that asks for less is left alone at least so long */
#define SCHEDULE_RETRY_AFTER_MAX_S 86400 /* an endpoint that asks for more is not believed */

struct schedule {
    int64_t seconds[SCHEDULE_MAX];
    size_t n;
};
/* "5,300,1800": at least one, each from 0 to a year. */
USHER_MUST_CHECK bool schedule_parse(const char *text, struct schedule *out);
/* Microseconds to wait after the `failures`-th failure in a row (from 1). status: of the answer; 429, 502 and
 * 504 ask us to slow down. retry_after_s: what it asks for, -1: nothing; that is kept to. random: any number,
 * of which the jitter is made: a tenth less to a tenth more. */
int64_t schedule_wait_us(const struct schedule *s, int64_t failures, int status, int64_t retry_after_s,
                         uint32_t random);

#endif
