/* Time. Wall time is microseconds since the Unix epoch, UTC; spans are measured on the monotonic clock. */
#ifndef USHER_RUNTIME_CLOCK_H
#define USHER_RUNTIME_CLOCK_H

#include "ops/runtime/err.h"

#include <stdbool.h>
#include <stdint.h>

#define RFC3339_SIZE 32

int64_t clock_wall_us(void);
int64_t clock_mono_us(void);
/* "2026-11-22T10:15:30.123456Z"; out has at least RFC3339_SIZE bytes; returns out. */
char *rfc3339_us(int64_t wall_us, char *out);
/* Parses xsd:dateTime / RFC 3339 with date and time (seconds may have any number of fraction digits; zone
 * "Z", "+hh:mm" or none = UTC). False if it is not one. */
USHER_MUST_CHECK bool rfc3339_parse(const char *s, int64_t *wall_us);

#endif
