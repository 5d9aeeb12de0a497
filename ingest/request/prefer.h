/* The Prefer header (RFC 7240, rules Q1 to Q3). Pure functions. */
#ifndef USHER_INGEST_REQUEST_PREFER_H
#define USHER_INGEST_REQUEST_PREFER_H

#include <stdbool.h>

enum prefer_return { PREFER_ANY, PREFER_MINIMAL, PREFER_REPRESENTATION };

struct prefer {
    bool respond_async;
    int wait_s; /* at most 3600; -1 = not said */
    enum prefer_return returned;
};

/* text: the field value; several lines are joined by commas; NULL = none. Unknown preferences, unknown values
 * and unreadable text are ignored. If a preference comes twice, the first one counts. */
void prefer_parse(const char *text, struct prefer *out);

#endif
